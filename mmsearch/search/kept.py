"""Evidence that is kept, so that the same queries can be ranked under many weights without comparing anything again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.ranking.base import Combiner, Evidence, Joint
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH
from mmsearch.search.query import Query, shares
from mmsearch.search.rerank.chain import unit_of
from mmsearch.search.understand.soft import Lifting
from mmsearch.search.weights import counted


@dataclass(frozen=True)
class Kept:
    """The evidence of one query over candidates, every kind with weight 1."""

    query: Query
    candidates: list[str]  # (n,)
    evidence: list[Evidence]
    joint: Joint
    softly: Sequence[Lifting] = ()  # what its texts name, which lifts products whatever the weights are

    def kinds(self) -> list[str]:
        """The kinds of evidence that there are."""
        return sorted({e.kind for e in self.evidence})

    def parts(self) -> int:
        """How many parts the query has that are compared."""
        return len({e.part for e in self.evidence})

    def best(self, weights: Mapping[str, float], combiner: Combiner, k: int) -> dict[str, float]:
        """The k best products → score, best first, if a kind of evidence counts as `weights` has it (1 if not named), as a search has it.

        None where the weights leave a part nothing to be compared by.
        """
        weighed = weighed_anew(self.query, self.evidence, weights)
        if not weighed:
            return {}
        total = combiner.combine(weighed, self.joint).total
        ids = pa.array(self.candidates, pa.string())
        if self.softly:
            head, unit = best(ids, total, DEPTH), unit_of(combiner, total)
            total = total + unit * np.sum([one.lift(head) for one in self.softly], axis=0)
        return {self.candidates[i]: float(total[i]) for i in best(ids, total, k).tolist()}


def weighed_anew(query: Query, evidence: Sequence[Evidence], weights: Mapping[str, float]) -> list[Evidence]:
    """Evidence of a query with every weight at 1 → as it is with other weights; [] where a part is left with none."""
    asked, kept = {}, []
    for part in dict.fromkeys(e.part for e in evidence):
        mine = [e for e in evidence if e.part == part]
        given = [weights.get(e.kind, 1.0) for e in mine]
        asked[part] = counted(given, [float(np.max(e.reliability)) for e in mine])
        left = [dataclasses.replace(e, weight=w) for e, w in zip(mine, given, strict=True) if w > 0]
        if not left:
            return []
        kept += left
    share = shares(query.parts, asked)
    return [dataclasses.replace(e, share=share[e.part]) for e in kept]


def shortened(candidates: Sequence[str], evidence: Sequence[Evidence], most: int) -> tuple[list[str], list[Evidence], NDArray[np.int64]]:
    """The candidates that any kind of evidence has among its `most` best, the evidence of them alone, and their places (m,)."""
    rows: set[int] = set()
    for e in evidence:
        known = np.flatnonzero(~np.isnan(e.similarity))
        rows |= set(known[np.argsort(-e.similarity[known], kind="stable")[:most]].tolist())
    chosen: NDArray[np.int64] = np.array(sorted(rows), np.int64)

    def some(value: float | NDArray[np.float64]) -> float | NDArray[np.float64]:
        return value[chosen] if isinstance(value, np.ndarray) else value

    short = [
        dataclasses.replace(
            e,
            similarity=e.similarity[chosen],
            mean=some(e.mean),
            std=some(e.std),
            reliability=some(e.reliability),
            elsewhere=None if e.elsewhere is None else e.elsewhere[chosen],
        )
        for e in evidence
    ]
    return [candidates[i] for i in chosen.tolist()], short, chosen
