"""What a model was made from: for each table the name of its files, its rows, and what stands in them, whatever their order.

The name tells at once that nothing has changed; only where it is another are the rows looked at. So `mmsearch optimize`, which writes the
same rows into other files, makes no model stale, and neither does a new price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.fusion.digests import numbers
from mmsearch.recommend.base import Recommender
from mmsearch.recommend.evidence import vectors_table
from mmsearch.store import INTERACTIONS, PRODUCTS, REVIEWS, Store

#: Table → [name of its files, rows, digest of what is read].
Made = dict[str, list[Any]]

#: What a recommender reads of each table, as far as it decides what is learned.
_READ = {INTERACTIONS: ["digest"], REVIEWS: ["digest"], PRODUCTS: ["id"]}
_VECTORS = ["key", "source_hash"]
_ROWS = 65_536


def made_of(store: Store, recommender: Recommender) -> Made:
    """What a recommender would be made from now."""
    return {table: [store.identity(table), store.count(table), _digest(store, table, read)] for table, read in _tables(store, recommender)}


def files_of(store: Store, recommender: Recommender) -> dict[str, str | None]:
    """The names of the files alone."""
    return {table: store.identity(table) for table, _ in _tables(store, recommender)}


def changes(store: Store, recommender: Recommender, before: Mapping[str, list[Any]]) -> list[str]:
    """What has changed since, for a person to read; nothing if nothing has."""
    now = dict(_tables(store, recommender))
    found = []
    for table in sorted({*now, *before}):
        name, had, digest = (*before.get(table, [None, 0, None]), None)[:3]
        rows = store.count(table) if table in now else 0
        if table in now and name is not None and store.identity(table) == name:
            continue
        if rows != had:
            found.append(f"{table}: {rows - had:+,} rows")
        elif rows and _digest(store, table, now[table]) != digest:
            found.append(f"{table}: rows changed")
    return found


def _tables(store: Store, recommender: Recommender) -> list[tuple[str, list[str]]]:
    """The tables that are read, and of each the columns that tell its rows apart."""
    found = list(_READ.items())
    if recommender.needs_vectors and (table := vectors_table(store, recommender.profile)) is not None:
        found.append((table, _VECTORS))
    return [(table, read) for table, read in found if store.has(table)]


def _digest(store: Store, table: str, read: list[str]) -> str:
    """Of some columns, whatever the order of rows."""
    total = np.zeros(2, np.uint64)
    for batch in store.batches(table, read, _ROWS):
        with np.errstate(over="ignore"):
            total += _halves(batch.column(0)) if read == ["digest"] else _hashed(batch, read)
    return "".join(f"{half:016x}" for half in total.tolist())


def _hashed(batch: pa.RecordBatch, read: list[str]) -> NDArray[np.uint64]:
    columns = [batch.column(name).to_pylist() for name in read]
    found = numbers("\0".join(map(str, row)) for row in zip(*columns, strict=True))
    return np.array([found.sum(dtype=np.uint64), 0], np.uint64)


def _halves(digests: pa.Array) -> NDArray[np.uint64]:
    """Of hex digests of 16 bytes, which are as good as random, the sums of both halves: ten million of them take seconds."""
    written = "".join(one or "0" * 32 for one in digests.to_pylist())  # without one: of a store before there were any
    raw = np.frombuffer(bytes.fromhex(written), np.uint64).reshape(-1, 2)
    return np.asarray(raw.sum(axis=0, dtype=np.uint64))
