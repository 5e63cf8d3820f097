"""Boosts: what a shop wants to see further up, as far as the query leaves it open."""

from __future__ import annotations

import re
from functools import partial

import numpy as np

from mmsearch.errors import UsageError
from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker
from mmsearch.spec import bind, parse

_CALL = re.compile(r"[a-z][a-z0-9_-]*\(.*\)", re.DOTALL)
_LONG = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([smhdwy]?)")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "": 86_400, "w": 7 * 86_400, "y": 365.25 * 86_400}
_FARTHEST = 3.0  # standard deviations that a value counts at most: one product that sold a million is no better match for it


class Boost(Reranker):
    """Adds weight · z to each score, z the standardised value of an attribute: `boost(rating=.2, margin=.1, recency(half_life=30d)=.1)`.

    z is in standard deviations over the 100 best, from −3 to 3; a product without a value has 0, as an average one has. It is
    multiplied by one standard deviation of scores, so that a weight says how many of those a standard deviation of the attribute is worth:
    1 with `calibrated`, whose scores are in standard deviations; else that of all candidates. A weight below 0 lowers.

    A name is an attribute or a fact with numbers (or true and false, 1 and 0). Where the shop has no such attribute, `popularity` is
    log(1 + strength of the product's events), and `rating` the mean rating of its reviews, shrunk towards the mean of all as if there
    were 5 more. `recency(by=NAME, half_life=30d)` is 2^(−age / half life) of a date; s, m, h, d, w, y are units, a number alone is days.
    As it is standardised, it does not matter from when ages are counted.
    """

    def __init__(self, /, **weights: float):
        if not weights:
            raise ValueError("it needs what to boost, as in 'boost(rating=.2)'")
        self._weights = weights
        self._values = {name: _reader(name) for name in weights}

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, DEPTH)
        changes = {}
        for name, read in self._values.items():
            values = read(candidates)
            changes[f"boost {name}"] = self._weights[name] * candidates.unit * standardised(values, values[head])
        return Reranked(changes)


def standardised(values: Scores, among: Scores) -> Scores:
    """Values (n,) in standard deviations of those of some products (p,), from −3 to 3; 0 where missing or where they do not differ."""
    there = among[~np.isnan(among)]
    deviation = float(there.std()) if len(there) else 0.0
    if deviation <= 1e-12 * max(float(np.abs(there).max(initial=0.0)), 1e-300):
        return np.zeros(len(values))
    z: Scores = np.nan_to_num(np.clip((values - there.mean()) / deviation, -_FARTHEST, _FARTHEST))
    return z


def _reader(name: str) -> partial[Scores]:
    """What reads the values that a name stands for."""
    if not _CALL.fullmatch(name):
        return partial(_numbers, name=name)
    spec = parse(name, what="boost")
    if spec.name != "recency":
        raise UsageError(f"boost: only recency takes parameters, not {spec.name}", hint="as in 'boost(recency(half_life=30d)=.1)'")
    found = bind(_recency, spec, "boost", reserved=frozenset({"candidates"}))
    seconds(found.get("half_life", "30d"))
    return partial(_recency, **found)


def _numbers(candidates: Candidates, name: str) -> Scores:
    if name == "recency":
        return _recency(candidates)
    return candidates.numbers(name)


def _recency(candidates: Candidates, by: str | None = None, half_life: str = "30d") -> Scores:
    times = candidates.times(by)
    newest = float(np.max(times, where=~np.isnan(times), initial=-np.inf))
    recent: Scores = np.exp2((times - newest) / seconds(half_life))
    return recent


def seconds(text: str) -> float:
    """A length of time in seconds.

    >>> seconds("30d"), seconds("2"), seconds("1.5h")
    (2592000.0, 172800.0, 5400.0)

    Raises UsageError.
    """
    found = _LONG.fullmatch(text)
    if not found or not float(found[1]):
        raise UsageError(f"'{text}' is no length of time", hint="a number above 0 with s, m, h, d, w or y: half_life=30d")
    return float(found[1]) * _SECONDS[found[2]]
