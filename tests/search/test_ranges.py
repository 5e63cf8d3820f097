"""Ends of ranges: round, in order, and about as many products between each two."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.search.ranges import round_ends, round_number, round_time

_numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("low", "middle", "high", "round"),
    [
        (17.3, 19.99, 24.0, 20.0),
        (8800, 9100, 9400, 9000),
        (0.031, 0.034, 0.04, 0.04),
        (-7.3, -5.1, -4.9, -5.0),
        (-3, 2, 9, 0.0),
        (119.98, 121, 129, 120),
        (3.3, 3.3, 3.3, 3.3),
        (0.1 + 0.2, 0.1 + 0.2, 0.1 + 0.2, 0.1 + 0.2),
        (90, 150, 240, 200),
    ],
)
def test_the_roundest_number(low: float, middle: float, high: float, round: float) -> None:
    assert round_number(low, middle, high) == round


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("low", "middle", "high", "round"),
    [
        ("1987-05-01", "1993-01-01", "2004-01-01", "2000-01-01"),
        ("2009-11-20", "2010-03-01", "2011-02-03", "2010-01-01"),
        ("2010-02-20", "2010-03-20", "2010-09-09", "2010-07-01"),
        ("2010-02-20", "2010-03-20", "2010-04-02", "2010-04-01"),
        ("2010-02-03T10:00", "2010-02-05", "2010-02-07", "2010-02-05"),
        ("2010-02-03T10:10", "2010-02-03T11:00", "2010-02-03T14:00", "2010-02-03T12:00"),
        ("1969-07-20", "1969-08-02", "1969-08-03", "1969-08-01"),
    ],
)
def test_the_roundest_moment(low: str, middle: str, high: str, round: str) -> None:
    assert round_time(seconds(low), seconds(middle), seconds(high)) == seconds(round)


def test_moments_outside_of_the_calendar_have_no_round_ones() -> None:
    assert round_time(1e13, 1e13, 1e13) is None
    assert list(round_ends(np.array([0.0, 1e12, 1e13, 1e14]), 4, times=True)) == []


@given(_numbers, st.integers(1, 12), st.booleans())
def test_every_range_holds_something(values: list[float], ranges: int, times: bool) -> None:
    sorted_values = np.sort(np.array(values))
    ends = round_ends(sorted_values, ranges, times=times)
    assert len(ends) < ranges or len(ends) == 0
    assert np.all(np.diff(ends) > 0)
    assert np.all(np.isfinite(ends))
    assert np.all(np.diff([0, *np.searchsorted(sorted_values, ends), len(values)]) > 0)


@pytest.mark.parametrize("ranges", [2, 3, 5, 10])
def test_prices_are_spread_evenly_over_ends_of_a_digit_or_two(ranges: int) -> None:
    prices = np.sort(np.round(np.exp(np.random.default_rng(0).normal(3.5, 1.2, 20_000)), 2))
    ends = round_ends(prices, ranges)
    assert len(ends) == ranges - 1
    counts = np.diff([0, *np.searchsorted(prices, ends), len(prices)])
    assert counts.min() >= 0.5 * len(prices) / ranges
    assert counts.max() <= 1.5 * len(prices) / ranges
    for end in ends.tolist():
        assert len(f"{end / 10 ** math.floor(math.log10(end)):.9f}".rstrip("0").rstrip(".")) <= 3, end
