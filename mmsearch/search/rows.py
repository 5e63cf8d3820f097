"""The rows of a table that is too large to read for a query, and the products that they belong to."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Places = NDArray[np.int64]

_FRAGMENT, _WITHIN = np.uint64(32), np.uint64(0xFFFFFFFF)
_MOST = 1_000_000  # fragments of which a list is kept


@dataclass(frozen=True)
class Rows:
    """Row ids, as LanceDB's searches give them, and the places of their products among all products.

    Forty bytes a row: what finds the rows of some products without reading, or comparing, a single id.
    """

    ids: NDArray[np.uint64]  # (m,) ascending
    numbers: Places  # (m,) of the rows in the order in which the table is read
    places: Places  # (m,) −1: not a product any more
    order: Places  # (m,) rows by their places
    sorted: Places  # (m,) the places in that order

    def found(self, row_ids: NDArray[np.uint64]) -> Places:
        """Row ids (j,), all of the table → the places of their products."""
        if self._firsts is None:
            return self.places[np.searchsorted(self.ids, row_ids)]
        runs = (row_ids >> _FRAGMENT).astype(np.int64)
        found: Places = self.places[(row_ids & _WITHIN).astype(np.int64) + self._firsts[runs]]
        return found

    @functools.cached_property
    def _firsts(self) -> Places | None:
        """Fragment → where its row 0 is, or would be, in `ids`; None where fragments have gaps.

        A row id is the number of its fragment in the upper half, that of the row within it in the lower: adding is faster than searching.
        """
        fragments, starts = np.unique(self.ids >> _FRAGMENT, return_index=True)
        if not len(fragments) or fragments[-1] > _MOST:
            return None
        firsts = np.zeros(int(fragments[-1]) + 1, np.int64)
        firsts[fragments.astype(np.int64)] = starts - (self.ids[starts] & _WITHIN).astype(np.int64)
        expected = (self.ids & _WITHIN).astype(np.int64) + firsts[(self.ids >> _FRAGMENT).astype(np.int64)]
        return firsts if bool((expected == np.arange(len(self.ids))).all()) else None

    def of(self, places: Places) -> tuple[Places, Places]:
        """Places (n,) → the rows of these products (j,), and which of the n each belongs to (j,)."""
        start, end = np.searchsorted(self.sorted, places), np.searchsorted(self.sorted, places, side="right")
        counts = end - start
        which = np.repeat(np.arange(len(places)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.order[np.repeat(start, counts) + within], which


def rows_of(row_ids: NDArray[np.uint64], ids: pa.Array, products: pa.Array) -> Rows:
    """The rows (m,) of a table, whose products' ids are (m,), among all products (n,)."""
    if ids.equals(products):
        places = np.arange(len(ids))
    else:
        places = pc.index_in(ids, value_set=products).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    numbers = np.argsort(row_ids, kind="stable")
    row_ids, places = row_ids[numbers], places[numbers]
    order = np.argsort(places, kind="stable")
    return Rows(row_ids, numbers, places, order, places[order])
