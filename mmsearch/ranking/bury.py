"""Products that a merchandiser puts last."""

from __future__ import annotations

import numpy as np

from mmsearch.ranking.base import Scores
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker, sunk


class Bury(Reranker):
    """`bury(ids=[P1, P2])`: these products come last, in the order that they have. They are found all the same: filters leave out."""

    def __init__(self, ids: list[str]):
        if not ids:
            raise ValueError("it needs ids, as in 'bury(ids=[P1, P2])'")
        self.ids = ids

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        down = np.zeros(len(scores), dtype=bool)
        down[candidates.places(self.ids)] = True
        return Reranked({"bury": sunk(scores, down, candidates.unit)})
