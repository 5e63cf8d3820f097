"""Rows of a file → clean records: products and interactions."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmsearch.catalog.clean import clean_id, clean_text, parse_price, parse_time, plain_number, split_list
from mmsearch.media import MediaError
from mmsearch.media.image import probe_image
from mmsearch.store.attributes import CORE
from mmsearch.store.sql import item_text

MEDIA_FIELDS = ("images", "audio", "video")
_LONGEST_ITEM = 40  # characters of an item of a list in a cell
_MAX_TEXT = 100_000  # characters of one field: far above any real description, far below what hurts


class BadRow(ValueError):
    """A row that cannot become a record; the text is the reason."""


@dataclass
class Product:
    """A cleaned product: the fields and attributes that the row has (None clears, absent keeps), and what was wrong on the way."""

    id: str
    fields: dict[str, Any]
    attributes: dict[str, tuple[str, Any]]  # name → (type, value)
    cleared: list[str] = field(default_factory=list)  # attributes whose cell is empty
    problems: list[str] = field(default_factory=list)

    def content_hash(self, folder: str) -> str:
        return _hash([self.id, self.fields, self.attributes, self.cleared, folder])


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
    taken = {column: name for name, column in mapping.items()}
    id_value = values.get(mapping["id"])
    product = Product(id=_id(id_value, "id", mapping["id"]), fields={}, attributes={})
    for column, value in values.items():
        name = taken.get(column)
        if name == "id" or column.startswith("_"):  # names with '_' in front are ours (reject files carry _line and _reason)
            continue
        if name in MEDIA_FIELDS:
            product.fields[name] = _media(product, name, value, folder, allow_outside)
        elif name == "price":
            _price(product, value)
        elif name is not None:
            product.fields[name] = _text(value)
        else:
            # `--map price=sale_price` leaves the column `price` over: an attribute must not take a field's name.
            label = clean_text(column)
            _attribute(product, f"original_{label}" if label in CORE else label, value, typed)
    return product


def to_interaction(values: Mapping[str, Any], mapping: Mapping[str, str], order: int) -> Interaction:
    """One row as an event; `order` stands in for a missing time. Raises BadRow."""
    user = _id(values.get(mapping["user"]), "user", mapping["user"])
    product = _id(values.get(mapping["product"]), "product", mapping["product"])
    event = _text(values.get(mapping["event"])) if "event" in mapping else None
    raw_value, raw_time = values.get(mapping.get("value", "")), values.get(mapping.get("time", ""))
    value = None
    if not _empty(raw_value):
        try:
            value = float(raw_value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise BadRow(f"the value {raw_value!r} is not a number") from None
        if not math.isfinite(value):
            raise BadRow(f"the value {raw_value!r} is not finite")
    try:
        time = float(order) if _empty(raw_time) else parse_time(raw_time)
    except ValueError as error:
        raise BadRow(str(error)) from None
    return Interaction(user, product, event, value, time)


def _id(value: Any, what: str, column: str) -> str:
    if isinstance(value, bool | dict | list) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadRow(f"the {what} {value!r} is neither text nor a number")
    text = "" if value is None else item_text(float(value)) if isinstance(value, float) else clean_id(str(value))
    if not text:
        raise BadRow(f"no {what} (column {column})")
    if len(text) > 512:
        raise BadRow(f"the {what} has {len(text)} characters; 512 are allowed")
    return text


def _text(value: Any) -> str | None:
    if _empty(value):
        return None
    if isinstance(value, list):
        value = " > ".join(str(v) for v in value if v is not None)
    return clean_text(item_text(value) if isinstance(value, float | bool) else str(value)[:_MAX_TEXT]) or None


def _price(product: Product, value: Any) -> None:
    if _empty(value):
        product.fields["price"] = None
        return
    try:
        if isinstance(value, bool | dict | list):
            raise ValueError(f"{value!r} is not a price")
        price, currency = parse_price(str(value))
    except ValueError as error:
        product.problems.append(f"price: {error}")
        product.fields["price"] = None
        return
    product.fields["price"] = price
    if currency:
        product.attributes.setdefault("currency", ("text", currency))


def _media(product: Product, name: str, value: Any, folder: Path, allow_outside: bool) -> list[str] | None:
    if _empty(value):
        return None
    kept = []
    for item in split_list(value):
        kept.append(item)
        if "://" in item:
            product.problems.append(f"{name}: {item}: a web address is kept but not fetched")
            continue
        try:
            path = media_path(item, folder, allow_outside)
            if name == "images":
                probe_image(path)
            elif not path.is_file():
                raise MediaError("missing")
        except MediaError as error:
            product.problems.append(f"{name}: {item}: {error.message}")
            if "outside" in error.message:
                kept.pop()
    return kept


def media_path(item: str, folder: Path, allow_outside: bool = True) -> Path:
    """Where a medium lies. Raises MediaError for a path that leaves the catalogue's folder without `--allow-outside`."""
    try:
        path = (folder / item).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL in the name
        raise MediaError(f"not a usable path: {error}") from error
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
    elif isinstance(value, int | float):
        product.attributes[name] = ("number", float(value)) if math.isfinite(value) else ("text", str(value))
    elif isinstance(value, list):
        items = [item_text(v) if isinstance(v, float | bool) else clean_text(str(v)) for v in value if v is not None]
        product.attributes[name] = ("list", items)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _attribute(product, f"{name}.{clean_text(str(key))}", inner, typed)
    else:
        text = clean_text(str(value)[:_MAX_TEXT])
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
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value)) or value == []
    )


def _hash(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, ensure_ascii=False, default=list).encode(), digest_size=16).hexdigest()
