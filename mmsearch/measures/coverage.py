"""Catalogue coverage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mmsearch.measures.lists import ListMeasure, Lists


@dataclass(frozen=True)
class Coverage(ListMeasure):
    """The share of the products that could be recommended that is in somebody's first k: |∪ L_u| / n.

    Ge, Delgado-Battenfeld and Jannach, "Beyond accuracy", RecSys 2010. It grows with the number of users: compare within one split.
    """

    name = "coverage"

    def compute(self, lists: Lists) -> float:
        exposure = lists.exposure(self.k)
        return float(np.count_nonzero(exposure) / len(exposure)) if len(exposure) else 0.0
