"""The contract of a reranker: a ranked list → changes of its scores, each under a name, and products that others stand for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores
from mmsearch.ranking.lift import Sold
from mmsearch.ranking.shopper import Shopper, Taken

#: How many of the best a reranker looks at that compares products with each other: ten pages of ten.
DEPTH = 100


class Candidates(Protocol):
    """What is known of the n candidates of a query; everything is read when it is first asked for."""

    @property
    def ids(self) -> pa.Array:
        """(n,)"""

    @property
    def unit(self) -> float:
        """One standard deviation of scores, above 0."""

    @property
    def question(self) -> str:
        """The texts that are looked for; '' without any."""

    @property
    def spoken(self) -> Sequence[str]:
        """The files in which parts of the query were heard."""

    @property
    def shopper(self) -> Shopper:
        """Who asks, as far as the query says."""

    def numbers(self, name: str) -> Scores:
        """(n,) an attribute, a fact, or what shoppers say ('popularity', 'rating'); NaN where missing. Raises UsageError for an unknown
        name."""

    def times(self, name: str | None) -> Scores:
        """(n,) seconds since 1970, NaN where missing; None: the one attribute with times. Raises UsageError for an unknown name."""

    def groups(self, name: str) -> NDArray[np.int64]:
        """(n,) products with one number have the same value; −1 where missing. Raises UsageError for an unknown name."""

    def belonging(self, name: str, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """To which values of an attribute some products of the store belong, (p,), each to one or several (the levels of a path, the items
        of a list); () where missing. Raises UsageError for an unknown name."""

    def likeness(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """(m, p, p) cosines of some candidates by each of `settings.MODALITIES`, NaN where one of two has no vector."""

    def words(self, places: NDArray[np.int64]) -> list[str]:
        """(p,) the words of titles in small letters, in the order of the alphabet; '' where missing."""

    def texts(self, places: NDArray[np.int64]) -> list[str | None]:
        """(p,) what the products say."""

    def places(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Places of those that are candidates, in the order given. Raises UsageError for an id that the store does not have."""

    def check(self, ids: Sequence[str]) -> None:
        """Raise UsageError for an id that the store does not have."""

    def taken_by(self, user: str) -> Taken:
        """What a user took. Raises UsageError where the store has no events at all."""

    def taste(self, taken: Taken) -> Scores:
        """(n,) cosines with the decayed mean of what was taken, a new array; NaN where there is no vector."""

    def goes_with(self, taken: Taken) -> Scores:
        """(n,) how much products go with what was taken, 0 or more, a new array; NaN for one that nobody has taken, and for all where
        nothing is known to go with it."""

    def unseen(self) -> Sequence[str]:
        """What happened since that was learned which `goes_with` says, for a person."""

    def sold(self, days: NDArray[np.bool_]) -> Sold:
        """How much was taken on some days of the (leap) year (366,). Raises UsageError where the store has no events at all."""


@dataclass(frozen=True)
class Reranked:
    """`changes` name → (n,) what is added to each score; `behind` (n,) the place of the product that stands for it, −1: it stays."""

    changes: Mapping[str, Scores] = field(default_factory=dict)
    behind: NDArray[np.int64] | None = None
    notes: Sequence[str] = ()  # what a person should know


class Reranker(ABC):
    """One step of a chain. The order is that of the scores (ties by id), so that a change of score is what moves a product.

    `part` is what explanations say that its changes are of.
    """

    part: ClassVar[str] = "rerank"

    @abstractmethod
    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """Scores (n,), NaN for products that are not in the list. What is missing of a product changes nothing for it."""


def sunk(scores: Scores, down: NDArray[np.bool_], unit: float) -> Scores:
    """The changes (n,) that put some of the candidates behind all others, by a unit; among themselves they keep their order."""
    known = ~np.isnan(scores)
    these, others = known & down, known & ~down
    changes = np.zeros(len(scores))
    if these.any() and others.any():
        changes[these] = min(float(scores[others].min() - unit - scores[these].max()), 0.0)
    return changes


def kept_below(scores: Scores, changes: Scores, head: NDArray[np.int64]) -> Scores:
    """The changes (n,) of the best (p,), with one for all others that keeps them below: as far behind the last of the best as they were."""
    rest = ~np.isnan(scores)
    rest[head] = False
    out = changes.copy()
    if len(head) and rest.any():
        out[rest] += min(float((scores + changes)[head].min() - scores[head].min()), 0.0)
    return out
