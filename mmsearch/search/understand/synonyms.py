"""Synonyms of what a text says, from the store's triples: further words that are looked for beside those that were typed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.fusion.concepts import Concepts, canonical
from mmsearch.lexical.spelling import folded, is_chinese
from mmsearch.store import TRIPLES, Store

_RELATIONS = ("synonym", "means")
_WORD = re.compile(r"[^\W_㐀-䶿一-鿿々]+")
_LONGEST = 1_000  # characters of a text that are read
_MOST = 12  # synonyms of a text: each is a query of its own


class Synonym(NamedTuple):
    """What stands for `text[start:end]`: the words, and how sure it is (0 to 1).

    `meant` is what stands there with its typing errors corrected, '' where it has none.
    """

    start: int
    end: int
    label: str
    strength: float
    meant: str = ""


class Synonyms:
    """The synonyms of one store, read when a query first needs them and again when the triples changed."""

    def __init__(self, store: Store):
        self._store = store
        self._known: dict[bool, tuple[int, Concepts]] = {}

    def of(self, text: str, instead: Mapping[str, str] = MappingProxyType({})) -> tuple[Synonym, ...]:
        """The synonyms of the words of a text in one spelling (`folded_in_place`), the surest first; none that the text has already.

        `instead`: words that are typing errors → what they are read as.
        """
        if not self._store.has(TRIPLES):
            return ()
        concepts = self._concepts(is_chinese(text))
        if not len(concepts):
            return ()
        read, typed_at = _corrected(text[:_LONGEST], instead)
        spotted = concepts.spot(read)
        typed, found = {one.concept for one in spotted}, dict[int, Synonym]()
        for one in spotted:
            for reached in concepts.reach(one.concept):
                if reached.concept not in typed:
                    start, end = typed_at[one.start], typed_at[one.end]
                    meant = "" if read[one.start : one.end] == text[start:end] else read[one.start : one.end]
                    found.setdefault(reached.concept, Synonym(start, end, reached.label, reached.strength, meant))
        return tuple(sorted(found.values(), key=lambda one: -one.strength)[:_MOST])

    def _concepts(self, chinese: bool) -> Concepts:
        """`chinese`: the text is; then labels are found in its spelling. Other texts need no OpenCC for them."""
        version, known = self._store.version(TRIPLES), self._known.get(chinese)
        if known is None or known[0] != version:
            rows = self._store.read(TRIPLES, ["head", "relation", "tail"])
            kinds: Sequence[str] = pc.unique(rows.column("relation")).to_pylist()
            mine = [name for name in kinds if canonical(name) in _RELATIONS]
            rows = rows.filter(pc.is_in(rows.column("relation"), value_set=pa.array(mine, pa.string())))
            columns = (rows.column(name).to_pylist() for name in ("head", "relation", "tail"))
            triples = sorted(zip(*columns, strict=True))
            known = self._known[chinese] = version, Concepts(triples, spelt=folded if chinese else str)
        return known[1]


def _corrected(text: str, instead: Mapping[str, str]) -> tuple[str, Sequence[int]]:
    """A text with other words `instead` of some, and where each of its places is in the text itself, that behind the last included.

    >>> corrected, places = _corrected("red trainrs xl", {"trainrs": "trainers"})
    >>> corrected, places[4], places[12], places[len(corrected)]
    ('red trainers xl', 4, 11, 14)
    """
    if not instead:
        return text, range(len(text) + 1)
    pieces, places, at = [], list[int](), 0
    for found in _WORD.finditer(text):
        if (word := instead.get(found.group())) is None:
            continue
        pieces += [text[at : found.start()], word]
        places += [*range(at, found.start()), *([found.start()] * len(word))]
        at = found.end()
    return "".join([*pieces, text[at:]]), [*places, *range(at, len(text) + 1)]
