"""Hits: what a search gives back, one product each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmsearch.search.facets import Facet
    from mmsearch.search.why_not import WhyNot


@dataclass(frozen=True)
class Contribution:
    """How much one kind of evidence for one query part adds to a score. Over a hit, contributions add up to the score."""

    part: str  # 'text: red shoes'
    evidence: str  # 'image', or 'aligned (image+text)' for a fused vector
    share: float
    similarity: float
    contribution: float
    reliability: float = 1.0
    weight: float = 1.0  # as the query or the profile asks for


@dataclass(frozen=True)
class Hit:
    """One product found. `matched` names the evidence that fits best where a product has several of a kind (which photo).

    `stands_for`: ids of the products that fit the query, too, and were put together with this one; None where nothing was.
    """

    rank: int
    id: str
    score: float
    title: str | None = None
    matched: dict[str, str] = field(default_factory=dict)
    explain: list[Contribution] = field(default_factory=list)
    stands_for: list[str] | None = None

    def to_json(self, query: str | None = None, *, explain: bool = False, of: Result | None = None) -> dict[str, Any]:
        """The hit as SPEC prints it: query (batch only), rank, id, score, title, matched, what was relaxed and understood of the query that
        it is `of`, stands_for (of a list that was put together), explain (if asked for)."""
        out: dict[str, Any] = {} if query is None else {"query": query}
        out |= {"rank": self.rank, "id": self.id, "score": self.score, "title": self.title, "matched": self.matched}
        if of is not None and of.relaxed:
            out["relaxed"] = list(of.relaxed)
        if of is not None and of.understood:
            out["understood"] = list(of.understood)
        if self.stands_for is not None:
            out["stands_for"] = self.stands_for
        if explain:
            out["explain"] = [vars(c) for c in self.explain]
        return out


@dataclass(frozen=True)
class Result:
    """The hits of one query, best first or sorted, and what a person should know about them (`notes`).

    `facets` are those that were asked for, counted over all products that match (`mmsearch.search.facets`).
    `relaxed` is what of the query no hit need have, because nothing has all that was asked for (`mmsearch.search.relax`).
    `understood` is what the query names and lifts the products that have it: kind, value and text (`mmsearch.search.understand.reading`).
    `why_not` says why a product that was asked for is not among the hits (`mmsearch.search.why_not`).
    """

    hits: list[Hit]
    candidates: int  # products that could have been a hit (those that the filter leaves)
    notes: list[str] = field(default_factory=list)
    facets: list[Facet] = field(default_factory=list)
    relaxed: list[str] = field(default_factory=list)
    understood: list[dict[str, str]] = field(default_factory=list)
    why_not: WhyNot | None = None

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)
