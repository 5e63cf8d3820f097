"""Soft filters: what a query names lifts the products that have it, and takes nothing from the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker
from mmsearch.search.rerank.known import Some
from mmsearch.search.understand.reading import Soft


class SoftFilters(Reranker):
    """Adds the strength of each thing understood, times one standard deviation of scores, to the products that have it.

    A product of which it is not known gets the share of the 100 best that have it, among those of which it is known: what it would get
    on the average. So it neither loses by what its shop left out nor wins by it.

    Parameters
    ----------
    softly : what was understood, over all products. among : the candidates of the query, of whom it is asked.
    """

    part = "understood"

    def __init__(self, softly: Sequence[Soft], among: Some):
        self._softly, self._among = softly, among

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, DEPTH)
        changes: dict[str, Scores] = {}
        for one in self._softly:
            has, known = map(self._among.of_all, one.masks())
            sure = known[head]
            expected = float(has[head][sure].mean()) if sure.any() else 0.0
            worth = one.understood.strength * candidates.unit
            changes[f"{one.understood.kind} {one.understood.value}"] = worth * np.where(known, has.astype(float), expected)
        return Reranked(changes)
