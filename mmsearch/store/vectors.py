"""Vector tables: one a modality and encoder (or a fusion profile), beside the products, so that adding vectors rewrites nothing.

Columns: `key` (id and part, unique), `id`, `part` (which photo, which second; '' for the whole product), `vector`,
`source_hash` (of the content and the encoder that made it); and of an encoder that has any `views`, in 16 bits: further views of
the same item, side by side, which only fusion reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import StoreError
from mmsearch.store.store import Store
from mmsearch.store.vector_index import METRIC, asked_for
from mmsearch.store.where import id_list

Matrix = NDArray[np.float32]
_NAMED = 5_000  # ids that a filter names one by one; more are looked up among all ids
_UNIT = 1e-3  # how far from 1 a stored vector's length may be


@dataclass(frozen=True)
class VectorRows:
    """Rows of a vector table: `ids[i]`, `parts[i]`, `vectors[i]` belong together."""

    ids: pa.Array  # (m,) strings
    parts: pa.Array  # (m,) strings
    vectors: Matrix  # (m, d)
    views: NDArray[np.float16] | None = None  # (m, e), where they were asked for and the table has them

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> VectorRows:
        """Some of the rows."""
        at = pa.array(rows, pa.int64())
        views = None if self.views is None else self.views[rows]
        return VectorRows(self.ids.take(at), self.parts.take(at), self.vectors[rows], views)


def key_of(id: str, part: str) -> str:
    """The unique key of a vector: a unit separator cannot stand in either (cleaning removes control characters)."""
    return f"{id}\x1f{part}"


def check_vectors(vectors: Matrix, dim: int | None = None) -> None:
    """Raise StoreError unless every row is finite, of the right dimension and of length 1: nothing else ever gets in."""
    if vectors.ndim != 2 or (dim is not None and vectors.shape[1] != dim):
        raise StoreError(f"vectors of shape {vectors.shape}, expected (n, {dim or 'd'}); nothing was written")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    bad = ~(np.abs(lengths - 1) < _UNIT)  # also true for NaN and infinity
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise StoreError(
            f"vector {row} of {len(vectors)} has length {lengths[row]:g}, not 1 (zero, infinite or not a number); nothing was written"
        )


def write_vectors(
    store: Store, table: str, ids: Sequence[str], parts: Sequence[str], hashes: Sequence[str], vectors: Matrix, views: int = 0
) -> None:
    """Insert or replace vectors; the last so many dimensions of the rows are `views`.

    Raises StoreError (see `check_vectors`); then nothing of the call is written.
    """
    if len(ids):
        store.upsert(table, _table(store, table, ids, parts, hashes, vectors, views), "key")


def append_vectors(
    store: Store, table: str, ids: Sequence[str], parts: Sequence[str], hashes: Sequence[str], vectors: Matrix, views: int = 0
) -> None:
    """Insert vectors whose keys the caller knows not to be there: several times as fast as `write_vectors` in a large table.

    Raises StoreError as `write_vectors` does.
    """
    if len(ids):
        store.append(table, _table(store, table, ids, parts, hashes, vectors, views), "key")


def _table(store: Store, table: str, ids: Sequence[str], parts: Sequence[str], hashes: Sequence[str], rows: Matrix, views: int) -> pa.Table:
    vectors = rows[:, : rows.shape[1] - views] if rows.ndim == 2 else rows
    check_vectors(vectors, dimension(store, table))
    dim = vectors.shape[1]
    fields = [
        pa.field("key", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("part", pa.string(), nullable=False),
        pa.field("vector", pa.list_(pa.float32(), dim)),
        pa.field("source_hash", pa.string(), nullable=False),
    ]
    columns = [pa.array(list(map(key_of, ids, parts))), pa.array(list(ids)), pa.array(list(parts)), _lists(vectors, np.float32)]
    columns.append(pa.array(list(hashes)))
    if views:
        further = rows[:, dim:]
        if not np.isfinite(further).all():
            raise StoreError("further views that are infinite or not a number; nothing was written")
        fields.append(pa.field("views", pa.list_(pa.float16(), views)))
        columns.append(_lists(further, np.float16))
    return pa.table(columns, schema=pa.schema(fields))


def _lists(rows: Matrix, type: type[np.floating[Any]]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(rows, dtype=type).reshape(-1)), rows.shape[1])


def dimension(store: Store, table: str) -> int | None:
    """Dimension of a vector table, None if there is none."""
    opened = store.dataset(table)
    return None if opened is None else int(opened.schema.field("vector").type.list_size)


def content_digest(store: Store, tables: Mapping[str, str]) -> str:
    """Hex digest over some tables (modality → table) and what their vectors were made of: the same however they were written."""
    total = 0  # a sum, so that nothing needs to be sorted or held
    for table in tables.values():
        for batch in store.batches(table, ["key", "source_hash"]):
            for key, value in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                total += int.from_bytes(hashlib.blake2b(f"{table}\x1f{key}\x1f{value}".encode(), digest_size=16).digest(), "little")
    return f"{total % 2**128:032x}"


def read_vectors(store: Store, table: str, ids: list[str] | None = None, *, views: bool = False) -> VectorRows:
    """All vectors of a table, or those of some products, of which only the ids are read besides; with further views, where it has any.

    Raises StoreError if there is no such table.
    """
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    columns = _columns(opened, views)
    if ids is None or len(ids) <= _NAMED:
        return to_rows(store.read(table, columns, where=None if ids is None else id_list("id", ids)))
    with store.reporting(f"read the table {table}"):
        mine = pc.is_in(opened.to_table(columns=["id"]).column("id"), value_set=pa.array(ids, pa.string()))
        rows = np.flatnonzero(mine.to_numpy(zero_copy_only=False))
        return to_rows(opened.take(rows.tolist(), columns=columns))


def _columns(opened: Any, views: bool) -> list[str]:
    return ["id", "part", "vector", *(["views"] if views and "views" in opened.schema.names else [])]


def read_sample(store: Store, table: str, size: int, seed: int = 0) -> VectorRows:
    """Some vectors of a table, chosen at random and the same for the same table version. Raises StoreError if there is no such table."""
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    return take_some(store, table, np.sort(np.random.default_rng(seed).permutation(opened.count_rows())[:size]))


def take_vectors(store: Store, snapshot: Any, rows: Sequence[int]) -> Matrix:
    """The vectors of some rows of one version of a table (`Store.dataset`), in the order asked for (n, width): with their views."""
    return take_rows(store, snapshot, rows).vectors


def take_rows(store: Store, snapshot: Any, rows: Sequence[int]) -> VectorRows:
    """Some rows of one version of a table (`Store.dataset`), in the order asked for; `vectors` are as wide as the encoder's rows."""
    with store.reporting(f"read the table {Path(snapshot.uri).stem}"):
        found = to_rows(snapshot.take(list(rows), columns=_columns(snapshot, True)))
    return found if found.views is None else VectorRows(found.ids, found.parts, np.hstack([found.vectors, found.views]))


