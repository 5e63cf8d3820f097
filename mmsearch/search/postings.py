"""Which products have a word, and what it is worth in each (BM25): asked once a word, for all queries that say it.

BM25 is a sum over the words of a query, so that queries share what their words are worth: of 1,000 queries of two to four words, less than
half of the words are new.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from mmsearch.lexical.fields import PIECES
from mmsearch.search.rows import Rows
from mmsearch.store import Store
from mmsearch.store.fulltext import Clause, find_rows

Scores = NDArray[np.float64]
#: The products (m,) that have a word, by their places, and its BM25 in each (m,).
Found = tuple[NDArray[np.int32], NDArray[np.float32]]

#: Products that are kept of all words together, 8 bytes each: the words last asked for.
KEPT = 8_000_000

#: Products that say a word, beyond which it is not listed: more than any store has that is scored whole by default.
COMMON = 250_000

_MARKS = ',;:.!?()[]{}"“”'  # no word begins or ends with one, however a text is cut

_APART = 16  # words up to which a text is taken apart: a question of its own for each would cost a long one more than it saves


def _apart(clause: Clause) -> list[str]:
    """What is looked for one by one: BM25 of the whole is the sum. A word that is said twice counts twice, as it does in LanceDB.

    Codes stay together: few queries have one of another, and one question costs less than four.
    """
    words = clause.text.split()
    if clause.how != "any" or len(words) > _APART:
        return [clause.text]
    plain = [word.strip(_MARKS) for word in words]
    plain = [word.lower() if word.isascii() else word for word in plain if word]
    if clause.column != PIECES:
        return plain
    codes = [word for word in plain if word.isascii()]
    return [*(word for word in plain if not word.isascii()), *([" ".join(codes)] if codes else [])]


class Postings:
    """The words of one version of a table, whose rows are those of products (n,)."""

    def __init__(self, store: Store, table: str, rows: Rows, products: int):
        self._store, self._table, self._rows, self._products = store, table, rows, products
        self._kept: OrderedDict[tuple[str, str, str], Found] = OrderedDict()
        self._common: set[tuple[str, str, str]] = set()
        self._size, self._lock = 0, Lock()
        self._room = 0  # products of words that may be learned now, see `learn`

    def scores(self, clause: Clause) -> Scores | None:
        """BM25 of every product (n,), 0 where nothing matches; the same whatever was asked before. None where a word is too common."""
        words = [self.found(word, clause.column, clause.how) for word in _apart(clause)]
        if any(found is None for found in words):
            return None
        scores = np.zeros(self._products)
        for places, bm25 in filter(None, words):
            scores[places] += bm25  # a place stands there once: a product has one row
        if clause.boost != 1:
            scores *= clause.boost
        return scores

    def any(self, clause: Clause) -> bool:
        """Whether a product matches."""
        found = (self.found(word, clause.column, clause.how) for word in _apart(clause))
        return any(one is None or len(one[0]) for one in found)

    def unknown(self, clauses: Iterable[Clause]) -> list[tuple[str, str, str]]:
        """The words of clauses, each once, that were not asked for yet: what `learn` takes."""
        words = dict.fromkeys((word, clause.column, clause.how) for clause in clauses for word in _apart(clause))
        with self._lock:
            self._room = KEPT // 4  # what is learned for the queries that are scored meanwhile stays
            return [word for word in words if word not in self._kept and word not in self._common]

    def learn(self, text: str, column: str, how: str) -> None:
        """Ask for a word before its score is needed; not, once the words of one `unknown` take a quarter of what is kept."""
        if self._room > 0 and (found := self.found(text, column, how)) is not None:
            self._room -= len(found[0])  # threads may both look before either takes: a word more

    def size(self) -> int:
        """How many products are kept of all words together."""
        return self._size

    def found(self, text: str, column: str, how: str = "any") -> Found | None:
        """The products that match a text, and their BM25; None where more than `COMMON` do."""
        key = text, column, how
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
            if key in self._common:
                return None
        clause = Clause(text, column, how=how)  # type: ignore[arg-type]
        row_ids, bm25 = find_rows(self._store, self._table, clause, min(max(1, len(self._rows.ids)), COMMON + 1))
        if len(row_ids) > COMMON:
            self._common.add(key)
            return None
        at = self._rows.found(row_ids)
        there = at >= 0
        found = at[there].astype(np.int32), bm25[there].astype(np.float32)
        with self._lock:
            if key not in self._kept:  # else another thread was first
                self._kept[key] = found
                self._size += len(found[0])
            while self._size > KEPT:
                _, (gone, _) = self._kept.popitem(last=False)
                self._size -= len(gone)
        return found
