"""Rows written through the product writer, with the layout that a test wants."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
from filter_trees import Row, kind_of, stored

from mmsearch.catalog.product_table import ProductTable
from mmsearch.catalog.records import Product
from mmsearch.store import PRODUCTS, Store
from mmsearch.store import filter as filters
from mmsearch.store.attributes import CORE, load_attributes
from mmsearch.store.sparse import read_cells


def product(id: str, row: Row, *, cleared: Sequence[str] = (), folder: str = "/shop", version: str = "") -> Product:
    """A product as cleaning makes it; names of fields that every product may have are fields."""
    fields: dict[str, Any] = {name: value for name, value in row.items() if name in CORE}
    own = {name: (kind_of(value), stored(value)) for name, value in row.items() if name not in CORE and value is not None}
    made = Product(id, folder, fields, own, list(cleared))
    made.row_digest = hashlib.blake2b(repr((id, row, list(cleared), folder, version)).encode(), digest_size=8).digest()
    return made


def new_store(path: Path) -> Store:
    store = Store(path)
    store.create()
    return store


def bring(store: Store, products: Sequence[Product], *, chunk: int = 1_000, finish: bool = True) -> None:
    """One ingest."""
    with store.writing("test"):
        table = ProductTable(store)
        known = table.known()
        for start in range(0, len(products), chunk):
            table.write(products[start : start + chunk], known)
        if finish:
            table.finish()


def with_columns(monkeypatch: pytest.MonkeyPatch, names: Collection[str]) -> None:
    """From now on these attributes get columns and no others."""
    chosen = lambda filled, *_: [name for name in filled if name in names and name not in CORE]  # noqa: E731
    monkeypatch.setattr("mmsearch.catalog.product_table.choose", chosen)
    monkeypatch.setattr("mmsearch.store.layout.choose", chosen)


def passing(store: Store, where: str) -> set[str]:
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    return set(ids.filter(filters.passing(store, where, ids)).to_pylist())


def contents(store: Store) -> dict[str, dict[str, Any]]:
    """id → name → (type, value), as a reader who goes by the record sees it. A value in two places is an error."""
    names = load_attributes(store)
    rows = store.read(PRODUCTS).to_pylist()
    sparse = read_cells(store, [row["id"] for row in rows])
    found: dict[str, dict[str, Any]] = {}
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        mine = {name: typed for name in names.columns if name != "id" and (typed := names.typed(name, row)) is not None}
        for kinds in names.columns.values():
            assert sum(row.get(column) is not None for column in kinds.values()) <= 1
        seen = {name: typed for name, typed in sparse[row["id"]].items() if name not in names.columns}
        assert set(seen) <= set(names.sparse)
        found[row["id"]] = mine | seen
    return found
