"""Rows of a file → clean records: products and interactions."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmsearch import settings
from mmsearch.catalog.clean import clean_id, clean_text, parse_price, parse_time, plain_number, split_list
from mmsearch.catalog.problems import BadRow, Problem, shown
from mmsearch.media import MediaError
from mmsearch.media.content import checked_size
from mmsearch.media.image import probe_image
from mmsearch.store.attributes import CORE
from mmsearch.store.sql import item_text

MEDIA_FIELDS = ("images", "audio", "video")
_LONGEST_ITEM = 40  # characters of an item of a list in a cell
_MAX_TEXT = 100_000  # characters of one field: far above any real description, far below what hurts
_MAX_ID = 512
_MAX_DIGITS = 10**15  # above, a JSON number is a code, and a float would round it
_NO_PATH = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass
class Product:
    """A cleaned product: the fields and attributes that the row has (None clears, absent keeps), and what was wrong on the way."""

    id: str
    folder: str  # where its media lie
    fields: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, tuple[str, Any]] = field(default_factory=dict)  # name → (type, value)
    cleared: list[str] = field(default_factory=list)  # attributes whose cell is empty
    problems: list[Problem] = field(default_factory=list)

    @property
    def has_media(self) -> bool:
        """Whether the row says anything of media."""
        return any(name in self.fields for name in MEDIA_FIELDS)

    def content_hash(self) -> str:
        """Hash of all that the row says, to tell whether it changed."""
        return _hash([self.id, self.fields, self.attributes, self.cleared, self.folder if self.has_media else ""])


@dataclass(frozen=True)
class Interaction:
    """A cleaned event."""

    user: str
    product: str
    event: str | None
    value: float | None
    time: float

    def key(self) -> str:
        return _hash([self.user, self.product, self.event, self.value, self.time])


def to_product(values: Mapping[str, Any], mapping: Mapping[str, str], *, typed: bool, folder: Path, allow_outside: bool) -> Product:
    """One row as a product. Raises BadRow when it has no id; other problems cost only their own field."""
    product = Product(_id(values.get(mapping["id"]), "id", mapping["id"]), str(folder))
    for name, column in mapping.items():
        if column not in values or name == "id":
            continue
        if name in MEDIA_FIELDS:
            product.fields[name] = _media(product, name, values[column], folder, allow_outside)
        elif name == "price":
            product.fields[name] = _price(product, values[column])
        else:
            product.fields[name] = _text(product, name, values[column])
    taken = set(mapping.values())
    for column, value in values.items():
        if column not in taken and not column.startswith("_"):  # such names are ours: reject files carry _line and _reason
            # `--map price=sale_price` leaves the column `price` over: an attribute must not take a field's name.
            label = clean_text(column)
            _attribute(product, f"original_{label}" if label in CORE else label, value, typed)
    return product


def to_interaction(values: Mapping[str, Any], mapping: Mapping[str, str], order: int) -> Interaction:
    """One row as an event; `order` stands in for a missing time. Raises BadRow."""
    user = _id(values.get(mapping["user"]), "user", mapping["user"])
    product = _id(values.get(mapping["product"]), "product", mapping["product"])
    event, value, time = (values.get(mapping.get(name, "")) for name in ("event", "value", "time"))
    try:
        moment = float(order) if _empty(time) else parse_time(time)
    except ValueError as error:
        raise BadRow("bad time", str(error)) from None
    return Interaction(user, product, None if _empty(event) else clean_text(_as_text(event)) or None, _value(value), moment)


def _value(value: Any) -> float | None:
    if _empty(value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRow("bad value", f"{shown(value)} is not a finite number")
    return number


def _id(value: Any, what: str, column: str) -> str:
    if isinstance(value, bool | dict | list) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadRow(f"bad {what}", f"{shown(value)} is neither text nor a number")
    text = "" if value is None else clean_id(_as_text(value))
    if not text:
        raise BadRow(f"no {what}", f"column {column}")
    if len(text) > _MAX_ID:
        raise BadRow(f"bad {what}", f"{len(text)} characters, {_MAX_ID} are allowed")
    return text


def _as_text(value: Any) -> str:
    if isinstance(value, float | bool):
        return item_text(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _text(product: Product, name: str, value: Any) -> str | None:
    if _empty(value):
        return None
    if isinstance(value, dict):
        product.problems.append(Problem(f"{name}: not a text", shown(value)))
        return None
    text = " > ".join(_as_text(v) for v in value if v is not None) if isinstance(value, list) else _as_text(value)
    return clean_text(text[:_MAX_TEXT]) or None


def _price(product: Product, value: Any) -> float | None:
    if _empty(value):
        return None
    try:
        if isinstance(value, bool | dict | list):
            raise ValueError(f"{shown(value)} is not a price")
        price, currency = parse_price(value)
    except ValueError as error:
        product.problems.append(Problem("price: not usable", str(error)))
        return None
    if currency:
        product.attributes["currency"] = ("text", currency)  # a column of that name comes later and wins
    return price


def _media(product: Product, name: str, value: Any, folder: Path, allow_outside: bool) -> list[str] | None:
    """The media of a cell. What cannot be used now is kept, since it may be put right later, but no path that must not be followed."""
    if _empty(value):
        return None
    kept = []
    for item in split_list(value):
        try:
            path = None if "://" in item else media_path(item, folder, allow_outside)
        except MediaError as error:
            product.problems.append(Problem(f"{name}: {error.message}", shown(item)))
            continue
        kept.append(item)
        if path is None:
            product.problems.append(Problem(f"{name}: a web address is kept but not fetched", item))
            continue
        try:
            if name == "images":
                probe_image(path)
            else:
                checked_size(path, settings.max_media_bytes())
        except MediaError as error:
            product.problems.append(Problem(f"{name}: {error.message}", item))
    return kept or None


def media_path(item: str, folder: Path, allow_outside: bool = True) -> Path:
    """Where a medium lies. Raises MediaError for a path that leaves the catalogue's folder without `--allow-outside`."""
    if _NO_PATH.search(item):
        raise MediaError("not a usable path")
    try:
        path = (folder / item).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise MediaError("not a usable path") from error
    if not allow_outside and not path.is_relative_to(folder.resolve()):
        raise MediaError("outside the catalogue's folder; allow it with --allow-outside")
    return path


