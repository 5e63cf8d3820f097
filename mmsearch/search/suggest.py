"""What a shopper who has typed some letters may be about to type: past searches, brands, categories and words of titles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import InputError, UsageError
from mmsearch.lexical.fields import APART, COMPLETIONS
from mmsearch.lexical.spelling import typed
from mmsearch.lexical.vocabulary import forgiven
from mmsearch.store import Store

_HAN = re.compile("[\u3400-\u9fff]")
_LONGEST = 60  # letters: no completion has more
_INITIALS = 2  # letters from which on they may be the first ones of Chinese characters
_MISTAKEN = 4  # letters from which on one may be a typing error
_SHOWN = 40  # letters of a prefix in a note

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Suggestion:
    """What may be typed, where it comes from ('search', 'brand', 'category', 'title'), and how many products have it."""

    text: str
    kind: str
    products: int

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"text": self.text, "kind": self.kind, "products": self.products}


@dataclass(frozen=True)
class Suggestions:
    """The most useful first, and what a person should know about them (`notes`)."""

    found: list[Suggestion]
    notes: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


class Suggester:
    """Completes what is typed, from one store. The completions are read once, and again when the store changed."""

    def __init__(self, store: Store):
        self._store = store
        self._known: tuple[int, Completions] | None = None

    def suggest(self, prefix: str, k: int) -> Suggestions:
        """The k most useful completions of a prefix; of an empty one, the most useful of all.

        Raises
        ------
        UsageError : k below 1. InputError : the store has no completions.
        """
        if k < 1:
            raise UsageError(f"-k must be at least 1, not {k}")
        if not self._store.has(COMPLETIONS):
            raise InputError("the store has nothing to complete from", hint="make it: mmsearch embed")
        version = self._store.version(COMPLETIONS)
        if self._known is None or self._known[0] != version:
            self._known = version, Completions.read(self._store)
        return self._known[1].complete(prefix, k)


@dataclass(frozen=True)
class Completions:
    """The table of completions in memory, the most useful first (n rows); `full` are their sounds without a space, null without Chinese."""

    rows: pa.Table
    key: pa.Array
    full: pa.Array
    initials: pa.Array

    @staticmethod
    def read(store: Store) -> Completions:
        """Those of a store, which has some. Raises StoreError."""
        rows = store.read(COMPLETIONS).combine_chunks()
        sounds = _column(rows, "sounds")
        return Completions(rows, _column(rows, "key"), pc.replace_substring(sounds, APART, ""), _column(rows, "initials"))

    def complete(self, prefix: str, k: int) -> Suggestions:
        """See `Suggester.suggest`."""
        start = typed(prefix[: 10 * _LONGEST])
        if not start:
            return Suggestions(self._taken(range(min(k, len(self.key)))) if not prefix.strip() else [])
        sure, initials = self._beginning(start)
        order = [*np.flatnonzero(sure).tolist(), *np.flatnonzero(initials & ~sure).tolist()]
        if order or len(start) < _MISTAKEN or len(start) > _LONGEST or _HAN.search(start):
            return Suggestions(self._taken(order[:k]))
        meant = self._nearly(start)
        if not meant.any():
            return Suggestions([])
        shown = prefix if len(prefix) <= _SHOWN else f"{prefix[: _SHOWN - 1]}…"
        return Suggestions(
            self._taken(np.flatnonzero(meant)[:k].tolist()), [f"nothing begins with '{shown}': what is shown begins nearly so"]
        )

    def _beginning(self, start: str) -> tuple[Mask, Mask]:
        """Which begin with what is typed, as written or as spoken (n,), and which by their first letters (n,)."""
        sure, initials = _begins(self.key, start), np.zeros(len(self.key), dtype=bool)
        if not _HAN.search(start):
            if len(start) >= _INITIALS:
                initials = _begins(self.initials, start)
            return sure | _begins(self.full, start), initials
        head = max(match.end() for match in _HAN.finditer(start))
        if tail := start[head:]:  # 跑步x, 跑步xie: some characters are there, and the next ones are being typed
            for row in np.flatnonzero(_begins(self.key, start[:head])).tolist():
                sounds = self.rows.column("sounds")[row].as_py().split(APART)[head:]
                sure[row] |= "".join(sounds).startswith(tail)
                initials[row] = "".join(sound[0] for sound in sounds).startswith(tail)
        return sure, initials

    def _nearly(self, start: str) -> Mask:
        """Which begin (n,) as nearly as any with what is typed: as few letters away as any, at most `forgiven`.

        The first letter is seldom wrong: those that have it come before all others, which takes a tenth of the time.
        """
        everyone = np.ones(len(self.key), dtype=bool)
        for among in (_begins(self.key, start[0]) | _begins(self.full, start[0]), everyone):
            if (found := self._near(start, np.flatnonzero(among))).any():
                return found
        return ~everyone

    def _near(self, start: str, rows: NDArray[np.int64]) -> Mask:
        """As `_nearly`, among some rows (m,) alone; (n,)."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        nearest, cutoff = np.zeros(len(self.key), dtype=bool), forgiven(start)
        for spelt in (self.key, self.full):
            some = spelt.take(pa.array(rows))
            for length in (len(start) - 1, len(start), len(start) + 1):
                begun = pc.utf8_slice_codeunits(some, 0, length).dictionary_encode()
                found = process.extract(start, begun.dictionary.to_pylist(), scorer=OSA.distance, score_cutoff=cutoff, limit=None)
                if found:
                    least = int(min(distance for _, distance, _ in found))
                    nearest &= least == cutoff  # those farther away are out
                    cutoff = least
                    these = pa.array([at for _, distance, at in found if distance == least], pa.int32())
                    nearest[rows[pc.is_in(begun.indices, value_set=these).to_numpy(zero_copy_only=False)]] = True
        return nearest

    def _taken(self, places: Sequence[int]) -> list[Suggestion]:
        rows = self.rows.take(pa.array(places, pa.int64())).select(["text", "kind", "products"])
        return [Suggestion(**row) for row in rows.to_pylist()]


def _column(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name).combine_chunks()
    return column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)


def _begins(texts: pa.Array, start: str) -> Mask:
    found: Mask = pc.starts_with(texts, start).fill_null(False).to_numpy(zero_copy_only=False)
    return found
