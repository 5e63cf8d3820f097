"""Why a filter that nothing passes is so: what each of its clauses leaves by itself, and which one it would take to leave out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from mmsearch.store.filter import Mask, passing
from mmsearch.store.store import Store
from mmsearch.store.where import And, Node, parse_where
from mmsearch.store.where_text import where_text

_ASKED = 50  # clauses that are asked one by one
_NAMED = 5  # clauses that the answer names
_LONGEST = 120  # characters of a clause


def why_nothing(store: Store, filters: Sequence[str], products: pa.Array) -> str:
    """One sentence on filters that no product passes together.

    Parameters
    ----------
    filters : as the user wrote them, joined by `and`. products : (n,) ids.
    """
    clauses = [clause for text in filters for clause in _clauses(parse_where(text))]
    whole = f"no product matches {where_text(clauses[0] if len(clauses) == 1 else And(tuple(clauses)))}"
    if not 1 < len(clauses) <= _ASKED:
        return whole
    texts = [where_text(clause) for clause in clauses]
    masks = [passing(store, text, products) for text in texts]
    alone = [int(mask.sum()) for mask in masks]
    order = sorted(range(len(clauses)), key=lambda i: alone[i])
    told = [f"{_short(texts[i])} {_left(alone[i])}" for i in order[:_NAMED]]
    more = f" (and {len(clauses) - _NAMED:,} more clauses)" if len(clauses) > _NAMED else ""
    return f"{whole}: by itself, {', '.join(told)}{more}; {_without(texts, masks)}"


def _without(texts: Sequence[str], masks: Sequence[Mask]) -> str:
    """Which clause to leave out."""
    failing = np.sum([~mask for mask in masks], axis=0)  # how many clauses each product fails
    left = [int((~mask & (failing == 1)).sum()) for mask in masks]
    best = int(np.argmax(left))
    if not left[best]:
        return "leaving out any one of them still leaves none"
    return f"without {_short(texts[best])} there would be {left[best]:,}"


def _clauses(node: Node) -> list[Node]:
    return [clause for part in node.parts for clause in _clauses(part)] if isinstance(node, And) else [node]


def _left(count: int) -> str:
    return f"leaves {count:,}" if count else "leaves none"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
