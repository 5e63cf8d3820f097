"""The order of a ranking: by score, ties by id; and which of its products fit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores

#: Share of the best score from which on a product fits a query (docs/search.md has what was measured).
FITTING = 0.5


def best(ids: pa.Array, scores: Scores, k: int) -> NDArray[np.int64]:
    """Places of the k best of the candidates, whose ids and scores are (n,), the best first; ties by id, and none with the score NaN."""
    known = np.flatnonzero(~np.isnan(scores))
    if len(known) > k:  # everything that ties with the last place is sorted too, so that ties always fall the same way
        worst = np.partition(scores[known], len(known) - k)[len(known) - k]
        known = known[scores[known] >= worst]
    table = pa.table({"score": scores[known], "id": ids.take(pa.array(known))})
    order = pc.select_k_unstable(table, k=min(k, len(known)), sort_keys=[("score", "descending"), ("id", "ascending")])
    found: NDArray[np.int64] = known[order.to_numpy()]
    return found


def fitting(scores: Scores) -> NDArray[np.bool_]:
    """Those whose score (n,) is at least `FITTING` of the best one; all that have one where the best is not above 0."""
    known: NDArray[np.bool_] = ~np.isnan(scores)
    highest = float(np.max(scores, where=known, initial=0.0))
    return known & (scores >= FITTING * highest) if highest > 0 else known
