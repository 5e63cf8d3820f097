"""Borda's count: places instead of scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmsearch.ranking.averaged import averaged
from mmsearch.ranking.base import Combined, Combiner, Evidence, Joint, Scores


class Borda(Combiner):
    """Score = Σ share · w · (how many of the others a product beats, a tie counts half) / others (Aslam & Montague, SIGIR 2001).

    A kind of evidence that a product lacks is left out of its mean. It needs no calibration, and gaps between scores say nothing.
    """

    def combine(self, evidence: Sequence[Evidence], joint: Joint) -> Combined:
        """See `Combiner.combine`."""
        return averaged(evidence, np.array([_points(e.similarity) for e in evidence]))


def _points(similarity: Scores) -> Scores:
    points = np.full(len(similarity), np.nan)
    here = ~np.isnan(similarity)
    values, place, counts = np.unique(similarity[here], return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts
    points[here] = (below + (counts - 1) / 2)[place] / max(int(here.sum()) - 1, 1) if len(values) else 0.0
    return points
