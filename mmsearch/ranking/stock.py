"""Out of stock: behind what can be bought."""

from __future__ import annotations

import numpy as np

from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import fitting
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker


class Stock(Reranker):
    """Products with a stock of 0 go behind all others that fit the query (half of the best score), before those that do not.

    So who looks for the number of an article that is sold out finds it, and "red shoe" shows the pairs there are. A product whose stock is
    not known stays where it is.

    Parameters
    ----------
    by : the attribute: a number, or true and false.
    """

    def __init__(self, by: str = "stock"):
        self.by = by

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        fits = fitting(scores)
        out = fits & (candidates.numbers(self.by) <= 0)
        others = fits & ~out
        changes = np.zeros(len(scores))
        if out.any() and others.any():
            high, below = float(scores[others].min()), ~np.isnan(scores) & ~fits
            low = float(scores[below].max()) if below.any() else high - candidates.unit
            # They share the room between the last that fits and the first that does not, in the order and the proportions that they have.
            top = high - (high - low) / 3
            worst, span = float(scores[out].min()), float(np.ptp(scores[out]))
            room = (top - low) / 2
            changes[out] = top - room + (room * (scores[out] - worst) / span if span else room) - scores[out]
            changes = np.minimum(changes, 0.0)
        return Reranked({"stock": changes})
