"""Recommendations shaped as search results are: by a chain of rerankers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.ranking.shopper import NOBODY, Shopper
from mmsearch.recommend.serve import Reorder, Reordered
from mmsearch.search.index import Index
from mmsearch.search.query import make_query
from mmsearch.search.rerank.chain import chain_for, chain_of, rerank
from mmsearch.search.rerank.known import Known, Some
from mmsearch.store import Store


def reorder_by(store: Store, chain: str | None, shopper: Shopper = NOBODY) -> Reorder | None:
    """`--rerank` and `--mood` of `mmsearch recommend`: a chain as that of a search, over all products that have evidence for them.

    `shopper` is the one recommended for, whom the steps may ask; of what is known, the mood alone is a step of its own, for the history is
    in the scores already.

    Raises UsageError and ParseError as `chain_of` and `chain_for` do; the steps raise what they do in a search.
    """
    steps = chain_for(Shopper(mood=shopper.mood), chain_of(chain))
    if not steps:
        return None

    def reorder(ids: Sequence[str], scores: NDArray[np.float64]) -> Reordered:
        index = Index(store)
        here = np.flatnonzero(~np.isnan(scores))
        products = pa.array([ids[i] for i in here.tolist()], pa.string())
        unit = float(scores[here].std()) or 1.0
        ranking = rerank(steps, scores[here], Some(Known(index), products, unit, make_query([], browse=True, shopper=shopper)))
        whole = np.full(len(scores), np.nan)
        whole[here] = ranking.scores

        def changes(shown: NDArray[np.int64]) -> list[list[tuple[str, float]]]:
            told = ranking.changes(products, np.searchsorted(here, shown), places=True)
            return [[(name, change) for _, name, change in one] for one in told]

        return Reordered(whole, changes, ranking.notes)

    return reorder
