"""What a product owes to being near everything: the algebra of the two further coordinates, and that it helps where there are hubs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.hubness import Hubness


def pairs(seed: int, n: int = 60, dim: int = 5) -> dict[str, Matrix]:
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, dim))
    return {m: unit_rows(shared + 0.5 * rng.normal(size=(n, dim)) + 0.5) for m in ("text", "image")}


def learned(strength: float, seed: int = 0) -> Hubness:
    found = Hubness.learn(strength, pairs(seed), seed)
    assert found is not None
    return found


@given(st.integers(0, 1_000), st.floats(0.05, 2))
def test_the_dot_product_is_the_similarity_less_what_is_owed(seed: int, strength: float) -> None:
    known, new = learned(strength, seed), pairs(seed + 1)
    P, Q = known.products("image", new["image"]), known.queries(new["text"])
    for rows in (P, Q):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    near = np.sort(new["image"] @ known.references["text"].T, axis=1)[:, -6:].mean(axis=1)  # a tenth of sixty
    expected = (new["text"] @ new["image"].T - strength * near) / np.sqrt(2 * (1 + strength**2))
    np.testing.assert_allclose(Q @ P.T, expected, atol=1e-5)


def test_a_products_own_text_says_nothing_of_its_place() -> None:
    known = learned(0.5)
    n = 60
    near = known.references["image"] @ known.references["text"].T
    near[np.arange(n), np.arange(n)] = -1
    owed = np.sort(near, axis=1)[:, -6:].mean(axis=1)
    np.testing.assert_allclose(-known.products("image", known.references["image"])[:, -2] * np.sqrt(1.25) / 0.5, owed, atol=1e-5)


def test_nothing_stays_nothing() -> None:
    known = learned(0.5)
    zero = np.zeros((2, 5), np.float32)
    assert not known.products("text", zero).any() and not known.queries(zero).any()
    assert known.products("text", zero).shape == (2, 7)


def test_a_hub_no_longer_answers_every_query() -> None:
    rng = np.random.default_rng(0)
    texts = unit_rows(rng.normal(size=(200, 30)) + 0.4)
    photos = unit_rows(texts + 0.9 * rng.normal(size=(200, 30)) / np.sqrt(30))
    hub = unit_rows(texts.mean(axis=0, keepdims=True))
    known = Hubness.learn(0.5, {"text": texts[:150], "image": photos[:150]}, 0)
    assert known is not None
    there = np.concatenate([photos[150:], np.repeat(hub, 1, axis=0)])
    plain = (texts[150:] @ there.T).argmax(axis=1)
    scaled = (known.queries(texts[150:]) @ known.products("image", there).T).argmax(axis=1)
    assert (scaled == 50).sum() <= (plain == 50).sum() and (scaled == np.arange(50)).sum() >= (plain == np.arange(50)).sum()


def test_few_pairs_or_no_strength_leave_similarities_as_they_are() -> None:
    assert Hubness.learn(0, pairs(0), 0) is None
    assert Hubness.learn(0.5, pairs(0, n=9), 0) is None


def test_the_state_brings_it_back() -> None:
    known = learned(0.7)
    again = Hubness.restored(*known.state())
    for m, X in pairs(3).items():
        np.testing.assert_array_equal(again.products(m, X), known.products(m, X))
    with pytest.raises(KeyError):
        again.products("video", pairs(3)["text"])
