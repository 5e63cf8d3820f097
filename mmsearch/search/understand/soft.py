"""Soft filters: what a query names lifts the products that have it, and takes nothing from the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker
from mmsearch.search.rerank.known import Some
from mmsearch.search.understand.reading import Soft


@dataclass(frozen=True)
class Lifting:
    """One thing understood: which of the candidates (n,) have it, of which it is known, and its strength in standard deviations."""

    name: str
    strength: float
    has: NDArray[np.bool_]  # (n,)
    known: NDArray[np.bool_]  # (n,)

    def lift(self, head: NDArray[np.int64]) -> Scores:
        """What is added to each score (n,) where `head` (h,) are the places of the best."""
        sure = self.known[head]
        expected = float(self.has[head][sure].mean()) if sure.any() else 0.0
        lifted: Scores = self.strength * np.where(self.known, self.has.astype(float), expected)
        return lifted

    def take(self, rows: NDArray[np.int64]) -> Lifting:
        """Of some candidates."""
        return Lifting(self.name, self.strength, self.has[rows], self.known[rows])


def over(softly: Sequence[Soft], among: Some) -> list[Lifting]:
    """What was understood, over the candidates."""
    found = []
    for one in softly:
        has, known = map(among.of_all, one.masks())
        found.append(Lifting(f"{one.understood.kind} {one.understood.value}", one.understood.strength, has, known))
    return found


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
        return Reranked({one.name: candidates.unit * one.lift(head) for one in over(self._softly, self._among)})
