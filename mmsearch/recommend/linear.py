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
from mmsearch.recommend.best import k_best, places, ranked
from mmsearch.recommend.interactions import weight_matrix, weights_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class LinearItems(Recommender):
    """w_uj is the value of the user's event times decay^age; several events with one product add up.

    S is sparse. It is learned and stored in 32 bits and multiplied in 64, so that reasons add up to scores.
    """

    batch = 2048  # their scores are sparse
    in_threads = False  # it is within a batch
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
        return np.asarray((self._weights(histories) @ self._says).toarray(), dtype=np.float64)

    def _weights(self, histories: Sequence[History]) -> csr_array[Any]:
        return weight_matrix(histories, self._says.shape[0], self.decay)

    def _best(self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None) -> list[Recommended]:
        """Without a dense row: most products have no score."""
        without = None if exclude is None else places(exclude)
        return ranked(k_best(self._weights(histories), self._says, k, without=without))

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
