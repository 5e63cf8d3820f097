"""Products that the same people bought, from the store's events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.catalog.behaviour import BOUGHT, EVENT_WEIGHTS, read_events
from mmsearch.fusion.sparse import Sparse, as_csr, csr, row_of_each, scaled
from mmsearch.store import Store

_NOTHING = frozenset(kind for kind, weight in EVENT_WEIGHTS.items() if weight == 0)
_NEIGHBOURS = 10  # kept of each product: with 20, and with 50, recommendations on the scientific data are no better
_HISTORY = 50  # newest products of a person that count: whoever bought thousands says little of any two of them
_AT_ONCE = 2_000  # products whose neighbours are counted at a time, for bounded memory


class Purchases(NamedTuple):
    """Who bought what, each person's products in order, each once (its newest time). Aligned columns (e,)."""

    users: NDArray[np.int64]
    products: NDArray[np.int64]  # places in `ids`
    ids: list[str]

    def places(self) -> dict[str, int]:
        """Product id → its place in `ids`."""
        return {id: i for i, id in enumerate(self.ids)}

    def take(self, rows: NDArray[Any]) -> Purchases:
        """Some of them (indices, or a mask of e)."""
        return Purchases(self.users[rows], self.products[rows], self.ids)


def read_purchases(store: Store) -> Purchases:
    """The purchases; where there are none, everything that shoppers did but take things out of the cart."""
    events = read_events(store)
    bought = events.kinds.each([kind in BOUGHT for kind in events.kinds.distinct]).astype(bool)
    kept = bought if bought.any() else events.kinds.each([kind not in _NOTHING for kind in events.kinds.distinct]).astype(bool)
    users, products = events.users.codes.astype(np.int64), events.products.codes.astype(np.int64)
    return Purchases(*_in_order(users[kept], products[kept], np.nan_to_num(events.times)[kept]), events.products.distinct)


def _in_order(users: NDArray[np.int64], products: NDArray[np.int64], times: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Each person's distinct products by their newest time, the newest `_HISTORY` of them."""
    order = np.lexsort((times, users))
    users, products = users[order], products[order]
    pair = users * (int(products.max(initial=0)) + 1) + products
    _, last = np.unique(pair[::-1], return_index=True)
    rows = np.sort(len(pair) - 1 - last)
    users, products = users[rows], products[rows]
    behind = np.searchsorted(users, users, side="right") - 1 - np.arange(len(users))
    return users[behind < _HISTORY], products[behind < _HISTORY]


def bought_together(purchases: Purchases, most: int = _NEIGHBOURS) -> Sparse:
    """How much products go together (m, m), of each its `most` strongest: Σ over people who bought both of 1 / log(1 + how much they
    bought), divided by √(buyers of the one · buyers of the other), so that what everybody buys is nobody's neighbour.

    The diagonal is 0. Memory is bounded by the strongest neighbours and one block of counts.
    """
    from scipy.sparse import vstack

    m = len(purchases.ids)
    if not len(purchases.users):
        return csr([], [], [], (m, m))
    taken = csr(np.ones(len(purchases.users)), purchases.users, purchases.products, (int(purchases.users.max()) + 1, m))
    buyers = np.maximum(np.asarray(taken.sum(axis=0)).ravel(), 1)
    sizes = np.maximum(np.diff(taken.indptr), 1)
    weighted = scaled(taken, rows=1 / np.log1p(sizes), columns=1 / np.sqrt(buyers))
    by_product = as_csr(scaled(taken, columns=1 / np.sqrt(buyers)).T)
    blocks = []
    for start in range(0, m, _AT_ONCE):
        counts = as_csr(by_product[start : start + _AT_ONCE] @ weighted)
        counts.data[row_of_each(counts) + start == counts.indices] = 0
        blocks.append(_strongest(counts, most))
    return as_csr(vstack(blocks, format="csr"))


def _strongest(rows: Sparse, most: int) -> Sparse:
    """The largest entries of each row; of equal ones those that come first."""
    rows.eliminate_zeros()
    of_row = row_of_each(rows)
    order = np.lexsort((rows.indices, -rows.data, of_row))
    kept = np.sort(order[np.arange(len(order)) - rows.indptr[of_row[order]] < most])
    return csr(rows.data[kept], of_row[kept], rows.indices[kept], rows.shape)


def rows_of(neighbours: Sparse, place: Mapping[str, int], ids: Sequence[str]) -> Sparse:
    """The neighbours (n, m) of some products; `place`: id → row of `neighbours` (m, m). None of those that are not there."""
    mine = np.array([place.get(id, -1) for id in ids], dtype=np.int64)
    here = np.flatnonzero(mine >= 0)
    picked = neighbours[mine[here]]
    return csr(picked.data, here[row_of_each(picked)], picked.indices, (len(ids), neighbours.shape[1]))


def among(neighbours: Sparse, place: Mapping[str, int], ids: Sequence[str]) -> Sparse:
    """The neighbours of some products among themselves (n, n)."""
    rows = rows_of(neighbours, place, ids)
    to = np.full(neighbours.shape[1], -1, dtype=np.int64)
    for i, id in enumerate(ids):
        if id in place:
            to[place[id]] = i
    kept = to[rows.indices] >= 0
    return csr(rows.data[kept], row_of_each(rows)[kept], to[rows.indices][kept], (len(ids), len(ids)))
