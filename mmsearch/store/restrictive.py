"""Why a filter that nothing passes is so: what each of its clauses leaves by itself, and which one it would take to leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from mmsearch.store.filter import Mask, passing
from mmsearch.store.store import Store
from mmsearch.store.where import And, Node, Or, parse_where
from mmsearch.store.where_text import where_text

ASKED = 50  # clauses that are asked one by one
_NAMED = 5  # clauses that the answer names
_LONGEST = 120  # characters of a clause


def why_nothing(store: Store, filters: Sequence[str], products: pa.Array, others: Mapping[str, Mask]) -> str:
    """One sentence on filters that no product passes together.

    Parameters
    ----------
    filters : as the user wrote them, joined by `and`. products : (n,) ids. others : further clauses, and who passes them (n,).
    """
    clauses = [clause for text in filters for clause in _clauses(parse_where(text))]
    texts = [*map(where_text, clauses), *others]
    bracketed = [f"({text})" if isinstance(clause, Or) and len(texts) > 1 else text for clause, text in zip(clauses, texts, strict=False)]
    whole = f"no product matches {' and '.join([*bracketed, *others])}"
    if not 1 < len(texts) <= ASKED:
        return whole
    masks = [*(passing(store, text, products) for text in texts[: len(clauses)]), *others.values()]
    alone = [int(mask.sum()) for mask in masks]
    order = sorted(range(len(texts)), key=lambda i: alone[i])
    told = [f"{_short(texts[i])} {_left(alone[i])}" for i in order[:_NAMED]]
    more = f" (and {len(texts) - _NAMED:,} more clauses)" if len(texts) > _NAMED else ""
    return f"{whole}: by itself, {', '.join(told)}{more}; {_without(texts, masks)}"


def clauses_of(filters: Sequence[str]) -> list[str]:
    """The clauses that must all hold, one by one."""
    return [where_text(clause) for text in filters for clause in _clauses(parse_where(text))]


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
