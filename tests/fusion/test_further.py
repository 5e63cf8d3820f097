"""Which sounds and videos join texts and photos, and what `aligned` makes of those that do."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.errors import InputError
from mmsearch.fusion import further
from mmsearch.fusion.aligned import Aligned
from mmsearch.fusion.base import Batch, FitReport, Side, unit_rows
from mmsearch.fusion.further import reciprocal_ranks, which_join
from mmsearch.fusion.pairs import Pairs
from mmsearch.fusion.refinement import refined

DIMS = {"text": 30, "image": 50, "audio": 20, "video": 25}
LATENT = 8


class World:
    """Products are points of a latent space; every modality is a noisy linear view of it."""

    def __init__(self, seed: int = 0, noise: float = 0.1):
        self.rng, self.noise = np.random.default_rng(seed), noise
        self.to = {m: self.rng.normal(size=(LATENT, dim)) for m, dim in DIMS.items()}

    def batch(self, n: int, **share: float) -> Batch:
        """n products; each has a modality that is named with the probability given."""
        Z = self.rng.normal(size=(n, LATENT))
        present = {m: self.rng.random(n) < p for m, p in share.items()}
        vectors = {m: unit_rows(Z @ self.to[m] + self.noise * self.rng.normal(size=(n, DIMS[m]))) for m in share}
        return Batch({m: X * present[m][:, None] for m, X in vectors.items()}, present)


def noise(batch: Batch, modality: str = "audio", seed: int = 5) -> Batch:
    """The same, with vectors of a modality that have nothing to do with the product."""
    here = batch.present[modality][:, None]
    X = unit_rows(np.random.default_rng(seed).normal(size=batch.vectors[modality].shape))
    return Batch({**batch.vectors, modality: X * here}, batch.present)


def fit(batch: Batch, **params: Any) -> tuple[Aligned, FitReport]:
    fuser = Aligned(**params)
    return fuser, fuser.fit(batch, {}, 0)


def finds(fuser: Aligned, batch: Batch, one: str, other: str) -> float:
    """How often an item of the first modality finds its own product's of the other."""
    similarity = fuser.query(one, Side(batch.vectors[one])) @ fuser.project(other, Side(batch.vectors[other])).T
    return float((similarity.argmax(axis=1) == np.arange(len(batch))).mean())


def test_sounds_join_and_every_modality_finds_every_other() -> None:
    world = World()
    fuser, report = fit(world.batch(400, text=0.9, image=0.9, audio=0.5))
    assert fuser.modalities() == ["text", "image", "audio"]
    assert fuser.compares("audio", "text") and fuser.compares("image", "audio") and not fuser.compares("audio", "video")
    assert "audio joins: held-out sounds find their text or photo with RR" in report.summary and "\n" not in report.summary
    assert report.scores["further"]["joined"] == ["audio"]
    unseen = world.batch(100, text=1, image=1, audio=1)
    for one in fuser.modalities():
        for other in fuser.modalities():
            assert one == other or finds(fuser, unseen, one, other) > 0.7, f"{one} > {other}"


def test_sounds_and_videos_may_both_join() -> None:
    fuser, report = fit(World().batch(300, text=1, image=0.9, audio=0.4, video=0.4))
    assert fuser.modalities() == ["text", "image", "audio", "video"]
    assert report.scores["further"]["joined"] == ["audio", "video"]


