"""The candidates of a query with their scores → its answer: hits with titles and explanations, facets, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.ranking.base import Combined, Evidence, Joint
from mmsearch.ranking.order import fitting
from mmsearch.search.background import Scores
from mmsearch.search.hits import Contribution, Hit, Result
from mmsearch.search.index import Placed
from mmsearch.search.listing import Listing
from mmsearch.search.query import Query
from mmsearch.search.rerank.chain import Ranking
from mmsearch.search.rows import Places
from mmsearch.search.targets import Met, Target
from mmsearch.search.understand.reading import Soft, as_json
from mmsearch.store import Store
from mmsearch.store.restrictive import why_nothing


class Compared(NamedTuple):
    """What was compared without a table: the candidates (n,), and products that stand for the store."""

    similarity: Scores
    background: Scores
    elsewhere: NDArray[np.bool_] | None = None  # (n,) see `mmsearch.ranking.base.Evidence`


@dataclass(frozen=True)
class Scored:
    """Candidates of a query with everything that an explanation needs."""

    candidates: pa.Array  # (n,) product ids
    targets: list[Target]
    evidence: list[Evidence]
    placed: list[Placed | Compared]
    combined: Combined
    joint: Joint
    places: Places | None = None  # (n,) of the candidates among all products; None where they are all products
    required: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)  # what the query says products must have → those that do
    allowed: NDArray[np.bool_] | None = None  # (products of the store,) those that the filter leaves; None: all
    relaxed: tuple[str, ...] = ()  # of what the query asks for, because nothing has all of it
    helps: str = ""  # what would give hits, where there are none
    softly: Sequence[Soft] = ()  # what was understood of its texts

    def passable(self) -> bool:
        """Whether a filter leaves any product."""
        return self.allowed is None or bool(self.allowed.any())


def words_found(e: Evidence, others: Sequence[Evidence]) -> Evidence:
    """Words without the products that have nothing but words, and none of those that are looked for: they are not found."""
    if e.best is None or any(one.everywhere for one in others if one.part == e.part and one is not e):
        return e
    beside = [one.there for one in others if one.part == e.part and one is not e]
    nothing = (e.similarity == 0) & ~np.any(beside, axis=0) if beside else e.similarity == 0
    return replace(e, similarity=np.where(nothing, np.nan, e.similarity))


def compared(met: Met, candidates: Places | None = None) -> Compared:
    """Words with all products, or with some of a large store, by their places."""
    if candidates is None:
        everything = met.everything()
        return Compared(everything, everything, met.elsewhere())
    return Compared(*met.among(candidates), met.elsewhere(candidates))


def answer(store: Store, query: Query, scored: Scored, ranking: Ranking, listing: Listing, known_of: Sequence[str]) -> Result:
    """The answer to a query: its candidates in the order of `ranking`. `known_of` is what is known already that a person should know."""
    total = ranking.scores
    known = ~np.isnan(scored.combined.total)
    matched = matches(query, scored) if listing.wanted.among or ranking.behind is not None else known
    shown = listing.page(scored.candidates, total, matched, query=bool(query.parts))
    changes = ranking.changes(scored.candidates, shown.places, places=listing.wanted.explain)
    reranked = zip(changes, ranking.stands_for(shown.places, matched), strict=True)
    ids = scored.candidates.take(pa.array(shown.places)).to_pylist()
    named = listing.titles(shown.places if scored.places is None else scored.places[shown.places])
    hits = []
    told = [target.met.terms(ids) if listing.wanted.explain and target.met and ids else {} for target in scored.targets]
    for rank, (i, id, title, (added, others)) in enumerate(
        zip(shown.places.tolist(), ids, named, reranked, strict=True), listing.wanted.first + 1
    ):
        explained, evidence = _explain(query, scored, i, [terms.get(id, []) for terms in told])
        explained += [Contribution(part, name, 1.0, 0.0, change) for part, name, change in added]
        stands_for = None if ranking.behind is None else sorted(scored.candidates.take(pa.array(others, pa.int64())).to_pylist())
        hits.append(Hit(rank, id, float(total[i]), title, evidence, explained, stands_for))
    notes = [*known_of, *ranking.notes]
    notes += dict.fromkeys(note for target in scored.targets if target.met is not None for note in target.met.notes)
    notes += shown.notes
    if not known.any():
        notes += [_why_nothing(store, query, scored, listing.products), *filter(None, [scored.helps])]
    understood = as_json(query, scored.softly)
    return Result(hits, int(np.count_nonzero(known)), notes, listing.facets(scored.candidates, matched), list(scored.relaxed), understood)


def matches(query: Query, scored: Scored) -> NDArray[np.bool_]:
    """The candidates (n,) that a query matches: what facets count and what is sorted.

    Nearly every product has some evidence for a query, so that it says nothing to have it: a product matches if its score is at least
    half of the best one's (`mmsearch.ranking.order`). Where nothing fits (no score is above 0), and without a query, every candidate does.
    """
    total = scored.combined.total
    known: NDArray[np.bool_] = ~np.isnan(total)
    return fitting(total) if query.parts else known


def own_products(query: Query) -> pa.Array:
    """The products that a query names as what hits are to be like: no hits themselves."""
    return pa.array([p.content for p in query.parts if p.kind == "like" and not p.negative], pa.string())


def _why_nothing(store: Store, query: Query, scored: Scored, products: pa.Array) -> str:
    left = products if scored.allowed is None else products.filter(pa.array(scored.allowed))
    own = own_products(query)
    if len(left) and len(own) and pc.all(pc.is_in(left, value_set=own)).as_py():
        where = "pass the filter" if scored.allowed is not None else "are in the store"
        return f"only products that the query asks by {where} ({', '.join(left.to_pylist())}): they are no hits themselves"
    if scored.allowed is None:
        return "no product has the evidence that the query compares" if query.parts else "the store has no products"
    if len(left):
        which = f"none of the {len(left):,} products that pass" if len(left) > 1 else "the one product that passes"
        return f"{which} the filter {'has' if len(left) > 1 else 'lacks'} the evidence that the query compares"
    return why_nothing(store, query.where, products, scored.required)


def explained(query: Query, scored: Scored, ranking: Ranking, i: int) -> list[Contribution]:
    """What the score of a candidate is made of, words together and steps by their names; it adds up to the score."""
    made, _ = _explain(query, scored, i, [[] for _ in scored.targets])
    added = ranking.changes(scored.candidates, np.array([i]), places=False)[0]
    return [*made, *(Contribution(part, name, 1.0, 0.0, change) for part, name, change in added)]


def _explain(
    query: Query, scored: Scored, i: int, told: Sequence[Sequence[tuple[str, float]]]
) -> tuple[list[Contribution], dict[str, str]]:
    """The contributions of a hit, and which of its photos (seconds) fit best; `told` are the words of each target, with their scores."""
    explained, matched = [], {}
    largest: dict[str, float] = {}
    for target, evidence, placed, added, terms in zip(
        scored.targets, scored.evidence, scored.placed, scored.combined.contributions[:, i], told, strict=True
    ):
        similarity = float(evidence.similarity[i])
        if np.isnan(similarity):
            continue
        label = target.label
        if target.fused and isinstance(placed, Placed):
            label = f"{label} ({placed.rows.parts[int(placed.rows_of(i)[0])].as_py()})"
        elif isinstance(placed, Placed) and placed.tells_parts and not query.parts[target.part].negative:
            mine = placed.rows_of(i)
            best = mine[np.argmax(placed.rows.vectors[mine] @ target.vector)] if len(mine) > 1 else mine[0]
            modality = target.kind.partition(">")[2]
            if (part := placed.rows.parts[int(best)].as_py()) and added > largest.get(modality, -np.inf):
                matched[modality], largest[modality] = part, float(added)
        reliability = float(evidence.reliability[i] if isinstance(evidence.reliability, np.ndarray) else evidence.reliability)
        part, weight = str(query.parts[target.part]), evidence.weight
        total = sum(score for _, score in terms)
        for name, score in terms or [("", similarity)]:
            shown, of = (f"{label}: {name}", float(added) * score / total) if name else (label, float(added))
            explained.append(Contribution(part, shown, evidence.share, score, of, reliability, weight))
    return explained, matched
