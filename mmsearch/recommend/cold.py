"""New products inside a collaborative model: a product that nobody took yet scores what those score that it is made up of.

Its vector is written as a combination of its nearest neighbours' among the products that people took (the weights of locally linear
embedding, Roweis and Saul, Science 290, 2000, with a ridge), and the combination of their scores is its score. For a model of factors
this is a map from vectors into the factors, in the spirit of Gantner et al., "Learning attribute-to-feature mappings for cold-start
recommendations", ICDM 2010; it works for any model, because only scores are combined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.recommend.base import History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.nested import made, one_profile, packed, unpack

_ROWS = 512  # new products compared with all others at once


class Cold(Recommender):
    """`cold(base=itemcf)`: the base, and new products that it knows nothing of.

    For a product i without a positive event, with N_i its k nearest products with some, a_i = (X_N X_Nᵀ + ridge·I)⁻¹ X_N x_i and
    R̂_ui = Σ_{w∈N_i} a_iw · R̂^base_uw. What the base says of all other products stays as it is, and of a new one without a vector.

    Parameters
    ----------
    base : the recommender's spec.
    k : neighbours that a new product is made up of.
    ridge : pulls the weights towards 0 and each other.
    profile : the fusion profile whose vectors are compared; that of the base, else the default one.
    """

    needs_vectors = True

    def __init__(self, base: str = "itemcf", k: int = 30, ridge: float = 3.0, profile: str | None = None):
        if k < 1:
            raise ValueError(f"k must be at least 1, not {k}")
        if not 0 < ridge < np.inf:
            raise ValueError(f"ridge must be above 0, not {ridge:g}")
        self.k, self.ridge = k, ridge
        self._base = made(base)
        self.personal = self._base.personal
        self.profile = profile or one_profile([self._base])
        if self._base.needs_vectors and self._base.profile != self.profile:
            raise ValueError(f"its base reads another profile than {self.profile}; give both the same profile=NAME")
        self._taken = np.zeros(0, np.int64)
        self._hold(np.zeros(0, np.int64), np.zeros((0, 0), np.int64), np.zeros((0, 0)), [])

    @property
    def base(self) -> Recommender:
        """What it asks about products that people took."""
        return self._base

    def fit(self, interactions: Interactions, products: Products) -> None:
        self._base.fit(interactions, products)
        self._taken = np.unique(interactions.products[interactions.values > 0])
        self._combine(products)

    def extended(self, products: Products, fitted: int) -> Cold:
        """See `Recommender.extended`: later products are new ones as those were that nobody had taken yet."""
        self._base = self._base.extended(products, fitted)
        self._combine(products)
        return self

    def _combine(self, products: Products) -> None:
        """Write every product that nobody had taken as a combination of those that people had."""
        if products.vectors is None or not products.vectors.any():
            raise InputError("no product has a vector", hint="make them: mmsearch embed")
        X = products.vectors
        taken = np.zeros(len(X), np.bool_)
        taken[self._taken] = True
        present = X.any(axis=1)
        warm, new = np.flatnonzero(taken & present), np.flatnonzero(~taken & present)
        k = min(self.k, len(warm))
        pieces = [_combinations(X[new[start : start + _ROWS]], X[warm], k, self.ridge) for start in range(0, len(new), _ROWS)] if k else []
        nearest = warm[np.concatenate([rows for rows, _ in pieces])] if pieces else np.zeros((0, k), np.int64)
        weights = np.concatenate([part for _, part in pieces]) if pieces else np.zeros((0, k))
        ids = products.product_ids
        self._hold(new if pieces else new[:0], nearest, weights, [str(ids[int(row[0])]) for row in nearest])

    def _hold(self, new: NDArray[np.int64], nearest: NDArray[np.int64], weights: NDArray[np.float64], like: list[str]) -> None:
        """New products (m,), their neighbours and weights (m, k), nearest first, and the id of each one's nearest."""
        self._new, self._nearest, self._weights, self._like = new, nearest, weights, like
        self._place = {int(product): row for row, product in enumerate(new.tolist())}

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        from scipy.sparse import csr_array

        scores = self._base.score(histories)
        if len(self._new) and self.personal:
            m, k = self._nearest.shape
            A = csr_array((self._weights.ravel(), self._nearest.ravel(), np.arange(m + 1) * k), shape=(m, scores.shape[1]))
            scores[:, self._new] = (A @ scores.T).T
        return scores

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """The base's; for a new product the weighted sum of its neighbours' similar products, and these themselves by their weights."""
        found = self._base.similar(products, k)
        for place, product in enumerate(products):
            row = self._place.get(int(product))
            if row is None or not self.personal:
                continue
            sums: dict[int, float] = {}
            near, weights = self._nearest[row].tolist(), self._weights[row].tolist()
            for best, weight in zip(self._base.similar(near, k), weights, strict=True):
                highest = float(best.scores[0]) if len(best.scores) else 1.0
                for other, score in zip(best.products.tolist(), best.scores.tolist(), strict=True):
                    sums[other] = sums.get(other, 0.0) + weight * score / highest
            for other, weight in zip(near, weights, strict=True):
                sums[other] = sums.get(other, 0.0) + weight
            sums.pop(int(product), None)
            found[place] = top(np.array(list(sums.values()), dtype=np.float64), k, np.array(list(sums), dtype=np.int64))
        return found

    def why(self, history: History, product: int) -> list[Reason]:
        """The base's; for a new product what the history says of its neighbours, which adds up the same."""
        row = self._place.get(int(product))
        if row is None or not self.personal:
            return self._base.why(history, product)
        parts: dict[tuple[int, str], float] = {}
        for near, weight in zip(self._nearest[row].tolist(), self._weights[row].tolist(), strict=True):
            for said in self._base.why(history, near):
                key = said.product, f"looks like {self._like[row]} and others, {said.relation}"
                parts[key] = parts.get(key, 0.0) + weight * said.value
        return sorted_reasons(Reason(said_by, value, relation) for (said_by, relation), value in parts.items())

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, values = packed([self._base])
        own = {"taken": self._taken, "new": self._new, "nearest": self._nearest, "weights": self._weights}
        return arrays | own, values | {"like": self._like}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        unpack([self._base], arrays, values)
        self._taken = np.asarray(arrays["taken"])
        self._hold(np.asarray(arrays["new"]), np.asarray(arrays["nearest"]), np.asarray(arrays["weights"]), list(values["like"]))


def _combinations(x: NDArray[np.float32], X: NDArray[np.float32], k: int, ridge: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For unit rows x (m, d) the k nearest rows of X (n, d), nearest first, ties by index, and their weights: both (m, k)."""
    likeness = (x @ X.T).astype(np.float64)
    nearest = np.argsort(-likeness, axis=1, kind="stable")[:, :k]
    neighbours = X[nearest].astype(np.float64)  # (m, k, d)
    gram = neighbours @ neighbours.transpose(0, 2, 1)
    gram[:, np.arange(k), np.arange(k)] += ridge
    weights = np.linalg.solve(gram, np.take_along_axis(likeness, nearest, axis=1)[:, :, None])[:, :, 0]
    return nearest, np.asarray(weights, dtype=np.float64)
