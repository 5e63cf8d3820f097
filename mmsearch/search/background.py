"""What a query's similarities look like for products that have nothing to do with it: mean and spread over the store.

They are taken for each query anew, over all products whatever the filter: a photo taken in a shop is less like any
catalogue photo than these are among themselves, and a short text less like any title.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.calibration import Calibration, Pair

Scores = NDArray[np.float64]
_FEWEST = 8  # below this many products their mean says nothing; what was measured at embed or fuse stands in


def spread(similarity: Scores, otherwise: Pair) -> tuple[float, float]:
    """Mean and standard deviation of similarities (NaN left out), or those of `otherwise` where there are too few."""
    known = similarity[~np.isnan(similarity)]
    if len(known) < _FEWEST or (std := float(known.std())) < 1e-6:
        return otherwise.mean, otherwise.std
    return float(known.mean()), std


def spread_by_pattern(
    similarity: Scores, made_of: NDArray[np.str_], candidates: NDArray[np.str_], kind: str, calibration: Calibration
) -> tuple[Scores, Scores]:
    """Mean and spread for each candidate's fused vector, by what it is made of.

    Parameters
    ----------
    similarity, made_of : (m,) of the products that stand for the store.
    candidates : (n,) what each candidate's fused vector is made of; '' where it has none.
    kind, calibration : what was measured at `fuse` stands in for a pattern that few products have.
    """
    mean, std = np.zeros(len(candidates)), np.ones(len(candidates))
    for name in np.unique(candidates):
        here = candidates == name
        mean[here], std[here] = spread(similarity[made_of == name], calibration.pair(f"{kind}:{name}"))
    return mean, std
