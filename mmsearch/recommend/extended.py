"""A fitted recommender among more products than it was fitted on: those that came later score 0, and say nothing of others.

That is what fitting anew on the same events would give where a method knows products by events alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import History, Interactions, Products, Reason, Recommended, Recommender


class Extended(Recommender):
    """`inner`, which was fitted on the first `fitted` of n products."""

    def __init__(self, inner: Recommender, fitted: int, n: int):
        self.inner, self.fitted, self._n = inner, fitted, n
        self.personal, self.needs_vectors, self.profile = inner.personal, inner.needs_vectors, inner.profile
        self.batch, self.in_threads = inner.batch, inner.in_threads

    def fit(self, interactions: Interactions, products: Products) -> None:
        """Anew, on all products."""
        self.inner.fit(interactions, products)
        self.fitted = self._n = len(products.product_ids)

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        scores = np.zeros((len(histories), self._n))
        scores[:, : self.fitted] = self.inner.score(self._heard(histories))
        return scores

    def _best(self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None) -> list[Recommended]:
        known = None if exclude is None else [[product for product in out if product < self.fitted] for out in exclude]
        return self.inner._best(self._heard(histories), k, known)

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        found = iter(self.inner.similar([product for product in products if product < self.fitted], k))
        nothing = Recommended(np.empty(0, np.int64), np.empty(0))
        return [next(found) if product < self.fitted else nothing for product in products]

    def why(self, history: History, product: int) -> list[Reason]:
        return self.inner.why(self._heard([history])[0], product) if product < self.fitted else []

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """That of the inner one."""
        return self.inner.state()

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self.inner.load_state(arrays, values)

    def _heard(self, histories: Sequence[History]) -> list[History]:
        """The events with products that it was fitted on, their ages as they are."""
        kept = [history.products < self.fitted for history in histories]
        return [History(h.products[k], h.values[k], h.ages[k]) for h, k in zip(histories, kept, strict=True)]
