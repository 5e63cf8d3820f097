"""Recommenders whose model is one matrix: what each product of a history says about every other, R̂_u = Σ_j w_uj · S_j.

Here are its answers, so that an algorithm of this family is only the way in which it learns S.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import History, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.interactions import weight_matrix, weights_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class LinearItems(Recommender):
    """w_uj is the value of the user's event times decay^age; several events with one product add up.

    S is sparse. It is learned and stored in 32 bits and multiplied in 64, so that reasons add up to scores.
    """

    in_threads = False  # many small steps, between which threads wait for each other: two are slower than one
    #: How a product of the history speaks for another, in the words of `Reason.relation`, where order does not matter.
    relation: str = "taken with"

    def __init__(self, decay: float):
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, not {decay}")
        self.decay = decay
        #: Whether what was learned looks at the order of events.
        self._directed = False
        # (n, n), row j: what j says about each product.
        self._says: csr_array[Any]

    def _hold(self, says: csr_array[Any]) -> None:
        self._says = says.astype(np.float32).astype(np.float64)

    def reached(self) -> NDArray[np.bool_]:
        """The products (n,) that any other says something about."""
        return np.bincount(self._says.indices, minlength=self._says.shape[1]) > 0

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        return np.asarray(self._sums(histories).toarray(), dtype=np.float64)

    def _sums(self, histories: Sequence[History]) -> csr_array[Any]:
        from scipy.sparse import csr_array

        return csr_array(weight_matrix(histories, self._says.shape[0], self.decay) @ self._says)

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
                scores[out[products].nonzero()[0]] = -np.inf
                out[banned] = False
            found.append(top(scores, k, products))
        return found

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """N_i, best first: what says most about each product; directed: what follows it."""
        asked = list(products)
        rows = (self._says[asked] if self._directed else self._says[:, asked].T).tocsr()
        return [top(rows.data[start:end], k, rows.indices[start:end]) for start, end in pairwise(rows.indptr.tolist())]

    def why(self, history: History, product: int) -> list[Reason]:
        taken, where = np.unique(history.products, return_inverse=True)
        weights = np.bincount(where, weights_of(history, self.decay), minlength=len(taken))
        said = self._says[taken][:, [product]].toarray()[:, 0]
        relation = "taken after" if self._directed else self.relation
        return sorted_reasons(Reason(int(j), float(part), relation) for j, part in zip(taken, weights * said, strict=True))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        says = self._says
        arrays = {"data": says.data.astype(np.float32), "indices": says.indices, "indptr": says.indptr}
        return arrays, {"products": says.shape[0], "directed": self._directed}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        from scipy.sparse import csr_array

        n, self._directed = int(values["products"]), bool(values["directed"])
        self._hold(csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n)))


def nearest(block: csr_array[Any], k: int) -> csr_array[Any]:
    """The k largest entries of each row; ties by column."""
    from scipy.sparse import csr_array

    lengths = np.diff(block.indptr)
    long = np.flatnonzero(lengths > k)
    if not len(long):
        return block
    cuts = np.full(len(lengths), -np.inf, block.dtype)
    for row, start, stop in zip(long.tolist(), block.indptr[long].tolist(), block.indptr[long + 1].tolist(), strict=True):
        cuts[row] = np.partition(block.data[start:stop], stop - start - k)[stop - start - k]
    kept = np.flatnonzero(block.data >= np.repeat(cuts, lengths))
    pointers = np.searchsorted(kept, block.indptr)
    surplus = np.diff(pointers) - np.minimum(lengths, k)
    out = []
    for row in np.flatnonzero(surplus).tolist():  # as many of the entries at the cut as are too many, the last columns
        own = kept[pointers[row] : pointers[row + 1]]
        level = own[block.data[own] == cuts[row]]
        out.append(level[np.argsort(-block.indices[level])[: surplus[row]]])
    if out:
        kept = np.delete(kept, np.searchsorted(kept, np.concatenate(out)))
        pointers = np.concatenate(([0], np.cumsum(np.minimum(lengths, k))))
    return csr_array((block.data[kept], block.indices[kept], pointers), shape=block.shape)


def largest(rows: NDArray[np.floating[Any]], own: NDArray[np.int64], k: int) -> csr_array[Any]:
    """The k entries of each row (m, c) that are furthest from 0, without the one at `own` (m,); below 0: none."""
    from scipy.sparse import csr_array

    m, c = rows.shape
    inside = np.flatnonzero(own >= 0)
    rows[inside, own[inside]] = 0.0
    if k >= c:
        return csr_array(rows)
    columns = np.argpartition(-np.abs(rows), k, axis=1)[:, :k]
    columns.sort(axis=1)
    found = csr_array((np.take_along_axis(rows, columns, axis=1).ravel(), columns.ravel(), np.arange(0, m * k + 1, k)), shape=(m, c))
    found.eliminate_zeros()
    return found
