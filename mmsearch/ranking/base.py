"""The contract of a combiner: scores of several kinds of evidence → one score that adds up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """How one query part meets one kind of product evidence, over n candidates.

    `kind` names the pair ('text>image': a text query against photos); `similarity` is NaN where a product has no such
    evidence. `mean` and `std` are of the similarity between a query and a product that have nothing to do with each
    other; `reliability` (0..1] says how well this evidence foretells the direct one (1 for the direct one itself). All three
    may differ from product to product: fused vectors are made of different things.
    """

    part: int
    share: float  # w / Σ positive w; below 0 for a part that lowers
    kind: str
    similarity: Scores  # (n,)
    mean: float | Scores = 0.0
    std: float | Scores = 1.0
    reliability: float | Scores = 1.0


@dataclass(frozen=True)
class Combined:
    """`total[i]` is the sum over e of `contributions[e, i]`; a candidate without any evidence has total NaN."""

    total: Scores  # (n,)
    contributions: Scores  # (e, n), 0 where there is no evidence


@dataclass(frozen=True)
class Correlations:
    """Correlation of the similarities of two kinds of evidence over unrelated pairs; 0 where it was never measured."""

    values: Mapping[str, float] = field(default_factory=dict)  # 'kind|kind', kinds sorted → correlation

    def __call__(self, one: str, other: str) -> float:
        return 1.0 if one == other else self.values.get("|".join(sorted((one, other))), 0.0)


class Combiner(ABC):
    """Evidence of several parts and kinds → one list, contributions kept (that is what `--explain` prints)."""

    @abstractmethod
    def combine(self, evidence: Sequence[Evidence], correlations: Correlations) -> Combined:
        """Combine at least one kind of evidence over the same candidates."""
