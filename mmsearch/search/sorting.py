"""`--sort`: the products that a search matches in the order of their attributes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.store.values import Values
from mmsearch.store.where import written
from mmsearch.store.where_text import attribute_name

_DIRECTION = re.compile(r"(.*\S)\s+(asc|desc)\s*", re.DOTALL | re.IGNORECASE)
_ORDERS = ("number", "time", "bool", "text")  # of the types of one attribute: all numbers come before all texts


@dataclass(frozen=True)
class SortKey:
    """An attribute to sort by."""

    name: str
    descending: bool = False


def parse_sort(text: str) -> SortKey:
    """`NAME`, `NAME asc` or `NAME desc`; a name that itself ends so stands in backticks. Raises as `attribute_name` does."""
    found = _DIRECTION.fullmatch(text)
    if not found:
        return SortKey(attribute_name(text, "--sort"))
    return SortKey(attribute_name(found[1], "--sort"), found[2].lower() == "desc")


def in_order(
    keys: Sequence[tuple[SortKey, Values]], places: NDArray[np.int64], products: pa.Array, scores: NDArray[np.float64] | None, k: int
) -> NDArray[np.int64]:
    """The first k products in an order.

    Parameters
    ----------
    keys : each with the values of its attribute beside all products (n,). places : (m,) the products that are sorted.
    products : (n,) ids. scores : (m,) of those that are sorted, None without a query. k : how many are wanted.

    Returns
    -------
    (≤ k,) the order: numbers of `places`. Texts are compared without regard to case; a product without a value comes
    last, whichever way the order goes. Ties fall by the score, the best first, then by the id.

    Raises UsageError for an attribute that holds lists alone.
    """
    everything = len(places) == len(products) and bool((np.diff(places) == 1).all())
    rows = None if everything else pa.array(places)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    order: list[tuple[str, str, str]] = []
    for key, values in keys:
        if set(values) == {"list"}:
            raise UsageError(
                f"--sort: {key.name} is a list, and lists have no order", hint=f"filter by it: --where \"{written(key.name)} has '…'\""
            )
        for kind in (kind for kind in _ORDERS if kind in values):
            column = values[kind] if rows is None else values[kind].take(rows)
            columns[str(len(order))] = pc.utf8_lower(column) if kind == "text" else column.cast(pa.int8()) if kind == "bool" else column
            order.append((str(len(order)), "descending" if key.descending else "ascending", "at_end"))
    if scores is not None:
        columns["score"] = pa.array(scores)
        order.append(("score", "descending", "at_end"))
    columns["id"] = products if rows is None else products.take(rows)
    order.append(("id", "ascending", "at_end"))
    # The id makes it an order of all, so that which k come first does not hang on the algorithm.
    found: NDArray[np.int64] = pc.select_k_unstable(pa.table(columns), k=min(k, len(places)), sort_keys=order).to_numpy().astype(np.int64)
    return found