def _attribute(product: Product, name: str, value: Any, typed: bool) -> None:
    if not name:
        return
    if _empty(value):
        product.cleared.append(name)
    elif isinstance(value, bool):
        product.attributes[name] = ("bool", value)
    elif isinstance(value, int | float) and abs(value) < _MAX_DIGITS:
        product.attributes[name] = ("number", float(value))
    elif isinstance(value, list):
        items = [clean_text(_as_text(v)[:_MAX_TEXT]) for v in value if v is not None]
        product.attributes[name] = ("list", [item for item in items if item])
    elif isinstance(value, dict):
        for key, inner in value.items():
            _attribute(product, f"{name}.{clean_text(key)}", inner, typed)
    else:
        text = clean_text(_as_text(value)[:_MAX_TEXT])
        if not text:
            product.cleared.append(name)
        elif not typed and text.lower() in ("true", "false"):
            product.attributes[name] = ("bool", text.lower() == "true")
        elif not typed and (number := plain_number(text)) is not None:
            product.attributes[name] = ("number", number)
        elif not typed and len(items := split_list(text)) > 1 and max(map(len, items)) <= _LONGEST_ITEM:
            product.attributes[name] = ("list", items)  # 'running;sport': prose with a semicolon is longer
        else:
            product.attributes[name] = ("text", text)


def _empty(value: Any) -> bool:
    return (
        value is None or value == [] or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value))
    )


def _hash(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, ensure_ascii=False).encode(), digest_size=16).hexdigest()
