"""Hit rate, also called success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmsearch.measures.base import BinaryMeasure


@dataclass(frozen=True)
class Hit(BinaryMeasure):
    """1 if a relevant product is among the first k, else 0; trec_eval's `success`. Its mean over queries is the hit rate."""

    name = "Hit"
    needs_cutoff = True

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        return float(any(self.found(ranking, judgments)))
