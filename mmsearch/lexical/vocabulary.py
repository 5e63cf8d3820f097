"""The words that a catalogue uses, and which of them a word that it does not use may be a typing error of."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from mmsearch.lexical.fields import TABLE
from mmsearch.store import Store

VOCABULARY = "vocabulary"

#: What may be misspelt: words of letters, not those of Chinese, which have no letters to mistake. Shorter ones have too many neighbours.
WORD = re.compile(r"[^\W\d_\u3400-\u9fff]{4,}")
_SHORT = 5  # letters up to which one may be wrong; of longer words two
_RARE = 2  # products that a word must be in, in a catalogue of more than `_FEW`: what one product says may be an error itself
_FEW = 1_000
_MOST = 3
_AT_ONCE = 50_000


def write_vocabulary(store: Store) -> None:
    """Count the words of all titles, brands and categories anew. For a caller that holds `Store.writing`. Raises StoreError."""
    counts: Counter[str] = Counter()
    rows = 0
    for batch in store.batches(TABLE, ["title", "brand", "category"]):
        rows += batch.num_rows
        for said in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            counts.update({word.casefold() for text in said for word in WORD.findall(text)})
    least = 1 if rows <= _FEW else _RARE
    kept = sorted((word, count) for word, count in counts.items() if count >= least)
    store.drop(VOCABULARY)
    for start in range(0, len(kept), _AT_ONCE):
        words, numbers = zip(*kept[start : start + _AT_ONCE], strict=True)
        schema = pa.schema([pa.field("word", pa.string(), nullable=False), pa.field("products", pa.int64(), nullable=False)])
        store.append(VOCABULARY, pa.table([pa.array(words), pa.array(numbers)], schema=schema), "word")


def forgiven(word: str) -> int:
    """How many letters of a word may be wrong."""
    return 1 if len(word) <= _SHORT else 2


@dataclass(frozen=True)
class Vocabulary:
    """Words in lower case, and how many products have each."""

    words: Sequence[str]
    products: Sequence[int]

    @staticmethod
    def read(store: Store) -> Vocabulary:
        """That of a store; empty where it has none. Raises StoreError."""
        if not store.has(VOCABULARY):
            return Vocabulary([], [])
        rows = store.read(VOCABULARY, ["word", "products"])
        return Vocabulary(rows.column("word").to_pylist(), rows.column("products").to_pylist())

    def has(self, word: str) -> bool:
        """Whether a title, brand or category has a word."""
        return word.casefold() in self._set

    @functools.cached_property
    def _set(self) -> frozenset[str]:
        return frozenset(self.words)

    def near(self, word: str) -> list[str]:
        """The words that a word may be meant to be, the likeliest first, at most three: as few letters away as any (two that changed
        places are one; Damerau 1964), and in how many products they are.

        >>> Vocabulary(["toner", "tuner", "tower"], [90, 4, 50]).near("tonre")
        ['toner']
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        asked = word.casefold()
        found = process.extract(asked, self.words, scorer=OSA.distance, score_cutoff=forgiven(asked), limit=None)
        if not found:
            return []
        least = min(distance for _, distance, _ in found)
        likely = sorted((-self.products[at], name) for name, distance, at in found if distance == least)
        return [name for _, name in likely[:_MOST]]
