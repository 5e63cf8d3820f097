"""Precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mmsearch.measures.base import BinaryMeasure


@dataclass(frozen=True)
class P(BinaryMeasure):
    """The share of the first k places that hold a relevant product; places that a short ranking leaves empty count. trec_eval's `P`."""

    name = "P"
    needs_cutoff = True

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        return sum(self.found(ranking, judgments)) / cast("int", self.k)  # never None: needs_cutoff
