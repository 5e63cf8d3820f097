"""The contract of a recommender, and the interactions that all of them learn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.errors import InputError


@dataclass(frozen=True)
class Interactions:
    """Events of users with products, as aligned columns, sorted by (user, time) and stable within equal times.

    `users[i]` indexes `user_ids`, `products[i]` indexes `product_ids`. `values` are strengths, 1 for the strongest evidence there
    is (a purchase, the best rating) or when nothing else is known; `times` are seconds or any ordinal. Made by `interactions.build`.
    """

    user_ids: Sequence[str]
    product_ids: Sequence[str]
    users: NDArray[np.int64]  # (e,)
    products: NDArray[np.int64]  # (e,)
    values: NDArray[np.float64]  # (e,)
    times: NDArray[np.float64]  # (e,)
    left_out: int = 0  # further events, of products that are not among `product_ids`

    def __len__(self) -> int:
        return len(self.users)

    def take(self, keep: NDArray[np.bool_]) -> Interactions:
        """The events where `keep` (e,) is true; users and products stay known, their indices unchanged."""
        return replace(self, users=self.users[keep], products=self.products[keep], values=self.values[keep], times=self.times[keep])

    @property
    def dated(self) -> bool:
        """Whether the times are dates, in seconds, and no ordinals."""
        return bool(len(self) and self.times.max() > CLOCK)

    def require_events(self, to: str = "learn from") -> None:
        """Raise InputError when there is no event to learn from, or to do anything else with."""
        if not len(self) and self.left_out:
            what = "1 event, of a product that is" if self.left_out == 1 else f"{self.left_out:,} events, all of products that are"
            raise InputError(f"there is nothing to {to}: {what} not in the catalogue", hint="bring products: mmsearch ingest products.csv")
        if not len(self):
            raise InputError(f"there are no interactions to {to}", hint="bring some: mmsearch ingest events.csv")


@dataclass(frozen=True)
class Products:
    """What a recommender may know of the products, beside the events: row i of `vectors` belongs to `product_ids[i]`.

    `vectors` are unit rows of a fusion profile (or of one modality), a zero row where a product has none; None if nothing is embedded.
    """

    product_ids: Sequence[str]
    vectors: NDArray[np.float32] | None = None  # (n, d)


class History(NamedTuple):
    """What one user did, oldest first; `products` index the fitted products."""

    products: NDArray[np.int64]  # (h,)
    values: NDArray[np.float64]  # (h,) may be negative (`--unlike`)
    ages: NDArray[np.float64]  # (h,) steps back from the newest event: 0 for the newest


class Recommended(NamedTuple):
    """The best products for one user, best first."""

    products: NDArray[np.int64]  # (≤ k,)
    scores: NDArray[np.float64]  # (≤ k,)


class Reason(NamedTuple):
    """What speaks for a product (or, below 0, against it), and how much of its score that is."""

    product: int  # of the history; BASE for what no product of the history says
    value: float
    relation: str  # in words, as in "bought with P3": one of the recommender's `relations`


_TINY = float(np.finfo(np.float64).tiny)

#: Times above are dates, in seconds since 1970 (this is 1973); ordinals stay below.
CLOCK = 1e8

#: `Reason.product` of the part of a score that no single product of the history accounts for.
BASE = -1


class Recommender(ABC):
    """Interactions (and vectors) → ranked products. Batch in, batch out. Parameters are keyword arguments of `__init__`.

    A model knows a user by the history alone. So who was never seen before, and who has bought since the model was fitted, is served
    by the model as it is (fold-in).
    """

    #: Whether a user's history changes the answer (popularity ignores it).
    personal: bool = True
    #: Whether it needs `Products.vectors`.
    needs_vectors: bool = False
    #: The fusion profile whose vectors it wants; None: the store's default one.
    profile: str | None = None

    #: Histories that `recommend` scores at once, unless it is told.
    batch: int = 256

    #: Whether `recommend` answers batches in several threads (`MMSEARCH_THREADS`).
    in_threads: bool = True

    @abstractmethod
    def fit(self, interactions: Interactions, products: Products) -> None:
        """Learn. `interactions.product_ids` equals `products.product_ids`.

        Raises
        ------
        InputError : nothing to learn from; says what is missing and which command brings it.
        """

    @abstractmethod
    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """Scores of every product for every history, a new array (u, n). 0 means "no evidence"; higher is better.

        Is called from several threads at once, if `in_threads`.
        """

    @abstractmethod
    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """For each product, the k most similar other ones; none where the method knows of no similarity."""

    @abstractmethod
    def why(self, history: History, product: int) -> list[Reason]:
        """The reasons, largest first, that add up to the score of `product`; none when nothing speaks for it."""

    @abstractmethod
    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What was learned: named arrays and JSON values. Never pickle."""

    @abstractmethod
    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""

    def extended(self, products: Products, fitted: int) -> Recommender:
        """The same among more products, of which the first `fitted` are those that it was fitted on, in their order; nothing is learned.

        Later ones score 0 where they are known by events alone; who knows products by their vectors knows these, too. This one may change.
        Raises InputError where no product has a vector that it takes.
        """
        from mmsearch.recommend.extended import Extended

        return Extended(self, fitted, len(products.product_ids))

    def recommend(
        self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None = None, *, batch: int | None = None
    ) -> list[Recommended]:
        """For each history the k products with the highest positive scores, without the excluded ones; ties by product index.

        Parameters
        ----------
        exclude : one collection of product indices for each history.
        batch : histories that a thread scores at once, so that its memory stays at (batch, n) scores; `self.batch` if not given.
        """
        if exclude is not None and len(exclude) != len(histories):
            raise ValueError(f"exclude must hold one collection for each of the {len(histories)} histories, not {len(exclude)}")

        size = batch or self.batch

        def answer(start: int) -> list[Recommended]:
            part = slice(start, start + size)
            return self._best(histories[part], k, None if exclude is None else exclude[part])

        starts = range(0, len(histories), size)
        if len(starts) < 2 or not self.in_threads:
            return [best for start in starts for best in answer(start)]
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        with threadpool_limits(1, "blas"), ThreadPoolExecutor(settings.threads(), "recommend") as pool:
            return [best for found in pool.map(answer, starts) for best in found]

    def _best(self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None) -> list[Recommended]:
        """`recommend` for one batch."""
        scores = self.score(histories)
        if exclude is not None:
            for row, out in zip(scores, exclude, strict=True):
                row[np.fromiter(out, np.int64, len(out))] = -np.inf
        return [top(row, k) for row in scores]


def sorted_reasons(reasons: Iterable[Reason]) -> list[Reason]:
    """The largest first, ties by product, without those that are 0."""
    return sorted((reason for reason in reasons if reason.value), key=lambda reason: (-reason.value, reason.product, reason.relation))


def top(scores: NDArray[np.float64], k: int, products: NDArray[np.integer[Any]] | None = None) -> Recommended:
    """The k highest positive scores, highest first, ties by product; `products` (m,) are those that the scores (m,) belong to."""
    k = max(0, min(k, len(scores)))
    if 0 < k < len(scores):
        ordered = scores.copy()
        ordered.partition(len(scores) - k)
        chosen = (scores >= max(ordered[len(scores) - k], _TINY)).nonzero()[0]
    else:
        chosen = (scores > 0).nonzero()[0]
    ids = chosen if products is None else products[chosen].astype(np.int64)
    order = np.lexsort((ids, -scores[chosen]))[:k]
    return Recommended(ids[order], scores[chosen[order]])
