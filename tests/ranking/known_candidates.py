"""Candidates of which a test says everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.ranking.lift import Sold
from mmsearch.ranking.shopper import NOBODY, Shopper, Taken


@dataclass
class KnownCandidates:
    """`mmsearch.ranking.rerank.Candidates` from plain values; None is missing."""

    names: Sequence[str]
    values: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    dates: Sequence[float | None] = ()
    values_of_groups: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    vectors: Mapping[str, Sequence[Sequence[float] | None]] = field(default_factory=dict)
    titled: Sequence[str] = ()
    unit: float = 1.0
    question: str = ""
    shopper: Shopper = NOBODY
    spoken: Sequence[str] = ()
    took: Sequence[str] = ()  # by everybody
    tastes: Sequence[float | None] = ()
    going_with: Sequence[float | None] = ()
    observed: Sequence[float | None] = ()
    expected: Sequence[float | None] = ()

    @property
    def ids(self) -> pa.Array:
        return pa.array(list(self.names), pa.string())

    def numbers(self, name: str) -> NDArray[np.float64]:
        return self._column(self.values[name] if not name.startswith("fact.") else self.values.get(name, ()))

    def times(self, name: str | None) -> NDArray[np.float64]:
        return np.array(self.dates, dtype=np.float64)

    def groups(self, name: str) -> NDArray[np.int64]:
        values = self.values_of_groups[name]
        known = sorted({value for value in values if value is not None})
        return np.array([-1 if value is None else known.index(value) for value in values])

    def belonging(self, name: str, ids: Sequence[str]) -> list[tuple[str, ...]]:
        mine = dict(zip(self.names, self.values_of_groups[name], strict=True))
        return [() if mine.get(id) is None else (str(mine[id]),) for id in ids]

    def likeness(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        found = []
        for modality in settings.MODALITIES:
            mine = [self.vectors[modality][i] if modality in self.vectors else None for i in places]
            rows = [[np.nan if a is None or b is None else float(np.dot(a, b)) for b in mine] for a in mine]
            found.append(np.array(rows).reshape(len(mine), len(mine)))
        return np.array(found)

    def words(self, places: NDArray[np.int64]) -> list[str]:
        return [" ".join(sorted(self.titled[i].split())) if self.titled else "" for i in places]

    def texts(self, places: NDArray[np.int64]) -> list[str | None]:
        return [self.titled[i] or None for i in places]

    def places(self, ids: Sequence[str]) -> NDArray[np.int64]:
        return np.array([list(self.names).index(id) for id in ids if id in self.names], dtype=np.int64)

    def check(self, ids: Sequence[str]) -> None:
        pass

    def taken_by(self, user: str) -> Taken:
        return Taken(tuple(self.took), (1.0,) * len(self.took), frozenset(self.took), "" if self.took else f"nothing is known of {user}")

    def taste(self, taken: Taken) -> NDArray[np.float64]:
        return self._column(self.tastes)

    def unseen(self) -> list[str]:
        return []

    def goes_with(self, taken: Taken) -> NDArray[np.float64]:
        return self._column(self.going_with)

    def sold(self, days: NDArray[np.bool_]) -> Sold:
        return Sold(self._column(self.observed), self._column(self.expected))

    def _column(self, values: Sequence[float | None]) -> NDArray[np.float64]:
        return np.array(values or [None] * len(self.names), dtype=np.float64)
