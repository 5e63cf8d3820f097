"""Attributes of products: names as the shop wrote them → where their values are.

A name that many products fill has columns in the table of products, one a type, so `size` may hold 42 in one product and 'M' in the next:
the first type seen takes the plain name, a further one gets a suffix. Every other name is *sparse*: its values are rows of the table
`attributes`. `mmsearch.store.layout` decides which is which.

The record's key `attributes` says where every name is: its value names the columns, its binary part the sparse names. Both change in one
write, so a name is in one place at any moment; and what a search without a filter reads of the record does not grow with the sparse names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mmsearch.errors import StoreError

if TYPE_CHECKING:
    from mmsearch.store.store import Store

TYPES: Mapping[str, pa.DataType] = {
    "number": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "time": pa.float64(),  # seconds since 1970 UTC: see mmsearch.store.dates
    "list": pa.list_(pa.string()),
}

#: What every product has, beside the shop's own attributes: name → type.
CORE = {
    "id": "text",
    "title": "text",
    "description": "text",
    "category": "text",
    "brand": "text",
    "price": "number",
    "currency": "text",
    "parent": "text",
    "stock": "number",
    "images": "list",
    "audio": "list",
    "video": "list",
}

#: Columns that mmsearch keeps for itself: where the media lie, the digest of the row that the product came from.
HIDDEN = ("_folder", "_row")

RECORD = "attributes"
#: In front of a name, it means the fact, also where the shop has an attribute of that name: `fact.colour`.
FACT_PREFIX = "fact."
SparseNames = dict[str, tuple[str, ...]]


@dataclass
class Attributes:
    """Where values are: `columns` name → {type → physical column}, core attributes included; `sparse` name → types that it has had."""

    columns: dict[str, dict[str, str]] = field(default_factory=lambda: {name: {kind: name} for name, kind in CORE.items()})
    #: What features found (`mmsearch.store.facts`): name → types. The shop's own attribute of a name comes before the fact.
    facts: SparseNames = field(default_factory=dict)
    read_sparse: Callable[[], SparseNames] = dict  # called once, when a sparse name is first asked for: a search may not need it
    _sparse: SparseNames | None = None

    @property
    def sparse(self) -> SparseNames:
        if self._sparse is None:
            self._sparse = self.read_sparse()
        return self._sparse

    def column(self, name: str, kind: str) -> str:
        """The physical column of an attribute for values of a type, assigned if it is new."""
        kinds = self.columns.setdefault(name, {})
        if kind not in kinds:
            kinds[kind] = self._free(_safe(name) if not kinds else f"{_safe(name)}__{kind}")
        return kinds[kind]

    def _free(self, wanted: str) -> str:
        # LanceDB compares some names without case, so Size and size get different columns.
        taken = {c.lower() for kinds in self.columns.values() for c in kinds.values()}
        candidate, n = wanted, 2
        while candidate.lower() in taken:
            candidate, n = f"{wanted}__{n}", n + 1
        return candidate

    def names(self) -> list[str]:
        """Every name, those with columns first."""
        return [*self.columns, *(name for name in self.sparse if name not in self.columns)]

    def value(self, name: str, row: Mapping[str, object]) -> object:
        """The value of an attribute in a physical row, whatever its type; None if missing."""
        typed = self.typed(name, row)
        return None if typed is None else typed[1]

    def typed(self, name: str, row: Mapping[str, Any]) -> tuple[str, Any] | None:
        """(type, value) of an attribute with columns in a physical row; None if missing."""
        for kind, column in self.columns.get(name, {}).items():
            if (value := row.get(column)) is not None:
                return kind, value
        return None


def load_attributes(store: Store) -> Attributes:
    """The attributes that the store's products have. What a store of an older mmsearch does not have yet is not among them."""
    known = store.record.get(RECORD)
    if not known:
        return Attributes()
    facts: SparseNames = {name: (kind,) for name, (_, kind) in (store.record.get("facts") or {}).items()}
    return Attributes({name: dict(kinds) for name, kinds in known.items()}, facts, lambda: _read_sparse(store))


def save_attributes(store: Store, attributes: Attributes) -> None:
    """Record where every attribute is, in one write."""
    sparse = {name: kinds for name, kinds in attributes.sparse.items() if name not in attributes.columns}
    blob = json.dumps(sparse, ensure_ascii=False).encode() if sparse else None
    store.record.put(RECORD, attributes.columns, blob)


def _read_sparse(store: Store) -> SparseNames:
    blob = store.record.state(RECORD)
    try:
        return {name: tuple(kinds) for name, kinds in json.loads(blob).items()} if blob else {}
    except (ValueError, AttributeError, TypeError) as error:
        raise StoreError(f"{store.path}: the names of the sparse attributes cannot be read: {error}") from error


def _safe(name: str) -> str:
    """A column name that Lance accepts: no dots (nested fields) and no backticks; '_' in front is for columns of ours and Lance's."""
    safe = re.sub(r"[.`\x00-\x1f]", "_", name)
    return f"a{safe}" if safe.startswith("_") else safe
