"""One product for each group: its best one stands for the others."""

from __future__ import annotations

import numpy as np

from mmsearch.ranking.base import Scores
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker


class Collapse(Reranker):
    """Of products with the same value of an attribute only the best stays. A product without a value is a group of its own.

    Parameters
    ----------
    by : an attribute or a fact. 'parent': variants of one product, which belongs to them itself.
    """

    def __init__(self, by: str = "parent"):
        self.by = by

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        groups = candidates.groups(self.by)
        inside = np.flatnonzero(~np.isnan(scores) & (groups >= 0))
        ids = candidates.ids.take(inside).to_numpy(zero_copy_only=False)
        order = inside[np.lexsort((ids, -scores[inside]))]
        _, first, group = np.unique(groups[order], return_index=True, return_inverse=True)
        stands = order[first[group]]
        behind = np.full(len(scores), -1)
        others = stands != order
        behind[order[others]] = stands[others]
        return Reranked(behind=behind)
