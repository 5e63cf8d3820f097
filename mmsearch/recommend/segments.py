"""Who has no events yet gets what people like them take: popularity by segments of users' attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import UsageError, did_you_mean
from mmsearch.recommend.base import Interactions
from mmsearch.store import USERS, Store
from mmsearch.store.where import id_list

Attributes = Mapping[str, Any]

_BANDS = 5  # bands of a number, with as many users each
_MOST = 50  # values of an attribute, above which it tells people apart (a post code) instead of joining them
_AT_ONCE = 1_000


class Segments:
    """score(i) for somebody with the attributes a ∈ A: E · mean over A of p_ia, E being all events.

    p_ia is the share that product i has in the events of users with the same value of a, drawn towards the share that it has in all
    events as if the segment had `shrink` more of those. A number is cut into bands of as many users. Attributes that nobody has, with one
    value, or with more than fifty are left out. Somebody without attributes gets what is popular with all.

    Parameters
    ----------
    by : names of attributes; None takes all that serve.
    shrink : see above, in strongest events.
    """

    def __init__(self, by: Sequence[str] | None = None, shrink: float = 100.0):
        if not shrink > 0:
            raise ValueError(f"shrink must be above 0, not {shrink:g}")
        self.by, self.shrink = by, shrink
        self._scores = np.zeros(0)
        self._bands: dict[str, NDArray[np.float64]] = {}
        self._popular: dict[tuple[str, str], NDArray[np.float64]] = {}

    def fit(self, interactions: Interactions, attributes: Mapping[str, Attributes]) -> None:
        """Count. `attributes`: user id → name → value, as `read_attributes` gives it.

        Raises UsageError : an attribute of `by` that no user has. InputError : no events.
        """
        interactions.require_events()
        names = sorted({name for own in attributes.values() for name in own})
        for name in self.by or ():
            if name not in names:
                hint = f"there are {', '.join(names)}" if names else "bring users: mmsearch ingest users.csv"
                raise UsageError(f"no user has the attribute {name}{did_you_mean(name, names)}", hint=hint)
        n = len(interactions.product_ids)
        values = np.maximum(interactions.values, 0)
        self._scores = np.bincount(interactions.products, values, minlength=n).astype(np.float64)
        self._bands, self._popular = {}, {}
        if not self._scores.any():
            return
        share = self._scores / self._scores.sum()
        owners = [attributes.get(user, {}) for user in interactions.user_ids]
        for name in names if self.by is None else self.by:
            self._band(name, [own[name] for own in owners if name in own])
            values_of = [self._value(name, own) for own in owners]
            segments = sorted({value for value in values_of if value is not None})
            if not 1 < len(segments) <= _MOST:
                continue
            place = {value: i for i, value in enumerate(segments)}
            of_user = np.array([-1 if value is None else place[value] for value in values_of])
            for value, i in place.items():
                mine = of_user[interactions.users] == i
                counts = np.bincount(interactions.products[mine], values[mine], minlength=n)
                self._popular[name, value] = self._scores.sum() * (counts + self.shrink * share) / (counts.sum() + self.shrink)

    def score(self, attributes: Attributes) -> list[tuple[str, NDArray[np.float64]]]:
        """What each segment says of all products (n,), in words (`is popular with age from 19 below 25`), adding up to the score; what
        everybody takes, if no segment does."""
        said = []
        for name in sorted(attributes):
            value = self._value(name, attributes)
            if value is not None and (name, value) in self._popular:
                said.append((f"is popular with {name} {value}", self._popular[name, value]))
        return [(words, scores / len(said)) for words, scores in said] or [("is popular", self._scores.copy())]

    def _band(self, name: str, values: Sequence[Any]) -> None:
        if values and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            self._bands[name] = np.unique(np.quantile(np.asarray(values, float), np.linspace(0, 1, _BANDS + 1)[1:-1]))

    def _value(self, name: str, own: Attributes) -> str | None:
        """The segment of an attribute's value; a number's is the band it lies in."""
        value = own.get(name)
        if value is None or value == "":
            return None
        if name not in self._bands:
            return str(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        edges = self._bands[name]
        i = int(np.searchsorted(edges, value, side="right"))
        low = "" if i == 0 else f"from {edges[i - 1]:g}"
        high = "" if i == len(edges) else f"below {edges[i]:g}"
        return f"{low} {high}".strip()


def read_attributes(store: Store, users: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """User id → attribute → value, of some users or of all that the store has; {} where it has none."""
    if not store.has(USERS):
        return {}
    wheres = [None] if users is None else [id_list("id", list(users[i : i + _AT_ONCE])) for i in range(0, len(users), _AT_ONCE)]
    found: dict[str, dict[str, Any]] = {}
    for where in wheres:
        rows = store.read(USERS, ["id", "attributes"], where=where)
        for id, text in zip(rows.column("id").to_pylist(), rows.column("attributes").to_pylist(), strict=True):
            found[id] = {name: value for name, (_, value) in json.loads(text or "{}").items() if value is not None}
    return found
