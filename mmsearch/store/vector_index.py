"""Indexes over vector tables that are too large to compare whole: nearest neighbours without reading every vector.

IVF with RaBitQ codes (Gao & Long, SIGMOD 2024) of four bits a dimension: an eighth of the vectors (docs/decisions/0033-speed.md).
LanceDB codes so only vectors of a multiple of eight dimensions; others (389 of a sound, 300 of GloVe) have each value as a byte.
"""

from __future__ import annotations

from typing import Any

from mmsearch import settings
from mmsearch.store.store import Store

#: What is compared: vectors have length 1. An index of another metric than the query's is silently not used.
METRIC = "dot"
_NAME = "vector_idx"
_BITS = 4
_PARTITION = 4_096  # vectors that lie together
PROBES = 80  # partitions that are looked into for a query: all up to 330,000 vectors, a third of a million


def index_vectors(store: Store, table: str) -> bool:
    """Index a vector table that is too large to be compared whole, and let an index that is there take in new rows.

    For a caller that holds `Store.writing`. Says whether the table has an index now. Raises StoreError.
    """
    opened = store.fresh(table)
    if opened is None:
        return False
    with store.reporting(f"index the table {table}"):
        if has_index(opened):
            opened.optimize.optimize_indices()
            return True
        if opened.count_rows() <= settings.exact_limit():
            return False
        dim = opened.schema.field("vector").type.list_size
        kind: dict[str, Any] = {"index_type": "IVF_RQ", "num_bits": _BITS} if dim % 8 == 0 else {"index_type": "IVF_SQ"}
        opened.create_index("vector", name=_NAME, metric=METRIC, target_partition_size=_PARTITION, **kind)
    return True


def drop_index(store: Store, table: str) -> None:
    """Let the index of a vector table go; nothing happens if it has none. For a caller that holds `Store.writing`. Raises StoreError."""
    opened = store.fresh(table)
    if opened is not None and has_index(opened):
        with store.reporting(f"remove the index of the table {table}"):
            opened.drop_index(_NAME)


def has_index(opened: Any) -> bool:
    """Whether an open table has an index of its vectors."""
    return any("vector" in index.field_names for index in opened.describe_indices())


def asked_for(query: Any, k: int, metric: str = METRIC) -> dict[str, Any]:
    """LanceDB's question for the k vectors nearest to a query (d,). Where there is no index the number of probes says nothing.

    By codes alone: whoever asks compares those found by their vectors again, of which there are many more than the hits that are wanted.
    """
    return {"column": "vector", "q": query, "k": k, "metric": metric, "nprobes": PROBES}
