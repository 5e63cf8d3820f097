"""Many queries in one go: what they share is done once, and the rest on all threads. Answers are those of the queries alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

import numpy as np

from mmsearch import settings
from mmsearch.search.index import Index
from mmsearch.search.targets import Target
from mmsearch.store.vectors import Matrix

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")

#: Queries whose similarities with a whole table are held at a time: 51 MB for 100,000 vectors. Of 32 each costs twice as much.
BLOCK = 128


def each(ask: Callable[[_Asked], _Answer], asked: Sequence[_Asked], *, at_once: int = 1) -> Iterator[_Answer]:
    """What `ask` gives for each of those asked, in their order; the first by itself, for it loads what the others share.

    `at_once`: how many a thread of `settings.threads` has under way.
    """
    yield from map(ask, asked[:1])
    if len(asked) < 3 or settings.threads() == 1:
        yield from map(ask, asked[1:])
        return
    with ThreadPoolExecutor(at_once * settings.threads()) as pool:  # numpy and LanceDB let other threads run meanwhile
        yield from pool.map(lambda one: one[0].run(ask, one[1]), [(copy_context(), one) for one in asked[1:]])


def ahead(make: Callable[[_Asked], _Answer], asked: Sequence[_Asked]) -> Generator[_Answer]:
    """What `make` gives for each of those asked, in their order; the next one is made while the caller works on the one before."""
    if len(asked) < 2 or settings.threads() == 1:
        yield from map(make, asked)
        return
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(copy_context().run, make, asked[0])
        for following in asked[1:]:
            made = coming.result()
            coming = pool.submit(copy_context().run, make, following)
            yield made
        yield coming.result()


def looked_up(unknown: Sequence[Callable[[], object]]) -> None:
    """Ask LanceDB for what queries need to know before they are scored: side by side it answers in half of the time, and between the steps
    of numpy in twice the time (docs/decisions/0044-words-first.md).
    """
    for _ in each(lambda ask: ask(), unknown, at_once=2):
        pass


def similarities(index: Index, targets: Sequence[Sequence[Target]]) -> list[list[Matrix | None]]:
    """Of the targets of each query, the similarity with every row of their tables (m,); None for words, and for a query alone.

    One matrix product a table: it reads the vectors once for all queries. Sums may differ in the last digit from those of a query alone,
    whose parts are compared one by one: what is beside a part must not touch it.
    """
    found: list[list[Matrix | None]] = [[None] * len(mine) for mine in targets]
    if len(targets) == 1:
        return found
    by_table: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for query, mine in enumerate(targets):
        for number, target in enumerate(mine):
            if target.met is None:
                by_table[target.table].append((query, number))
    for table, asked in by_table.items():
        vectors = index.everything(table).rows.vectors
        together = index.similarity.matrix(np.stack([targets[query][number].vector for query, number in asked]), vectors)
        for (query, number), row in zip(asked, together, strict=True):
            found[query][number] = row
    return found
