"""What shoppers did and said, and what is known: interactions, reviews, searches, triples. One kind, one table, one row an event."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mmsearch.catalog.clean import Cleaner, parse_time, split_list
from mmsearch.catalog.problems import BadRow, shown
from mmsearch.catalog.records import as_text, is_empty, record_id
from mmsearch.store import INTERACTIONS, REVIEWS, SEARCHES, TRIPLES

Values = Mapping[str, Any]  # field → the value of its column, None where there is no such column
Columns = Mapping[str, str]  # field → the name of its column, for messages
Record = dict[str, Any]


@dataclass(frozen=True)
class EventKind:
    """How rows of a kind are read and told apart."""

    table: str
    fields: tuple[pa.Field, ...]
    read: Callable[[Values, Columns, Cleaner, int], Record]  # the int is the row's place in the file. Raises BadRow
    identity: Callable[[Record], list[Any]]  # two rows with the same identity are the same event

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table: its key and digest, the fields, and what else the rows say as JSON."""
        return pa.schema(
            [pa.field("key", pa.string(), nullable=False), *self.fields, pa.field("extra", pa.string()), pa.field("digest", pa.string())]
        )


def digest(value: Any) -> str:
    """Hex digest of a value of JSON."""
    return hashlib.blake2b(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _interaction(values: Values, columns: Columns, cleaner: Cleaner, order: int) -> Record:
    return {
        "user": record_id(values["user"], "user", columns["user"]),
        "product": record_id(values["product"], "product", columns["product"]),
        "event": _text(values["event"], cleaner),
        "value": _number(values["value"], "value"),
        "time": _time(values["time"], float(order)),
    }


def _review(values: Values, columns: Columns, cleaner: Cleaner, order: int) -> Record:
    record: Record = {
        "id": None if is_empty(values["id"]) else record_id(values["id"], "id", columns["id"]),
        "user": None if is_empty(values["user"]) else record_id(values["user"], "user", columns["user"]),
        "product": record_id(values["product"], "product", columns["product"]),
        "title": _text(values["title"], cleaner),
        "text": _text(values["text"], cleaner),
        "rating": _number(values["rating"], "rating"),
        "time": _time(values["time"], None),
    }
    if record["text"] is None and record["rating"] is None and record["title"] is None:
        raise BadRow("no text and no rating", f"column {columns.get('text', columns.get('rating', 'text'))}")
    return record


def _review_identity(review: Record) -> list[Any]:
    if review["id"]:
        return [review["id"]]
    dated = review["user"] and review["time"] is not None
    return [review["user"], review["product"], review["time"] if dated else [review["title"], review["text"], review["rating"]]]


def _search(values: Values, columns: Columns, cleaner: Cleaner, order: int) -> Record:
    text = _text(values["text"], cleaner)
    if text is None:
        raise BadRow("no text", f"column {columns['text']}")
    clicked = [] if is_empty(values["clicked"]) else split_list(values["clicked"])
    return {
        "user": None if is_empty(values["user"]) else record_id(values["user"], "user", columns["user"]),
        "text": text,
        "time": _time(values["time"], float(order)),
        "clicked": [record_id(item, "clicked product", columns["clicked"]) for item in clicked],
    }


def _triple(values: Values, columns: Columns, cleaner: Cleaner, order: int) -> Record:
    record = {name: _text(values[name], cleaner) for name in ("head", "relation", "tail")}
    for name, text in record.items():
        if text is None:
            raise BadRow(f"no {name}", f"column {columns[name]}")
    return record


def _text(value: Any, cleaner: Cleaner) -> str | None:
    return None if is_empty(value) else cleaner.text(as_text(value)) or None


def _number(value: Any, what: str) -> float | None:
    if is_empty(value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRow(f"bad {what}", f"{shown(value)} is not a finite number")
    return number


def _time(value: Any, otherwise: float | None) -> float | None:
    try:
        return otherwise if is_empty(value) else parse_time(value)
    except ValueError as error:
        raise BadRow("bad time", str(error)) from None


def _strings(*names: str) -> list[pa.Field]:
    return [pa.field(name, pa.string()) for name in names]


def _numbers(*names: str) -> list[pa.Field]:
    return [pa.field(name, pa.float64()) for name in names]


def _all(*names: str) -> Callable[[Record], list[Any]]:
    return lambda record: [record[name] for name in names]


EVENT_KINDS: Mapping[str, EventKind] = {
    "interactions": EventKind(
        INTERACTIONS,
        (*_strings("user", "product", "event"), *_numbers("value", "time")),
        _interaction,
        _all("user", "product", "event", "value", "time"),
    ),
    # A review is its author's word on a product at a time: a corrected text replaces the old one.
    "reviews": EventKind(
        REVIEWS,
        (*_strings("id", "user", "product", "title", "text"), *_numbers("rating", "time")),
        _review,
        _review_identity,
    ),
    "searches": EventKind(
        SEARCHES,
        (*_strings("user", "text"), *_numbers("time"), pa.field("clicked", pa.list_(pa.string()))),
        _search,
        _all("user", "text", "time", "clicked"),
    ),
    "triples": EventKind(TRIPLES, tuple(_strings("head", "relation", "tail")), _triple, _all("head", "relation", "tail")),
}
