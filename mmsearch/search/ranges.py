"""Ranges of numbers and of times with round ends: what a shop's sidebar offers for prices and dates.

An end is the roundest value near a quantile: the multiple of the largest 1, 2 or 5 · 10^k (of times: years, months, days, hours …) that
lies no more than a quarter of a range from it, counted in products. So ranges hold about as many products each, and read like prices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_SLACK = 0.25  # of a range: how far an end may go from its quantile to be round
_YEARS = (1000, 100, 50, 10, 5, 1)
_MONTHS = (6, 3, 1)
_DAY = 86_400
_SECONDS = (_DAY, 12 * 3600, 6 * 3600, 3600, 1800, 600, 60, 10, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def round_ends(ordered: Numbers, ranges: int, *, times: bool = False) -> Numbers:
    """The ends between ranges, ascending: values below the first are one range, from the first up to below the second another.

    Parameters
    ----------
    ordered : (n,) the values, ascending (NaN last, as `numpy.sort` has it): one sort, and every count is a search in it. Those that are
        not finite are in the first or the last range.
    ranges : how many are wanted; fewer come where many values are equal.
    times : the values are seconds since 1970 UTC, whose round ends are those of a calendar.
    """
    finite = ordered[np.searchsorted(ordered, -np.inf, side="right") : np.searchsorted(ordered, np.inf)]
    if not len(finite) or ranges < 2:
        return np.empty(0)
    roundest: Callable[[float, float, float], float | None] = round_time if times else round_number
    wanted = np.arange(1, ranges) / ranges
    shares = np.stack([wanted + shift / ranges for shift in (-_SLACK, 0.0, _SLACK)])
    near = finite[np.rint((len(finite) - 1) * shares).astype(np.int64)]
    ends = np.array(sorted({end for low, middle, high in near.T.tolist() if (end := roundest(low, middle, high)) is not None}))
    # A range in which nothing lies is none: an end needs values before it, from the former end on, and values behind it.
    kept, before = [], 0
    for end, up_to in zip(ends.tolist(), np.searchsorted(ordered, ends).tolist(), strict=True):
        if before < up_to < len(ordered):
            kept.append(end)
            before = up_to
    return np.array(kept)


def counts_between(ordered: Numbers, ends: Numbers) -> NDArray[np.int64]:
    """How many ascending values (n,) lie below the first end, from each end (m,) up to below the next, and from the last on: (m + 1,)."""
    counts: NDArray[np.int64] = np.diff(np.searchsorted(ordered, ends), prepend=0, append=len(ordered))
    return counts


def round_number(low: float, middle: float, high: float) -> float | None:
    """The roundest number from `low` to `high`, of several the one nearest to `middle`.

    >>> round_number(17.3, 19.99, 24.0), round_number(8800, 9100, 9400), round_number(0.031, 0.034, 0.04)
    (20.0, 9000.0, 0.04)
    """
    if low <= 0 <= high:
        return 0.0
    size = max(abs(low), abs(high))
    for power in range(math.floor(math.log10(size)) + 1, math.floor(math.log10(size)) - 17, -1):
        for digit in (10, 5, 2):  # in units of a tenth: 1, then .5, then .2 of this power of ten
            found = _multiples(low, middle, high, digit, power - 1)
            if found is not None:
                return found
    return middle  # two values that differ by less than numbers can be written


def _multiples(low: float, middle: float, high: float, digit: int, power: int) -> float | None:
    """The multiple of digit · 10^power nearest to `middle` from `low` to `high`, exactly as it would be typed; None where there is none."""
    step = float(f"{digit}e{power}")
    if step == 0:
        return None
    nearest = round(middle / step)
    candidates = {nearest, math.ceil(low / step), math.floor(high / step)}
    inside = [x for m in candidates if math.isfinite(x := float(f"{m * digit}e{power}")) and low <= x <= high]
    return min(inside, key=lambda x: (abs(x - middle), x), default=None)


def round_time(low: float, middle: float, high: float) -> float | None:
    """The roundest moment from `low` to `high` (seconds since 1970 UTC): the start of a decade, a year, a quarter, a month, a day …

    None where it lies outside of the years 1 to 9999.
    """
    try:
        first, centre, last = (_EPOCH + timedelta(seconds=s) for s in (low, middle, high))
        for months in (*(12 * years for years in _YEARS), *_MONTHS):
            starts = [s for m in _months(first, centre, last, months) if low <= (s := _month_start(m)) <= high]
            if starts:
                return min(starts, key=lambda s: (abs(s - middle), s))
    except (OverflowError, ValueError):
        return None
    for step in _SECONDS:
        candidates = {round(middle / step), math.ceil(low / step), math.floor(high / step)}
        inside = [float(m * step) for m in candidates if low <= m * step <= high]
        if inside:
            return min(inside, key=lambda s: (abs(s - middle), s))
    return middle


def _months(first: datetime, centre: datetime, last: datetime, step: int) -> list[int]:
    """Months (of the year 0) at which a period of `step` months begins, near three moments."""
    near = {(moment.year * 12 + moment.month - 1) // step for moment in (first, centre, last)}
    return [m for period in near for m in (period * step, (period + 1) * step) if 12 <= m < 120_000]


def _month_start(month: int) -> float:
    return (datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
