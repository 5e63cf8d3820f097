"""Who asks: what a search may know of the shopper beside the query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.ranking.base import Scores


@dataclass(frozen=True)
class Shopper:
    """`user`: as in the events. `session`: ids of products looked at, the newest last. `season`: a month, a season, a date or 'now'.
    `mood`: a word for it, or 'heard'. What is not given changes nothing; see `mmsearch.search.rerank`."""

    user: str | None = None
    session: tuple[str, ...] = ()
    season: str | None = None
    mood: str | None = None

    def __bool__(self) -> bool:
        return self != NOBODY

    def filled(self, other: Shopper) -> Shopper:
        """What is not given, as another has it."""
        return Shopper(self.user or other.user, self.session or other.session, self.season or other.season, self.mood or other.mood)


NOBODY = Shopper()


class Taken(NamedTuple):
    """What someone took or looked at, oldest first. `note`: why there is nothing, for a person."""

    ids: tuple[str, ...] = ()  # (h,) products of the store
    strengths: tuple[float, ...] = ()  # (h,) above 0
    owned: frozenset[str] = frozenset()  # products that were bought or rated: they need not be shown again
    note: str = ""


class Sold(NamedTuple):
    """How much the products sold at a time of the year (n,), and how much they would have if they sold as all others do."""

    observed: Scores
    expected: Scores
    notes: tuple[str, ...] = ()


def lift(observed: Scores, expected: Scores, prior: float) -> Scores:
    """How many times as often as expected something was seen (n,), as its binary logarithm, shrunk towards 0 (once) where little was seen.

    log2((observed + prior) / (expected + prior)): the mean of a gamma prior around 1 as strong as `prior` expected sightings (DuMouchel,
    "Bayesian data mining in large frequency tables", The American Statistician 1999). 0 where nothing is known (NaN).
    """
    found: Scores = np.nan_to_num(np.log2((observed + prior) / (expected + prior)))
    return found


def days_of(start: int, length: int) -> NDArray[np.bool_]:
    """The days of a leap year (366,) from one (0: the 1st of January) on, over the turn of the year."""
    days = np.zeros(366, dtype=bool)
    days[np.arange(start, start + length) % 366] = True
    return days
