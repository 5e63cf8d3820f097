"""Percentile intervals of means over queries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.evaluation.bootstrap import interval


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_mean_lies_inside(values: list[float]) -> None:
    found = interval(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_one_seed_one_result() -> None:
    values = np.random.default_rng(0).random(50).tolist()
    assert interval(values, 3) == interval(values, 3) != interval(values, 4)


def test_its_width_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(0).normal(0.3, 0.2, 400)
    found, half = interval(values.tolist()), 1.96 * values.std() / 20
    assert (found.low, found.high) == (pytest.approx(values.mean() - half, abs=0.003), pytest.approx(values.mean() + half, abs=0.003))


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = [found.low <= 0.3 <= found.high for found in (interval((rng.random(80) < 0.3).tolist(), n) for n in range(200))]
    assert 0.9 <= np.mean(covered) <= 0.99


def test_no_values() -> None:
    with pytest.raises(ValueError, match="no values"):
        interval([])
