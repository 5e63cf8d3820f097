"""`--rerank 'a(…) | b(…)'`: steps that reorder the candidates of a query, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.ranking import RERANKERS
from mmsearch.ranking.base import Combiner, Scores
from mmsearch.ranking.order import comparable
from mmsearch.ranking.rerank import Candidates, Reranker
from mmsearch.ranking.shopper import Shopper
from mmsearch.spec import parse_chain


class Step(NamedTuple):
    """What one step did: its name, what explanations say that it is of, name → changes (n,), and the scores before and after it (n,), NaN
    for products that are not in the list."""

    name: str
    part: str
    changes: dict[str, Scores]
    before: Scores
    after: Scores


@dataclass(frozen=True)
class Ranking:
    """The candidates (n,) in their final order: by `scores`, NaN for products that are out of the list."""

    scores: Scores
    steps: Sequence[Step] = ()
    behind: NDArray[np.int64] | None = None  # (n,) the product that stands for it, −1: none; None where no step puts products together
    notes: Sequence[str] = ()

    def changes(self, ids: pa.Array, shown: NDArray[np.int64], *, places: bool) -> list[list[tuple[str, str, float]]]:
        """Of each product shown, (p,): what each step is of and added to its score, and, if wanted, to which place it took it."""
        found: list[list[tuple[str, str, float]]] = [[] for _ in shown]
        for step in self.steps:
            moved = _moved(ids, step, shown) if places else [""] * len(shown)
            for told, i, where in zip(found, shown.tolist(), moved, strict=True):
                told += [(step.part, f"{name}{where}", float(change[i])) for name, change in step.changes.items() if change[i]]
        return found

    def stands_for(self, shown: NDArray[np.int64], among: NDArray[np.bool_]) -> list[list[int]]:
        """Of each product shown, (p,): the places of those `among` (n,) that it stands for, itself or through others."""
        found: dict[int, list[int]] = {i: [] for i in shown.tolist()}
        if self.behind is None:
            return list(found.values())
        stands = np.arange(len(self.behind))
        while not np.array_equal(further := np.where(self.behind[stands] >= 0, self.behind[stands], stands), stands):
            stands = further
        for place in np.flatnonzero(np.isin(stands, shown) & (self.behind >= 0) & among).tolist():
            found[int(stands[place])].append(place)
        return list(found.values())


def chain_of(text: str | None) -> list[Reranker]:
    """The steps that a spec names. Raises UsageError as `Registry.create` does, and ParseError."""
    return [RERANKERS.create(spec) for spec in parse_chain(text, what="reranker")] if text is not None else []


def chain_for(shopper: Shopper, named: Sequence[Reranker]) -> list[Reranker]:
    """The steps that are named, and behind them those that what is known of the shopper asks for, unless they are among these.

    Raises UsageError for a season or a mood that there is not.
    """
    if not shopper:
        return list(named)
    from mmsearch.search.rerank.mood import Mood
    from mmsearch.search.rerank.personal import Personal, Session
    from mmsearch.search.rerank.season import Season

    asked: list[Reranker] = []
    asked += [Personal(shopper.user)] if shopper.user is not None else []
    asked += [Session(list(shopper.session))] if shopper.session else []
    asked += [Season(shopper.season)] if shopper.season is not None else []
    asked += [Mood(shopper.mood)] if shopper.mood is not None else []
    return [*named, *(step for step in asked if type(step) not in map(type, named))]


def rerank(chain: Sequence[Reranker], scores: Scores, candidates: Candidates) -> Ranking:
    """Scores (n,), NaN where a candidate cannot be a hit → the order that the steps make of them. Raises as the steps do."""
    steps: list[Step] = []
    notes: list[str] = []
    behind: NDArray[np.int64] | None = None
    for reranker in chain:
        made = reranker.rerank(scores, candidates)
        after = scores + np.sum(list(made.changes.values()), axis=0) if made.changes else scores
        if made.behind is not None:
            gone = made.behind >= 0
            after = np.where(gone, np.nan, after)
            behind = made.behind if behind is None else np.where(gone, made.behind, behind)
        steps.append(Step(_name(reranker), reranker.part, dict(made.changes), scores, after))
        notes += made.notes
        scores = after
    return Ranking(scores, steps, behind, list(dict.fromkeys(notes)))


def _name(reranker: Reranker) -> str:
    """What a step is called: the name of its class, or what it is of."""
    return type(reranker).__name__.lower() if reranker.part == Reranker.part else f"what was {reranker.part}"


def unit_of(combiner: Combiner, scores: Scores) -> float:
    """One standard deviation of scores (n,): the combiner's own, else that of the candidates; 1 where they do not differ."""
    if combiner.unit is not None:
        return combiner.unit
    known = scores[~np.isnan(scores)]
    return (float(known.std()) if len(known) else 0.0) or 1.0


def _moved(ids: pa.Array, step: Step, shown: NDArray[np.int64]) -> list[str]:
    """From which place to which a step took some of the candidates, (p,)."""
    both = zip(places(ids, step.before, shown), places(ids, step.after, shown), strict=True)
    return [f": place {old:,} → {new:,}" if old != new else f": place {new:,}" for old, new in both]


def places(ids: pa.Array, scores: Scores, shown: NDArray[np.int64]) -> list[int]:
    """At which places some of the candidates are, from 1, (p,); ties by id, as `mmsearch.ranking.order.best` has them."""
    scores = comparable(scores)
    lowest = np.sort(scores[~np.isnan(scores)])
    mine = scores[shown]
    left, right = np.searchsorted(lowest, mine, "left"), np.searchsorted(lowest, mine, "right")
    found = []
    for i, score, tied, above in zip(shown.tolist(), mine.tolist(), (right - left).tolist(), (len(lowest) - right).tolist(), strict=True):
        before = 0
        if tied > 1:
            same = ids.take(pa.array(np.flatnonzero(scores == score)))
            before = int(pc.sum(pc.less(same, ids[i])).as_py())
        found.append(above + before + 1)
    return found
