"""What is counted over pairs of products, in blocks of rows, so that a large catalogue is never a dense matrix.

Each kind is called with (start, stop) and gives the rows of those products, sparse (stop − start, n); `costs` (n,) bounds the entries of
each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import Interactions
from mmsearch.recommend.interactions import ages

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CELLS = 1 << 18  # entries of the rows that a thread holds at once: few enough to stay in its cache from step to step


def learnable(interactions: Interactions, longest: int) -> Interactions:
    """The positive events among each user's newest `longest`: an event against a product says nothing of what goes together."""
    keep = (ages(interactions) < longest) & (interactions.values > 0)
    return interactions if keep.all() else interactions.take(keep)


class Together:
    """RᵀR of R (u, n): what the same users took."""

    def __init__(self, R: csr_array[Any]):
        self._R = R.astype(np.float32)
        self._by_product = self._R.T.tocsr()
        reach = np.bincount(R.indices, np.repeat(np.diff(R.indptr), np.diff(R.indptr)), minlength=R.shape[1])
        self.costs: NDArray[np.int64] = np.minimum(reach, R.shape[1]).astype(np.int64)

    def __call__(self, start: int, stop: int) -> csr_array[Any]:
        from scipy.sparse import csr_array

        return csr_array(self._by_product[start:stop] @ self._R)


class Steps:
    """Σ r_a·r_b·weight over pairs of a user's events, b of the row's product and a of the column's, where b comes `steps` after a.

    Parameters
    ----------
    steps : the distances that count; below 0, b comes before a.
    weight : (distance, how many events of the user come after the later one (m,)) → (m,) or a number.
    """

    def __init__(self, events: Interactions, n: int, steps: range, weight: Callable[[int, NDArray[np.int64]], Any]):
        self._events, self._n, self._steps, self._weight = events, n, steps, weight
        counts = np.bincount(events.products, minlength=n)
        #: The events of product i are by_product[bounds[i] : bounds[i + 1]], in their order.
        self.by_product: NDArray[np.int64] = np.asarray(_sorted(events.products, n))
        self.bounds: NDArray[np.int64] = np.concatenate(([0], np.cumsum(counts)))
        self._after = ages(events)
        self.costs: NDArray[np.int64] = np.asarray(counts * len(steps))

    def __call__(self, start: int, stop: int) -> csr_array[Any]:
        from scipy.sparse import csr_array

        events = self._events
        here = self.by_product[self.bounds[start] : self.bounds[stop]]
        values, rows, columns = [np.empty(0)], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for steps in self._steps:
            b = here[(here >= steps) & (here - steps < len(events))]
            b = b[events.users[b - steps] == events.users[b]]
            later = np.maximum(b, b - steps)
            values.append(events.values[b] * events.values[b - steps] * self._weight(abs(steps), self._after[later]))
            rows.append(events.products[b] - start)
            columns.append(events.products[b - steps])
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return csr_array(entries, shape=(stop - start, self._n))


def _sorted(products: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """`argsort` of numbers below n, stable: by counting, which turning a sparse row into a column does."""
    from scipy.sparse import csr_array

    row = csr_array((np.arange(len(products)), products, [0, len(products)]), shape=(1, n))
    return np.asarray(row.tocsc().data, dtype=np.int64)


def spans(costs: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """(start, stop) of consecutive rows whose costs add up to at most `_CELLS`, one row at least."""
    total = np.cumsum(costs)
    start = 0
    while start < len(costs):
        before = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + _CELLS, side="right")))
        yield start, stop
        start = stop
