"""The order of a ranking: by score, ties by id; and which of its products fit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores

#: Share of the best score from which on a product fits a query (docs/search.md has what was measured).
FITTING = 0.5

_DIGITS, _SAME = 12, 1e-12  # what one sum gives and another, made in another order, are as near as that
_RUN = 64  # scores of which the highest is looked for first: not neighbours, for numpy compares rows faster than it goes along them


def best(ids: pa.Array, scores: Scores, k: int) -> NDArray[np.int64]:
    """Places of the k best of the candidates, whose ids and scores are (n,), the best first; ties (to twelve digits) by id,
    and none with the score NaN."""
    known = _likely(scores, k)
    if len(known) > k:  # everything that ties with the last place is sorted too, so that ties always fall the same way
        worst = np.partition(scores[known], len(known) - k)[len(known) - k]
        known = known[scores[known] >= worst - _SAME]
    table = pa.table({"score": comparable(scores[known]), "id": ids.take(pa.array(known))})
    order = pc.select_k_unstable(table, k=min(k, len(known)), sort_keys=[("score", "descending"), ("id", "ascending")])
    found: NDArray[np.int64] = known[order.to_numpy()]
    return found


def comparable(scores: Scores) -> Scores:
    """Scores (n,) as they are compared: what differs by rounding alone is the same, whatever was computed beside it."""
    rounded: Scores = np.round(scores, _DIGITS)
    return rounded


def _likely(scores: Scores, k: int) -> NDArray[np.int64]:
    """Places among which the k best (n,) are, and all that tie with them; none with the score NaN.

    The best of k runs of scores are k scores, so that none below them is wanted: a few products are left where there are many runs.
    """
    runs = len(scores) // _RUN
    if runs > 4 * k:
        highest = scores[: runs * _RUN].reshape(_RUN, runs).max(axis=0)
        highest = highest[~np.isnan(highest)]
        if len(highest) >= k:
            return np.flatnonzero(scores >= np.partition(highest, len(highest) - k)[len(highest) - k] - _SAME)
    return np.flatnonzero(~np.isnan(scores))


def fitting(scores: Scores) -> NDArray[np.bool_]:
    """Those whose score (n,) is at least `FITTING` of the best one; all that have one where the best is not above 0."""
    known: NDArray[np.bool_] = ~np.isnan(scores)
    highest = float(np.max(scores, where=known, initial=0.0))
    return known & (scores >= FITTING * highest) if highest > 0 else known
