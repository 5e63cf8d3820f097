"""Near-duplicates: one of those that look and read the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.fusion.repeated import ALIKE_PHOTO, ALIKE_TEXT, SAME_PHOTO, SAME_WORDS_PHOTO
from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker

_ROUNDING = 1e-5


class Dedupe(Reranker):
    """A product goes that is nearly the same as one above it: its best stands for it.

    Two are the same as `mmsearch check consistency` has it: their titles have the same words, in any order, and their photos a cosine of
    .9; or their photos .95 and their texts .85; or their photos .99. Where one has no photo, the same words decide.

    Parameters
    ----------
    at : instead, the cosine, in (0, 1], that two must have by every modality that they share, and by one at least; the same words are 1
        by text.
    depth : how many of the best are compared with each other.
    """

    def __init__(self, at: float | None = None, depth: int = DEPTH):
        if at is not None and not 0 < at <= 1:
            raise ValueError(f"at must be above 0 and at most 1, not {at:g}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self.at, self.depth = at, depth

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, self.depth)
        same = same_products(candidates.likeness(head), candidates.words(head), self.at)
        behind = np.full(len(scores), -1)
        kept: list[int] = []
        for number, place in enumerate(head.tolist()):
            twin = next((other for other in kept if same[number, other]), None)
            if twin is None:
                kept.append(number)
            else:
                behind[place] = head[twin]
        return Reranked(behind=behind)


def same_products(cosines: NDArray[np.float64], words: list[str], at: float | None = None) -> NDArray[np.bool_]:
    """(p, p) which products are the same, by their cosines (m, p, p) and the words of their titles (p,); see `Dedupe`."""
    said = np.array(words, dtype=np.str_)
    same: NDArray[np.bool_] = (said[:, None] == said) & (said != "")
    text, photo = (cosines[settings.MODALITIES.index(name)] + _ROUNDING for name in ("text", "image"))
    if at is None:
        alike = (same & (photo >= SAME_WORDS_PHOTO)) | ((photo >= ALIKE_PHOTO) & (text >= ALIKE_TEXT)) | (photo >= SAME_PHOTO)
        return np.where(np.isnan(photo), same, alike).astype(bool)
    cosines = cosines.copy()
    cosines[settings.MODALITIES.index("text"), same] = 1.0
    missing = np.isnan(cosines)
    by_all: NDArray[np.bool_] = np.all(missing | (cosines + _ROUNDING >= at), axis=0) & ~np.all(missing, axis=0)
    return by_all
