"""Average precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmsearch.measures.base import BinaryMeasure


@dataclass(frozen=True)
class AP(BinaryMeasure):
    """The precision at the rank of each relevant product found, summed, over the number of all relevant products.

    trec_eval's `map` and `map_cut`: a cut-off shortens the ranking, not the number that is divided by. Its mean over
    queries is MAP.
    """

    name = "AP"

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        ranks = [rank for rank, found in enumerate(self.found(ranking, judgments), 1) if found]
        return sum(count / rank for count, rank in enumerate(ranks, 1)) / self.relevant(judgments) if ranks else 0.0
