"""How sure a mean over queries is: percentile bootstrap over the queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 2_000
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean, and where it lies in `LEVEL` of the samples of as many queries, drawn from these with replacement."""

    mean: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        return {"mean": self.mean, "low": self.low, "high": self.high}


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean of values, one a query, with its percentile interval (Efron and Tibshirani, 1993; for ranking measures Sakai, SIGIR 2006).

    For a difference of two methods give the differences of each query: they are paired. One seed, one result.
    Raises ValueError for no values.
    """
    known = np.asarray(values, np.float64)
    if not len(known):
        raise ValueError("no values to average")
    rng = np.random.default_rng(seed)
    at_once = max(1, 4_000_000 // len(known))  # draws in memory at a time
    rounds = [min(at_once, ROUNDS - done) for done in range(0, ROUNDS, at_once)]
    means = [known[rng.integers(0, len(known), (some, len(known)))].mean(axis=1) for some in rounds]
    low, high = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(known.mean()), float(low), float(high))
