"""Full text: columns that are indexed word by word, and BM25 scores of a query for the rows that share a word with it.

The only place that knows LanceDB's full-text search. Words are cut by ICU, which knows Chinese words without a model, and English endings
are taken off; stop words stay: a title is short, and what is everywhere counts next to nothing (electronics, validation queries, words
alone: nDCG@10 .886 with them, .834 without). Several columns in one query (BM25F, or a boolean one) cost LanceDB 25 times as much as one
column, since only of one it knows which rows it need not look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.errors import StoreError
from mmsearch.store.store import Store

Scores = NDArray[np.float64]

#: How a column is cut: 'words' of running text, or 'pieces' that are separated by spaces already.
Cut = Literal["words", "pieces"]

_SETTINGS: dict[str, dict[str, Any]] = {
    "words": {"base_tokenizer": "icu", "stem": True, "ascii_folding": True},
    "pieces": {"base_tokenizer": "whitespace", "stem": False, "ascii_folding": False},
}


@dataclass(frozen=True)
class Clause:
    """Some text that is looked for in a column: 'any' of its words, 'all' of them, or the words as a 'phrase'; scores times `boost`."""

    text: str
    column: str
    boost: float = 1.0
    how: Literal["any", "all", "phrase"] = "any"


def index_text(store: Store, table: str, columns: Mapping[str, Cut]) -> None:
    """Index the columns that have no full-text index yet, and let the others take in the rows that are new to them.

    For a caller that holds `Store.writing`. Raises StoreError.
    """
    opened = store.fresh(table)
    if opened is None:
        return
    with store.reporting(f"index the table {table}"):
        have = {name for index in opened.describe_indices() for name in index.field_names}
        for column, cut in columns.items():
            if column not in have:
                opened.create_scalar_index(
                    column, "INVERTED", with_position=True, lower_case=True, remove_stop_words=False, language="English", **_SETTINGS[cut]
                )
        if have:
            opened.optimize.optimize_indices()


def find_rows(store: Store, table: str, clause: Clause, limit: int, where: str | None = None) -> tuple[NDArray[np.uint64], Scores]:
    """The rows that match, best first, at most `limit`: their row ids (m,) and BM25 scores (m,).

    Parameters
    ----------
    where : a compiled filter; only rows that pass are looked at, and scores stay what they are without it.

    Raises StoreError if there is no such table or it cannot be read.
    """
    found = _scan(store, table, clause, limit, where, [])
    return found.column("_rowid").to_numpy(), found.column("_score").to_numpy().astype(np.float64) * clause.boost


def find_ids(store: Store, table: str, clause: Clause, limit: int, where: str | None = None) -> tuple[list[str], Scores]:
    """As `find_rows`, with the column `id` of the rows."""
    found = _scan(store, table, clause, limit, where, ["id"])
    return found.column("id").to_pylist(), found.column("_score").to_numpy().astype(np.float64) * clause.boost


def _scan(store: Store, table: str, clause: Clause, limit: int, where: str | None, columns: list[str]) -> pa.Table:
    from lance.query import FullTextOperator, MatchQuery, PhraseQuery

    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    query: Any
    if clause.how == "phrase":
        query = PhraseQuery(clause.text, clause.column)
    else:
        operator = FullTextOperator.AND if clause.how == "all" else FullTextOperator.OR
        query = MatchQuery(clause.text, clause.column, operator=operator)
    with store.reporting(f"search the table {table}"):
        return opened.scanner(
            columns=[*columns, "_rowid", "_score"],
            full_text_query=query,
            filter=where,
            prefilter=True,
            limit=limit,
            with_row_id=True,
            disable_scoring_autoprojection=True,
        ).to_table()


def row_ids_of(store: Store, table: str, beside: str) -> tuple[pa.Array, pa.Array, NDArray[np.uint64]]:
    """The columns `id` and `beside` of a whole table (m,) and the row ids that `find_rows` gives (m,), in one order. Raises StoreError."""
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    with store.reporting(f"read the table {table}"):
        rows = opened.scanner(columns=["id", beside], with_row_id=True).to_table()
    whole = [pa.concat_arrays(rows.column(name).chunks or [pa.array([], pa.string())]) for name in ("id", beside)]
    return whole[0], whole[1], rows.column("_rowid").to_numpy()
