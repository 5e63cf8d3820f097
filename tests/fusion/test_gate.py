"""Shares of what a product has, and the towers behind them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmsearch.fusion.gate import Tower, gated, mean_shares, shares, weighed

NAMES = ("text", "image", "audio")
loudness = arrays(np.float32, (3, 5), elements=st.floats(-50, 50, width=32))
presence = arrays(np.bool_, (3, 5))


def towers(seed: int = 0, dim: int = 6) -> dict[str, Tower]:
    rng = np.random.default_rng(seed)
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)  # noqa: E731
    return {
        m: Tower(draw(k, dim), draw(dim), draw(k, 3), draw(3), draw(3), float(rng.normal())) for m, k in zip(NAMES, (4, 5, 3), strict=True)
    }


def products(seed: int, n: int = 9) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    vectors = {m: rng.normal(size=(n, k)).astype(np.float32) for m, k in zip(NAMES, (4, 5, 3), strict=True)}
    return vectors, {m: rng.random(n) < 0.6 for m in NAMES}


@given(loudness, presence)
def test_shares_are_over_what_is_there(loud: np.ndarray, present: np.ndarray) -> None:
    found = shares(dict(zip(NAMES, loud, strict=True)), dict(zip(NAMES, present, strict=True)))
    stacked = np.stack([found[m] for m in NAMES])
    assert (stacked[~present] == 0).all() and (stacked >= 0).all()
    np.testing.assert_allclose(stacked.sum(axis=0), present.any(axis=0), atol=1e-5)


@given(loudness, presence, st.floats(-20, 20))
def test_only_differences_of_loudness_count(loud: np.ndarray, present: np.ndarray, more: float) -> None:
    there = dict(zip(NAMES, present, strict=True))
    one, other = shares(dict(zip(NAMES, loud, strict=True)), there), shares(dict(zip(NAMES, loud + np.float32(more), strict=True)), there)
    for m in NAMES:
        np.testing.assert_allclose(one[m], other[m], atol=1e-4)


@given(st.integers(0, 20))
def test_what_a_product_lacks_leaves_the_proportions_of_the_rest(seed: int) -> None:
    """Renormalised weights: without the sound, text and photo weigh to each other as they did with it."""
    vectors, _ = products(seed)
    known = towers()
    loud = {m: known[m].loudness(vectors[m]) for m in NAMES}
    everything = dict.fromkeys(NAMES, np.ones(9, bool))
    whole, rest = shares(loud, everything), shares(loud, everything | {"audio": np.zeros(9, bool)})
    np.testing.assert_allclose(rest["text"] * whole["image"], rest["image"] * whole["text"], rtol=1e-3, atol=1e-6)


def test_items_have_length_one_or_nothing() -> None:
    vectors, present = products(1)
    items = gated(towers(), vectors, present)
    some = np.logical_or.reduce(list(present.values()))
    assert 0 < some.sum() < len(some) or some.all()
    np.testing.assert_allclose(np.linalg.norm(items, axis=1), some.astype(float), atol=1e-5)
    assert not gated(towers(), vectors, dict.fromkeys(NAMES, np.zeros(9, bool))).any()
    assert gated(towers(), {}, {}).shape == (0, 6)


def test_a_modality_that_was_not_fitted_is_passed_over() -> None:
    vectors, present = products(2)
    known = towers()
    more = gated(known, vectors | {"video": np.ones((9, 2), np.float32)}, present | {"video": np.ones(9, bool)})
    np.testing.assert_array_equal(more, gated(known, vectors, present))


def test_a_tower_takes_in_what_came_before_it() -> None:
    rng = np.random.default_rng(0)
    X, mean, rotation = rng.normal(size=(7, 10)), rng.normal(size=10), rng.normal(size=(10, 4))
    tower = towers()["text"]
    whole = tower.before(mean.astype(np.float32), rotation.astype(np.float32))
    Z = ((X - mean) @ rotation).astype(np.float32)
    np.testing.assert_allclose(whole.project(X.astype(np.float32)), tower.project(Z), atol=1e-4)
    np.testing.assert_allclose(whole.loudness(X.astype(np.float32)), tower.loudness(Z), atol=1e-4)


def test_the_mean_share_is_over_those_that_have_a_choice() -> None:
    vectors, _ = products(3)
    known = towers()
    present = {"text": np.ones(9, bool), "image": np.arange(9) < 4, "audio": np.zeros(9, bool)}
    found = mean_shares(known, vectors, present)
    four = shares({m: known[m].loudness(vectors[m]) for m in NAMES}, present)
    assert found == {m: float(four[m][:4].mean()) for m in ("text", "image")}
    assert mean_shares(known, vectors, present | {"image": np.zeros(9, bool)}) == {}


def test_weighing_what_was_mapped_is_the_same() -> None:
    vectors, present = products(4)
    known = towers()
    lies = {m: known[m].project(vectors[m]) for m in NAMES}
    share = shares({m: known[m].loudness(vectors[m]) for m in NAMES}, present)
    np.testing.assert_allclose(weighed(lies, share), gated(known, vectors, present), atol=1e-6)
