"""The contract of a combiner: scores of several kinds of evidence → one score that adds up."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
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
    may differ from product to product: fused vectors are made of different things. `weight` (above 0) is how much the
    evidence is to count beside the other of its part, as the query or the profile has it.

    `best` is the score of the best match in the whole store, of words that products are found by (BM25); None for every other evidence.
    `elsewhere` (n,) are then the products that say nothing in the query's script, which may match a brand or a code all the same.
    """

    part: int
    share: float  # w / Σ positive w; below 0 for a part that lowers
    kind: str
    similarity: Scores  # (n,)
    mean: float | Scores = 0.0
    std: float | Scores = 1.0
    reliability: float | Scores = 1.0
    weight: float = 1.0
    best: float | None = None
    elsewhere: NDArray[np.bool_] | None = None

    @functools.cached_property
    def there(self) -> NDArray[np.bool_]:
        """The products that have this evidence (n,)."""
        return np.ones(len(self.similarity), dtype=bool) if self.everywhere else ~np.isnan(self.similarity)

    @functools.cached_property
    def everywhere(self) -> bool:
        """Whether all have it."""
        return not np.isnan(self.similarity.min(initial=np.inf))  # of numbers among which one is none, none is the least


@dataclass(frozen=True)
class Combined:
    """`total[i]` is the sum over e of `contributions[e, i]`; a candidate without any evidence has total NaN."""

    total: Scores  # (n,)
    contributions: Scores  # (e, n), 0 where there is no evidence


@dataclass(frozen=True)
class Joint:
    """How several kinds of evidence behave together, as far as it was measured.

    `correlations` ('kind|kind', sorted) are of the similarities over unrelated pairs. `tails` ('kind|kind|…', sorted) are
    the factors by which products that have all these kinds hold, at the top of a ranking, no more and no fewer places
    than products with the direct kind alone.
    """

    correlations: Mapping[str, float] = field(default_factory=dict)
    tails: Mapping[str, float] = field(default_factory=dict)

    def correlation(self, one: str, other: str) -> float:
        """1 for a kind with itself, 0 where it was never measured."""
        return 1.0 if one == other else self.correlations.get(together((one, other)), 0.0)

    def tail(self, kinds: Iterable[str]) -> float:
        """1 where it was never measured."""
        return self.tails.get(together(kinds), 1.0)


def together(kinds: Iterable[str]) -> str:
    """The key of several kinds of evidence."""
    return "|".join(sorted(kinds))


class Combiner(ABC):
    """Evidence of several parts and kinds → one list, contributions kept (that is what `--explain` prints).

    `unit`: one standard deviation of its scores, where they are in a unit of their own; None: that of the candidates.
    """

    unit: float | None = None

    @abstractmethod
    def combine(self, evidence: Sequence[Evidence], joint: Joint) -> Combined:
        """Combine at least one kind of evidence over the same candidates."""
