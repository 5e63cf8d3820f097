"""What a store knows of its shoppers, as rerankers ask for it: what they took, what they like, what goes with it, when it sells."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from threading import RLock
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.catalog.behaviour import OWNED
from mmsearch.errors import UsageError
from mmsearch.fusion.batch import mean_by_product
from mmsearch.ranking.base import Scores
from mmsearch.ranking.lift import Sold
from mmsearch.ranking.shopper import Taken
from mmsearch.recommend.base import Interactions
from mmsearch.recommend.evidence import read_evidence, vectors_table
from mmsearch.recommend.interactions import history_of
from mmsearch.search.index import Index
from mmsearch.search.rerank.companions import Companions, kept, learned
from mmsearch.store import INTERACTIONS, PRODUCTS, USERS
from mmsearch.store.record import Record
from mmsearch.store.vectors import read_vectors
from mmsearch.store.where import id_list

#: Weight of one step back in the history, in the taste: that of recommending by content. In what goes with it, `ItemCF` has its own.
DECAY = 0.6
_NEWEST = 100  # events of a shopper that count: what is older says less than a hundred-thousandth
_ALONE = 8  # shoppers whose events are read one by one
_BRING = "bring them: mmsearch ingest events.csv"
_YEAR = 366 * 86_400.0
_DATED = (1e8, 4e9)  # seconds since 1970 that can be the time of a shop's event (1973 to 2096); other numbers are places in an order


class _Behaviour(NamedTuple):
    """The store's events, or those of one shopper."""

    events: Interactions
    owned: dict[str, set[str]]  # user → which of the store's products they have had
    seen: frozenset[str]  # users of whom there is any event, though it may say nothing


class Shoppers:
    """Everything is read when it is first asked for, kept while the tables' versions stay the same. Threads may ask: one reads."""

    def __init__(self, index: Index):
        self._index, self._store = index, index.store
        self._behaviour: tuple[tuple[int, ...], _Behaviour] | None = None
        self._kept: tuple[tuple[int, ...], Companions | None] | None = None
        self._learned: tuple[tuple[int, ...], Companions | None] | None = None
        self._asked = 0
        self._reading = RLock()

    def taken_by(self, user: str) -> Taken:
        """See `Candidates.taken_by`."""
        if not self._store.has(INTERACTIONS):
            raise UsageError(f"the store has no events: nothing is known of the user {user}", hint=_BRING)
        known = self._events_of(user)
        events = known.events
        at = bisect_left(events.user_ids, user)
        there = at < len(events.user_ids) and events.user_ids[at] == user
        history = history_of(events, at if there else -1)
        kept = np.flatnonzero(history.values > 0)[-_NEWEST:]
        if not len(kept):
            return Taken(note=self._stranger(user, there or user in known.seen))
        ids = tuple(events.product_ids[i] for i in history.products[kept].tolist())
        return Taken(ids, tuple(history.values[kept].tolist()), frozenset(known.owned.get(user, ())))

    def taste(self, taken: Taken, candidates: pa.Array) -> Scores:
        """See `Candidates.taste`."""
        nothing = np.full(len(candidates), np.nan)
        table = vectors_table(self._store)
        if table is None or not taken.ids:
            return nothing
        mine = read_vectors(self._store, table, list(dict.fromkeys(taken.ids)))
        vectors, there = mean_by_product(mine, pa.array(taken.ids, pa.string()), mine.vectors.shape[1])
        ages = np.arange(len(taken.ids))[::-1]
        taste = (np.array(taken.strengths) * DECAY**ages * there) @ vectors.astype(np.float64)
        length = float(np.linalg.norm(taste))
        if not length:
            return nothing
        products = self._index.products()
        if candidates is products:
            placed = self._index.everything(table)
        else:
            places = pc.index_in(candidates, value_set=products).to_numpy(zero_copy_only=False).astype(np.int64)
            placed = self._index.some(table, places)
        return placed.best(placed.rows.vectors @ (taste / length).astype(np.float32))

    def goes_with(self, taken: Taken) -> Scores:
        """See `Candidates.goes_with`; of all products of the store."""
        known = self._known_companions()
        if known is None or not taken.ids:
            return np.full(len(self._index.products()), np.nan)
        return known.of(taken.ids, taken.strengths)

    def unseen(self) -> list[str]:
        """See `Candidates.unseen`."""
        return [] if (known := self._known_companions()) is None else known.notes

    def sold(self, days: NDArray[np.bool_]) -> Sold:
        """See `Candidates.sold`; of all products of the store."""
        n = len(self._index.products())
        if not self._store.has(INTERACTIONS):
            raise UsageError("the store has no events: nothing is known of when products sell", hint=_BRING)
        known = self._known()
        dated = known.events.take((known.events.times > _DATED[0]) & (known.events.times < _DATED[1]) & (known.events.values > 0))
        if 2 * len(dated) < len(known.events):
            note = "the events have no dates (their times are places in an order): nothing is known of when products sell"
            return Sold(np.zeros(n), np.zeros(n), (note,))
        return _sold(dated, days, n)

    def _known(self) -> _Behaviour:
        """All events, of a store that has some."""
        with self._reading:
            if self._behaviour is None or self._behaviour[0] != self._versions():
                self._behaviour = self._versions(), self._read(None)
            return self._behaviour[1]

    def _events_of(self, user: str) -> _Behaviour:
        """The events of a shopper, or all. Where a kept model says what goes with what, all are read for the first time when many ask."""
        model = self._kept_model()
        with self._reading:
            known = self._behaviour is not None and self._behaviour[0] == self._versions()
            alone = not known and model is not None and model.scale is not None and self._asked < _ALONE
            self._asked += alone
        return self._read(user) if alone else self._known()

    def _known_companions(self) -> Companions | None:
        """By a model that the store keeps, else learned of all events, when it is first asked for; None without any."""
        if (model := self._kept_model()) is not None or not self._store.has(INTERACTIONS):
            return model
        with self._reading:
            if self._learned is None or self._learned[0] != self._versions():
                self._learned = self._versions(), learned(self._known().events, self._index.products())
            return self._learned[1]

    def _kept_model(self) -> Companions | None:
        versions = *self._versions(), self._index.version(Record.TABLE)
        with self._reading:
            if self._kept is None or self._kept[0] != versions:
                self._kept = versions, kept(self._store, self._index.products())
            return self._kept[1]

    def _read(self, user: str | None) -> _Behaviour:
        products = self._index.products().to_pylist()
        scale = None if user is None or (model := self._kept_model()) is None else model.scale
        evidence = read_evidence(self._store, products, users=None if user is None else [user], scale=scale)
        read, there, owned = evidence.events, set(products), defaultdict[str, set[str]](set)
        for i in np.flatnonzero(read.kinds.each([kind in OWNED for kind in read.kinds.distinct])).tolist():
            if (product := read.products[i]) in there:
                owned[read.users[i]].add(product)
        return _Behaviour(evidence.interactions, dict(owned), frozenset(read.users.distinct))

    def _versions(self) -> tuple[int, ...]:
        return self._index.version(INTERACTIONS), self._index.version(PRODUCTS)

    def _stranger(self, user: str, with_events: bool) -> str:
        if with_events:
            return f"the user {user} has no events with products that are in the store: nothing is personal"
        if self._store.has(USERS) and self._store.count(USERS, id_list("id", [user])):
            return f"the user {user} has no events: nothing is personal"
        return f"the store knows no user {user}, and nothing is personal; ids are as in the events, pseudonyms where these have pseudonyms"


