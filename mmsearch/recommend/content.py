"""Content-based recommendation, R̂_ui = Σ_{j∈N_i} w_uj · sim(x_i, x_j): products that look, read or sound like what the user took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.ranking import SIMILARITIES
from mmsearch.ranking.similarity import Cosine, Dot, Similarity
from mmsearch.recommend.base import History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.interactions import weight_matrix, weights_of

_ROWS = 16_384  # products turned into float64 at once
_BATCH = 256  # products whose similarities to all others are held at once


class Content(Recommender):
    """N_i is the user's history, w_uj the value of the event times decay^age, x the products' vectors in one space.

    A product that nobody has taken yet is served like any other; one without a vector scores 0 and says nothing.

    Parameters
    ----------
    similarity : the name of a similarity, as for search.
    decay : weight of one step back in the history, in (0, 1]; 1 ignores the order.
    profile : the fusion profile whose vectors are compared; the default one if none is named.
    """

    needs_vectors = True

    def __init__(self, similarity: str = "cosine", decay: float = 0.6, profile: str | None = None):
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, not {decay}")
        self.similarity, self.decay, self.profile = similarity, decay, profile
        made: Similarity = SIMILARITIES.create(similarity)
        # Rows of `Products.vectors` are unit or zero, where the cosine is the inner product.
        self._measure = Dot() if isinstance(made, Cosine) else made
        self._X = np.zeros((0, 0), np.float32)
        self._present: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def fit(self, interactions: Interactions, products: Products) -> None:
        self._look(products)

    def _look(self, products: Products) -> None:
        """All that there is to learn. Raises InputError."""
        if products.vectors is None or not products.vectors.any():
            raise InputError("no product has a vector", hint="make them: mmsearch embed")
        self._hold(products.vectors)

    def extended(self, products: Products, fitted: int) -> Content:
        """See `Recommender.extended`: by the vectors that products have now."""
        self._look(products)
        return self

    def _hold(self, vectors: NDArray[np.float32]) -> None:
        self._X = np.ascontiguousarray(vectors, dtype=np.float32)
        self._present = np.asarray(self._X.any(axis=1))

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        from scipy.sparse import csr_array

        weights = weight_matrix(histories, len(self._X), self.decay)
        taken = np.unique(weights.indices)
        columns = csr_array((weights.data, np.searchsorted(taken, weights.indices), weights.indptr), shape=(len(histories), len(taken)))
        if isinstance(self._measure, Dot):  # Σ w·⟨x_j, x_i⟩ = ⟨Σ w·x_j, x_i⟩: one comparison a user instead of one an event
            return self._compare(columns @ self._X[taken].astype(np.float64))
        columns.data *= self._present[taken][columns.indices]
        return np.asarray(columns @ self._compare(self._X[taken].astype(np.float64)), dtype=np.float64)

    def _compare(self, Q: NDArray[np.float64]) -> NDArray[np.float64]:
        """Vectors (m, d) with every product → (m, n), 0 where a product has no vector; in float64, so that contributions add up."""
        scores = np.empty((len(Q), len(self._X)))
        for start in range(0, len(self._X), _ROWS):
            block = slice(start, start + _ROWS)
            scores[:, block] = self._matrix(Q, self._X[block])
        scores[:, ~self._present] = 0.0
        return scores

    def _matrix(self, Q: NDArray[np.float64], X: NDArray[np.float32]) -> NDArray[np.float64]:
        matrix: Any = self._measure.matrix  # typed for float32; its arithmetic is that of its arguments
        return np.asarray(matrix(Q, X.astype(np.float64)), dtype=np.float64)

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        found = []
        for start in range(0, len(products), _BATCH):
            asked = np.asarray(products[start : start + _BATCH], dtype=np.int64)
            scores = self._compare(self._X[asked].astype(np.float64))
            scores[~self._present[asked]] = 0.0
            scores[np.arange(len(asked)), asked] = -np.inf
            found += [top(row, k) for row in scores]
        return found

    def why(self, history: History, product: int) -> list[Reason]:
        if not self._present[product]:
            return []
        taken, where = np.unique(history.products, return_inverse=True)
        weights = np.bincount(where, weights_of(history, self.decay), minlength=len(taken)) * self._present[taken]
        similarities = self._matrix(self._X[taken].astype(np.float64), self._X[product : product + 1])[:, 0]
        return sorted_reasons(Reason(int(j), float(part), "is like") for j, part in zip(taken, weights * similarities, strict=True))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"vectors": self._X}, {}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self._hold(arrays["vectors"])
