"""Recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmsearch.measures.base import BinaryMeasure


@dataclass(frozen=True)
class R(BinaryMeasure):
    """The share of the relevant products that is among the first k; trec_eval's `recall`."""

    name = "R"
    needs_cutoff = True

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        found = sum(self.found(ranking, judgments))
        return found / self.relevant(judgments) if found else 0.0