def _sold(events: Interactions, days: NDArray[np.bool_], n: int) -> Sold:
    """Of dated events, in strengths. What is expected of a product is the share that this time has in all events since it was first
    taken, so that what is new is not taken for what is in season, nor what a shop's growth or the months that it has no events of make."""
    day = _day_of_year(events.times)
    inside = days[day]
    weight = np.where(inside, events.values, 0.0)
    observed = np.bincount(events.products, weight, n).astype(np.float64)  # of no events it is whole numbers
    order = np.argsort(events.times, kind="stable")
    times = events.times[order]
    later = np.cumsum(events.values[order][::-1])[::-1]  # strength of this event and all after it
    later_inside = np.cumsum(weight[order][::-1])[::-1]
    first = np.full(n, np.inf)
    np.minimum.at(first, events.products, events.times)
    sold = np.flatnonzero(np.isfinite(first))
    since = np.searchsorted(times, first[sold])
    expected = np.zeros(n)
    expected[sold] = np.bincount(events.products, events.values, n)[sold] * later_inside[since] / later[since]
    return Sold(observed, expected, tuple(_told(times, inside)))


def _told(times: NDArray[np.float64], inside: NDArray[np.bool_]) -> Sequence[str]:
    if not inside.any():
        return ["the store has no events at this time of the year: nothing is known of what sells at it"]
    if (span := times[-1] - times[0]) < _YEAR:
        return [f"the events are of {span / 86_400:,.0f} days, less than a year: what was in fashion then looks like a season"]
    return []


def _day_of_year(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Seconds since 1970 (e,) → the day of a leap year, 0 for the 1st of January."""
    date = times.astype("datetime64[s]").astype("datetime64[D]")
    months = date.astype("datetime64[M]")
    first = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])
    found: NDArray[np.int64] = first[months.astype(np.int64) % 12] + (date - months.astype("datetime64[D]")).astype(np.int64)
    return found
