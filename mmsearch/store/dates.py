"""Dates and times of attributes: seconds since 1970 UTC inside, ISO 8601 outside.

A float of seconds, as interactions have them, and no Arrow timestamp: one literal serialises it into a filter (`repr`),
it covers every year that `datetime` does, and it keeps microseconds until the year 2255.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?: ?(?:Z|[+-]\d\d:?\d\d))?)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400.0


def iso_seconds(text: str) -> float | None:
    """A full ISO 8601 date, or date and time (UTC where no zone is given), as seconds since 1970 UTC; None for any other text."""
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" Z", "Z").replace(" +", "+").replace(" -", "-"))
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH).total_seconds()
    except (ValueError, OverflowError):  # the 31st of February
        return None


def iso_text(seconds: float) -> str:
    """Seconds since 1970 UTC as ISO 8601: the date alone at midnight. Beyond the years 1 to 9999 the number as it is."""
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        return repr(seconds)
    return moment.date().isoformat() if seconds % _DAY == 0 else moment.isoformat().replace("+00:00", "Z")
