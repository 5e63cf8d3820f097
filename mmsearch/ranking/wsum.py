"""The weighted sum of normalised scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmsearch.ranking.averaged import averaged
from mmsearch.ranking.base import Combined, Combiner, Evidence, Joint, Scores

NORMS = ("minmax", "zscore", "atan")

#: What the words of a text count beside its vectors: docs/decisions/0026-hybrid-search.md.
WORDS = 0.7


class WeightedSum(Combiner):
    """Score = Σ share · w · norm(s), over every kind of evidence that a product has (Lee, SIGIR 1997; Bruch et al., TOIS 2023).

    `minmax`: (s − min) / (max − min) over the candidates, 0 to 1. `zscore`: (s − mean) / std over the store. `atan`: 2/π · arctan(s), which
    needs no other candidate. It treats all evidence as equally spread, so a product with more kinds of it may be favoured.
    """

    def __init__(self, norm: str = "minmax", words: float = WORDS):
        """
        Parameters
        ----------
        norm : minmax, zscore or atan.
        words : 0 to 1; what the words of a text count, the rest is for vectors.
        """
        if norm not in NORMS:
            raise ValueError(f"norm must be {', '.join(NORMS)}, not {norm}")
        if not 0 <= words <= 1:
            raise ValueError(f"words must be from 0 to 1, not {words:g}")
        self._norm, self._words = norm, words

    def combine(self, evidence: Sequence[Evidence], joint: Joint) -> Combined:
        """See `Combiner.combine`."""
        return averaged(evidence, np.array([self._normalised(e) for e in evidence]), self._words)

    def _normalised(self, e: Evidence) -> Scores:
        s = e.similarity
        if self._norm == "zscore":
            return (s - e.mean) / e.std
        if self._norm == "atan":
            bent: Scores = 2 / np.pi * np.arctan(s)
            return bent
        known = s[~np.isnan(s)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
        return (s - low) / (high - low) if high > low else np.where(np.isnan(s), np.nan, 1.0)
