"""Popularity lift."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from mmsearch.measures.lists import ListMeasure, Lists


@dataclass(frozen=True)
class PopularityLift(ListMeasure):
    """How much more popular what people are shown is than what they had: the mean popularity of each user's first k, averaged over users,
    divided by the same of their histories. 1: as popular; 2: twice.

    Abdollahpouri et al., "The connection between popularity bias, calibration, and fairness in recommendation", RecSys 2020 (there
    minus 1). Users without a history or without a list are left out.
    """

    name = "popularity-lift"

    def compute(self, lists: Lists) -> float:
        pairs = [
            (float(lists.popularity[shown].mean()), float(lists.popularity[had].mean()))
            for shown, had in zip(lists.top(self.k), lists.histories, strict=True)
            if len(shown) and len(had)
        ]
        if not pairs:
            return nan
        shown, had = np.mean(pairs, axis=0)
        return float(shown / had) if had else nan
