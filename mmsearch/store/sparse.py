"""Values of sparse attributes: the table `attributes`, one row a product and name. The table `facts` is laid out in the same way.

Columns: `key` (id and name, unique), `id`, `name`, and one column a type, of which one holds the value. A list stays one row with all its
items: `has` is then one test, and the order is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.store.attributes import TYPES
from mmsearch.store.store import ATTRIBUTES, Store
from mmsearch.store.vectors import key_of
from mmsearch.store.where import id_list

SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        *(pa.field(kind, type) for kind, type in TYPES.items()),
    ]
)
Cell = tuple[str, str, str, Any]  # id, name, type, value

_INDEXED = 200_000  # rows from which an index on the name pays: below, a scan takes 7 ms
_AT_ONCE = 10_000  # keys in one deletion


def rows_of_cells(cells: Sequence[Cell]) -> pa.Table:
    """Cells as rows of the table."""
    ids = [cell[0] for cell in cells]
    names = [cell[1] for cell in cells]
    kinds = np.array([cell[2] for cell in cells], dtype=object)
    columns = [pa.array(list(map(key_of, ids, names)), pa.string()), pa.array(ids, pa.string()), pa.array(names, pa.string())]
    for kind, type in TYPES.items():
        mine = np.flatnonzero(kinds == kind)
        place = np.zeros(len(cells), dtype=np.int64)
        place[mine] = np.arange(len(mine))
        values = pa.array([cells[i][3] for i in mine.tolist()], type)
        columns.append(values.take(pa.array(place, mask=kinds != kind)) if len(mine) else pa.nulls(len(cells), type))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def insert_cells(store: Store, cells: Sequence[Cell]) -> None:
    """Add cells of products that have none yet. For a caller that holds `Store.writing`."""
    if cells:
        store.append(ATTRIBUTES, rows_of_cells(cells), "key")


def upsert_cells(store: Store, cells: Sequence[Cell], table: str = ATTRIBUTES) -> None:
    """Add cells, or replace what the product has under the name, whatever its type.

    Only what differs is written: a feed that changes prices says thousands of other values again.
    """
    if not cells:
        return
    rows = rows_of_cells(cells)
    if store.has(table):
        rows = rows.filter(_differs(rows, store.rows_of(table, "id", rows.column("id"), SCHEMA.names)))
    store.upsert(table, rows, "key")


def _differs(rows: pa.Table, old: pa.Table) -> pa.ChunkedArray:
    """Which rows the old ones do not have just so."""
    place = pc.index_in(rows.column("key"), value_set=old.column("key"))
    same = pc.is_valid(place)
    for kind in TYPES:
        new, before = rows.column(kind), old.column(kind).take(place)
        equal = pc.and_(pc.is_null(new), pc.is_null(before))
        if kind != "list":
            equal = pc.or_(equal, pc.fill_null(pc.equal(new, before), False))
        elif not pc.all(equal).as_py():  # lists, which pyarrow does not compare
            equal = pa.array([a == b for a, b in zip(new.to_pylist(), before.to_pylist(), strict=True)], pa.bool_())
        same = pc.and_(same, equal)
    return pc.invert(same)


def delete_cells(store: Store, keys: Sequence[str], table: str = ATTRIBUTES) -> None:
    """Remove the cells of some keys (`key_of(id, name)`)."""
    for start in range(0, len(keys), _AT_ONCE):
        store.delete(table, id_list("key", list(keys[start : start + _AT_ONCE])))


def read_cells(store: Store, ids: Sequence[str], table: str = ATTRIBUTES) -> dict[str, dict[str, tuple[str, Any]]]:
    """id → name → (type, value) of some products' sparse attributes."""
    found: dict[str, dict[str, tuple[str, Any]]] = {id: {} for id in ids}
    if not store.has(table):
        return found
    if len(ids) <= 100:
        rows = store.read(table, SCHEMA.names[1:], where=id_list("id", list(ids)))
    else:
        rows = store.rows_of(table, "id", pa.array(ids, pa.string()), SCHEMA.names[1:])
    for row in rows.to_pylist():
        kind = next(k for k in TYPES if row[k] is not None)
        found[row["id"]][row["name"]] = kind, row[kind]
    return found


def names_of(store: Store, ids: Sequence[str]) -> Iterable[tuple[str, str]]:
    """(id, name) of every sparse value that some products have."""
    if not store.has(ATTRIBUTES):
        return []
    rows = store.rows_of(ATTRIBUTES, "id", pa.array(ids, pa.string()), ["id", "name"])
    return zip(rows.column("id").to_pylist(), rows.column("name").to_pylist(), strict=True)


def ids_with(store: Store, names: Sequence[str], table: str) -> set[str]:
    """The products that have a value under any of some names."""
    if not names or not store.has(table):
        return set()
    return set(store.read(table, ["id"], where=id_list("name", list(names))).column("id").to_pylist())


def count_names(store: Store, table: str = ATTRIBUTES) -> Counter[str]:
    """name → number of products that have it in the table."""
    counts: Counter[str] = Counter()
    for batch in store.batches(table, ["name"], 100_000):
        for pair in batch.column("name").value_counts().to_pylist():
            counts[pair["values"]] += pair["counts"]
    return counts


def maintain(store: Store) -> None:
    """Keep an index on the name where the table is large enough for one."""
    opened = store.dataset(ATTRIBUTES)
    if opened is None:
        return
    indexed = any(index.field_names == ["name"] for index in opened.describe_indices())
    if opened.count_rows() >= _INDEXED and not indexed:
        store.index(ATTRIBUTES, "name")
