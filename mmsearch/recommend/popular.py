"""Popularity: the same products for everyone. The floor under every comparison, and what a cold user gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import BASE, History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons


class Popular(Recommender):
    """score(i) = Σ over the events of i of value · 2^(−age / half_life).

    Parameters
    ----------
    half_life : after how long an event counts half, in the unit of the times (age is counted back from the newest event of all);
        None: all events count alike.
    """

    personal = False

    def __init__(self, half_life: float | None = None):
        if half_life is not None and not half_life > 0:
            raise ValueError(f"half_life must be above 0, not {half_life}")
        self.half_life = half_life
        self._scores = np.zeros(0)

    def fit(self, interactions: Interactions, products: Products) -> None:
        interactions.require_events()
        weights = interactions.values
        if self.half_life is not None:
            weights = weights * 2.0 ** ((interactions.times - interactions.times.max()) / self.half_life)
        self._scores = np.bincount(interactions.products, weights, minlength=len(products.product_ids)).astype(np.float64)

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        return np.tile(self._scores, (len(histories), 1))

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """Nothing: popularity knows of no similarity."""
        return [Recommended(np.zeros(0, np.int64), np.zeros(0)) for _ in products]

    def why(self, history: History, product: int) -> list[Reason]:
        """Its popularity: no product of the history speaks for it."""
        return sorted_reasons([Reason(BASE, float(self._scores[product]), "is popular")])

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"scores": self._scores}, {}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self._scores = np.asarray(arrays["scores"], dtype=np.float64)
