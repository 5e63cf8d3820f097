"""Calibrated variety: the kinds of products that somebody took, in about the proportions in which they took them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmsearch.measures.calibration import SMOOTHING, mixture, shares
from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker, kept_below

#: Chosen on validation parts: docs/decisions/0041-calibration.md.
WEIGHT = 0.3

_SHOWN = 20  # places that a person looks at: by so much Steck's smoothing is weighed here, where a list has no length


class Calibrated(Reranker):
    """The next product is the one with the largest (1 − w)·rel + w·gain, gain being what it brings the list nearer to the history by
    (Steck, "Calibrated recommendations", RecSys 2018, whose greedy order this is).

    rel is the score as a share of the range of scores among the 100 best. Of a list I, Σ_g p_g · log(S_g + s·p_g) says how near it is to
    p, the mixture of values that the history has: with S_g = Σ_{i∈I} p(g|i) it is minus the divergence of p from the list's mixture, up to
    what all products share, and s·p is the smoothing. As a product brings the less the more is chosen, the order of choice is the order of
    the changed scores. In units of scores, and with 1 − w taken out, each score is raised by range · w/(1 − w) · gain.

    A product belongs to each level of a path alike, to each item of a list. One without a value gains what the others do on average, so
    that it is neither raised nor lowered beside them.

    The history is that of the query's user, and the products of its session (`recommend`: those that are liked or in the cart). Where
    nothing of it is known, nothing changes, which is said.

    Parameters
    ----------
    by : an attribute or a fact with kinds. weight : w, from 0, which changes nothing, to below 1.
    """

    def __init__(self, by: str = "category", weight: float = WEIGHT):
        if not 0 <= weight < 1:
            raise ValueError(f"weight must be from 0 to below 1, not {weight:g}")
        self.by, self.weight = by, weight

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, DEPTH)
        ids, strengths, note = _history(candidates)
        if not ids:
            return Reranked(notes=[note])
        both = shares(candidates.belonging(self.by, [*ids, *candidates.ids.take(head).to_pylist()]))
        rows, p = both[len(ids) :], mixture(both[: len(ids)], strengths)
        changes = np.zeros(len(scores))
        if not p.any() or not rows.any():
            what = "of the products of the history" if not p.any() else "of the products found"
            return Reranked(notes=[f"calibrated: none {what} has a value of {self.by}: nothing changes"])
        range_ = float(scores[head[0]] - scores[head[-1]]) or candidates.unit
        unit = range_ * self.weight / (1 - self.weight)
        changes[head] = unit * _gains(scores[head], rows, p, unit)
        return Reranked({"calibrated": kept_below(scores, changes, head)})


def _history(candidates: Candidates) -> tuple[list[str], NDArray[np.float64], str]:
    """What was taken and is looked at: ids and strengths (h,), or why there is nothing."""
    shopper = candidates.shopper
    ids, strengths, note = list(shopper.session), [1.0] * len(shopper.session), "calibrated: nobody is named (--user): nothing changes"
    if shopper.user:
        taken = candidates.taken_by(shopper.user)
        ids, strengths, note = [*taken.ids, *ids], [*taken.strengths, *strengths], taken.note or note
    return ids, np.array(strengths), note


def _gains(scores: Scores, rows: NDArray[np.float64], p: NDArray[np.float64], unit: float) -> Scores:
    """What each product (p,) of shares (p, g) brings a list of those that are chosen before it; `scores` are the best first."""
    there, known = p > 0, rows.any(axis=1)
    p, rows = p[there], rows[:, there]
    shown = SMOOTHING * _SHOWN * p
    found = np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    for _ in scores:
        gains = np.log1p(rows / shown) @ p
        gains[~known] = gains[known].mean()
        chosen = int(np.argmax(np.where(left, scores + unit * gains, -np.inf)))
        found[chosen], left[chosen] = gains[chosen], False
        shown = shown + rows[chosen]
    return found