@pytest.mark.parametrize("photos", [0.9, 0.0])
def test_a_refit_leaves_in_the_space_what_had_joined(photos: float, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    batch, others = (world.batch(n, text=0.9, image=photos, audio=0.5) for n in (400, 200))
    fuser, _ = fit(batch)
    expected, _ = fit(others)
    monkeypatch.delattr(further, "_found")  # which tells whether one joins
    again = Aligned()
    again.load_state(*fuser.state())
    again.refit(others, {}, 0)
    assert again.modalities() == fuser.modalities() and "audio" in again.modalities()
    np.testing.assert_allclose(again.items(others), expected.items(others), atol=1e-5)


def test_noise_stays_out_and_changes_nothing() -> None:
    batch = noise(World().batch(300, text=1, image=1, audio=1))
    fuser, report = fit(batch)
    plain, _ = fit(Batch({m: batch.vectors[m] for m in ("text", "image")}, {m: batch.present[m] for m in ("text", "image")}))
    assert fuser.modalities() == ["text", "image"]
    assert "audio stays out: held-out sounds find" in report.summary and report.scores["further"]["joined"] == []
    np.testing.assert_array_equal(fuser.items(batch), plain.items(batch))
    with pytest.raises(KeyError):
        fuser.project("audio", batch.side("audio", np.array([0])))


def test_noise_seldom_joins() -> None:
    joined = 0
    for seed in range(30):
        batch = noise(World(seed).batch(60, text=1, audio=1), seed=seed)
        joined += len(which_join(batch, {}, {}, 20, seed).joined)
    assert joined <= 3


def test_too_few_sounds_stay_out() -> None:
    batch = World().batch(100, text=1, image=1, audio=1)
    present = {**batch.present, "audio": np.arange(100) < 19}
    fuser, report = fit(Batch({**batch.vectors, "audio": batch.vectors["audio"] * present["audio"][:, None]}, present))
    assert fuser.modalities() == ["text", "image"]
    assert "audio stays out: only 19 products have a sound together with a text or a photo, and 20 are needed" in report.summary


def test_sounds_of_products_with_neither_text_nor_photo_are_mapped_but_not_learned_from() -> None:
    world = World()
    batch = world.batch(300, text=1, image=1, audio=1)
    present = {"text": np.arange(300) < 250, "image": np.arange(300) < 250, "audio": np.arange(300) >= 150}
    fuser, _ = fit(Batch({m: X * present[m][:, None] for m, X in batch.vectors.items()}, present))
    fewer, _ = fit(Batch({m: X[:250] * present[m][:250, None] for m, X in batch.vectors.items()}, {m: p[:250] for m, p in present.items()}))
    alone = batch.side("audio", np.arange(250, 300))
    np.testing.assert_allclose(fuser.query("audio", alone), fewer.query("audio", alone), atol=1e-5)


def test_a_product_is_the_weighted_mean_of_what_it_has() -> None:
    world = World()
    batch = world.batch(200, text=1, image=1, audio=0.6)
    fuser, _ = fit(batch, audio=0.5, image=2.0)
    has = np.flatnonzero(batch.present["audio"])
    parts = {m: fuser.project(m, batch.side(m, has)) for m in fuser.modalities()}
    np.testing.assert_allclose(fuser.items(batch)[has], unit_rows(parts["text"] + 2 * parts["image"] + 0.5 * parts["audio"]), atol=1e-5)


def test_a_weight_of_0_leaves_sounds_out_of_the_space() -> None:
    batch = World().batch(200, text=1, image=1, audio=1)
    fuser, report = fit(batch, audio=0)
    assert fuser.modalities() == ["text", "image"] and "audio" not in report.summary


def test_it_comes_back_from_its_state() -> None:
    batch = World().batch(150, text=1, image=1, audio=0.5)
    fuser, _ = fit(batch, landmarks=30)
    again = Aligned()
    again.load_state(*fuser.state())
    assert again.modalities() == fuser.modalities() and again.dim == fuser.dim
    np.testing.assert_array_equal(again.items(batch), fuser.items(batch))


@pytest.mark.parametrize("alone", ["text", "image"])
def test_without_photos_or_without_texts_sounds_are_aligned_with_what_there_is(alone: str) -> None:
    world = World()
    fuser, report = fit(world.batch(300, **{alone: 1, "audio": 0.9}))
    assert fuser.modalities() == [alone, "audio"]
    assert "audio joins" in report.summary and report.scores["method"] == "gcca"
    unseen = world.batch(100, **{alone: 1, "audio": 1})
    assert finds(fuser, unseen, "audio", alone) > 0.7 and finds(fuser, unseen, alone, "audio") > 0.7
    assert not fuser.compares("text", "image")


def test_without_photos_and_with_mere_noise_there_is_nothing_to_align() -> None:
    with pytest.raises(InputError, match="no product has a vector of photos; audio stays out: held-out sounds"):
        fit(noise(World().batch(100, text=1, audio=1)))


class Frames(Encoder):
    modality: ClassVar[str] = "video"
    dim = DIMS["video"]

    def __init__(self, space: str):
        self.space = space

    def fingerprint(self) -> str:
        return self.space

    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        raise NotImplementedError


@pytest.mark.parametrize(("space", "joined"), [("photos", []), ("clips", ["video"])])
def test_videos_in_the_space_of_photos_need_no_map(space: str, joined: list[str]) -> None:
    batch = World().batch(200, text=1, image=1, video=1)
    encoders: dict[str, Encoder] = {"image": Frames("photos"), "video": Frames(space)}
    assert which_join(batch, encoders, {}, 20, 0).joined == joined


@given(n=st.integers(2, 12), right=st.integers(1, 6), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_chance_is_the_mean_over_random_orders(n: int, right: int, seed: int) -> None:
    same = np.zeros((n, n), bool)
    same[:, : min(right, n)] = True
    rng = np.random.default_rng(seed)
    drawn = [reciprocal_ranks(rng.random((n, n)).astype(np.float32), same) for _ in range(300)]
    found, chance = np.mean([d[0] for d in drawn]), drawn[0][1]
    assert np.ptp(chance) == 0
    assert found == pytest.approx(chance[0], abs=5 / np.sqrt(300 * n))


def test_ties_count_against() -> None:
    reciprocal, _ = reciprocal_ranks(np.ones((4, 4), np.float32), np.eye(4, dtype=bool))
    np.testing.assert_allclose(reciprocal, 1 / 4)


def test_heads_that_refine_texts_and_photos_leave_sounds_where_they_are() -> None:
    """Cosines of sounds with texts shrink by one factor, that of the heads' share; their order stays."""
    world = World()
    batch = world.batch(120, text=1, image=1, audio=1)
    fuser, _ = fit(batch, landmarks=30, hubness=0)
    space, everything = fuser._space, np.arange(120)
    pairs = Pairs(batch.side("text", everything), batch.side("image", everything))
    refinement = refined("linear", 0.36, 1, space.seen(pairs), dim=4)
    assert refinement is not None
    better = dataclasses.replace(space, refinement=refinement)
    assert better.dim == space.dim + 4
    sounds, words = batch.side("audio", everything), batch.side("text", everything)
    before, after = (one.queries("audio", sounds) @ one.products("text", words).T for one in (space, better))
    np.testing.assert_allclose(after, 0.8 * before, atol=1e-5)
