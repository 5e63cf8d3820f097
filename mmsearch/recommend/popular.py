"""Popularity: the same products for everyone. The floor under every comparison, and what a cold user gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.ranking.boost import seconds
from mmsearch.recommend.base import BASE, History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons

_MOST_HALVED = 1_000.0  # halvings of the oldest event: 2^-1000 is a number still, and so it ranks
_TINY = 1e-12  # where all events are of one moment


class Popular(Recommender):
    """score(i) = Σ over the events of i of value · 2^(−age / half_life).

    Parameters
    ----------
    half_life : after how long an event counts half, age being counted back from the newest event of all. Where the times are dates, a
        number is days, and s, m, h, d, w, y are units (`30d`); where they are ordinals, it is a number of their steps. None: all events
        count alike. It is at least a thousandth of the time from the oldest event to the newest, so that no event comes to nothing.
    """

    personal = False

    def __init__(self, half_life: str | None = None):
        if half_life is not None:
            seconds(half_life)
        self.half_life = half_life
        self._scores = np.zeros(0)

    def fit(self, interactions: Interactions, products: Products) -> None:
        interactions.require_events()
        weights = interactions.values
        if self.half_life is not None:
            ages = interactions.times.max() - interactions.times
            weights = weights * np.exp2(-ages / max(self._half_life(interactions), float(ages.max()) / _MOST_HALVED, _TINY))
        self._scores = np.bincount(interactions.products, weights, minlength=len(products.product_ids)).astype(np.float64)

    def _half_life(self, interactions: Interactions) -> float:
        """In the unit of the times. Raises InputError : a length of time where the times are ordinals."""
        text = self.half_life or ""
        if interactions.dated:
            return seconds(text)
        try:
            return float(text)
        except ValueError:
            hint = "give a number of their steps, as in 'popular(half_life=100)'"
            raise InputError(f"half_life={text}: the times of these events are no dates", hint=hint) from None

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
