"""Normalised discounted cumulative gain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2

from mmsearch.measures.base import Measure


@dataclass(frozen=True)
class NDCG(Measure):
    """Gain discounted by rank, Σ gainᵢ / log₂(i + 1), over that of the best possible ranking; trec_eval's `ndcg` and `ndcg_cut`.

    The gain is the relevance itself (linear), negative ones count 0. Järvelin and Kekäläinen, TOIS 20(4), 2002.
    """

    name = "nDCG"

    def compute(self, ranking: Sequence[str], judgments: Mapping[str, int]) -> float:
        ideal = _dcg(sorted(judgments.values(), reverse=True)[: self.k])
        return _dcg(judgments.get(product, 0) for product in ranking[: self.k]) / ideal if ideal else 0.0


def _dcg(gains: Iterable[int]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, 1) if gain > 0)
