"""Who asks: what a search may know of the shopper beside the query. The command line imports it: no numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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
