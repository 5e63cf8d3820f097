"""What `mm-model` learns from: who took what, or a label that says yes or no of an interaction or of a product."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import InputError, UsageError, did_you_mean
from mmsearch.store import ATTRIBUTES, INTERACTIONS, PRODUCTS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.where import id_list

#: Kinds of events that take something back: no sign that the shopper wants it.
AGAINST = ("remove_from_cart", "return", "refund", "dislike", "unlike")
#: What files call the column `value` of interactions; it is meant where products have no attribute of that name.
_ALIASES = {"rating": "value", "stars": "value", "score": "value"}
_TRUE = frozenset(("true", "yes", "y", "t", "1", "1.0", "是", "对"))
_FALSE = frozenset(("false", "no", "n", "f", "0", "0.0", "否", "不", "错"))
_FEW = 20  # examples below which nothing can be learned and checked
_OF_EACH = 5  # of either label at least
_EVENTS_HINT = "bring them: mmsearch ingest events.csv; or name what says yes or no: mmsearch fuse --method 'mm-model(label=NAME)'"


@dataclass(frozen=True)
class Examples:
    """e examples. Without a label all say yes, and what was not taken is sampled as no."""

    users: list[str]  # ids
    user: NDArray[np.int64]  # (e,) index into `users`, -1 where a label is the product's
    product: NDArray[np.int64]  # (e,) row of the batch
    yes: NDArray[np.bool_]  # (e,)
    time: NDArray[np.float64]  # (e,)
    sampled: bool
    what: str  # for people

    def __len__(self) -> int:
        return len(self.user)


def check(examples: Examples, label: str) -> None:
    """Raises InputError for examples that are too few to learn from some and check on others."""
    fewer = _OF_EACH if examples.sampled else int(min(examples.yes.sum(), (~examples.yes).sum()))
    _check_number(len(examples), fewer, label or None)


def taken(store: Store | None, ids: Sequence[str]) -> Examples:
    """(user, product) pairs of the store's interactions, one each, at the time of the last.

    Parameters
    ----------
    ids : of the products (n,); events of others are left out.

    Raises
    ------
    InputError : no interactions, none of these products, of one user alone, or too few.
    """
    if store is None or not store.count(INTERACTIONS):
        raise InputError("mm-model learns from what shoppers took, but the store has no interactions", hint=_EVENTS_HINT)
    rows = store.read(INTERACTIONS, ["user", "product", "event", "time"])
    against = pc.is_in(pc.utf8_lower(rows.column("event")), value_set=pa.array(AGAINST))
    rows = rows.filter(pc.invert(pc.fill_null(against, False)))
    users, user, product, kept = _placed(rows, ids)
    if not len(kept):
        raise InputError("none of the products in the store's interactions is in its catalogue", hint="ingest the products they name")
    time = _times(rows)[kept]
    _check_users(user, len(kept))
    pairs = _last_of_each(user, product, time, len(ids))
    _check_number(len(pairs))
    yes = np.ones(len(pairs), bool)
    return Examples(users, user[pairs], product[pairs], yes, time[pairs], True, "pairs of a user and what was taken")


def labelled(store: Store | None, ids: Sequence[str], label: str, at_least: float | None) -> Examples:
    """What a column says yes or no of: a column of interactions (`value`, or any that the file had), else an attribute of products.

    Of a user's several interactions with a product the last that has a label counts.

    Parameters
    ----------
    at_least : a number is yes from here on.

    Raises
    ------
    UsageError : no such column, or it says neither yes nor no. InputError : it is always the same, or there are too few.
    """
    if store is None:
        raise InputError(f"the label '{label}' is read from a store, and there is none", hint="make one: mmsearch ingest products.csv")
    column = label if label in load_attributes(store).names() else _ALIASES.get(label.lower(), label)
    events = store.read(INTERACTIONS, ["user", "product", "event", "value", "time", "extra"]) if store.has(INTERACTIONS) else None
    further = _further(events) if events is not None else []
    if events is not None and (column in ("event", "value") or label in further):
        found = _of_interactions(events, ids, column if column in ("event", "value") else label, at_least, label)
    else:
        found = _of_products(store, ids, label, at_least, [*(["value", "event"] if events is not None else []), *further])
    share = float(found.yes.mean()) if len(found) else 0.0
    if len(found) and share in (0.0, 1.0):
        answer = "yes" if share else "no"
        raise InputError(f"the label '{label}' is {answer} of all {len(found):,} {found.what}: there is nothing to tell apart")
    _check_number(len(found), int(min(found.yes.sum(), (~found.yes).sum())), label)
    return found


def _of_interactions(events: pa.Table, ids: Sequence[str], column: str, at_least: float | None, label: str) -> Examples:
    if column in ("event", "value"):
        values = events.column(column).to_pylist()
    else:
        values = [None if extra is None else json.loads(extra).get(column) for extra in events.column("extra").to_pylist()]
    there = np.flatnonzero([value is not None for value in values])
    rows = events.take(pa.array(there))
    users, user, product, kept = _placed(rows, ids)
    yes = _truths([values[there[row]] for row in kept.tolist()], label, at_least)
    time = _times(rows)[kept]
    pairs = _last_of_each(user, product, time, len(ids))
    if len(pairs):
        _check_users(user, len(pairs))
    return Examples(users, user[pairs], product[pairs], yes[pairs], time[pairs], False, f"interactions that have the label '{label}'")


def _of_products(store: Store, ids: Sequence[str], label: str, at_least: float | None, others: Sequence[str]) -> Examples:
    attributes = load_attributes(store)
    values: dict[str, Any] = {}
    if columns := attributes.columns.get(label):
        rows = store.read(PRODUCTS, ["id", *columns.values()])
        values = {row["id"]: attributes.value(label, row) for row in rows.to_pylist()}
    elif label in attributes.sparse:
        rows = store.read(ATTRIBUTES, ["id", "number", "text", "bool"], where=id_list("name", [label]))
        values = {row["id"]: next((row[k] for k in ("number", "text", "bool") if row[k] is not None), None) for row in rows.to_pylist()}
    else:
        names = [*others, *attributes.names()]
        hint = f"interactions have: {', '.join(others) or 'no column'}; attributes of products: mmsearch info"
        message = f"there is no label '{label}', neither of interactions nor of products{did_you_mean(label, names)}"
        raise UsageError(f"mm-model: {message}", hint=hint)
    known = [(row, values[id]) for row, id in enumerate(ids) if values.get(id) is not None]
    product = np.array([row for row, _ in known], np.int64)
    yes = _truths([value for _, value in known], label, at_least)
    nobody = np.full(len(known), -1, np.int64)
    return Examples([], nobody, product, yes, np.zeros(len(known)), False, f"products that have the label '{label}'")


def _further(events: pa.Table) -> list[str]:
    """Names of the columns that files of interactions had beside ours."""
    names: dict[str, None] = {}
    for extra in pc.unique(events.column("extra")).to_pylist():
        names |= dict.fromkeys(json.loads(extra) if extra else ())
    return list(names)


def _placed(rows: pa.Table, ids: Sequence[str]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """User ids, the user (k,) and product (k,) of the rows whose product is known, and which rows those are (k,)."""
    place = pc.index_in(rows.column("product"), value_set=pa.array(list(ids), pa.string()))
    usable = pc.and_(pc.is_valid(place), pc.is_valid(rows.column("user")))
    kept = np.flatnonzero(np.asarray(usable.to_numpy(zero_copy_only=False), bool) if isinstance(usable, pa.Array) else usable.to_numpy())
    names = rows.column("user").take(pa.array(kept))
    users = sorted(name for name in pc.unique(names).to_pylist())
    user = pc.index_in(names, value_set=pa.array(users, pa.string())).to_numpy()
    return users, np.asarray(user, np.int64), np.asarray(place.take(pa.array(kept)).to_numpy(), np.int64), kept


def _times(rows: pa.Table) -> NDArray[np.float64]:
    return np.nan_to_num(np.asarray(pc.fill_null(rows.column("time"), 0.0).to_numpy(), np.float64))


def _last_of_each(user: NDArray[np.int64], product: NDArray[np.int64], time: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Which of the events (e,) is the last of its user with its product, in the order of user and product."""
    order = np.lexsort((time, product, user))
    key = user[order] * n + product[order]
    return order[np.append(key[1:] != key[:-1], True)] if len(order) else order


