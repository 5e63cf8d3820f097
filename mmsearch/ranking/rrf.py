"""Reciprocal rank fusion: ranks instead of scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmsearch.ranking.base import Combined, Combiner, Evidence, Joint


class ReciprocalRank(Combiner):
    """Score = Σ share · a / (k + rank), over every kind of evidence that a product has (Cormack et al., SIGIR 2009).

    The weights a that were asked for have a mean of 1 over the evidence of a part. Equal similarities get equal ranks. It needs no
    calibration, but a product with fewer kinds of evidence scores lower.
    """

    def __init__(self, k: float = 60.0):
        if k < 0:
            raise ValueError("k must be 0 or more")
        self.k = k

    def combine(self, evidence: Sequence[Evidence], joint: Joint) -> Combined:
        contributions = np.zeros((len(evidence), len(evidence[0].similarity)))
        known = np.zeros(contributions.shape[1], dtype=bool)
        means = {p: float(np.mean([e.weight for e in evidence if e.part == p])) for p in {e.part for e in evidence}}
        for row, e in enumerate(evidence):
            present = ~np.isnan(e.similarity)
            _, dense = np.unique(-e.similarity[present], return_inverse=True)
            counts = np.bincount(dense)
            rank = 1 + np.concatenate(([0], np.cumsum(counts)[:-1]))[dense] if len(dense) else dense
            contributions[row, present] = e.share * e.weight / means[e.part] / (self.k + rank)
            if e.share > 0:
                known |= present
        return Combined(np.where(known, contributions.sum(axis=0), np.nan), contributions)
