"""What sells at a time of the year goes up."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import UsageError, did_you_mean
from mmsearch.ranking.base import Scores
from mmsearch.ranking.lift import lift
from mmsearch.ranking.rerank import Candidates, Reranked, Reranker

#: Conventions, not measured: no data that we have tells of a year. Expected events that a product must have for its own to count as much as
#: the assumption that it sells all the year; how many times as often counts at most, in doublings.
_PRIOR, _FARTHEST = 4.0, 2.0
_AROUND = 15  # days before and after a date

_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_SEASONS = {"winter": 11, "spring": 2, "summer": 5, "autumn": 8, "fall": 8, "冬": 11, "春": 2, "夏": 5, "秋": 8}  # their first month
_HAN = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]
_FIRST = [date(2024, month, 1).timetuple().tm_yday - 1 for month in range(1, 13)]  # of a leap year
_LENGTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


class Season(Reranker):
    """Adds weight · log2(how many times as often as all others the product sells at this time of the year) to each score.

    So `weight` is what selling twice as much is worth, in standard deviations of score; four times as often is the most that counts. What
    is expected of a product is its events times the share that this time has in all events since it was first taken; four more events, as
    expected, hold back products of which little is known. One without events keeps its score.

    Parameters
    ----------
    at : a month, a season (of the northern hemisphere), a date (the 15 days before and after it) or now; by default what the query says,
        else now.
    """

    def __init__(self, at: str | None = None, weight: float = 0.2):
        if not np.isfinite(weight):
            raise ValueError(f"weight must be a number, not {weight:g}")
        if at is not None:
            season_days(at)
        self.at, self.weight = at, weight

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        at = self.at or candidates.shopper.season or "now"
        sold = candidates.sold(season_days(at))
        found = np.clip(lift(sold.observed, sold.expected, _PRIOR), -_FARTHEST, _FARTHEST)
        return Reranked({f"season {at}": self.weight * candidates.unit * found}, notes=sold.notes)


def season_days(text: str) -> NDArray[np.bool_]:
    """The days of a leap year (366,) that a month, a season, a date or 'now' stands for.

    >>> int(season_days("winter").sum()), int(season_days("2025-12-24").sum()), bool(season_days("2025-12-24")[7])
    (91, 31, True)

    Raises UsageError.
    """
    name = text.strip().casefold()
    if name == "now":
        return _around(today())
    if (month := _month(name)) is not None:
        return _days(_FIRST[month], _LENGTH[month])
    if (first := _SEASONS.get(name.removesuffix("天").removesuffix("季"))) is not None:
        return _days(_FIRST[first], sum(_LENGTH[month % 12] for month in range(first, first + 3)))
    try:
        return _around(date.fromisoformat(name))
    except ValueError:
        near = did_you_mean(name, [*_MONTHS, *(one for one in _SEASONS if one.isascii()), "now"])
        hint = "a month (december, 12月), a season (winter, 冬季), a date (2025-12-24) or now"
        raise UsageError(f"'{text}' is no time of the year{near}", hint=hint) from None


def today() -> date:
    """The date, UTC as the times of events are."""
    return datetime.now(UTC).date()


def _around(day: date) -> NDArray[np.bool_]:
    return _days(_FIRST[day.month - 1] + day.day - 1 - _AROUND, 2 * _AROUND + 1)


def _month(name: str) -> int | None:
    """0 for January."""
    if name.endswith("月"):
        number = name.removesuffix("月")
        return _HAN.index(number) if number in _HAN else int(number) - 1 if number in map(str, range(1, 13)) else None
    return next((i for i, month in enumerate(_MONTHS) if name in (month, month[:3])), None)


def _days(start: int, length: int) -> NDArray[np.bool_]:
    """The days of a leap year (366,) from one (0: the 1st of January) on, over the turn of the year."""
    days = np.zeros(366, dtype=bool)
    days[np.arange(start, start + length) % 366] = True
    return days
