"""Weights of evidence, learned from judged queries: chosen on one part of them, reported on the other.

The queries are compared with the products once. What is kept of that (`mmsearch.search.kept`) is then ranked under many weights, so
that a try costs milliseconds. A search over more than weights can use `halves`, `choose` and `compared` as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.bootstrap import Interval, interval
from mmsearch.evaluation.trec import Qrels
from mmsearch.measures import Measure, parse_measure
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Combiner
from mmsearch.search.kept import Kept
from mmsearch.search.query import Query

MEASURE = "nDCG@10"
FEWEST = 20  # judged queries with a relevant product, half to choose on and half to report on
_FEWEST_OF_A_KIND = 10  # queries to choose on that meet a kind of evidence, below which its weight stays as it is
#: Weights tried for one kind while the others stay as they are. Only proportions count: 1 to 50, either way. Never 0: the judged
#: queries may have no product that lacks the rest, and a search would not find it any more.
GRID = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_ROUNDS = 10  # times that every kind is gone through, at most
MOST = 1_000  # candidates kept a kind of evidence

Weights = dict[str, float]


@dataclass(frozen=True)
class Tuned:
    """What tuning found. `rows` hold, for each measure, the means on the queries that it chose on, and intervals on those held out."""

    profile: str
    weights: Weights  # kind → weight, all that were tuned
    before: Weights  # those that were in force
    measure: str
    seed: int
    split: str
    train: int
    held_out: int
    rows: list[dict[str, Any]]
    better: bool  # on the held-out queries
    sure: bool  # the interval of the difference on them lies above 0
    notes: list[str] = field(default_factory=list)
    saved: bool = False

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "notes"}

    def told(self) -> str:
        """One line for people."""
        first = self.rows[0]
        change: dict[str, float] = first["difference"]
        span = f"{change['mean']:+.4f} ({change['low']:+.4f} to {change['high']:+.4f})"
        what = f"{self.measure} on {self.held_out} held-out queries {first['before']['mean']:.4f} → {first['after']['mean']:.4f}, {span}"
        weights = ", ".join(f"{kind}={weight:g}" for kind, weight in self.weights.items())
        if not self.better:
            return f"weights {weights} are no better: {what}"
        if not self.sure:
            return f"weights {weights} are better, but so few queries do not make it certain: {what}"
        return f"weights {weights}: {what}"


def tune(
    kept: Mapping[str, Kept],
    qrels: Qrels,
    train: Sequence[str],
    held_out: Sequence[str],
    current: Mapping[str, float],
    *,
    measures: Iterable[str] = (MEASURE,),
    seed: int = 0,
    split: str = "",
    profile: str = "",
) -> Tuned:
    """Choose weights on some queries by the first measure, and measure all of them on others.

    Parameters
    ----------
    kept : query → its evidence. current : kind → the weight that is in force (1 if not named).
    train, held_out : the queries to choose on and to report on; `halves` makes them. split : how, for people.

    Raises
    ------
    InputError : no query meets more than one kind of evidence. UsageError : no measure, or a malformed one.
    """
    parsed = [parse_measure(m) for m in measures]
    if not parsed:
        raise UsageError("nothing to tune by", hint=f"name a measure, such as {MEASURE}")
    combiner: Combiner = COMBINERS.create("calibrated")
    several = [id for id in train if len(kept[id].kinds()) > 1]
    if not several:
        kinds = ", ".join(sorted({kind for id in train for kind in kept[id].kinds()}))
        raise InputError(
            f"there is nothing to weigh: the queries meet one kind of evidence alone ({kinds})",
            hint="where products have texts and photos, a profile that compares them brings more: mmsearch fuse --method aligned",
        )
    counts = {kind: sum(kind in kept[id].kinds() for id in several) for kind in sorted({k for id in several for k in kept[id].kinds()})}
    tuned = [kind for kind, count in counts.items() if count >= _FEWEST_OF_A_KIND]
    notes = [f"{kind}: {count} queries to choose on are too few, its weight stays" for kind, count in counts.items() if kind not in tuned]
    before = {kind: float(current.get(kind, 1.0)) for kind in counts}
    chosen = choose({id: kept[id] for id in several}, qrels, parsed[0], tuned, before, combiner)
    weights = _proportions(chosen, [kept[id] for id in several])
    rows = [compared(kept, qrels, measure, train, held_out, before, weights, combiner, seed) for measure in parsed]
    change = rows[0]["difference"]
    told = (change["mean"] > 0, change["low"] > 0)
    return Tuned(profile, weights, before, str(parsed[0]), seed, split, len(train), len(held_out), rows, *told, notes)


def halves(queries: Mapping[str, Query], qrels: Qrels, seed: int, given: Qrels | None = None) -> tuple[list[str], list[str], str]:
    """Judged queries that have a relevant product → those to choose on, those to report on, and how they were parted, for people.

    Half of the queries of each make (text, photo, text and photo …) at random, the same for the same seed; or those of `given` are
    the ones to report on.

    Raises InputError for too few of them: says how many there are.
    """
    usable = [id for id in queries if any(r > 0 for r in qrels.get(id, {}).values())]
    rng = np.random.default_rng(seed)
    if given is not None:
        if both := [id for id in usable if id in given]:
            message = f"{len(both)} queries are judged in both files, the first of them {both[0]}"
            raise InputError(message, hint="a query is either for choosing or for reporting")
        out = [id for id in queries if any(r > 0 for r in given.get(id, {}).values())]
        train, split = usable, "as given"
    else:
        makes: dict[tuple[str, ...], list[str]] = {}
        for id in sorted(usable):
            makes.setdefault(tuple(sorted({p.kind for p in queries[id].parts})), []).append(id)
        held: set[str] = set()
        for ids in makes.values():
            held |= {ids[i] for i in rng.permutation(len(ids))[: len(ids) // 2].tolist()}
        train, out = [id for id in usable if id not in held], [id for id in usable if id in held]
        split = f"half at random, seed {seed}"
    half = FEWEST // 2
    if len(train) < half or len(out) < half:
        raise InputError(
            f"too few queries to tune by: of those judged {len(train) + len(out)} have a relevant product, {len(train)} to choose on and "
            f"{len(out)} held out; {half} of each are needed",
            hint="judge more queries; until then the weights stay as they are",
        )
    return train, out, split


def choose(
    kept: Mapping[str, Kept], qrels: Qrels, measure: Measure, tuned: Sequence[str], start: Mapping[str, float], combiner: Combiner
) -> Weights:
    """Weights (kind → weight) with the best mean of a measure: one kind after the other over `GRID`, as long as it gets better.

    Of weights that are equally good the nearest to those before are taken. Deterministic.

    Parameters
    ----------
    tuned : the kinds to choose for; the others stay as in `start`.
    """
    depth = measure.k if isinstance(measure.k, int) else MOST
    known: dict[tuple[str, tuple[float, ...]], float] = {}
    kinds = {id: one.kinds() for id, one in kept.items()}

    def value(id: str, weights: Weights) -> float:
        key = id, tuple(weights[kind] for kind in kinds[id])
        if key not in known:
            known[key] = measure.compute(list(kept[id].best(weights, combiner, depth)), qrels[id])
        return known[key]

    def quality(weights: Weights) -> float:
        return math.fsum(value(id, weights) for id in kept) / len(kept)

    best: Weights = dict(start)
    reached = quality(best)
    for _ in range(_ROUNDS):
        before = reached
        for kind in tuned:
            tries = sorted(GRID, key=lambda weight: _distance(weight, best[kind]))
            for weight in tries:
                found = quality(best | {kind: weight})
                if found > reached + 1e-9:
                    best, reached = best | {kind: weight}, found
        if reached <= before + 1e-9:
            break
    return best


def compared(
    kept: Mapping[str, Kept],
    qrels: Qrels,
    measure: Measure,
    train: Sequence[str],
    held_out: Sequence[str],
    before: Mapping[str, float],
    after: Mapping[str, float],
    combiner: Combiner,
    seed: int,
) -> dict[str, Any]:
    """A measure with two sets of weights: means on the queries that were chosen on, intervals on those held out, and of the difference."""
    depth = measure.k if isinstance(measure.k, int) else MOST

    def values(ids: Sequence[str], weights: Mapping[str, float]) -> list[float]:
        return [measure.compute(list(kept[id].best(weights, combiner, depth)), qrels[id]) for id in ids]

    old, new = values(held_out, before), values(held_out, after)
    spans: dict[str, Interval] = {
        "before": interval(old, seed),
        "after": interval(new, seed),
        "difference": interval([b - a for a, b in zip(old, new, strict=True)], seed),
    }
    chosen_on = {"before": float(np.mean(values(train, before))), "after": float(np.mean(values(train, after)))}
    return {"measure": str(measure), "train": chosen_on} | {name: span.to_json() for name, span in spans.items()}


def _distance(weight: float, other: float) -> float:
    """How far two weights are apart, as proportions; 0, which only a query or a profile can have, is far from all others."""
    return abs(math.log(weight) - math.log(max(other, 1e-4)))


def _proportions(weights: Weights, kept: Iterable[Kept]) -> Weights:
    """The same weights with 1 as the largest: of each modality of queries, where every query has one part; else of them all."""
    apart = all(one.parts() == 1 for one in kept)
    largest: dict[str, float] = {}
    for kind, weight in weights.items():
        group = kind.partition(">")[0] if apart else ""
        largest[group] = max(largest.get(group, 0.0), weight)
    return {kind: round(weight / largest[kind.partition(">")[0] if apart else ""], 6) for kind, weight in weights.items()}
