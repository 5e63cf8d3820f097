"""The contract of a measure of what everybody is shown together: how varied, how new, how evenly spread, beside how right."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.spec import Registry, Spec

LIST_MEASURES = Registry("list measure", "mmsearch.list_measures")

#: Shorter names, and the names that the measures are registered under.
LIST_ALIASES = {"lift": "popularity-lift", "ild": "diversity"}


@dataclass(frozen=True)
class Lists:
    """What was recommended to whom. Products are indices 0 to n − 1 of the catalogue, or of the part of it that could be recommended."""

    ranked: Sequence[NDArray[np.int64]]  # one a user, best first, possibly empty
    histories: Sequence[NDArray[np.int64]]  # one a user: what they had, as indices of `popularity`
    popularity: NDArray[np.int64]  # (n,) how many of the users that were learned from took each product
    users: int  # how many users were learned from
    candidates: NDArray[np.bool_] | None = None  # (n,) the products that could be recommended; None: all
    vectors: NDArray[np.float32] | None = None  # (n, d) unit rows, zero where a product has none
    #: Attribute → (n,) the values that each product belongs to, () where it has none.
    belonging: Mapping[str, Sequence[tuple[str, ...]]] = field(default_factory=dict)

    def top(self, k: int | None) -> list[NDArray[np.int64]]:
        """The first k products of every list."""
        return [ranking[:k] for ranking in self.ranked]

    def exposure(self, k: int | None) -> NDArray[np.int64]:
        """In how many lists (c,) each of the products that could be recommended is."""
        counts = np.bincount(np.concatenate([np.empty(0, np.int64), *self.top(k)]), minlength=len(self.popularity))
        return counts if self.candidates is None else counts[self.candidates]


@dataclass(frozen=True)
class ListMeasure(ABC):
    """A number for all lists together. Parameters are fields of the dataclass; `str(measure)` is the text that it was parsed from.

    It is no quality: there is no best value. Beside a measure of quality it says what that was paid with.

    Parameters
    ----------
    k : only the first k products of each list count; None for all of them.

    Raises
    ------
    ValueError : k is below 1.
    """

    name: ClassVar[str]
    needs_cutoff: ClassVar[bool] = True

    k: int | None = None
    text: str = field(default="", compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.k is None:
            raise ValueError(f"it needs a cut-off, as in '{self.name}@20'")
        if self.k < 1:
            raise ValueError(f"the cut-off must be at least 1, not {self.k}")
        if not self.text:
            own = tuple((f.name, getattr(self, f.name)) for f in dataclasses.fields(self) if f.name not in ("k", "text"))
            object.__setattr__(self, "text", f"{Spec(self.name, (), own)}@{self.k}")

    @abstractmethod
    def compute(self, lists: Lists) -> float:
        """The value; NaN where there is none, because nothing was recommended or nobody it is compared with has a history. Coverage is 0
        then.

        Raises InputError where the lists lack what it takes (vectors).
        """

    def __str__(self) -> str:
        return self.text
