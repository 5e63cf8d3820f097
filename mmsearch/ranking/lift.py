"""How much more often than expected something is seen of a product."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mmsearch.ranking.base import Scores


class Sold(NamedTuple):
    """How much the products sold at a time of the year (n,), and how much they would have if they sold as all others do."""

    observed: Scores
    expected: Scores
    notes: tuple[str, ...] = ()


def lift(observed: Scores, expected: Scores, prior: float) -> Scores:
    """How many times as often as expected something was seen (n,), as its binary logarithm, shrunk towards 0 (once) where little was seen.

    log2((observed + prior) / (expected + prior)): the mean of a gamma prior around 1 as strong as `prior` expected sightings (DuMouchel,
    "Bayesian data mining in large frequency tables", The American Statistician 1999). 0 where nothing is known (NaN).
    """
    found: Scores = np.nan_to_num(np.log2((observed + prior) / (expected + prior)))
    return found
