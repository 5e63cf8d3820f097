"""Synonyms of what a text says, from the store's triples: further words that are looked for beside those that were typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.fusion.concepts import Concepts, canonical
from mmsearch.store import TRIPLES, Store

_RELATIONS = ("synonym", "means")
_LONGEST = 1_000  # characters of a text that are read
_MOST = 12  # synonyms of a text: each is a query of its own


class Synonym(NamedTuple):
    """What stands for `text[start:end]`: the words, and how sure it is (0 to 1)."""

    start: int
    end: int
    label: str
    strength: float


class Synonyms:
    """The synonyms of one store, read when a query first needs them and again when the triples changed."""

    def __init__(self, store: Store):
        self._store = store
        self._known: tuple[int, Concepts] | None = None

    def of(self, text: str) -> tuple[Synonym, ...]:
        """The synonyms of the words of a text, the surest first; none that the text has already."""
        if not self._store.has(TRIPLES):
            return ()
        concepts = self._concepts()
        if not len(concepts):
            return ()
        spotted = concepts.spot(text[:_LONGEST])
        typed, found = {one.concept for one in spotted}, dict[int, Synonym]()
        for one in spotted:
            for reached in concepts.reach(one.concept):
                if reached.concept not in typed:
                    found.setdefault(reached.concept, Synonym(one.start, one.end, reached.label, reached.strength))
        return tuple(sorted(found.values(), key=lambda one: -one.strength)[:_MOST])

    def _concepts(self) -> Concepts:
        version = self._store.version(TRIPLES)
        if self._known is None or self._known[0] != version:
            rows = self._store.read(TRIPLES, ["head", "relation", "tail"])
            kinds: Sequence[str] = pc.unique(rows.column("relation")).to_pylist()
            mine = [name for name in kinds if canonical(name) in _RELATIONS]
            rows = rows.filter(pc.is_in(rows.column("relation"), value_set=pa.array(mine, pa.string())))
            columns = (rows.column(name).to_pylist() for name in ("head", "relation", "tail"))
            self._known = version, Concepts(sorted(zip(*columns, strict=True)))
        return self._known[1]
