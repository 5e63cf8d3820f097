"""What a query's similarities look like for products that have nothing to do with it: mean and spread over the store.

They are taken for each query anew, over all products whatever the filter: a photo taken in a shop is less like any
catalogue photo than these are among themselves, and a short text less like any title.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.calibration import Calibration, Pair

Scores = NDArray[np.float64]
_FEWEST = 8  # below this many products their mean says nothing; what was measured at embed or fuse stands in


def spread(similarity: Scores, otherwise: Pair) -> tuple[float, float]:
    """Mean and standard deviation of similarities (NaN left out), or those of `otherwise` where there are too few."""
    mean = float(similarity.mean()) if len(similarity) else np.nan
    known = similarity
    if np.isnan(mean):  # some are unknown
        known = similarity[~np.isnan(similarity)]
        mean = float(known.mean()) if len(known) else 0.0
    if len(known) < _FEWEST:
        return otherwise.mean, otherwise.std
    off = known - mean
    std = float(np.sqrt(np.einsum("i,i", off, off) / len(off)))  # multiplied and added up in one go
    return (mean, std) if std >= 1e-6 else (otherwise.mean, otherwise.std)


def spread_by_pattern(
    similarity: Scores,
    made_of: NDArray[np.str_],
    candidates: NDArray[np.str_],
    kind: str,
    calibration: Calibration,
    compares: Collection[str],
) -> tuple[Scores, Scores, Scores]:
    """Mean, spread and reliability for each candidate's fused vector, by what it is made of.

    A fused vector without a modality of the query is cross-modal evidence, and as reliable as the best of its own; NaN
    where the query can be compared with nothing that it is made of.

    Parameters
    ----------
    similarity, made_of : (m,) of the products that stand for the store.
    candidates : (n,) what each candidate's fused vector is made of; '' where it has none.
    kind, calibration : what was measured at `fuse` stands in for a pattern that few products have.
    compares : the cross-modal kinds of the profile ('text>image').
    """
    asked = kind.partition(">")[0].split("+")
    mean, std, reliability = np.zeros(len(candidates)), np.ones(len(candidates)), np.full(len(candidates), np.nan)
    for name in np.unique(candidates):
        here, members = candidates == name, str(name).split("+")
        mean[here], std[here] = spread(similarity[made_of == name], calibration.pair(f"{kind}:{name}"))
        crosses = [cross for q in asked for m in members if (cross := f"{q}>{m}") in compares]
        if set(asked) & set(members):
            reliability[here] = 1.0
        elif crosses:
            reliability[here] = max(calibration.pair(cross).reliability for cross in crosses)
    return mean, std, reliability
