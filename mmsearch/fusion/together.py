"""Which products belong together, for a method that learns from it: what the same people took, or what is of one category."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.catalog.behaviour import Events, read_events
from mmsearch.catalog.categories import SEPARATOR
from mmsearch.store import PRODUCTS, Store

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

_WINDOW = 5  # products of one person that are this many steps apart, at most, are a pair
_FADE = 0.8  # weight of one step more between the two: that of `itemcf(directed=true)`


class Relation(ABC):
    """Which of n products belong together. Symmetric; no product belongs to itself."""

    pairs: int  # how many pairs there are, each counted once

    @abstractmethod
    def some(self) -> Mask:
        """Which products belong to any other, (n,)."""

    @abstractmethod
    def partners(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """For each of some products (b,) another that it belongs to, at random, a likely one more often; -1 where there is none."""

    @abstractmethod
    def related(self, rows: Rows, columns: Rows) -> Mask:
        """Whether products belong together, (rows, columns)."""

    @abstractmethod
    def strength(self) -> NDArray[np.float64]:
        """How much is known of what each product belongs to, (n,); 0 for nothing."""

    @abstractmethod
    def take(self, rows: Rows) -> Relation:
        """The same, among some products alone, in their order."""

    @abstractmethod
    def among(self, kept: Mask) -> Relation:
        """The pairs of which both products are kept (n,)."""


class SameCategory(Relation):
    """Products with the same label."""

    def __init__(self, labels: Rows):
        """
        Parameters
        ----------
        labels : (n,) from 0; -1 for a product that belongs to nothing.
        """
        self._labels = labels
        self._order = np.argsort(labels, kind="stable")  # products of one label lie side by side
        known = labels[labels >= 0]
        self._counts = np.bincount(known, minlength=1)
        self._starts = int((labels < 0).sum()) + np.concatenate(([0], np.cumsum(self._counts)[:-1]))
        self._place = np.empty(len(labels), np.int64)
        self._place[self._order] = np.arange(len(labels))
        self.pairs = int((self._counts * (self._counts - 1) // 2).sum())

    @property
    def labels(self) -> int:
        """How many labels two products or more have."""
        return int((self._counts > 1).sum())

    def some(self) -> Mask:
        return (self._labels >= 0) & (self._counts[self._labels] > 1)

    def partners(self, rows: Rows, rng: np.random.Generator) -> Rows:
        label = self._labels[rows]
        start, count = self._starts[label], self._counts[label]
        further = 1 + np.floor(rng.random(len(rows)) * np.maximum(count - 1, 1)).astype(np.int64)  # 1 … count − 1 places on, in a ring
        found = self._order[(start + (self._place[rows] - start + further) % np.maximum(count, 1)) % len(self._labels)]
        return np.where(self.some()[rows], found, -1)

    def related(self, rows: Rows, columns: Rows) -> Mask:
        one, other = self._labels[rows][:, None], self._labels[columns][None, :]
        same: Mask = (one == other) & (one >= 0) & (rows[:, None] != columns[None, :])
        return same

    def strength(self) -> NDArray[np.float64]:
        return self.some().astype(np.float64)

    def take(self, rows: Rows) -> SameCategory:
        return SameCategory(self._labels[rows])

    def among(self, kept: Mask) -> SameCategory:
        return SameCategory(np.where(kept, self._labels, -1))


class TakenTogether(Relation):
    """Products that the same people took, weighted."""

    def __init__(self, weights: csr_array[Any]):
        """
        Parameters
        ----------
        weights : (n, n) symmetric, ≥ 0, nothing on the diagonal.
        """
        self._weights = weights
        self._sums = np.concatenate(([0.0], np.cumsum(weights.data)))
        self.pairs = int(weights.nnz // 2)

    def some(self) -> Mask:
        return np.asarray(np.diff(self._weights.indptr) > 0)

    def partners(self, rows: Rows, rng: np.random.Generator) -> Rows:
        found = np.full(len(rows), -1, np.int64)
        if not self.pairs:
            return found
        first, last = self._weights.indptr[rows], self._weights.indptr[rows + 1] - 1
        low, high = self._sums[first], self._sums[last + 1]
        at = np.searchsorted(self._sums, low + rng.random(len(rows)) * (high - low), side="right") - 1
        here = last >= first
        found[here] = self._weights.indices[np.clip(at, first, last)[here]]
        return found

    def related(self, rows: Rows, columns: Rows) -> Mask:
        return np.asarray(self._weights[rows][:, columns].toarray() > 0)

    def strength(self) -> NDArray[np.float64]:
        return np.asarray(self._weights.sum(axis=1), np.float64)

    def take(self, rows: Rows) -> TakenTogether:
        from scipy.sparse import csr_array

        return TakenTogether(csr_array(self._weights[rows][:, rows]))

    def among(self, kept: Mask) -> TakenTogether:
        from scipy.sparse import csr_array

        pairs = self._weights.tocoo()
        one, other = pairs.coords
        both = kept[one] & kept[other]
        return TakenTogether(csr_array((pairs.data[both], (one[both], other[both])), shape=self._weights.shape))


def taken_together(events: Events, ids: Sequence[str]) -> tuple[TakenTogether, int]:
    """Pairs of products that the same person took within a few steps, and how many persons took two products of `ids` or more.

    A person's events with one product count once: at the strength of the strongest, when the last of them was. A pair weighs the product of
    both strengths × .8^(steps − 1), at most 5 steps; products of one time, a basket, are one step apart. Weights add up over persons.
    """
    from scipy.sparse import csr_array

    place = {id: i for i, id in enumerate(ids)}
    product = events.products.each([place.get(p, -1) for p in events.products.distinct]).astype(np.int64)
    user = events.users.codes.astype(np.int64)
    strengths = events.strengths()
    good = (product >= 0) & (strengths > 0)
    user, product, strength, when = user[good], product[good], strengths[good], events.times[good]
    # One row a person and product.
    order = np.lexsort((when, product, user))
    user, product, strength, when = user[order], product[order], strength[order], when[order]
    first = np.flatnonzero(np.diff(user, prepend=-1) | np.diff(product, prepend=-1))
    if len(first):
        strength = np.maximum.reduceat(strength, first)
        last = np.append(first[1:], len(user)) - 1
        user, product, when = user[first], product[first], when[last]
    order = np.lexsort((product, when, user))
    user, product, strength, when = user[order], product[order], strength[order], when[order]
    moment = np.cumsum((np.diff(user, prepend=-1) != 0) | (np.diff(when, prepend=np.nan) != 0))
    found = csr_array((len(ids), len(ids)), dtype=np.float64)
    for step in range(1, min(_WINDOW, len(user) - 1) + 1):
        same = user[step:] == user[:-step]
        earlier, later = np.flatnonzero(same), np.flatnonzero(same) + step
        apart = np.maximum(moment[later] - moment[earlier], 1)
        weight = strength[earlier] * strength[later] * _FADE ** (apart - 1.0)
        found = found + csr_array((weight, (product[earlier], product[later])), shape=found.shape)
    persons = int((np.bincount(user) > 1).sum()) if len(user) else 0
    return TakenTogether(csr_array(found + found.T)), persons


def same_category(paths: Sequence[str | None]) -> SameCategory:
    """Products (n,) by their category paths `A > B > C`. A path that one product alone has is cut by a level, again and again."""
    levels = [tuple(path.split(SEPARATOR)) if path else () for path in paths]
    for depth in range(max(map(len, levels), default=0), 1, -1):
        count: dict[tuple[str, ...], int] = {}
        for path in levels:
            count[path] = count.get(path, 0) + 1
        levels = [path[:-1] if len(path) == depth and count[path] == 1 else path for path in levels]
    names = {path: i for i, path in enumerate(sorted(set(levels) - {()}))}
    return SameCategory(np.array([names.get(path, -1) for path in levels], np.int64))


def read_together(store: Store, ids: Sequence[str]) -> tuple[TakenTogether, int]:
    """`taken_together` of a store's interactions."""
    return taken_together(read_events(store), ids)


def read_categories(store: Store, ids: Sequence[str]) -> SameCategory:
    """`same_category` of a store's products."""
    rows = store.read(PRODUCTS, ["id", "category"]) if store.has(PRODUCTS) else None
    known = {} if rows is None else dict(zip(rows.column("id").to_pylist(), rows.column("category").to_pylist(), strict=True))
    return same_category([known.get(id) for id in ids])
