"""User-based collaborative filtering: what those took who took what the user took, R̂_ui = Σ_{v∈N_u} s_uv · r_vi.

Herlocker et al., "An algorithmic framework for performing collaborative filtering", SIGIR 1999.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.best import Norms, k_best, places, ranked
from mmsearch.recommend.interactions import ages, strongest, weight_matrix, weights_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SIMILARITIES = ("cosine", "conditional")


class UserCF(Recommender):
    """N_u are the k known users v most similar to the history w_u (values times decay^age, several events with a product added up):

    - cosine: s_uv = ⟨w_u, r_v⟩ / (|w_u|·|r_v| + shrink)
    - conditional: s_uv = ⟨w_u, r_v⟩ / (|r_v|² + shrink), the share of what v took that u took

    r_v holds the strongest positive event of v with each product, times neighbour_decay^age. Who was known when the model was fitted is a
    neighbour of their own history, which says nothing new.

    Parameters
    ----------
    k : neighbours of a user.
    shrink : pulls similarities that rest on few products towards 0; in strongest events.
    similarity : cosine or conditional.
    decay, neighbour_decay : weight of one step back in the history, and in what the neighbours took, in (0, 1]; 1 ignores the order.
    """

    batch = 2048  # their scores are sparse
    in_threads = False  # it is within a batch

    def __init__(self, k: int = 200, shrink: float = 3.0, similarity: str = "cosine", decay: float = 0.8, neighbour_decay: float = 0.95):
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if not 0 < shrink < np.inf:
            raise ValueError(f"shrink must be above 0, not {shrink}")
        if similarity not in SIMILARITIES:
            raise ValueError(f"similarity must be one of {', '.join(SIMILARITIES)}, not {similarity}")
        for name, weight in (("decay", decay), ("neighbour_decay", neighbour_decay)):
            if not 0 < weight <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, not {weight}")
        self.k, self.shrink, self.similarity, self.decay, self.neighbour_decay = k, shrink, similarity, decay, neighbour_decay
        self._R: csr_array[Any]  # (u, n)

    def fit(self, interactions: Interactions, products: Products) -> None:
        interactions.require_events()
        weakened = replace(interactions, values=interactions.values * self.neighbour_decay ** ages(interactions))
        R = strongest(weakened.take(weakened.values > 0), len(products.product_ids))
        self._hold(R[np.diff(R.indptr) > 0])

    def _hold(self, R: csr_array[Any]) -> None:
        self._R = R.astype(np.float32).astype(np.float64)
        self._by_product = self._R.T.tocsr()
        self._squares = np.asarray(self._R.multiply(self._R).sum(axis=1)).reshape(-1)

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        weights = weight_matrix(histories, self._R.shape[1], self.decay)
        return np.asarray((self._neighbours(weights) @ self._R).toarray(), dtype=np.float64)

    def _neighbours(self, weights: csr_array[Any]) -> csr_array[Any]:
        """s_uv of weights (u, n) with the k nearest users → (u, known users), positive ones alone."""
        found = k_best(weights, self._by_product, self.k, self._norms(weights))
        found.sort_indices()  # so that sums over them are made in one order
        return found

    def _norms(self, weights: csr_array[Any]) -> Norms:
        if self.similarity == "conditional":
            return Norms(np.ones(weights.shape[0]), self._squares, self.shrink)
        own = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).reshape(-1))
        return Norms(own, np.sqrt(self._squares), self.shrink)

    def _best(self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None) -> list[Recommended]:
        weights = weight_matrix(histories, self._R.shape[1], self.decay)
        without = None if exclude is None else places(exclude)
        return ranked(k_best(self._neighbours(weights), self._R, k, without=without))

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """What those took who took the product."""
        one = np.ones(1)
        scores = self.score([History(np.array([product]), one, np.zeros(1)) for product in products])
        scores[np.arange(len(scores)), np.asarray(products, dtype=np.int64)] = 0.0
        return [top(row, k) for row in scores]

    def why(self, history: History, product: int) -> list[Reason]:
        """Each product of the history by its share in the similarities of the neighbours that took `product`."""
        weights = weight_matrix([history], self._R.shape[1], self.decay)
        chosen = self._neighbours(weights)
        own, squares, shrink, _ = self._norms(weights)
        votes = self._R[:, [product]].toarray()[chosen.indices, 0] / (own[0] * squares[chosen.indices] + shrink)
        taken, where = np.unique(history.products, return_inverse=True)
        sums = np.bincount(where, weights_of(history, self.decay), minlength=len(taken))
        shared = votes @ self._R[chosen.indices][:, taken].toarray()
        return sorted_reasons(Reason(int(j), float(part), "taken by the same people") for j, part in zip(taken, sums * shared, strict=True))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        R = self._R
        return {"data": R.data.astype(np.float32), "indices": R.indices, "indptr": R.indptr}, {"products": R.shape[1]}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        from scipy.sparse import csr_array

        shape = (len(arrays["indptr"]) - 1, int(values["products"]))
        self._hold(csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape))
