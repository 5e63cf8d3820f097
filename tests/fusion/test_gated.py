"""Gated fusion on catalogues whose right answer is known: what says nothing is not heard, and what lacks something lies where it should."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_shop
from product_shelf import bring, new_store, product
from safetensors import numpy as safe
from small_shop import write_csv

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import FUSERS, gated_training
from mmsearch.fusion import gated as module
from mmsearch.fusion.base import Batch, FitReport, Matrix, Side
from mmsearch.fusion.gated import Gated
from mmsearch.fusion.gated_network import contrast
from mmsearch.shop import Shop
from mmsearch.store import Store

N, KINDS, DIM = 240, 8, 24
KIND = np.arange(N) % KINDS
IDS = [f"p{i}" for i in range(N)]


def unit(X: np.ndarray) -> Matrix:
    return np.asarray(X / np.linalg.norm(X, axis=1, keepdims=True), np.float32)


def views(labels: np.ndarray, seed: int, noise: float) -> Matrix:
    """A vector for each label, under noise of so many times its length."""
    rng = np.random.default_rng(seed)
    return unit(unit(rng.normal(size=(labels.max() + 1, DIM)))[labels] + noise * unit(rng.normal(size=(len(labels), DIM))))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The kind of a product is its category; shoppers keep to products of one `N // KINDS` neighbours in the list."""
    folder = tmp_path_factory.mktemp("store")
    made = new_store(folder / "store")
    bring(made, [product(id, {"title": id, "category": f"things > kind {kind}"}) for id, kind in zip(IDS, KIND, strict=True)])
    events = [
        {"user": f"u{team}-{copy}", "product": IDS[i], "event": "buy", "time": int(order)}
        for team in range(KINDS)
        for copy in range(6)
        for order, i in enumerate(np.random.default_rng(copy).permutation(N // KINDS) + team * (N // KINDS))
    ]
    Shop(made.path).ingest(write_csv(folder / "events.csv", ("user", "product", "event", "time"), events))
    return Store(made.path)


TEAM = np.arange(N) // (N // KINDS)


def batch_of(store: Store | None, **vectors: Matrix) -> Batch:
    return Batch(vectors, dict.fromkeys(vectors, np.ones(N, bool)), {}, IDS, store)


def without(batch: Batch, modality: str, rows: np.ndarray) -> Batch:
    vectors, present = dict(batch.vectors), dict(batch.present)
    vectors[modality], present[modality] = vectors[modality].copy(), present[modality].copy()
    vectors[modality][rows], present[modality][rows] = 0, False
    return dataclasses.replace(batch, vectors=vectors, present=present)


def fit(batch: Batch, seed: int = 0, **params: Any) -> tuple[Gated, FitReport]:
    fuser = Gated(**{"supervision": "category", "dim": 32, **params})
    return fuser, fuser.fit(batch, {}, seed)


def precision(items: Matrix, labels: np.ndarray, asked: np.ndarray | None = None) -> float:
    """P@10 of products of the same label."""
    similarity = items @ items.T
    np.fill_diagonal(similarity, -np.inf)
    best = np.argsort(-similarity, axis=1)[:, :10]
    right = labels[best] == labels[:, None]
    return float(right[slice(None) if asked is None else asked].mean())


def test_a_modality_of_noise_is_not_heard(store: Store) -> None:
    text = views(KIND, 1, noise=1.2)
    noise = unit(np.random.default_rng(2).normal(size=(N, DIM)))
    batch = batch_of(store, text=text, image=noise)
    fuser, report = fit(batch)
    assert report.scores["gate"]["image"] < 0.25
    assert report.scores["gate"]["text"] + report.scores["gate"]["image"] == pytest.approx(1, abs=1e-5)
    assert report.scores["ndcg"]["all"] > report.scores["before"] + 0.1
    alone, _ = fit(batch_of(store, text=text))
    assert precision(fuser.items(batch), KIND) > precision(alone.items(batch), KIND) - 0.05


def test_which_modality_is_noise_makes_no_difference(store: Store) -> None:
    noise = unit(np.random.default_rng(2).normal(size=(N, DIM)))
    _, report = fit(batch_of(store, text=noise, image=views(KIND, 1, noise=1.2)))
    assert report.scores["gate"]["text"] < 0.25


def test_the_gate_hears_each_product_by_itself(store: Store) -> None:
    """Every second title is a placeholder: the same words, which say nothing; those titles weigh less than the others."""
    text, image = views(KIND, 1, noise=0.8), views(KIND, 2, noise=0.8)
    empty = np.arange(N) // KINDS % 2 == 0
    rng = np.random.default_rng(3)
    text[empty] = unit(unit(rng.normal(size=(1, DIM))) + 0.3 * unit(rng.normal(size=(int(empty.sum()), DIM))))
    batch = batch_of(store, text=text, image=image)
    fuser, _ = fit(batch, rate=0.003)
    loud = fuser._towers["text"].loudness(text) - fuser._towers["image"].loudness(image)
    assert loud[empty].mean() < loud[~empty].mean() - 1


def test_what_tells_products_of_a_kind_apart_is_kept_where_half_of_them_lack_a_photo(store: Store) -> None:
    """Products have a shade beside their kind, of which categories say nothing. That a product is itself does."""
    shade = np.arange(N) // KINDS % 3
    both = [unit(views(KIND, seed, noise=0.5) + views(shade, seed + 10, noise=0.5)) for seed in (1, 2)]
    lacking = np.flatnonzero(np.random.default_rng(0).random(N) < 0.5)
    batch = without(batch_of(store, text=both[0], image=both[1]), "image", lacking)
    kept, lost = (precision(fit(batch, own=own, rate=0.01)[0].items(batch), KIND * 3 + shade) for own in (0.3, 0))
    assert kept > lost + 0.1


def test_any_subset_works(store: Store) -> None:
    full = batch_of(store, text=views(KIND, 1, noise=1.2), image=views(KIND, 2, noise=1.2))
    rng = np.random.default_rng(0)
    photoless, textless = np.flatnonzero(rng.random(N) < 0.4), np.flatnonzero(rng.random(N) < 0.4)
    textless = np.setdiff1d(textless, photoless)
    batch = without(without(full, "image", photoless), "text", textless)
    fuser, report = fit(batch)
    items = fuser.items(batch)
    np.testing.assert_allclose(np.linalg.norm(items, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(items[photoless], fuser.project("text", batch.side("text", photoless)), atol=1e-5)
    for some in (photoless, textless):  # they find products of any make: a common space, not one a modality
        assert precision(items, KIND, some) > 0.7
    assert report.scores["itself"].keys() == {"text>image", "image>text"}
    # Whoever lacks the photo is neither favoured nor punished: among products of the kind there are as many as everywhere.
    similarity = items @ items.T
    similarity[KIND[:, None] != KIND[None, :]] = -np.inf
    np.fill_diagonal(similarity, -np.inf)
    best = np.argsort(-similarity, axis=1)[:, :5]
    assert np.isin(best, photoless).mean() == pytest.approx(len(photoless) / N, abs=0.12)


def test_it_learns_what_it_is_told_to(store: Store) -> None:
    """Texts tell the kind and the team alike; the supervision decides which of the two brings products together."""
    text = unit(views(KIND, 1, noise=0.5) + views(TEAM, 2, noise=0.5))
    batch = batch_of(store, text=text)
    by = {kind: fit(batch, supervision=kind)[0].items(batch) for kind in ("category", "together")}
    assert precision(by["category"], KIND) > precision(text, KIND) + 0.1 and precision(by["together"], TEAM) > precision(text, TEAM) + 0.1
    assert precision(by["category"], KIND) > precision(by["together"], KIND) + 0.2
    assert precision(by["together"], TEAM) > precision(by["category"], TEAM) + 0.2
    _, report = fit(batch, supervision="auto")
    assert report.scores["supervision"] == "together" and "the same people took" in report.summary


def test_what_is_held_out_is_not_learned_from(store: Store) -> None:
    """Labels that nothing foretells: a method that measured on what it learned from would look good."""
    batch = batch_of(store, text=unit(np.random.default_rng(5).normal(size=(N, DIM))))
    fuser, report = fit(batch)
    assert report.scores["ndcg"]["all"] < 0.3
    held = fuser.held_out()
    assert held is not None and len(held) == 24 and report.scores["held_out"] == 12


def test_seeds(store: Store) -> None:
    batch = batch_of(store, text=views(KIND, 1, noise=1.2), image=views(KIND, 2, noise=1.2))
    (one, first), (again, second), (other, _) = fit(batch, 3), fit(batch, 3), fit(batch, 4)
    assert first == second
    np.testing.assert_array_equal(one.items(batch), again.items(batch))
    assert np.abs(one.items(batch) - other.items(batch)).max() > 0.01


def test_its_state_knows_what_compares(store: Store) -> None:
    """Sounds that no product with a photo has: both are heard, but how they go together was never seen."""
    everything = batch_of(store, text=views(KIND, 1, 1), image=views(KIND, 2, 1), audio=views(KIND, 3, 1))
    batch = without(without(everything, "image", np.arange(0, N, 2)), "audio", np.arange(1, N, 2))
    fuser, _ = fit(batch, rounds=2)
    arrays, values = fuser.state()
    again = Gated()
    again.load_state(safe.load(safe.save({k: np.ascontiguousarray(a) for k, a in arrays.items()})), json.loads(json.dumps(values)))
    for known in (fuser, again):
        assert known.modalities() == ["text", "image", "audio"]
        assert known.compares("text", "image") and known.compares("audio", "text") and known.compares("audio", "audio")
        assert not known.compares("image", "audio") and not known.compares("audio", "image") and not known.compares("video", "video")
    np.testing.assert_array_equal(again.items(batch), fuser.items(batch))


def test_one_modality_has_nothing_to_choose(store: Store) -> None:
    fuser, report = fit(batch_of(store, image=views(KIND, 1, noise=1.2)))
    assert fuser.modalities() == ["image"] and "the gate has nothing to choose" in report.summary
    assert report.scores["ndcg"]["all"] > report.scores["before"]


def test_what_does_not_vary_or_is_rare_is_left_out(store: Store) -> None:
    same = np.tile(unit(np.ones((1, DIM))), (N, 1))
    batch = without(batch_of(store, text=views(KIND, 1, 1), image=same, audio=views(KIND, 2, 1)), "audio", np.arange(9, N))
    fuser, report = fit(batch, rounds=2)
    assert fuser.modalities() == ["text"]
    assert "image is left out: its vectors are all alike" in report.summary
    assert "audio is left out: 9 products have it, and 10 are needed" in report.summary
    with pytest.raises(InputError, match="image is left out: its vectors are all alike") as raised:
        fit(batch_of(store, image=same))
    assert "mmsearch fuse --method concat" in str(raised.value.hint)


@pytest.mark.parametrize("rate", [1e4, 1e6, 1e10])
def test_a_rate_far_too_high_keeps_the_best_round(store: Store, rate: float, recwarn: pytest.WarningsRecorder) -> None:
    batch = batch_of(store, text=views(KIND, 1, 1), image=views(KIND, 2, 1))
    fuser, report = fit(batch, rate=rate)
    assert report.scores["ended"] in ("settled", "not finite") and np.isfinite(report.scores["ndcg"]["all"])
    np.testing.assert_allclose(np.linalg.norm(fuser.items(batch), axis=1), 1, atol=1e-5)
    assert not recwarn.list


@pytest.mark.parametrize("rate", [1e20, 1e38, 1e300])
def test_values_that_overflow_stop_it(store: Store, rate: float, recwarn: pytest.WarningsRecorder) -> None:
    batch = batch_of(store, text=views(KIND, 1, 1), image=views(KIND, 2, 1))
    fuser, report = fit(batch, rate=rate)
    assert report.scores["round"] == 0 and np.isfinite(report.scores["ndcg"]["all"]) and not recwarn.list
    assert report.scores["ended"] == "not finite" and "learning broke off" in report.summary and "lower the rate" in report.summary
    np.testing.assert_allclose(np.linalg.norm(fuser.items(batch), axis=1), 1, atol=1e-5)


def test_a_loss_that_is_no_number_keeps_the_last_good_round(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of(store, text=views(KIND, 1, noise=1.2), image=views(KIND, 2, noise=1.2))
    whole, _ = fit(batch, rounds=3)
    steps = 0

    def broken(*given: Any) -> tuple[float, Matrix, Matrix, float]:
        nonlocal steps
        steps += 1
        loss, *gradients = contrast(*given)
        return (float("nan") if steps == 3 * 10 + 1 else loss), *gradients

    monkeypatch.setattr(gated_training, "contrast", broken)
    fuser, report = fit(batch)
    assert steps == 31 and report.scores["ended"] == "not finite" and report.scores["round"] == 3
    np.testing.assert_array_equal(fuser.items(batch), whole.items(batch))


def test_a_large_catalogue_is_learned_from_in_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 160)
    batch = batch_of(store, text=views(KIND, 1, noise=1.2), image=views(KIND, 2, noise=1.2))
    fuser, report = fit(batch)
    assert "learned from 160 of 240 products" in report.summary
    assert report.scores["pairs"] == KINDS * 30 * 29 // 2
    assert precision(fuser.items(batch), KIND) > 0.8
    held = fuser.held_out()
    assert held is not None and held.max() >= 160


def test_it_says_so_when_it_is_worse() -> None:
    scores = {"supervision": "category", "pairs": 1234, "held_out": 10, "ndcg": {"all": 0.3}, "before": 0.4, "gate": {"text": 1.0}}
    summary = module._summary(scores | {"ended": "settled", "round": 3, "notes": ["a note"]})
    assert "1,234 pairs" in summary and "nDCG@10 0.300, concatenated 0.400" in summary
    assert "worse than concatenation here: use --method concat" in summary and summary.endswith("a note")
    assert "worse" not in module._summary(scores | {"before": 0.2, "ended": "settled", "round": 3, "notes": []})
    assert "too few products to measure" in module._summary(
        scores | {"ndcg": {}, "before": None, "ended": "rounds", "round": 3, "notes": []}
    )
    assert "training made nothing better" in module._summary(scores | {"ended": "settled", "round": 0, "notes": []})


# -- nothing, or too little, to learn from -----------------------------------------------------------------------------


def shop(folder: Path, categories: Sequence[str | None], events: Sequence[tuple[str, str]] = ()) -> Store:
    made = new_store(folder / "store")
    bring(made, [product(id, {"title": id, "category": category}) for id, category in zip(IDS, categories, strict=True)])
    if events:
        rows = [{"user": user, "product": item, "event": "buy", "time": i} for i, (user, item) in enumerate(events)]
        Shop(made.path).ingest(write_csv(folder / "events.csv", ("user", "product", "event", "time"), rows))
    return Store(made.path)


def test_neither_interactions_nor_categories(tmp_path: Path) -> None:
    text = views(KIND, 1, noise=1)
    for store in (None, shop(tmp_path, [None] * N)):
        with pytest.raises(InputError, match="gated") as raised:
            fit(batch_of(store, text=text), supervision="auto")
        hint = str(raised.value.hint)
        assert "mmsearch ingest events.csv" in hint and "mmsearch ingest products.csv" in hint and "--method concat" in hint


def test_all_interactions_of_one_user(
    tmp_path: Path,
) -> None:
    taken = [("me", id) for id in IDS]
    store = shop(tmp_path, [f"kind {kind}" for kind in KIND], taken)
    batch = batch_of(store, text=views(KIND, 1, noise=1))
    with pytest.raises(InputError, match="all interactions are of one user") as raised:
        fit(batch, supervision="together")
    assert "gated(supervision=category)" in str(raised.value.hint)
    _, report = fit(batch, supervision="auto", rounds=2)
    assert report.scores["supervision"] == "category" and "because all interactions are of one user" in report.summary


def test_interactions_that_tell_of_few_products(tmp_path: Path) -> None:
    taken = [(f"u{i}", id) for i in range(8) for id in IDS[i * 6 : i * 6 + 6]]
    store = shop(tmp_path, [f"kind {kind}" for kind in KIND], taken)
    _, report = fit(batch_of(store, text=views(KIND, 1, noise=1)), supervision="auto", rounds=2)
    assert report.scores["supervision"] == "category" and "only 48 of 240 products were taken with another" in report.summary
    _, report = fit(batch_of(store, text=views(KIND, 1, noise=1)), supervision="together", rounds=2)
    assert report.scores["supervision"] == "together" and report.scores["pairs"] == 8 * 15


def test_a_shop_without_any_interactions_learns_from_categories_and_needs_no_excuse(tmp_path: Path) -> None:
    batch = batch_of(shop(tmp_path, [f"kind {kind}" for kind in KIND]), text=views(KIND, 1, noise=1))
    _, report = fit(batch, supervision="auto", rounds=2)
    assert report.scores["supervision"] == "category" and "because" not in report.summary
    with pytest.raises(InputError, match="no two products were taken by the same user"):
        fit(batch, supervision="together")


def test_one_category_or_one_for_each(tmp_path: Path) -> None:
    text = views(KIND, 1, noise=1)
    with pytest.raises(InputError, match="all products are of one category"):
        fit(batch_of(shop(tmp_path / "one", ["thing"] * N), text=text))
    with pytest.raises(InputError, match="only 0 pairs of products are of one category, and 20 are needed"):
        fit(batch_of(shop(tmp_path / "each", [f"kind {id}" for id in IDS]), text=text))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("gated(dim=0)", "dim must be at least 1"),
        ("gated(rounds=0)", "rounds must be at least 1"),
        ("gated(dropout=1)", "dropout must be at least 0 and below 1"),
        ("gated(own=-.1)", "own must be at least 0"),
        ("gated(rate=0)", "rate must be above 0"),
        ("gated(temperature=-1)", "temperature must be above 0"),
        ("gated(supervision=people)", "one of auto, together, category, not people"),
    ],
)
def test_bad_parameters(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        FUSERS.create(spec)


def test_a_modality_that_was_not_fitted_is_a_key_error(store: Store) -> None:
    fuser, _ = fit(batch_of(store, text=views(KIND, 1, noise=1)), rounds=1)
    with pytest.raises(KeyError):
        fuser.project("image", Side(np.ones((1, DIM), np.float32)))


def test_new_purchases_have_a_profile_fitted_anew(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False)
    spec = "gated(supervision=together, rounds=2)"
    assert shop.fuse(spec).version == 1 and shop.fuse(spec).version == 1
    rows = [{"user": "new", "product": f"red-{kind}", "event": "buy", "time": 1} for kind in small_shop.KINDS]
    shop.ingest(write_csv(tmp_path / "more.csv", ("user", "product", "event", "time"), rows))
    told: list[str] = []
    again = shop.fuse(spec, told=told.append)
    assert again.version == 2 and any("interactions" in line for line in told)
    assert "gated" in again.summary and shop.fuse(spec).version == 2