def batches_of(store: Store, table: str, rows: int = 8192, *, views: bool = False) -> Iterator[tuple[VectorRows, list[str]]]:
    """A vector table in batches, each with its source hashes: for projecting any number of vectors in bounded memory."""
    opened = store.dataset(table)
    for batch in store.batches(table, [*_columns(opened, views), "source_hash"], rows) if opened is not None else ():
        as_table = pa.Table.from_batches([batch])
        yield to_rows(as_table), as_table.column("source_hash").to_pylist()


def nearest(store: Store, table: str, query: Matrix, k: int, metric: str = METRIC) -> NDArray[np.uint64]:
    """Row ids of the k vectors nearest to a query (d,), best first: LanceDB's own search, by its index where there is one."""
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    with store.reporting(f"search the table {table}"):
        found = opened.scanner(columns=["_distance"], with_row_id=True, nearest=asked_for(query, k, metric)).to_table()
    return found.column("_rowid").to_numpy()  # type: ignore[no-any-return]


def read_ids(store: Store, table: str) -> tuple[NDArray[np.uint64], pa.Array]:
    """The row ids of a whole table (m,), and whose rows they are (m,), in the order of `take_some`. Raises StoreError if there is none."""
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    with store.reporting(f"read the table {table}"):
        rows = opened.scanner(columns=["id"], with_row_id=True).to_table()
    return rows.column("_rowid").to_numpy(), _whole(rows.column("id"))


def take_some(store: Store, table: str, rows: NDArray[np.int64]) -> VectorRows:
    """Some rows of a table, by their numbers in the order in which it is read. Raises StoreError."""
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    with store.reporting(f"read the table {table}"):
        return to_rows(opened.take(rows.tolist(), columns=["id", "part", "vector"]))


def to_rows(rows: pa.Table) -> VectorRows:
    views = _matrix(rows.column("views"), np.float16) if "views" in rows.column_names else None
    return VectorRows(_whole(rows.column("id")), _whole(rows.column("part")), _matrix(rows.column("vector")), views)


def _matrix(lists: pa.ChunkedArray, type: type[np.floating[Any]] = np.float32) -> NDArray[Any]:
    column = lists.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # an empty table combines to no chunk
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.type.list_size)
    return matrix.astype(type, copy=False)  # type: ignore[no-any-return]


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
