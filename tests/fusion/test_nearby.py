"""Pairs of vectors that are nearly the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion import nearby
from mmsearch.fusion.base import unit_rows
from mmsearch.fusion.nearby import near_pairs


def found(X: np.ndarray, least: float) -> dict[tuple[int, int], float]:
    return {
        (int(i), int(j)): float(c)
        for one, other, cosines in near_pairs(X.astype(np.float16), least)
        for i, j, c in zip(one, other, cosines, strict=True)
    }


@given(
    seed=st.integers(0, 1000),
    n=st.integers(0, 60),
    dim=st.integers(1, 100),
    least=st.sampled_from([0.3, 0.6, 0.9, 0.99]),
    block=st.integers(1, 70),
    kept=st.integers(1, 8),
    first=st.integers(1, 8),
)
def test_no_pair_is_lost_and_none_is_made_up(seed: int, n: int, dim: int, least: float, block: int, kept: int, first: int) -> None:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(5, dim))
    X = unit_rows(centres[rng.integers(5, size=n)] + rng.choice([0.01, 0.3, 2.0], size=(n, 1)) * rng.normal(size=(n, dim)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nearby, "_BLOCK", block)
        patch.setattr(nearby, "_CHECKED", 7)
        patch.setattr(nearby, "_DIRECTIONS", kept)
        patch.setattr(nearby, "_FIRST", first)
        mine = found(X, least)
    S = X @ X.T
    sure = {(i, j) for i in range(n) for j in range(i + 1, n) if S[i, j] >= least + 2e-3}
    possible = {(i, j) for i in range(n) for j in range(i + 1, n) if S[i, j] >= least - 2e-3}
    assert sure <= set(mine) <= possible
    assert all(abs(S[pair] - cosine) < 2e-3 for pair, cosine in mine.items())


def test_equal_vectors_are_a_pair() -> None:
    X = np.tile(unit_rows(np.arange(1, 301, dtype=np.float32)[None]), (3, 1))
    assert set(found(X, 0.999)) == {(0, 1), (0, 2), (1, 2)}
