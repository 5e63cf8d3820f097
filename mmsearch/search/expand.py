"""Wider queries: a concept in a text part brings in what the given triples join it to, as further text parts that share its weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mmsearch.fusion.concepts import Concepts, Reached, read_triples
from mmsearch.lexical.spelling import folded, is_chinese
from mmsearch.search.query import Part, Query
from mmsearch.store import TRIPLES, Store

# Chosen on every second query of the sample shop (`python -m bench.knowledge`).
_MOST = 6  # further parts of one part
_SAME = 4  # of these, that are only other words for the same thing: a shop with many synonyms should still reach the rest
_SHARE = 1.0  # of the weight of what was typed, all its further parts together at most: they widen a query and never outvote it


class Expander:
    """Knows the concepts of a store; they are read when a query first asks for them, and again when the triples changed."""

    def __init__(self, store: Store):
        self._store = store
        self._known: dict[bool, tuple[int, Concepts]] = {}

    def widened(self, queries: Mapping[str, Query]) -> tuple[dict[str, Query], dict[str, list[str]]]:
        """The queries, those that ask for it (`Query.expand`) with further parts; and id → what was added and over which path.

        Text parts that look for something are widened, those that were heard among them. A further part is the label of a
        concept; the weight of the part is shared among them, so that it stays what it is beside photos and other parts.
        """
        notes: dict[str, list[str]] = {id: [] for id in queries}
        if not any(query.expand for query in queries.values()):
            return dict(queries), notes
        concepts = self._concepts(any(is_chinese(part.content) for query in queries.values() for part in query.parts))
        wide = {}
        for id, query in queries.items():
            wide[id] = query
            if not query.expand:
                continue
            if not len(concepts):
                notes[id].append("--expand changes nothing: the store has no triples; bring them: mmsearch ingest knowledge.csv")
                continue
            parts = [found for part in query.parts for found in self._parts(part, concepts)]
            wide[id] = replace(query, parts=tuple(parts))
            added = [f"{part.path} (weight {part.weight:.2g})" for part in parts if part.path]
            notes[id] += [f"expanded: {line}" for line in added] or ["--expand changes nothing: no concept of the triples is in the query"]
        return wide, notes

    def _parts(self, part: Part, concepts: Concepts) -> list[Part]:
        """A part and those that widen it; the part alone where there is nothing to widen."""
        if part.kind != "text" or part.negative or not part.weight:
            return [part]
        spotted = concepts.spot(part.content)
        typed = {one.concept for one in spotted}
        found: dict[int, tuple[Reached, str]] = {}
        for one in spotted:
            for reached in concepts.reach(one.concept):
                known = found.get(reached.concept)
                if reached.concept not in typed and (known is None or known[0].strength < reached.strength):
                    found[reached.concept] = reached, path_of(part.quoted(one.start, one.end), reached)
        best = _strongest([reached for reached, _ in found.values()])
        if not best:
            return [part]
        total = sum(reached.strength for reached in best)
        scale = part.weight / (1 + min(total, _SHARE))
        each = scale * min(1.0, _SHARE / total)
        widening = [Part("text", reached.label, each * reached.strength, path=found[reached.concept][1]) for reached in best]
        return [replace(part, weight=scale), *widening]

    def _concepts(self, chinese: bool) -> Concepts:
        """`chinese`: a query is; then labels are found in its spelling. Other queries need no OpenCC for them."""
        version, known = self._store.version(TRIPLES), self._known.get(chinese)
        if known is None or known[0] != version:
            known = self._known[chinese] = version, Concepts(read_triples(self._store).words, spelt=folded if chinese else str)
        return known[1]


def _strongest(reached: list[Reached]) -> list[Reached]:
    """Those that become parts."""
    ordered = sorted(reached, key=lambda one: (-one.strength, len(one.path), one.label))
    same = [one for one in ordered if all(step.relation == "synonym" for step in one.path)]
    left_out = {one.concept for one in same[_SAME:]}
    return [one for one in ordered if one.concept not in left_out][:_MOST]


def path_of(typed: str, reached: Reached) -> str:
    """How a concept was reached: `sneaker → broader: shoe (×0.5)`."""
    return " → ".join([typed, *map(str, reached.path)])
