"""Recommendations shaped as search results are: by a chain of rerankers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.recommend.serve import Reorder, Reordered
from mmsearch.search.rerank.chain import chain_of, rerank
from mmsearch.search.rerank.known import Known, Some
from mmsearch.store import Store


def reorder_by(store: Store, chain: str | None) -> Reorder | None:
    """`--rerank` of `mmsearch recommend`: a chain as that of a search, over all products that have evidence for them.

    Raises UsageError and ParseError as `chain_of` does; the steps raise what they do in a search.
    """
    if chain is None:
        return None
    steps = chain_of(chain)

    def reorder(ids: Sequence[str], scores: NDArray[np.float64]) -> Reordered:
        products = pa.array(ids, pa.string())
        unit = float(np.nanstd(scores)) or 1.0
        ranking = rerank(steps, scores, Some(Known(store, products, 0), products, unit, ""))
        return Reordered(ranking.scores, lambda shown: ranking.changes(products, shown, places=True), ranking.notes)

    return reorder
