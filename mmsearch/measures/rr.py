"""Reciprocal rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmsearch.measures.base import BinaryMeasure


@dataclass(frozen=True)
class RR(BinaryMeasure):
    """1 / the rank of the first relevant product, 0 if none is among the first k; trec_eval's `recip_rank`. Its mean is MRR."""

    name = "RR"

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        found = self.found(ranking, judgments)
        return 1 / (found.index(True) + 1) if True in found else 0.0
