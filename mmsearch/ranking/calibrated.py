"""The default combination: calibrated scores, equal spread whatever evidence a product happens to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmsearch.ranking.base import Combined, Combiner, Correlations, Evidence, Scores


class Calibrated(Combiner):
    """Score = Σ over parts of share · (standardised evidence of the part).

    One idea at two levels: *a product's score has the same spread over unrelated queries whatever it is made of*.

    - A similarity s becomes z = (s − mean) / std, so that cosines of different spaces compare.
    - Within a part, evidence e counts with its reliability r_e: u = Σ r_e z_e, divided by the standard deviation that
      u has for unrelated pairs, √(Σ r_e r_f c_ef), and scaled by the largest r_e there. So direct evidence alone gives
      z, cross-modal evidence alone r·z (shrunk, never zero), and both together spread no wider than direct alone.
    - A product without any evidence for a part has that part completed rather than zeroed: the others are scaled by
      √(Σ share²) / √(Σ present share²), which again keeps the spread.
    - Parts that lower a product subtract where they speak for a likeness (z > 0) and never lift one.

    Scores are in standard deviations: 0 is a product that has nothing to do with the query.
    """

    def combine(self, evidence: Sequence[Evidence], correlations: Correlations) -> Combined:
        n = len(evidence[0].similarity)
        contributions = np.zeros((len(evidence), n))
        squares, present_squares = 0.0, np.zeros(n)
        known = np.zeros(n, dtype=bool)
        for part in dict.fromkeys(e.part for e in evidence):
            rows = [i for i, e in enumerate(evidence) if e.part == part]
            share = evidence[rows[0]].share
            scores = _part([evidence[i] for i in rows], correlations)
            present = np.any([~np.isnan(evidence[i].similarity) for i in rows], axis=0)
            if share < 0:
                scores = np.where(scores.sum(axis=0) > 0, scores, 0.0)
            else:
                squares += share**2
                present_squares += share**2 * present
                known |= present
            contributions[rows] = share * scores
        positive = np.array([e.share > 0 for e in evidence])
        complete = np.sqrt(np.divide(squares, present_squares, out=np.ones(n), where=present_squares > 0))
        contributions[positive] *= complete
        return Combined(np.where(known, contributions.sum(axis=0), np.nan), contributions)


def _part(evidence: Sequence[Evidence], correlations: Correlations) -> Scores:
    """The standardised evidence of one part, (e, n): rows add up to the part's score, 0 where there is none."""
    present = np.array([~np.isnan(e.similarity) for e in evidence])
    z = np.array([np.nan_to_num((e.similarity - e.mean) / e.std) for e in evidence]) * present
    reliability = np.array([np.broadcast_to(e.reliability, z.shape[1:]) for e in evidence])
    if len(evidence) == 1:
        alone: Scores = reliability * z
        return alone
    weighted = reliability * present
    c = np.array([[correlations(a.kind, b.kind) for b in evidence] for a in evidence])
    spread = np.sqrt(np.maximum(np.einsum("en,ef,fn->n", weighted, c, weighted), 1e-12))
    strongest = weighted.max(axis=0)
    scores: Scores = reliability * z * np.where(strongest > 0, strongest / spread, 0.0)
    return scores
