"""What shoppers say of products, as numbers: how much they are taken, and how they are rated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.catalog.behaviour import read_events
from mmsearch.errors import UsageError
from mmsearch.ranking.base import Scores
from mmsearch.store import REVIEWS, Store

SIGNALS = ("popularity", "rating")

#: Reviews of the mean of all that each product has beside its own: a convention. One review with five stars is no better than a hundred
#: with 4.8.
_PRIOR = 5


def read_signal(store: Store, name: str, products: pa.Array) -> Scores:
    """One of `SIGNALS` of products (n,), NaN where nobody has said anything. Raises UsageError where the store knows of no such thing."""
    return _popularity(store, products) if name == "popularity" else _rating(store, products)


def _popularity(store: Store, products: pa.Array) -> Scores:
    events = read_events(store)
    total, count = _sums(pa.array(events.products, pa.string()), events.strengths(), products)
    if not count.any():
        raise UsageError(
            "--rerank: popularity is counted from events, and the store has none of its products", hint="mmsearch ingest events.csv"
        )
    return np.where(count > 0, np.log1p(total), np.nan)


def _rating(store: Store, products: pa.Array) -> Scores:
    total, count = np.zeros(len(products)), np.zeros(len(products))
    if store.has(REVIEWS):
        rows = store.read(REVIEWS, ["product", "rating"])
        rows = rows.filter(pc.is_valid(rows.column("rating")))
        total, count = _sums(rows.column("product"), rows.column("rating").to_numpy(), products)
    if not count.any():
        hint = "mmsearch ingest reviews.csv, or name an attribute of the products"
        raise UsageError("--rerank: no product has an attribute 'rating', nor reviews with ratings", hint=hint)
    mean = total.sum() / count.sum()
    return np.where(count > 0, (total + _PRIOR * mean) / (count + _PRIOR), np.nan)


def _sums(ids: pa.Array | pa.ChunkedArray, values: NDArray[np.float64], products: pa.Array) -> tuple[Scores, Scores]:
    """Sum of the values (e,) of each product (n,), and how many it has."""
    place = pc.index_in(ids, value_set=products).fill_null(-1).to_numpy(zero_copy_only=False) if len(ids) else np.empty(0, dtype=np.int64)
    inside = place >= 0
    at = place[inside].astype(np.int64)
    return np.bincount(at, values[inside], len(products)).astype(np.float64), np.bincount(at, minlength=len(products)).astype(np.float64)
