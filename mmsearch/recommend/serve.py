"""Recommending from a store: its interactions and vectors in, products with titles and reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from mmsearch.catalog.behaviour import read_events
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import InputError, StoreError, UsageError, did_you_mean
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.batch import mean_by_product
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import History, Interactions, Products, Recommender, top
from mmsearch.recommend.interactions import build, history_of
from mmsearch.settings import MODALITIES
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.filter import passing
from mmsearch.store.vectors import dimension, read_vectors
from mmsearch.store.where import id_list

#: What answers when the asked method cannot: a user without events gets what sells.
FALLBACK = "popular"


@dataclass(frozen=True)
class Recommendation:
    """One recommended product; `why` are (history product, contribution) pairs that add up to the score."""

    rank: int
    id: str
    score: float
    title: str | None
    why: list[tuple[str, float]] = field(default_factory=list)

    def to_json(self, *, why: bool = False) -> dict[str, Any]:
        out: dict[str, Any] = {"rank": self.rank, "id": self.id, "score": self.score, "title": self.title}
        return out | {"why": [{"id": id, "contribution": value} for id, value in self.why]} if why else out


@dataclass(frozen=True)
class Recommendations:
    """What was recommended, by which method (not the asked one where a fallback answered: `notes` says so)."""

    items: list[Recommendation]
    method: str
    notes: list[str] = field(default_factory=list)


def load_interactions(store: Store) -> tuple[Interactions, int]:
    """The store's events over its catalogue, and the number of events whose product is not in it. See `read_events`."""
    ids = store.read(PRODUCTS, ["id"]).column("id").to_pylist() if store.has(PRODUCTS) else []
    events = read_events(store)
    return build(events.users, events.products, events.strengths(), events.times, product_ids=ids)


def vectors_table(store: Store) -> str | None:
    """The table of the vectors that products are compared by: of the default fusion profile, else of the first modality that has any."""
    if name := profiles.default_name(store):
        table = profiles.load(store, name).fused_table
        return table if store.has(table) else None
    known = (recorded_encoder(store, modality) for modality in MODALITIES)
    return next((one["table"] for one in known if one and store.count(one["table"])), None)


def load_products(store: Store, product_ids: Sequence[str]) -> Products:
    """The products with their vectors; see `vectors_table`."""
    table = vectors_table(store)
    if table is None:
        return Products(product_ids)
    vectors, _ = mean_by_product(read_vectors(store, table), pa.array(product_ids, pa.string()), dimension(store, table) or 0)
    return Products(product_ids, vectors)


def recommend(
    store: Store,
    *,
    user: str | None = None,
    like: Sequence[tuple[str, float]] = (),
    unlike: Sequence[tuple[str, float]] = (),
    method: str | None = None,
    k: int = 10,
    where: str | None = None,
) -> Recommendations:
    """The k best products for a user, or for someone who likes (and dislikes) some products; what they had is left out.

    Parameters
    ----------
    like, unlike : (product id, weight).
    method : a recommender's spec; None takes `itemcf` where there are events to learn from, else `content`.

    Raises
    ------
    UsageError : nobody and nothing to recommend for, an unknown product, a bad filter or spec.
    InputError : nothing to recommend from (says which command brings it).
    """
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    if user is None and not like:
        hint = "for example: mmsearch recommend --user u42   or: mmsearch recommend --like P1 --unlike P2"
        raise UsageError("nobody to recommend for" if not unlike else "--unlike alone does not say what to look for", hint=hint)
    interactions, left_out = load_interactions(store)
    if not interactions.product_ids:
        raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
    place = {id: i for i, id in enumerate(interactions.product_ids)}
    history = _history(interactions, place, user, like, unlike)
    notes = [f"{left_out} events of products that are not in the catalogue are left out"] if left_out else []
    spec = method or ("itemcf" if len(interactions) else "content")
    allowed = _allowed(store, interactions.product_ids, where)
    if not allowed.any():
        notes.append(f"no product matches {where}")
    elif allowed[history.products].sum() == allowed.sum():
        notes.append("every product is in the history already")
    allowed[history.products] = False
    recommender = _fit(store, spec, interactions)
    scores = np.where(allowed, recommender.score([history])[0], -np.inf)
    if recommender.personal and allowed.any() and not (scores > 0).any():
        notes.append(_fallback_reason(user, history, spec) + f": showing {FALLBACK}")
        spec, recommender = FALLBACK, _fit(store, FALLBACK, interactions)
        scores = np.where(allowed, recommender.score([history])[0], -np.inf)
    best = top(scores, k)
    ids = [interactions.product_ids[i] for i in best.products]
    titles = _titles(store, ids)
    items = []
    for rank, (index, score) in enumerate(zip(best.products, best.scores, strict=True), 1):
        reasons = [(interactions.product_ids[i], float(value)) for i, value in recommender.why(history, int(index))]
        items.append(Recommendation(rank, ids[rank - 1], float(score), titles.get(ids[rank - 1]), reasons))
    return Recommendations(items, spec, notes)


def _fit(store: Store, spec: str, interactions: Interactions) -> Recommender:
    recommender: Recommender = RECOMMENDERS.create(spec)
    needs = recommender.needs_vectors
    recommender.fit(interactions, load_products(store, interactions.product_ids) if needs else Products(interactions.product_ids))
    return recommender


def _history(
    interactions: Interactions,
    place: dict[str, int],
    user: str | None,
    like: Sequence[tuple[str, float]],
    unlike: Sequence[tuple[str, float]],
) -> History:
    """The user's events, with liked and disliked products as the newest ones."""
    for id, _ in (*like, *unlike):
        if id not in place:
            raise UsageError(f"there is no product {id}{did_you_mean(id, place)}")
    known = {name: i for i, name in enumerate(interactions.user_ids)}
    old = history_of(interactions, known[user]) if user in known else History(np.empty(0, np.int64), np.empty(0), np.empty(0))
    said = [(place[id], weight) for id, weight in like] + [(place[id], -weight) for id, weight in unlike]
    if not said:
        return old
    products = np.concatenate([old.products, np.array([p for p, _ in said], np.int64)])
    values = np.concatenate([old.values, np.array([w for _, w in said])])
    ages = np.concatenate([old.ages + 1, np.zeros(len(said))])  # said together, all newest
    return History(products, values, ages)


def _fallback_reason(user: str | None, history: History, spec: str) -> str:
    if user is not None and not len(history.products):
        return f"the user {user} has no events"
    return f"{spec} finds nothing for this history"


def _allowed(store: Store, product_ids: Sequence[str], where: str | None) -> np.ndarray:
    if where is None:
        return np.ones(len(product_ids), dtype=bool)
    return passing(store, where, pa.array(product_ids, pa.string()))


def _titles(store: Store, ids: list[str]) -> dict[str, str | None]:
    if not ids:
        return {}
    rows = store.read(PRODUCTS, ["id", "title"], where=id_list("id", ids))
    if rows.num_rows != len(ids):
        raise StoreError("products disappeared while they were recommended", hint="try again")
    return dict(zip(rows.column("id").to_pylist(), rows.column("title").to_pylist(), strict=True))