def _check_users(user: NDArray[np.int64], count: int) -> None:
    if len(np.unique(user)) == 1:
        message = f"all {count:,} interactions are of one user: nothing can be learned of what others would take"
        raise InputError(message, hint="bring other shoppers' events, too, or take a method that needs none: mmsearch fuse")


def _check_number(count: int, of_fewer: int = _OF_EACH, label: str | None = None) -> None:
    if count < _FEW or of_fewer < _OF_EACH:
        what = "pairs of a user and a product" if label is None else f"products or interactions with the label '{label}'"
        few = f"only {count:,} {what}" if count < _FEW else f"only {of_fewer} of the {count:,} {what} say one of yes and no"
        needed = f"{_FEW} are needed, {_OF_EACH} of yes and of no, to learn from some and check on others"
        raise InputError(f"mm-model has too little to learn from: {few}; {needed}", hint=_EVENTS_HINT if label is None else None)


def _truths(values: Sequence[Any], label: str, at_least: float | None) -> NDArray[np.bool_]:
    """Values (n,) → yes or no (n,). Raises UsageError for what says neither: another label, or `at_least`, is what was meant."""
    numbers = [_number(value) for value in values]
    if at_least is not None:
        if bad := next((value for value, number in zip(values, numbers, strict=True) if number is None), None):
            raise UsageError(f"the label '{label}' is to be at least {at_least:g}, but {str(bad)[:40]!r} is no number")
        return np.array([number is not None and number >= at_least for number in numbers], bool)
    words = [str(value).strip().casefold() for value in values]
    if odd := [word for word in dict.fromkeys(words) if word not in _TRUE | _FALSE]:
        shown = ", ".join(word[:20] for word in sorted(odd)[:5])
        hint = None
        if None not in numbers:  # half of them say yes by this one: a value of the column, whatever it counts
            middle = sorted(number for number in numbers if number is not None)[len(numbers) // 2]
            hint = f"for numbers say from where on it is yes: mmsearch fuse --method 'mm-model(label={label}, at_least={middle:.15g})'"
        raise UsageError(f"the label '{label}' says neither yes nor no: it is {shown}", hint=hint)
    return np.array([word in _TRUE for word in words], bool)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
