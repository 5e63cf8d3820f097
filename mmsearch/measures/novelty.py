"""Novelty: mean self-information."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from mmsearch.measures.lists import ListMeasure, Lists


@dataclass(frozen=True)
class Novelty(ListMeasure):
    """How few people know what is recommended, in bits: the mean of −log₂(users who took i / users) over all recommended products.

    Zhou et al., "Solving the apparent diversity-accuracy dilemma of recommender systems", PNAS 107(10), 2010. A product that nobody took
    counts as if one had.
    """

    name = "novelty"

    def compute(self, lists: Lists) -> float:
        exposure = lists.exposure(self.k)
        if not exposure.any():
            return nan
        taken = lists.popularity if lists.candidates is None else lists.popularity[lists.candidates]
        bits = -np.log2(np.maximum(taken, 1) / max(lists.users, 1))
        return float(np.average(bits, weights=exposure))
