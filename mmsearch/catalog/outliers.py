"""What looks wrong in user data (ratings, events, searches): named findings with counts and examples, over any number of rows.

Nothing is changed here but what is asked for: `to_seconds` for times in milliseconds, `clip` for values far outside.
"""

from __future__ import annotations

import heapq
import time as clock
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# The rules, as a report names them.
OFF_SCALE = "rating off the scale"
FAR = "value far outside"
ROBOT = "user with too many events"
BURST = "same event within a minute"
FUTURE = "time in the future"
ANCIENT = "time before 1990"
MILLISECONDS = "time in milliseconds"

_1990 = 631_152_000.0
_DAY = 86_400.0
_MINUTE = 60.0
#: Above, a number of seconds lies after the year 5138: it counts milliseconds, and above the next microseconds or nanoseconds.
_MILLI, _MICRO, _NANO = 1e11, 1e14, 1e17

_SCALES = (1.0, 5.0, 10.0, 20.0, 100.0)  # the highest rating, as shops and rating sites have them
_ON_SCALE = 0.99  # share of the ratings that a scale must hold
_SPREAD = 10.0  # robust standard deviations, of the logarithms where all values are ≥ 0
_FEWEST = 30  # values below which nothing can be called usual
# A robot has 1,000 events and, in logarithms, lies 5 robust standard deviations above the median user. MovieLens' busiest person has
# 737 ratings at a median of 65; shop logs have people of some hundred events a month.
_ROBOT_EVENTS, _ROBOT_SPREAD = 1_000, 5.0
_EXAMPLES = 5
_SAMPLE = 50_000  # values kept for quantiles
_EXTREMES = 1_000  # highest and lowest values kept, to be judged at the end
_REMEMBERED = 200_000  # recent events kept to find repeats


class Finding(NamedTuple):
    """Rows (or users) that a rule finds odd."""

    rule: str
    affected: int
    examples: tuple[str, ...]  # ids of rows, or of users for ROBOT
    detail: str


