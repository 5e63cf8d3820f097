"""What shoppers did and said in a store → `Interactions`: its events, and the reviews of products that are in no event of their writers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.catalog.behaviour import Events, Names, read_events
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.batch import mean_by_product
from mmsearch.recommend.base import CLOCK, Interactions, Products
from mmsearch.recommend.interactions import build_named
from mmsearch.settings import MODALITIES
from mmsearch.store import PRODUCTS, REVIEWS, Store
from mmsearch.store.facts import read_rows
from mmsearch.store.vectors import dimension, read_vectors
from mmsearch.store.where import id_list

#: The feature that tells whether a review praises or blames.
_SENTIMENT = "sentiment"

_DAY = 86_400.0


@dataclass(frozen=True)
class Scale:
    """The highest ratings of events and of reviews: they count 1. A model keeps them, so that a history of later weighs the same."""

    events: float | None = None
    reviews: float | None = None


@dataclass(frozen=True)
class Evidence:
    """`interactions` over products in a given order; what a person should know of what was left out; the scale of ratings; how many
    events are of products that are not in the catalogue; and the events as they were read."""

    interactions: Interactions
    notes: list[str]
    scale: Scale
    unknown_products: int
    events: Events


def read_evidence(store: Store, product_ids: Sequence[str], *, users: Sequence[str] | None = None, scale: Scale | None = None) -> Evidence:
    """The events and reviews of some users, or of all, over the products `product_ids`.

    A review with stars says as much as a rating of the same share of the most stars there are; one without stars what its words say
    ((1 + sentiment) / 2), and half where nobody has looked (`mmsearch embed --features sentiment`). A person's review of a product that an
    event of theirs has, too, adds nothing. Events that say nothing are left out. Times after today are taken as today.

    Parameters
    ----------
    users : None for all.
    scale : of a model that was fitted before; None: as these events have it.
    """
    events = read_events(store, users)
    reviews, unread = _reviews(store, users, scale)
    scale = scale or Scale(events.highest_rating(), reviews.highest)
    strengths = np.concatenate([events.strengths(scale.events), reviews.strengths(scale.reviews)])
    when, early = _until_today(np.concatenate([events.times, reviews.times]))
    keep = strengths != 0
    keep[len(events) :] &= ~_said_before(events, reviews)
    who, what = _joined(events.users, reviews.users, keep), _joined(events.products, reviews.products, keep)
    built = build_named(who, what, strengths[keep], when[keep], product_ids)
    notes = events.unheard()
    if built.unknown_products:
        one = built.unknown_products == 1
        some = "1 event of a product that is" if one else f"{built.unknown_products:,} events of products that are"
        notes.append(f"{some} not in the catalogue {'is' if one else 'are'} left out")
    if early:
        notes.append("1 event after today counts as of today" if early == 1 else f"{early:,} events after today count as of today")
    if unread:
        some = "1 review without stars counts" if unread == 1 else f"{unread:,} reviews without stars count"
        praise = "it praises" if unread == 1 else "they praise"
        notes.append(f"{some} half: mmsearch embed --features sentiment tells whether {praise}")
    return Evidence(built.interactions, notes, scale, built.unknown_products, events)


def load_products(store: Store, product_ids: Sequence[str], profile: str | None = None) -> Products:
    """The products with their vectors: those of a fusion profile (None: the default one), else of the first modality that has any.

    Raises UsageError : no profile of that name. StoreError : it is out of date.
    """
    table = vectors_table(store, profile)
    if table is None or not store.has(table):
        return Products(product_ids)
    vectors, _ = mean_by_product(read_vectors(store, table), pa.array(product_ids, pa.string()), dimension(store, table) or 0)
    return Products(product_ids, vectors)


def vectors_table(store: Store, profile: str | None = None) -> str | None:
    """The table of the vectors that `load_products` reads; None where nothing is embedded. Raises as that does."""
    if name := profile or profiles.default_name(store):
        return profiles.load(store, name).fused_table
    for modality in MODALITIES:
        known = recorded_encoder(store, modality)
        if known and store.count(known["table"]):
            return str(known["table"])
    return None


def catalogue(store: Store) -> list[str]:
    """The ids of all products, in the order of the table."""
    return list(store.read(PRODUCTS, ["id"]).column("id").to_pylist()) if store.has(PRODUCTS) else []


@dataclass(frozen=True)
class _Reviews:
    """Aligned columns (r,)."""

    users: list[str]
    products: list[str]
    stars: NDArray[np.float64]  # NaN without
    words: NDArray[np.float64]  # −1..1, what the text says; NaN where nobody has looked
    times: NDArray[np.float64]  # NaN where it is not known

    @property
    def highest(self) -> float | None:
        """The most stars there are."""
        return float(np.nanmax(self.stars)) if (~np.isnan(self.stars)).any() else None

    def strengths(self, highest: float | None) -> NDArray[np.float64]:
        """How much each says (r,), 0 to 1."""
        said = (1 + np.nan_to_num(self.words)) / 2
        stars = np.clip(np.nan_to_num(self.stars) / highest, 0, 1) if highest else np.zeros(len(self.stars))
        return np.where(np.isnan(self.stars), said, stars)


def _reviews(store: Store, users: Sequence[str] | None, scale: Scale | None) -> tuple[_Reviews, int]:
    """The reviews whose writers are known, and how many of them say nothing that can be counted."""
    if not store.has(REVIEWS):
        return _Reviews([], [], np.empty(0), np.empty(0), np.empty(0)), 0
    some = None if users is None else id_list("user", list(users))
    rows = store.read(REVIEWS, ["key", "user", "product", "rating", "time"], where=some)
    rows = rows.filter(pc.is_valid(rows.column("user")))
    keys, who, what, ratings, times = (column.to_pylist() for column in rows.columns)
    stars = np.array(ratings, dtype=np.float64)
    words = np.full(len(stars), np.nan)
    if (silent := np.flatnonzero(np.isnan(stars))).size:
        place = {keys[i]: i for i in silent.tolist()}
        for row in read_rows(store, _SENTIMENT, None if users is None else sorted({what[i] for i in silent.tolist()})):
            if row.part in place and row.facts:
                words[place[row.part]] = float(row.facts[0]["value"])
    return _Reviews(who, what, stars, words, np.array(times, dtype=np.float64)), int((np.isnan(stars) & np.isnan(words)).sum())


def _said_before(events: Events, reviews: _Reviews) -> NDArray[np.bool_]:
    """Which reviews (r,) are of a product that an event of the same person has."""
    if not reviews.users:
        return np.zeros(0, dtype=bool)
    writers = set(reviews.users)
    theirs = np.flatnonzero(events.users.each([user in writers for user in events.users.distinct]).astype(bool))
    pairs = {(events.users[i], events.products[i]) for i in theirs.tolist()}
    return np.array([pair in pairs for pair in zip(reviews.users, reviews.products, strict=True)], dtype=bool)


def _joined(column: Names, more: Sequence[str], keep: NDArray[np.bool_]) -> Names:
    """The rows that are kept of a column and of more names behind it; only names that are left are known."""
    place = {name: i for i, name in enumerate(column.distinct)}
    behind = np.fromiter((place.setdefault(name, len(place)) for name in more), np.int32, len(more))
    left, codes = np.unique(np.concatenate([column.codes, behind])[keep], return_inverse=True)
    names = list(place)
    return Names([names[i] for i in left.tolist()], codes.astype(np.int32))


def _until_today(times: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Times (e,) with none after today, and of how many that was; those that are not known count as the oldest."""
    known = times[np.isfinite(times)]
    oldest = float(known.min()) if len(known) else 0.0
    when = np.where(np.isfinite(times), times, oldest)
    today = time.time() + _DAY
    early = (when > today) & (when > CLOCK)
    return np.where(early, today, when), int(early.sum())
