"""What is odd in the events of an ingest: told in the report; times in milliseconds are put right, values far outside clipped if asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmsearch.catalog.events import EventKind
from mmsearch.catalog.outliers import MILLISECONDS, UserDataOutliers, clip, to_seconds
from mmsearch.store import REVIEWS

CLIPPED = "value clipped"

_RATINGS = ("rating", "score", "stars", "评分", "星级")


class Oddities:
    """Looks at the records of a kind of event, chunk by chunk.

    Parameters
    ----------
    mapping : field → columns of the file: its value is a rating where the column is called so.
    clip : set values far outside to the nearest usual one; what is usual is told by the chunks so far.
    """

    def __init__(self, kind: EventKind, mapping: Mapping[str, tuple[str, ...]], *, clip: bool):
        names = [field.name for field in kind.fields]
        self._value = next((name for name in ("rating", "value") if name in names), None)
        column = mapping.get(self._value or "", ("",))[0].lower()
        ratings = kind.table == REVIEWS or any(name in column for name in _RATINGS)
        self._odd = UserDataOutliers(ratings=ratings)
        self._clip = clip
        self.counts: Counter[str] = Counter()  # rule → values that were changed

    def look(self, records: Sequence[dict[str, Any]], lines: Sequence[int]) -> None:
        """Take in records, and change what is to be changed in place."""
        if not records:
            return
        times = _floats([record["time"] for record in records])
        ids = [f"line {line}" for line in lines]
        users = [record["user"] or "" for record in records]
        things = [str((record.get("event"), record.get("product"), record.get("text"))) for record in records]
        values = None if self._value is None else _floats([record[self._value] for record in records])
        self._odd.add(ids, users, things, values, times)
        seconds, scaled = to_seconds(times)
        for i in np.flatnonzero(scaled).tolist():
            records[i]["time"] = float(seconds[i])
        self.counts[MILLISECONDS] += int(scaled.sum())
        if self._clip and self._value is not None and values is not None:
            inside = clip(values, self._odd.bounds())
            for i in np.flatnonzero(inside != values).tolist():
                if values[i] == values[i]:  # NaN: there is no value
                    records[i][self._value] = float(inside[i])
                    self.counts[CLIPPED] += 1

    def findings(self) -> list[dict[str, Any]]:
        """What was odd, for the report."""
        return [finding._asdict() | {"examples": list(finding.examples)} for finding in self._odd.findings()]


def _floats(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
