"""What a row becomes: a product, and the rules for ids that every kind of row shares."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

from mmsearch.catalog.clean import clean_id
from mmsearch.catalog.problems import BadRow, Problem, shown
from mmsearch.store.sql import item_text

MEDIA_FIELDS = ("images", "audio", "video")
#: Names in a reject file that are ours: what reading its rows again needs. Any other name is the shop's, `__proto__` included.
OURS = frozenset(("_line", "_reason", "_kept", "_folder", "_typed", "_text", "_cells"))
_MAX_ID = 512


@dataclass(slots=True)
class Product:
    """A cleaned product: the fields and attributes that the row has (None clears, absent keeps), and what was wrong on the way."""

    id: str
    folder: str  # where its media lie
    fields: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, tuple[str, Any]] = field(default_factory=dict)  # name → (type, value)
    cleared: list[str] = field(default_factory=list)  # attributes whose cell is empty
    whole: tuple[str, ...] = ()  # fields that the row gives in all their languages: one that it does not name is cleared
    problems: list[Problem] = field(default_factory=list)
    row_digest: bytes = b""  # of the row as it stood in its file; b"" makes the next ingest look at the row again

    @property
    def has_media(self) -> bool:
        """Whether the row says anything of media."""
        return any(name in self.fields for name in MEDIA_FIELDS)


def record_id(value: Any, what: str, column: str) -> str:
    """The id in a cell. Raises BadRow for none, one that is neither text nor a number, and one that is too long."""
    if type(value) is not str:
        if isinstance(value, bool | dict | list) or (isinstance(value, float) and not math.isfinite(value)):
            raise BadRow(f"bad {what}", f"{shown(value)} is neither text nor a number")
        value = "" if value is None else as_text(value)
    # Nearly every id is as it should be, and this is asked for every row.
    text = value if value.isascii() and value.isprintable() and value == value.strip() else clean_id(value)
    if not text:
        raise BadRow(f"no {what}", f"column {column}")
    if len(text) > _MAX_ID:
        raise BadRow(f"bad {what}", f"{len(text)} characters, {_MAX_ID} are allowed")
    return text


def as_text(value: Any) -> str:
    """A value of JSON as a text: whole numbers without a decimal point, objects as JSON."""
    if isinstance(value, float | bool):
        return item_text(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def is_empty(value: Any) -> bool:
    """Whether a cell says nothing: '', blanks, null, NaN, an empty list."""
    return (
        value is None or value == [] or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value))
    )
