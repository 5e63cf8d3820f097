"""Products that a merchandiser puts first."""

from __future__ import annotations

import numpy as np

from mmsearch.ranking.base import Scores
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker


class Pin(Reranker):
    """`pin(ids=[P1, P2])`: these products come first, in this order; those that are not in the list stay out of it.

    Filters leave products out, and so does `collapse`, which keeps pinned ones if it comes behind. It is said which were not there.
    """

    def __init__(self, ids: list[str]):
        self.ids = list(dict.fromkeys(ids))
        if not self.ids:
            raise ValueError("it needs ids, as in 'pin(ids=[P1, P2])'")

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        places = candidates.places(self.ids)
        here = places[~np.isnan(scores[places])]
        changes = np.zeros(len(scores))
        others = ~np.isnan(scores)
        others[here] = False
        above = float(scores[others].max()) if others.any() else 0.0
        changes[here] = above + candidates.unit * np.arange(len(here), 0, -1) - scores[here]
        found = set(candidates.ids.take(here).to_pylist())
        reason = "is not in the list: a filter, the query or a step before left it out"
        notes = [f"the pinned product {id} {reason}" for id in self.ids if id not in found]
        return Reranked({"pin": changes}, notes=notes)
