"""Variety: products that repeat what stands above them go down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker, kept_below

#: Much of the variety, and nothing of what fits lost: docs/decisions/0027-rerankers.md.
LAMBDA = 0.9


class MMR(Reranker):
    """Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): the next product is the one with the largest λ·rel − (1 − λ)·max sim.

    rel is the score as a share of the range of scores among the `depth` best, sim the likeness to those chosen already. In units of
    scores, and with λ taken out, each score is lowered by range · (1 − λ)/λ · max sim, which is what the step changes. What is chosen
    first keeps its score; values can only fall as more is chosen, so that the order of choice is the order of the changed scores.

    Likeness is the mean, over the modalities that two products share, of (cosine − c)/(1 − c), c the mean cosine of the list: 1 for the
    same, 0 (and no less) for two that are no more alike than any two of the list. Products that share none are not alike.

    Parameters
    ----------
    lambda : in (0, 1]; 1 changes nothing. depth : how many of the best are chosen anew; those below keep their order.
    """

    def __init__(self, depth: int = DEPTH, **parameters: float):
        self.share = parameters.pop("lambda", LAMBDA)  # a Python keyword
        if parameters:
            raise ValueError(f"it has no parameter {', '.join(parameters)}; there are: lambda, depth")
        if not 0 < self.share <= 1:
            raise ValueError(f"lambda must be above 0 and at most 1, not {self.share:g}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self.depth = depth

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        head = best(candidates.ids, scores, self.depth)
        changes = np.zeros(len(scores))
        if len(head) > 1 and self.share < 1:
            range_ = float(scores[head[0]] - scores[head[-1]]) or candidates.unit
            penalty = range_ * (1 - self.share) / self.share
            changes[head] = -penalty * _repeated(scores[head], alike(candidates.likeness(head)), penalty)
        return Reranked({"mmr": kept_below(scores, changes, head)})


def alike(cosines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosines by each modality (m, p, p), NaN where missing → likeness (p, p) from 0 to 1; see `MMR`."""
    pairs = ~np.eye(cosines.shape[1], dtype=bool)
    total, count = np.zeros(cosines.shape[1:]), np.zeros(cosines.shape[1:])
    for one in cosines:
        there = ~np.isnan(one)
        if not (there & pairs).any():
            continue
        mean = min(float(one[there & pairs].mean()), 1 - 1e-6)
        total += np.where(there, np.clip((one - mean) / (1 - mean), 0, 1), 0)
        count += there
    likeness: NDArray[np.float64] = np.divide(total, count, out=total, where=count > 0)
    return likeness


def _repeated(scores: Scores, likeness: NDArray[np.float64], penalty: float) -> Scores:
    """The likeness (p,) of each product to the most like one of those chosen before it; `scores` are the best first."""
    most, found = np.zeros(len(scores)), np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    for _ in scores:
        chosen = int(np.argmax(np.where(left, scores - penalty * most, -np.inf)))
        found[chosen], left[chosen] = most[chosen], False
        most = np.maximum(most, likeness[chosen])
    return found