def to_seconds(times: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Times (n,) as seconds since 1970, and which of them were given in milli-, micro- or nanoseconds.

    >>> to_seconds([1.7e9, 1.7e12, 3])[0].tolist()
    [1700000000.0, 1700000000.0, 3.0]
    """
    given = np.asarray(times, dtype=np.float64)
    size = np.abs(given)
    scale = np.select([size >= _NANO, size >= _MICRO, size >= _MILLI], [1e9, 1e6, 1e3], 1.0)
    return given / scale, scale > 1


def robust_bounds(values: ArrayLike, spread: float = _SPREAD) -> tuple[float, float]:
    """Between which values (n,) are usual: median ± `spread` robust standard deviations (1.4826 × MAD; where more than half of the
    values are equal, a third of the range of the middle 98 %).

    Amounts are skewed, so values that are all ≥ 0 are judged by their logarithms. (-inf, inf) for fewer than 30 values and for equal ones.

    >>> robust_bounds([10, 11, 12, 13, 14] * 10)[1] < 1000
    True
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < _FEWEST:
        return -np.inf, np.inf
    logs = bool(known.min() >= 0)
    scaled = np.log1p(known) if logs else known
    middle = float(np.median(scaled))
    deviation = 1.4826 * float(np.median(np.abs(scaled - middle)))
    if deviation == 0:
        low, high = np.quantile(scaled, [0.01, 0.99])
        deviation = float(high - low) / 3
    if deviation == 0:
        return -np.inf, np.inf
    low, high = middle - spread * deviation, middle + spread * deviation
    with np.errstate(over="ignore"):
        return (max(0.0, float(np.expm1(low))), float(np.expm1(high))) if logs else (float(low), float(high))


def clip(values: ArrayLike, bounds: tuple[float, float]) -> Floats:
    """Values (n,) with those outside the bounds set to the nearer bound; missing ones (NaN) stay missing."""
    return np.clip(np.asarray(values, dtype=np.float64), *bounds)


def rating_scale(values: ArrayLike) -> tuple[float, float] | None:
    """The scale (lowest, highest) that ratings (n,) are on: the smallest of 1, 5, 10, 20, 100 that holds 99 % of them, from 0 or, where
    some are negative by design (-1 and 1, -5 to 5), from its negative. None for fewer than 30 ratings or where no scale holds them.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < _FEWEST:
        return None
    for top in _SCALES:
        low = -top if (known < 0).mean() > 1 - _ON_SCALE else 0.0
        if ((known <= top) & (known >= low)).mean() >= _ON_SCALE:
            return low, top
    return None


class UserDataOutliers:
    """Collects what is odd over batches of events, reviews or searches; memory grows with the users only.

    Parameters
    ----------
    ratings : the values are ratings (judged by their scale), not amounts (judged by how far out they lie).
    now : seconds since 1970 after which a time lies in the future, one day of grace added; default the clock.
    """

    def __init__(self, *, ratings: bool, now: float | None = None):
        self._ratings, self._now = ratings, clock.time() if now is None else now
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._users: Counter[str] = Counter()
        self._values = _Sample()
        self._times = _Sample()
        self._recent: dict[tuple[str, str], float] = {}

    def add(
        self, ids: Sequence[str], users: Sequence[str], things: Sequence[str], values: ArrayLike | None, times: ArrayLike | None
    ) -> None:
        """A batch of n rows.

        Parameters
        ----------
        ids : what names a row in a report (its id, or file and line).
        users : who. things : what was seen, bought, rated or typed, with the kind of event where there are several.
        values : ratings or amounts, NaN where missing; None for data without. times : likewise, seconds or milliseconds since 1970.

        Raises ValueError where the lengths differ.
        """
        if not len(ids) == len(users) == len(things):
            raise ValueError(f"{len(ids)} ids, {len(users)} users and {len(things)} things: they must be as many")
        self._users.update(users)
        if values is not None:
            self._values.add(ids, _column(values, len(ids)))
        if times is not None:
            seconds, scaled = to_seconds(_column(times, len(ids)))
            self._count(MILLISECONDS, ids, np.flatnonzero(scaled))
            self._times.add(ids, seconds)
            self._count(FUTURE, ids, np.flatnonzero(seconds > self._now + _DAY))
            self._count(ANCIENT, ids, np.flatnonzero(seconds < _1990))
            self._count(BURST, ids, np.array(self._bursts(users, things, seconds.tolist()), dtype=np.int64))

    def findings(self) -> list[Finding]:
        """What is odd so far, the most frequent first. Times that are no dates (ordinals, as many data sets have) are not judged."""
        found = [*self._of_values(), *self._of_users()]
        details = {
            FUTURE: "after today",
            ANCIENT: "before 1990-01-01",
            MILLISECONDS: "read as seconds",
            BURST: "the same user did the same to the same thing",
        }
        sample = self._times.values()
        dates = bool(len(sample)) and float(np.median(sample)) >= _1990
        for rule, count in self._counts.items():
            if dates or rule == MILLISECONDS:
                found.append(Finding(rule, count, tuple(self._examples[rule]), details[rule]))
        return sorted(found, key=lambda finding: -finding.affected)

    def bounds(self) -> tuple[float, float]:
        """What `clip` would cut the values to: the rating scale, or the robust bounds."""
        values = self._values.values()
        return (rating_scale(values) or (-np.inf, np.inf)) if self._ratings else robust_bounds(values)

    def _of_values(self) -> list[Finding]:
        low, high = self.bounds()
        outside = self._values.outside(low, high)
        if not outside:
            return []
        reach = f"{min(value for value, _ in outside):g} to {max(value for value, _ in outside):g}, usual is {low:g} to {high:.6g}"
        examples = tuple(id for _, id in outside[:_EXAMPLES])
        return [Finding(OFF_SCALE if self._ratings else FAR, len(outside), examples, reach)]

    def _of_users(self) -> list[Finding]:
        if len(self._users) < 2:
            return []
        counts = np.fromiter(self._users.values(), dtype=np.float64)
        logs = np.log(counts)
        middle = float(np.median(logs))
        deviation = max(1.4826 * float(np.median(np.abs(logs - middle))), 0.5)  # many shops' median user has one event
        limit = max(float(_ROBOT_EVENTS), float(np.exp(middle + _ROBOT_SPREAD * deviation)))
        robots = [(user, count) for user, count in self._users.most_common(10_000) if count > limit]
        if not robots:
            return []
        detail = f"up to {robots[0][1]:,} events; the median user has {np.median(counts):g}, the limit is {limit:,.0f}"
        return [Finding(ROBOT, len(robots), tuple(user for user, _ in robots[:_EXAMPLES]), detail)]

    def _count(self, rule: str, ids: Sequence[str], rows: NDArray[np.int64]) -> None:
        if len(rows):
            self._counts[rule] += len(rows)
            examples = self._examples.setdefault(rule, [])
            examples += [ids[row] for row in rows[: _EXAMPLES - len(examples)].tolist()]

    def _bursts(self, users: Sequence[str], things: Sequence[str], seconds: list[float]) -> list[int]:
        rows = []
        for row, (user, thing, second) in enumerate(zip(users, things, seconds, strict=True)):
            last = self._recent.get((user, thing))
            if last is not None and abs(second - last) < _MINUTE:
                rows.append(row)
            self._recent[user, thing] = second
        if len(self._recent) > _REMEMBERED:
            self._recent.clear()
        return rows


class _Sample:
    """A uniform sample of a stream of values, and its extremes with their ids."""

    def __init__(self) -> None:
        self._kept = np.empty(0)
        self._seen = 0
        self._rng = np.random.default_rng(0)
        self._high: list[tuple[float, str]] = []
        self._low: list[tuple[float, str]] = []

    def add(self, ids: Sequence[str], values: Floats) -> None:
        known = np.flatnonzero(np.isfinite(values))
        new = values[known]
        if not len(new):
            return
        # Each batch gives the share of the sample that it is of all seen.
        self._seen += len(new)
        if len(self._kept) + len(new) <= _SAMPLE:
            self._kept = np.concatenate([self._kept, new])
        else:
            share = round(_SAMPLE * len(new) / self._seen)
            old = self._rng.permutation(self._kept)[: _SAMPLE - share]
            self._kept = np.concatenate([old, self._rng.permutation(new)[: _SAMPLE - len(old)]])
        order = np.argsort(new, kind="stable")
        highest = [(float(new[at]), ids[known[at]]) for at in order[-_EXTREMES:].tolist()]
        lowest = [(float(new[at]), ids[known[at]]) for at in order[:_EXTREMES].tolist()]
        self._high = heapq.nlargest(_EXTREMES, self._high + highest)
        self._low = heapq.nsmallest(_EXTREMES, self._low + lowest)

    def values(self) -> Floats:
        return self._kept

    def outside(self, low: float, high: float) -> list[tuple[float, str]]:
        """Values outside, the highest first, then the lowest; at most 1,000 of each."""
        return [pair for pair in self._high if pair[0] > high] + [pair for pair in self._low if pair[0] < low]


def _column(values: ArrayLike, rows: int) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.shape != (rows,):
        raise ValueError(f"{rows} rows but a column of shape {column.shape}")
    return column
