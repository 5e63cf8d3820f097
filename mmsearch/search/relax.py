"""No dead ends: where nothing has all that is asked for, what is asked for is relaxed, step by step and never more than needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.search.query import Query
from mmsearch.search.required import Required
from mmsearch.store import Store
from mmsearch.store.filter import passing
from mmsearch.store.restrictive import ASKED, clauses_of

Mask = NDArray[np.bool_]

#: What may be relaxed: nothing, what a text requires (phrases and fields), or filters, too.
Relax = Literal["no", "words", "all"]
#: The steps, the least loss first; a filter is a promise, and so the last.
PHRASE, FIELD, FILTER = 1, 2, 3
_STEPS = {"no": 0, "words": FIELD, "all": FILTER}
_TOLD = 120  # characters of what is told of a demand


@dataclass(frozen=True)
class Weaker:
    """A weaker form of a demand: the step in which it comes, how it is told, and who has it (n,)."""

    step: int
    told: str
    mask: Mask


@dataclass(frozen=True)
class Demand:
    """Something that products must have, as it was typed; who has it (n,); and its weaker forms in the order of their steps.

    A product that has it has its weaker forms, too.
    """

    text: str
    mask: Mask
    weaker: tuple[Weaker, ...] = ()

    def at(self, level: int) -> Mask:
        """Who has its form of a level, 0 for the demand itself."""
        return self.weaker[level - 1].mask if level else self.mask


@dataclass(frozen=True)
class Relaxed:
    """What was relaxed: as typed, and how; and who has all that is still asked for (n,)."""

    texts: tuple[str, ...]
    told: tuple[str, ...]
    mask: Mask


def steps(relax: str) -> int:
    """The last step that may be taken. Raises UsageError."""
    if relax not in _STEPS:
        raise UsageError(f"relax is {relax!r}", hint=f"one of: {', '.join(_STEPS)}")
    return _STEPS[relax]


def relaxed_query(
    store: Store, query: Query, products: pa.Array, having: Callable[[Required, pa.Array], Mask], last: int
) -> tuple[Relaxed | None, str]:
    """A query that none of the products (n,) passes, relaxed up to a step; where that does not suffice, what would help beyond it.

    `having` says which products have what a text requires. Raises as a filter does.
    """
    filters = clauses_of(query.where)
    if len(filters) > ASKED:  # each is a scan of the products
        filters, last = [], FIELD
        masks = [Demand(text, passing(store, text, products)) for text in query.where]
    else:
        masks = [clause(text, passing(store, text, products)) for text in filters]
    demands = [demand(one, lambda wanted: having(wanted, products)) for part in query.parts for one in part.required]
    if (less := relaxed([*demands, *masks], last)) is not None or last == FILTER or len(demands) + len(masks) == 1:
        return less, ""
    more = relaxed([*demands, *masks], FILTER)
    return None, "" if more is None else f"--relax would show {int(more.mask.sum()):,} products: {', '.join(more.told)}"


def demand(wanted: Required, having: Callable[[Required], Mask]) -> Demand:
    """What a text requires: a phrase, then its words in any order, then ordinary words that nothing must have."""
    mask = having(wanted)
    weaker = []
    if wanted.phrase:
        weaker.append(Weaker(PHRASE, "its words, in any order", having(Required(wanted.text, wanted.field))))
    weaker.append(Weaker(FIELD, "as ordinary words", np.ones_like(mask)))
    return Demand(str(wanted), mask, tuple(weaker))


def clause(text: str, mask: Mask) -> Demand:
    """A clause of a filter, which is left out or not."""
    return Demand(text, mask, (Weaker(FILTER, "left out", np.ones_like(mask)),))


def relaxed(demands: Sequence[Demand], last: int) -> Relaxed | None:
    """Demands that no product meets together, relaxed until one does; None where the steps up to `last` do not suffice.

    In each step one demand is relaxed if that is enough, the one that leaves the most; else the one that leaves the fewest by itself is
    relaxed and another with it. In the end each gets back as much as it can, filters first.
    """
    levels = [0] * len(demands)
    failing = np.sum([~one.mask for one in demands], axis=0)  # how many demands each product fails
    for step in range(PHRASE, last + 1):
        pending = {i: _level(one, step) for i, one in enumerate(demands) if _level(one, step)}
        while pending and failing.all():
            after = {i: failing - (demands[i].at(level) & ~demands[i].at(levels[i])) for i, level in pending.items()}
            left = {i: int((numbers == 0).sum()) for i, numbers in after.items()}
            best = max(left, key=lambda i: left[i])
            chosen = best if left[best] else min(pending, key=lambda i: int(demands[i].at(levels[i]).sum()))
            levels[chosen], failing = pending.pop(chosen), after[chosen]
    if failing.all():
        return None
    for i in sorted(range(len(demands)), key=lambda i: -demands[i].weaker[levels[i] - 1].step if levels[i] else 0):
        one = demands[i]
        for level in range(levels[i]):
            back = failing + (one.at(levels[i]) & ~one.at(level))
            if not back.all():
                levels[i], failing = level, back
                break
    changed = [(one, level) for one, level in zip(demands, levels, strict=True) if level]
    told = tuple(f"{_short(one.text)} ({one.weaker[level - 1].told})" for one, level in changed)
    return Relaxed(tuple(one.text for one, _ in changed), told, failing == 0)


def _level(one: Demand, step: int) -> int:
    """The level of the form that comes in a step, 0 for none."""
    return next((level for level, weaker in enumerate(one.weaker, 1) if weaker.step == step), 0)


def _short(text: str) -> str:
    return text if len(text) <= _TOLD else f"{text[: _TOLD - 1]}…"
