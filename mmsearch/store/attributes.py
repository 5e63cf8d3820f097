"""Attributes of products: names as the shop wrote them → physical columns, one a type.

A value goes into the column of its own type, so `size` may hold 42 in one product and 'M' in the next: the first type
seen takes the plain name, a further one gets a suffix. The mapping is part of the store's record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

TYPES: Mapping[str, pa.DataType] = {"number": pa.float64(), "text": pa.string(), "bool": pa.bool_(), "list": pa.list_(pa.string())}

#: What every product has, beside the shop's own attributes: name → type.
CORE = {
    "id": "text",
    "title": "text",
    "description": "text",
    "category": "text",
    "brand": "text",
    "price": "number",
    "images": "list",
    "audio": "list",
    "video": "list",
}

#: Columns that mmsearch keeps for itself.
HIDDEN = ("_folder", "_hash")


@dataclass
class Attributes:
    """name → {type → physical column}; core attributes included."""

    columns: dict[str, dict[str, str]] = field(default_factory=lambda: {name: {kind: name} for name, kind in CORE.items()})

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
        return list(self.columns)

    def value(self, name: str, row: Mapping[str, object]) -> object:
        """The value of an attribute in a physical row, whatever its type; None if missing."""
        for column in self.columns.get(name, {}).values():
            value = row.get(column)
            if value is not None:
                return value
        return None


def _safe(name: str) -> str:
    """A column name that Lance accepts: no dots (nested fields) and no backticks; '_' in front is for columns of ours and Lance's."""
    safe = re.sub(r"[.`\x00-\x1f]", "_", name)
    return f"a{safe}" if safe.startswith("_") else safe
