"""Full text: columns that are indexed word by word, and BM25 scores of a query for the rows that share a word with it.

The only place that knows LanceDB's full-text search. Words are cut by ICU, which knows Chinese words without a model, and English endings
are taken off; stop words stay, since a title is short and "the" costs nothing where it is everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import StoreError
from mmsearch.store.store import Store

#: How a column is cut: 'words' of running text, or 'pieces' that are separated by spaces already.
Cut = Literal["words", "pieces"]

_SETTINGS: dict[str, dict[str, Any]] = {
    "words": {"base_tokenizer": "icu", "stem": True, "ascii_folding": True},
    "pieces": {"base_tokenizer": "whitespace", "stem": False, "ascii_folding": False},
}


@dataclass(frozen=True)
class Clause:
    """Some text that is looked for in some columns, which must be cut alike; its score is added to that of others.

    `columns` are names with a boost each: several count as one field (BM25F), in which a word of a column counts as often as its boost
    says, which is 1 at least; the score of one alone is multiplied by it. `how`: 'any' word, 'all' words, or (one
    column alone) the words as a 'phrase'.
    """

    text: str
    columns: Mapping[str, float]
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


def find_text(
    store: Store, table: str, clauses: Sequence[Clause], limit: int, where: str | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """The rows that match any clause, best first, at most `limit`: their row ids (m,) and BM25 scores (m,), of all clauses together.

    Parameters
    ----------
    where : a compiled filter; only rows that pass are looked at, and scores stay what they are without it.

    Raises StoreError if there is no such table or it cannot be read.
    """
    found = _scan(store, table, clauses, limit, where, [])
    return found.column("_rowid").to_numpy(), found.column("_score").to_numpy().astype(np.float64)


def find_ids(
    store: Store, table: str, clauses: Sequence[Clause], limit: int, where: str | None = None
) -> tuple[list[str], NDArray[np.float64]]:
    """As `find_text`, with the column `id` of the rows."""
    found = _scan(store, table, clauses, limit, where, ["id"])
    return found.column("id").to_pylist(), found.column("_score").to_numpy().astype(np.float64)


def _scan(store: Store, table: str, clauses: Sequence[Clause], limit: int, where: str | None, columns: list[str]) -> Any:
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    with store.reporting(f"search the table {table}"):
        return opened.scanner(
            columns=[*columns, "_rowid", "_score"],
            full_text_query=_query(clauses),
            filter=where,
            prefilter=True,
            limit=limit,
            with_row_id=True,
            disable_scoring_autoprojection=True,
        ).to_table()


def _query(clauses: Sequence[Clause]) -> Any:
    from lance.query import BooleanQuery, Occur

    made = [_one(clause) for clause in clauses]
    return made[0] if len(made) == 1 else BooleanQuery([(Occur.SHOULD, one) for one in made])


def _one(clause: Clause) -> Any:
    from lance.query import CombinedFieldsQuery, FullTextOperator, MatchQuery, PhraseQuery

    names = list(clause.columns)
    operator = FullTextOperator.AND if clause.how == "all" else FullTextOperator.OR
    if clause.how == "phrase":
        return PhraseQuery(clause.text, names[0])
    if len(names) == 1:
        return MatchQuery(clause.text, names[0], boost=clause.columns[names[0]], operator=operator)
    return CombinedFieldsQuery(clause.text, names, boosts=list(clause.columns.values()), operator=operator)


def row_ids(store: Store, table: str) -> tuple[Any, NDArray[np.uint64]]:
    """The column `id` of a whole table (m,) and the row ids that `find_text` gives (m,), in one order. Raises StoreError."""
    opened = store.dataset(table)
    if opened is None:
        raise StoreError(f"{store.path} has no table {table}")
    with store.reporting(f"read the table {table}"):
        rows = opened.scanner(columns=["id"], with_row_id=True).to_table()
    return rows.column("id").combine_chunks(), rows.column("_rowid").to_numpy()
