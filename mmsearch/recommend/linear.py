"""Recommenders whose model is one matrix: what each product of a history says about every other, R̂_u = Σ_j w_uj · S_j.

Here are its answers, so that an algorithm of this family is only the way in which it learns S.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.recommend.base import History, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.interactions import weight_matrix, weights_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_Part, _Made = TypeVar("_Part"), TypeVar("_Made")


class LinearItems(Recommender):
    """w_uj is the value of the user's event times decay^age; several events with one product add up.

    S is sparse. It is learned and stored in 32 bits and multiplied in 64, so that reasons add up to scores.
    """

    decay: float
    #: How a product of the history speaks for another, in the words of `Reason.relation`.
    relation: str = "taken with"
    #: Whether `similar` reads what is said about a product (who are its neighbours) or what it says about others.
    similar_by_target: bool = True

    def __init__(self, decay: float):
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, not {decay}")
        self.decay = decay
        # (n, n), row j: what j says about each product.
        self._says: csr_array[Any]

    def _hold(self, says: csr_array[Any]) -> None:
        self._says = says.astype(np.float32).astype(np.float64)

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        return np.asarray(self._sums(histories).toarray(), dtype=np.float64)

    def _sums(self, histories: Sequence[History]) -> csr_array[Any]:
        return weight_matrix(histories, self._says.shape[0], self.decay) @ self._says

    def _best(self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None) -> list[Recommended]:
        """Without a dense row: most products have no score."""
        sums = self._sums(histories)
        out = np.zeros(sums.shape[1], np.bool_)
        found = []
        for row, (start, end) in enumerate(pairwise(sums.indptr.tolist())):
            scores, products = sums.data[start:end], sums.indices[start:end]
            if exclude is not None:
                banned = np.fromiter(exclude[row], np.int64, len(exclude[row]))
                out[banned] = True
                kept = ~out[products]
                scores, products = scores[kept], products[kept]
                out[banned] = False
            found.append(top(scores, k, products))
        return found

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """The best of what is said about each product, or of what it says."""
        asked = list(products)
        rows = (self._says[:, asked].T if self.similar_by_target else self._says[asked]).tocsr()
        return [top(rows.data[start:end], k, rows.indices[start:end]) for start, end in pairwise(rows.indptr.tolist())]

    def why(self, history: History, product: int) -> list[Reason]:
        taken, where = np.unique(history.products, return_inverse=True)
        weights = np.bincount(where, weights_of(history, self.decay), minlength=len(taken))
        said = self._says[taken][:, [product]].toarray()[:, 0]
        return sorted_reasons(Reason(int(j), float(part), self.relation) for j, part in zip(taken, weights * said, strict=True))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        says = self._says
        return {"data": says.data.astype(np.float32), "indices": says.indices, "indptr": says.indptr}, {"products": says.shape[0]}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        from scipy.sparse import csr_array

        n = int(values["products"])
        self._hold(csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n)))


def in_threads(work: Callable[[_Part], _Made], parts: Iterable[_Part]) -> list[_Made]:
    """`work(part)` of each part, in their order; products of sparse matrices leave Python's lock to others."""
    with ThreadPoolExecutor(settings.threads(), "fit") as pool:
        return list(pool.map(work, parts))


def nearest(block: csr_array[Any], k: int) -> csr_array[Any]:
    """The k largest entries of each row; ties by column."""
    from scipy.sparse import csr_array

    lengths = np.diff(block.indptr)
    long = np.flatnonzero(lengths > k)
    if not len(long):
        return block
    cuts = np.full(len(lengths), -np.inf, block.dtype)
    for row in long.tolist():
        entries = block.data[block.indptr[row] : block.indptr[row + 1]]
        cuts[row] = np.partition(entries, len(entries) - k)[len(entries) - k]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    above = block.data > cuts[rows]
    level = np.flatnonzero(block.data == cuts[rows])
    level = level[np.lexsort((block.indices[level], rows[level]))]
    left = k - np.bincount(rows[above], minlength=len(lengths))
    rank = np.arange(len(level)) - np.searchsorted(rows[level], rows[level])
    above[level[rank < left[rows[level]]]] = True
    pointers = np.concatenate(([0], np.cumsum(np.bincount(rows[above], minlength=len(lengths)))))
    return csr_array((block.data[above], block.indices[above], pointers), shape=block.shape)


def largest(rows: NDArray[np.floating[Any]], own: NDArray[np.int64], k: int) -> csr_array[Any]:
    """The k entries of each row (m, c) that are furthest from 0, without the one at `own` (m,)."""
    from scipy.sparse import csr_array

    m, c = rows.shape
    rows[np.arange(m), own] = 0.0
    if k >= c:
        return csr_array(rows)
    columns = np.argpartition(-np.abs(rows), k, axis=1)[:, :k]
    columns.sort(axis=1)
    found = csr_array((np.take_along_axis(rows, columns, axis=1).ravel(), columns.ravel(), np.arange(0, m * k + 1, k)), shape=(m, c))
    found.eliminate_zeros()
    return found
