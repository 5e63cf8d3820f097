"""Learned alignment: what it recovers, when ConSE stands in, and data that degenerate."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from mmsearch.encoders import ENCODERS as REGISTRY
from mmsearch.encoders.base import Classes, Encoder, Matrix
from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import FUSERS, aligned_report
from mmsearch.fusion.aligned import Aligned
from mmsearch.fusion.base import Batch, FitReport, Side
from mmsearch.fusion.conse import Conse
from mmsearch.fusion.shared_space import pair_recall

LATENT, TEXT, IMAGE = 8, 30, 50


def unit(X: np.ndarray) -> Matrix:
    return np.asarray(X / np.linalg.norm(X, axis=1, keepdims=True), np.float32)


class World:
    """Products are points of a latent space; titles and photos are two noisy linear views of it."""

    def __init__(self, seed: int = 0, noise: float = 0.1):
        self.rng, self.noise = np.random.default_rng(seed), noise
        self.to_text, self.to_image = self.rng.normal(size=(LATENT, TEXT)), self.rng.normal(size=(LATENT, IMAGE))

    def text(self, Z: np.ndarray) -> Matrix:
        return unit(Z @ self.to_text + self.noise * self.rng.normal(size=(len(Z), TEXT)))

    def image(self, Z: np.ndarray) -> Matrix:
        return unit(Z @ self.to_image + self.noise * self.rng.normal(size=(len(Z), IMAGE)))

    def batch(self, n: int) -> Batch:
        Z = self.rng.normal(size=(n, LATENT))
        return Batch({"text": self.text(Z), "image": self.image(Z)}, dict.fromkeys(("text", "image"), np.ones(n, bool)))

    def encoders(self) -> dict[str, Encoder]:
        """A text encoder that reads the names of 40 latent points, and a classifier that tells them apart."""
        points = self.rng.normal(size=(40, LATENT))
        names = self.text(points)
        photos = unit(points @ self.to_image)

        class Names(Encoder):
            modality: ClassVar[str] = "text"
            dim = TEXT
            space = "names"

            def fingerprint(self) -> str:
                return "names"

            def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
                return names[[int(item) for item in prepared]]

        class Photos(Encoder):
            modality: ClassVar[str] = "image"
            dim = IMAGE
            space = "photos"

            def fingerprint(self) -> str:
                return "photos"

            def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
                return np.array(prepared, np.float32)

            def classes(self) -> Classes:
                return Classes([str(i) for i in range(40)], photos, np.zeros(40, np.float32), 10.0)

        return {"text": Names(), "image": Photos()}


def recall(fuser: Aligned | Conse, batch: Batch) -> float:
    """R@1, mean of both directions."""
    projected = fuser.project("text", Side(batch.vectors["text"])), fuser.project("image", Side(batch.vectors["image"]))
    found = pair_recall(*projected, np.eye(len(batch), dtype=bool))
    return (found["text>image"]["R@1"] + found["image>text"]["R@1"]) / 2


def fit(batch: Batch, encoders: dict[str, Encoder] | None = None, **params: Any) -> tuple[Aligned, FitReport]:
    fuser = Aligned(**params)
    return fuser, fuser.fit(batch, encoders or {}, 0)


@pytest.mark.parametrize("landmarks", [0, 100, 1500])
def test_a_shared_latent_factor_is_recovered(landmarks: int) -> None:
    world = World()
    fuser, report = fit(world.batch(600), landmarks=landmarks)
    assert recall(fuser, world.batch(200)) > 0.95
    assert report.scores["method"] == "cca" and report.scores["pairs"] == 600
    assert report.scores["recall"]["text>image"]["R@1"] > 0.95 and "before" not in report.scores


def test_the_held_out_recall_foretells_that_of_unseen_pairs() -> None:
    claimed, found = [], []
    for seed in range(4):
        world = World(seed, noise=3.0)
        fuser, report = fit(world.batch(600))
        claimed += [way["R@1"] for way in report.scores["recall"].values()]
        assert all(f"R@1 {way['R@1']:.3f}, R@10 {way['R@10']:.3f}" in report.summary for way in report.scores["recall"].values())
        found += [recall(fuser, world.batch(report.scores["held_out"])) for _ in range(5)]
    assert 0.3 < np.mean(found) < 0.7
    assert np.mean(claimed) == pytest.approx(np.mean(found), abs=0.06)


def test_products_without_a_photo_or_a_title_take_no_part_but_have_vectors() -> None:
    world = World()
    batch = world.batch(300)
    present = {"text": np.arange(300) < 250, "image": np.arange(300) >= 50}
    vectors = {m: batch.vectors[m] * present[m][:, None] for m in present}
    fuser, report = fit(Batch(vectors, present))
    assert report.scores["pairs"] == 200
    alone, _ = fit(batch.take(np.arange(50, 250)))
    np.testing.assert_allclose(fuser.items(batch), alone.items(batch), atol=1e-5)


def test_a_products_evidence_is_comparable_whatever_it_has() -> None:
    """No modality gap: a text meets unrelated products of either kind with the same similarity on average."""
    world = World()
    fuser, _ = fit(world.batch(500), hubness=0)
    batch = world.batch(300)
    queries = fuser.query("text", Side(world.batch(100).vectors["text"]))
    means = [(queries @ fuser.project(m, Side(batch.vectors[m])).T).mean() for m in ("text", "image")]
    assert means == pytest.approx([0, 0], abs=0.03)


def test_few_pairs_mix_with_conse_and_beat_both() -> None:
    worlds = [World(seed, noise=0.5) for seed in range(5)]
    found = []
    for world in worlds:
        encoders, few, unseen = world.encoders(), world.batch(25), world.batch(200)
        mixed, report = fit(few, encoders, hubness=0)
        assert report.scores["method"] == "cca+conse"
        assert report.scores["conse_share"] == pytest.approx(40 / 65)
        pure, conse = fit(few, encoders, prior=0, hubness=0)[0], Conse()
        conse.fit(few, encoders, 0)
        found.append([recall(fuser, unseen) for fuser in (mixed, pure, conse)])
    mixed_recall, pure_recall, conse_recall = np.mean(found, axis=0)
    assert mixed_recall > max(pure_recall, conse_recall)


def test_conse_fades_as_pairs_come_in() -> None:
    world = World()
    encoders = world.encoders()
    shares = [fit(world.batch(n), encoders)[1].scores["conse_share"] for n in (40, 160, 900)]
    assert shares == [0.5, 0.2, 0.0]


def test_below_min_pairs_conse_stands_alone_and_the_report_says_so() -> None:
    world = World()
    encoders, batch = world.encoders(), world.batch(19)
    fuser, report = fit(batch, encoders)
    assert "ConSE" in report.summary and "only 19 products have both" in report.summary
    assert report.scores == {"method": "conse", "pairs": 19}
    conse = Conse()
    conse.fit(batch, encoders, 0)
    np.testing.assert_allclose(fuser.items(batch), conse.items(batch), atol=1e-5)


def test_without_classes_twenty_pairs_are_learned_from_and_fewer_are_not() -> None:
    world = World()
    fuser, report = fit(world.batch(20), min_pairs=200)
    assert report.scores["method"] == "cca" and recall(fuser, world.batch(50)) > 0.2
    with pytest.raises(InputError, match=r"only 19 products have both a title and a photo.*names classes"):
        fit(world.batch(19))


def test_never_worse_than_conse() -> None:
    """One direction cannot tell many products apart; held-out pairs say that ConSE can."""
    world = World()
    encoders, batch, unseen = world.encoders(), world.batch(400), world.batch(200)
    fuser, report = fit(batch, encoders, dim=1, prior=0)
    assert report.scores["method"] == "conse" and report.scores["conse_share"] == 1
    assert "ConSE, because what 400 pairs of title and photo teach is worse" in report.summary
    conse = Conse()
    conse.fit(batch, encoders, 0)
    np.testing.assert_allclose(fuser.items(unseen), conse.items(unseen), atol=1e-5)
    learned, _ = fit(batch, dim=1)
    assert recall(fuser, unseen) > recall(learned, unseen)


@pytest.mark.parametrize("params", [{}, {"dim": 1, "prior": 0}], ids=["mixed", "ConSE alone"])
def test_a_refit_measures_nothing_and_stands_by_what_was_chosen(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    encoders, batch, others = world.encoders(), world.batch(400), world.batch(300)
    fuser, report = fit(batch, encoders, **params)
    expected, told = fit(others, encoders, **params)
    again = Aligned(**params)
    again.load_state(*fuser.state())
    monkeypatch.delattr(aligned_report, "pair_recall")
    again.refit(others, encoders, 0)
    assert report.scores["method"] == told.scores["method"]
    np.testing.assert_allclose(again.items(others), expected.items(others), atol=1e-5)
    again.refit(world.batch(19), encoders, 0)  # too few pairs to learn from
    assert not again.state()[1]["maps"]


@pytest.mark.parametrize("missing", ["text", "image"])
def test_one_modality_only_names_what_is_missing(missing: str) -> None:
    world = World()
    batch = world.batch(50)
    kept = {"text": "image", "image": "text"}[missing]
    word = {"text": "texts", "image": "photos"}[missing]
    nobody = {**batch.present, missing: np.zeros(50, bool)}
    for lacking in (Batch({kept: batch.vectors[kept]}, {kept: batch.present[kept]}), Batch(batch.vectors, nobody)):
        with pytest.raises(InputError, match=f"no product has a vector of {word}"):
            fit(lacking, world.encoders())


def test_titles_and_photos_on_different_products() -> None:
    world = World()
    batch = world.batch(50)
    apart = Batch(batch.vectors, {"text": np.arange(50) < 25, "image": np.arange(50) >= 25})
    with pytest.raises(InputError, match="only 0 products have both"):
        fit(apart)
    assert fit(apart, world.encoders())[1].scores == {"method": "conse", "pairs": 0}


def test_constant_titles() -> None:
    world = World()
    batch = world.batch(60)
    same = Batch({**batch.vectors, "text": np.repeat(batch.vectors["text"][:1], 60, axis=0)}, batch.present)
    with pytest.raises(InputError, match="all titles or all photos of the catalogue are alike"):
        fit(same)
    fuser, report = fit(same, world.encoders())
    assert "alike" in report.summary and np.isfinite(fuser.items(same)).all()


def test_one_title_on_most_products() -> None:
    world = World()
    batch = world.batch(120)
    texts = batch.vectors["text"].copy()
    texts[:90] = texts[0]
    fuser, report = fit(Batch({**batch.vectors, "text": texts}, batch.present))
    items = fuser.items(Batch({**batch.vectors, "text": texts}, batch.present))
    assert np.isfinite(items).all()
    np.testing.assert_allclose(np.linalg.norm(items, axis=1), 1, atol=1e-5)
    assert report.scores["recall"]["text>image"]["R@1"] > 0.5  # any product of that title is a right answer


@pytest.mark.parametrize("n", [20, 21, 29])
def test_fewer_pairs_than_dimensions(n: int) -> None:
    world = World()
    batch = world.batch(n)
    fuser, report = fit(batch)
    assert np.isfinite(fuser.items(batch)).all() and fuser.dim <= n + 2
    assert report.scores["held_out"] == n // 2 and report.scores["splits"] == 10


def test_the_number_of_directions_is_bounded() -> None:
    world = World()
    batch = world.batch(900)
    fuser, _ = fit(batch, dim=5)
    assert fuser.dim == 5 + 2 and fuser.items(batch).shape == (900, 5 + 2)


def test_the_state_holds_float32_of_what_a_query_needs() -> None:
    world = World()
    encoders, batch = world.encoders(), world.batch(60)
    fuser, _ = fit(batch, encoders, landmarks=10)
    arrays, values = fuser.state()
    assert {a.dtype for a in arrays.values()} == {np.dtype(np.float32)}
    # The catalogue itself is not kept but for the pairs that stand for what is asked.
    assert {name for name, a in arrays.items() if len(a) == 60} == {"hubness.text", "hubness.image"}
    again = Aligned()
    again.load_state(arrays, values)
    for modality, X in batch.vectors.items():
        np.testing.assert_array_equal(again.project(modality, Side(X)), fuser.project(modality, Side(X)))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("aligned(dim=0)", "dim must be at least 1"),
        ("aligned(landmarks=-1)", "landmarks must be at least 0"),
        ("aligned(reg=0)", "reg must be at least 1e-06"),
        ("aligned(power=-1)", "power must be at least 0"),
        ("aligned(prior=-1)", "prior must be at least 0"),
        ("aligned(min_pairs=1)", "min_pairs must be at least 2"),
        ("aligned(image=-.5)", "weight of image"),
    ],
)
def test_bad_parameters(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        FUSERS.create(spec)


@pytest.mark.models
@pytest.mark.data
def test_eighty_one_real_products_already_beat_conse(data: Path) -> None:
    with (data / "grocery" / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    encoders = {m: REGISTRY.create(name) for m, name in (("text", "usem"), ("image", "efficientnet"))}
    texts = encoders["text"].encode([row["title"] for row in rows]).vectors
    photos = encoders["image"].encode([data / "grocery" / row["image"] for row in rows]).vectors
    batch = Batch({"text": texts, "image": photos}, dict.fromkeys(("text", "image"), np.ones(len(rows), bool)))
    _, report = fit(batch, encoders)
    after, before = (report.scores[key]["text>image"]["R@1"] for key in ("recall", "before"))
    assert after > before + 0.15 and before > 2 * report.scores["chance"]["R@1"]
