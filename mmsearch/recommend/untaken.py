"""Products that nobody took yet: they take the places that neither the method nor popularity has anything for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import Interactions

#: What is called the method of these places, and the reason in words.
UNTAKEN = "untaken"
NOBODY = "nobody took yet"


def untaken(interactions: Interactions) -> NDArray[np.int64]:
    """The products that no event and no review is of, by id: what people sent back or blamed is not among them."""
    seen = np.bincount(interactions.products, minlength=len(interactions.product_ids)) > 0
    return by_id(interactions.product_ids, ~seen)


def by_id(product_ids: Sequence[str], chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The indices of the chosen products (n,), in the order of their ids: the table's own order changes with every ingest."""
    return np.array(sorted(np.flatnonzero(chosen).tolist(), key=lambda i: product_ids[i]), dtype=np.int64)
