"""The Gini coefficient of exposure."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from mmsearch.measures.lists import ListMeasure, Lists


@dataclass(frozen=True)
class Gini(ListMeasure):
    """How unevenly the places in everybody's first k are spread over the products that could be recommended: 0 when all have as many,
    towards 1 when one has all.

    G = Σ_i (2i − n − 1)·e_i / (n · Σ e), e ascending. Fleder and Hosanagar, "Blockbuster culture's next rise or fall", Management
    Science 55(5), 2009.
    """

    name = "gini"

    def compute(self, lists: Lists) -> float:
        exposure = np.sort(lists.exposure(self.k)).astype(np.float64)
        n = len(exposure)
        if not exposure.any():
            return nan
        return float(((2 * np.arange(1, n + 1) - n - 1) * exposure).sum() / (n * exposure.sum()))
