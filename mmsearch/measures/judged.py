"""How much of a ranking anybody has judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmsearch.measures.base import Measure


@dataclass(frozen=True)
class Judged(Measure):
    """The share of the first k products that the qrels name, whatever their relevance; of those there are, if the ranking is shorter.

    Not a quality: where it is low, the measures beside it say little, because they take every unjudged product for
    irrelevant. Equal to ir_measures' `Judged`.
    """

    name = "Judged"

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        top = ranking[: self.k]
        return sum(product in judgments for product in top) / len(top) if top else 0.0
