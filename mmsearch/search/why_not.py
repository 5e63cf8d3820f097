"""Why a product is not in a list of hits: the first thing that kept it out, and what it would have taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.errors import did_you_mean
from mmsearch.search.answers import Scored, explained, matches, own_products
from mmsearch.search.hits import Contribution, Result
from mmsearch.search.listing import Wanted
from mmsearch.search.query import Query
from mmsearch.search.rerank.chain import Ranking, Step, places
from mmsearch.search.sorting import in_order
from mmsearch.store import Store
from mmsearch.store.filter import names_in, passing
from mmsearch.store.restrictive import clauses_of
from mmsearch.store.values import read_values
from mmsearch.store.where import parse_where

_COMPARED = 100_000  # ids that a near miss is looked for in
_OPTION = "--why-not"


@dataclass(frozen=True)
class Against:
    """What one kind of evidence for a query part gives the product, and the last hit that is shown; None where one has no such evidence."""

    part: str
    evidence: str
    product: float | None
    last: float | None


@dataclass(frozen=True)
class WhyNot:
    """Why a product is not in the list.

    `reasons` are sentences, the decisive one first. `place` and `score` are those that it has in the whole ranking, where it has any;
    `last`, `last_place` and `last_score` those of the last hit that is shown. `against` compares the two: over each column,
    contributions add up to the score.
    """

    id: str
    reasons: list[str]
    place: int | None = None
    score: float | None = None
    last: str | None = None
    last_place: int | None = None
    last_score: float | None = None
    against: list[Against] = field(default_factory=list)

    def to_json(self, query: str | None = None) -> dict[str, Any]:
        """As the command line prints it: `why_not` is the id."""
        out: dict[str, Any] = {} if query is None else {"query": query}
        out |= {"why_not": self.id, "reasons": self.reasons, "place": self.place, "score": self.score}
        last = None if self.last is None else {"id": self.last, "place": self.last_place, "score": self.last_score}
        return out | {"last": last, "against": [vars(one) for one in self.against]}


def with_reason(
    store: Store, id: str, query: Query, scored: Scored, ranking: Ranking, wanted: Wanted, products: pa.Array, shown: Result
) -> Result:
    """The result with what `why_not` says of a product."""
    return replace(shown, why_not=why_not(store, id, query, scored, ranking, wanted, products, shown))


def why_not(
    store: Store, id: str, query: Query, scored: Scored, ranking: Ranking, wanted: Wanted, products: pa.Array, shown: Result
) -> WhyNot:
    """Why a product is not among the hits that are `shown`.

    Parameters
    ----------
    scored, ranking : the candidates of the query and their order. products : (n,) ids of the store.
    """
    at = pc.index(products, pa.scalar(id, pa.string())).as_py()
    if at < 0:
        return WhyNot(id, [f"the store has no product {id}{did_you_mean(id, products[:_COMPARED].to_pylist())}"])
    if (here := next((hit for hit in shown if hit.id == id), None)) is not None:
        return WhyNot(id, [f"it is in the list, at place {here.rank:,}"], here.rank, here.score)
    if pc.is_in(pa.scalar(id), value_set=own_products(query)).as_py():
        return WhyNot(id, ["the query asks for products that are like it, and it is none of them"])
    if scored.allowed is not None and not scored.allowed[at]:
        return WhyNot(id, _failed(store, id, query, scored, at))
    place = at if scored.candidates is products else pc.index(scored.candidates, pa.scalar(id, pa.string())).as_py()
    if place < 0:
        near = f"the store is so large that only {len(scored.candidates):,} candidates were compared, those that come nearest by some part"
        return WhyNot(id, [f"{near} of the query or by its words; it is not among them"])
    if np.isnan(scored.combined.total[place]):
        return WhyNot(id, [_without_evidence(scored)])
    if wanted.sort:
        return _sorted(store, id, place, query, scored, ranking, wanted, products, shown)
    return _ranked(id, place, query, scored, ranking, wanted, shown)


def _failed(store: Store, id: str, query: Query, scored: Scored, at: int) -> list[str]:
    """What of the filters and of what the query requires is not true of a product."""
    mine = pa.array([id], pa.string())
    reasons = []
    for clause in clauses_of(query.where):
        if not passing(store, clause, mine)[0]:
            has = " and ".join(_having(store, name, mine) for name in sorted(names_in(parse_where(clause))))
            reasons.append(f"it does not pass the filter {clause}: {has}")
    reasons += [f"the query requires {name}, which it does not have" for name, mask in scored.required.items() if not mask[at]]
    return reasons or ["it does not pass the filter"]


def _having(store: Store, name: str, mine: pa.Array) -> str:
    values = read_values(store, name, mine, option=_OPTION)
    found = [value for column in values.values() if (value := column[0].as_py()) is not None]
    return f"its {name} is {found[0]!r}" if found else f"it has no {name}"


def _without_evidence(scored: Scored) -> str:
    compared = " and ".join(dict.fromkeys(target.label for target in scored.targets)) or "nothing"
    return f"it has nothing that the query can be compared with: the query compares {compared}; after new media or texts: mmsearch embed"


def _sorted(
    store: Store, id: str, place: int, query: Query, scored: Scored, ranking: Ranking, wanted: Wanted, products: pa.Array, shown: Result
) -> WhyNot:
    """Of a product in a list that is sorted by attributes."""
    matched, mine = matches(query, scored), float(ranking.scores[place])
    if not matched[place]:
        reason = "only products that fit the query well enough are sorted, and its score is below half of the best one's"
        return WhyNot(id, [reason], None, mine)
    these = np.flatnonzero(matched)
    among = pc.index_in(scored.candidates.take(pa.array(these)), value_set=products).to_numpy(zero_copy_only=False).astype(np.int64)
    keys = [(key, read_values(store, key.name, products, option="--sort")) for key in wanted.sort]
    order = these[in_order(keys, among, products, ranking.scores[these] if query.parts else None, len(these))]
    at = int(np.flatnonzero(order == place)[0]) + 1
    reason = f"in the order that --sort asks for it is at place {at:,} of the {len(these):,} that fit; {_shown(at, wanted, shown)}"
    return WhyNot(id, [reason], at, mine)


def _shown(at: int, wanted: Wanted, shown: Result) -> str:
    """Which places are shown, and what would show the place `at`."""
    if wanted.first:
        return f"this page shows the places {wanted.first + 1:,} to {wanted.first + len(shown):,}"
    return f"{len(shown):,} {'is' if len(shown) == 1 else 'are'} shown" + (f", -k {at} would show it" if len(shown) else "")


def _ranked(id: str, place: int, query: Query, scored: Scored, ranking: Ranking, wanted: Wanted, shown: Result) -> WhyNot:
    """Of a product that fits the query and is not shown all the same."""
    ids, scores = scored.candidates, ranking.scores
    one = np.array([place])
    last = shown.hits[-1] if shown.hits else None
    for step in ranking.steps:
        if not np.isnan(step.before[place]) and np.isnan(step.after[place]):
            was = places(ids, step.before, one)[0]
            return WhyNot(id, [_removed(step, place, ids, ranking, was)], None, float(step.before[place]))
    mine, at = float(scores[place]), places(ids, scores, one)[0]
    reasons = [f"by score it is at place {at:,} of {int((~np.isnan(scores)).sum()):,}; {_shown(at, wanted, shown)}"]
    for step in ranking.steps:
        before, after = (places(ids, some, one)[0] for some in (step.before, step.after))
        if after > before:
            reasons.append(f"{step.name} took it from place {before:,} to {after:,}")
    if last is None:
        return WhyNot(id, reasons, at, mine)
    theirs = int(pc.index(ids, pa.scalar(last.id, pa.string())).as_py())
    compared = _against(explained(query, scored, ranking, place), explained(query, scored, ranking, theirs))
    if lacking := [one for one in compared if one.product is None and one.last]:
        worst = max(lacking, key=lambda one: one.last or 0.0)
        reasons.append(f"the last one shown, {last.id}, has what it lacks: {worst.evidence} for {worst.part}")
    elif compared and mine < last.score:
        worst = max(compared, key=lambda one: (one.last or 0.0) - (one.product or 0.0))
        gap = (worst.last or 0.0) - (worst.product or 0.0)
        reasons.append(
            f"the last one shown, {last.id}, is ahead of it by {last.score - mine:.4f}, the most by {worst.evidence} ({gap:.4f})"
        )
    return WhyNot(id, reasons, at, mine, last.id, last.rank, last.score, compared)


def _removed(step: Step, place: int, ids: pa.Array, ranking: Ranking, was: int) -> str:
    if ranking.behind is None or ranking.behind[place] < 0:
        return f"{step.name} took it out of the list, where it was at place {was:,}"
    stands = int(ranking.behind[place])
    other = ids[stands].as_py()
    known = not np.isnan(ranking.scores[stands])
    where = f", which is at place {places(ids, ranking.scores, np.array([stands]))[0]:,}" if known else ""
    return f"{step.name} put it together with {other}{where} and stands for it; it was at place {was:,}"


def _against(mine: Sequence[Contribution], theirs: Sequence[Contribution]) -> list[Against]:
    def summed(made: Sequence[Contribution]) -> dict[tuple[str, str], float]:
        total: dict[tuple[str, str], float] = {}
        for one in made:
            key = one.part, one.evidence
            total[key] = total.get(key, 0.0) + one.contribution
        return total

    left, right = summed(mine), summed(theirs)
    return [Against(*key, left.get(key), right.get(key)) for key in dict.fromkeys((*left, *right))]
