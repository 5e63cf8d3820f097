"""Near-duplicates: one of those that look and read the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker

#: Cosine: see docs/decisions/0027-rerankers.md.
AT = 0.97


class Dedupe(Reranker):
    """A product goes that is nearly the same as one above it: its best stands for it.

    Two are the same where their vectors have a cosine of at least `at` by every modality that they share, and by one at least; equal titles
    count as equal texts. So colours of a shirt with one description are different by their photos.

    Parameters
    ----------
    at : cosine, in (0, 1]. depth : how many of the best are compared with each other.
    """

    def __init__(self, at: float = AT, depth: int = DEPTH):
        if not 0 < at <= 1:
            raise ValueError(f"at must be above 0 and at most 1, not {at:g}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self.at, self.depth = at, depth

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, self.depth)
        same = self._same(head, candidates)
        behind = np.full(len(scores), -1)
        kept: list[int] = []
        for number, place in enumerate(head.tolist()):
            twin = next((other for other in kept if same[number, other]), None)
            if twin is None:
                kept.append(number)
            else:
                behind[place] = head[twin]
        return Reranked(behind=behind)

    def _same(self, head: NDArray[np.int64], candidates: Candidates) -> NDArray[np.bool_]:
        """(p, p) which of the best are the same."""
        cosines = candidates.likeness(head, equal_titles=True)
        rounding = 1e-5
        missing = np.isnan(cosines)
        same: NDArray[np.bool_] = np.all(missing | (cosines >= self.at - rounding), axis=0) & ~np.all(missing, axis=0)
        return same
