"""Which products of a chunk say anything that the store does not have: a feed that repeats old prices changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from mmsearch.catalog.columns import is_language_of
from mmsearch.catalog.product_rows import LONGEST_QUANTITY
from mmsearch.catalog.records import Product
from mmsearch.catalog.units import quantity_attribute
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import HIDDEN, Attributes, load_attributes
from mmsearch.store.sparse import read_cells

Cells = Mapping[str, tuple[str, Any]]  # name → (type, value)


def differing(store: Store, products: Sequence[Product]) -> tuple[list[Product], list[Product]]:
    """Of products that the store has, those that it has otherwise; and those of the others whose row has no digest yet, but could."""
    names = load_attributes(store)
    _clear_nested(products, names)
    _clear_languages(products, names)
    asked = dict.fromkeys(name for p in products for name in (*p.fields, *p.attributes, *p.cleared))
    columns = [column for name in asked for column in names.columns.get(name, {}).values()]
    dataset = store.dataset(PRODUCTS)
    have = set() if dataset is None else set(dataset.schema.names)
    rows = store.rows_of(
        PRODUCTS, "id", pa.array([p.id for p in products], pa.string()), [c for c in ("id", *HIDDEN, *columns) if c in have]
    )
    old = {row["id"]: row for row in rows.to_pylist()}
    sparse = {name for name in asked if name not in names.columns and name in names.sparse}
    cells = read_cells(store, [p.id for p in products]) if sparse else {}
    changed, undigested = [], []
    for product in products:
        row = old.get(product.id, {})
        _clear_quantities(product, row, cells.get(product.id, {}), names)
        if _differs(product, row, cells.get(product.id, {}), names):
            changed.append(product)
        elif product.row_digest and not row.get("_row"):
            undigested.append(product)
    return changed, undigested


def _differs(product: Product, row: Mapping[str, Any], cells: Cells, names: Attributes) -> bool:
    if product.has_media and row.get("_folder") != product.folder:
        return True
    if any(row.get(name) != value for name, value in product.fields.items()):
        return True
    for name, typed in product.attributes.items():
        if (names.typed(name, row) if name in names.columns else cells.get(name)) != typed:
            return True
    return any((names.typed(name, row) if name in names.columns else cells.get(name)) is not None for name in product.cleared)


def _clear_nested(products: Sequence[Product], names: Attributes) -> None:
    """An object that is empty now (`dims: null`) clears what it held (`dims.width`)."""
    if not any(product.cleared for product in products):
        return
    inside: dict[str, list[str]] = {}
    for name in names.names():
        for at, letter in enumerate(name):
            if letter == ".":
                inside.setdefault(name[:at], []).append(name)
    for product in products:
        product.cleared += [name for label in product.cleared for name in inside.get(label, ()) if name not in product.attributes]


def _clear_languages(products: Sequence[Product], names: Attributes) -> None:
    """A title that is `{"en": …}` or null now, and was `{"en": …, "zh": …}`, takes `title_zh` along; a plain text does not."""
    languages: dict[str, list[str]] = {}
    for product in products:
        for field in product.whole:
            if field not in languages:
                languages[field] = [name for name in names.names() if is_language_of(field, name)]
            product.cleared += [name for name in languages[field] if name not in product.attributes]


def _clear_quantities(product: Product, row: Mapping[str, Any], cells: Cells, names: Attributes) -> None:
    """A text that was a quantity ('1.5 kg') and is another text or nothing now takes its number (`weight_g`) along."""
    texts = [name for name, (kind, _) in product.attributes.items() if kind == "text"]
    for label in (*texts, *product.cleared):
        had = names.typed(label, row) if label in names.columns else cells.get(label)
        if had is not None and had[0] == "text" and len(had[1]) <= LONGEST_QUANTITY and had[1][:1].isdigit():
            derived = quantity_attribute(label, had[1])
            if derived is not None and derived[0] not in product.attributes:
                product.cleared.append(derived[0])
