"""Averages of scores between 0 and 1 over what each product has: what the weighted sum and Borda's count share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmsearch.ranking.base import Combined, Evidence, Scores
from mmsearch.ranking.calibrated import TRUST

#: What the words of a text count beside its vectors in Borda's count: docs/decisions/0026-hybrid-search.md.
WORDS = 0.8


def averaged(evidence: Sequence[Evidence], values: Scores, words: float = WORDS) -> Combined:
    """Values (e, n), NaN where there is none → one score: per part the weighted mean over the evidence that a product has, times its share.

    Words of texts have the weight `words`, all other evidence of the part 1 − `words` together, each by the square of its reliability; the
    weights that were asked for multiply them. A part for which a product has nothing is completed by the mean of its others; one that
    lowers a product never lifts it.
    """
    n = values.shape[1]
    contributions, known = np.zeros(values.shape), np.zeros(n, dtype=bool)
    shares, present_shares = 0.0, np.zeros(n)
    for part in dict.fromkeys(e.part for e in evidence):
        rows = [i for i, e in enumerate(evidence) if e.part == part]
        here = ~np.isnan(values[rows])
        weights = _weights([evidence[i] for i in rows], words, n) * here
        total = weights.sum(axis=0)
        weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
        score, share = weights * np.nan_to_num(values[rows]), evidence[rows[0]].share
        if share < 0:
            score = np.where(score.sum(axis=0) > 0, score, 0.0)
        else:
            shares += share
            present_shares += share * (total > 0)
            known |= total > 0
        contributions[rows] = share * score
    positive = np.array([e.share > 0 for e in evidence])
    contributions[positive] *= np.divide(shares, present_shares, out=np.ones(n), where=present_shares > 0)
    return Combined(np.where(known, contributions.sum(axis=0), np.nan), contributions)


def _weights(evidence: Sequence[Evidence], words: float, n: int) -> Scores:
    """Weights of the evidence of one part, (e, n)."""
    weights = np.array([np.broadcast_to(e.weight * np.asarray(e.reliability) ** TRUST, n) for e in evidence])
    by_words = np.array([e.best is not None for e in evidence])
    if by_words.any() and not by_words.all():
        asked = np.array([e.weight for e in evidence])
        weights[by_words] = words * asked[by_words, None]
        others = weights[~by_words]
        total = others.sum(axis=0)
        weights[~by_words] = (1 - words) * asked[~by_words].max() * np.divide(others, total, out=np.zeros_like(others), where=total > 0)
    return weights
