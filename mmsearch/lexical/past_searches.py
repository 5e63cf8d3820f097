"""What shoppers searched for: what several people typed, and how often of late."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from mmsearch.lexical.spelling import typed
from mmsearch.store import SEARCHES, Store

#: People who must have typed the same before others are shown it: what one or two typed may say who they are.
PEOPLE = 3
#: What names a person whoever typed it: addresses, and numbers as long as those of telephones.
_PERSONAL = re.compile(r"@|(?:\d[\s().-]*){7,}")
_HALF = 30 * 86_400.0  # seconds after which a search counts half
_DATED = 1e8  # seconds (1973): an ingest without times numbers the searches in their order, which says nothing of how long ago
_LONGEST = 60  # characters of a search that is offered


@dataclass(frozen=True)
class Past:
    """A search of the past: as it is compared, as it is shown, and how many people typed it, those of late more than others."""

    key: str
    text: str
    weight: float


@dataclass
class _Typed:
    spellings: Counter[str] = field(default_factory=Counter)
    users: dict[str, float | None] = field(default_factory=dict)  # when last
    nameless: list[float | None] = field(default_factory=list)


def past_searches(store: Store, limit: int) -> list[Past]:
    """The searches that at least `PEOPLE` people typed, the most usual first, at most `limit`. Raises StoreError.

    A person counts once, by the last time; where no user is known, each search counts. A person of h days before the newest search of the
    store counts ½^(h / 30); where the time is not known, as much as the others do in the mean.
    """
    found: dict[str, _Typed] = defaultdict(_Typed)
    for batch in store.batches(SEARCHES, ["user", "text", "time"]):
        _add(found, zip(*(column.to_pylist() for column in batch.columns), strict=True))
    several = {key: one for key, one in found.items() if len(one.users) + len(one.nameless) >= PEOPLE}
    times = [time for one in several.values() for time in (*one.users.values(), *one.nameless) if time is not None]
    newest = max(times, default=0.0)
    weights = [0.5 ** ((newest - time) / _HALF) for time in times]
    mean = sum(weights) / len(weights) if weights else 1.0
    ranked = []
    for key, one in several.items():
        when = (*one.users.values(), *one.nameless)
        weight = sum(mean if time is None else 0.5 ** ((newest - time) / _HALF) for time in when)
        text = min(one.spellings, key=lambda spelling, n=one.spellings: (-n[spelling], spelling))  # type: ignore[misc]
        ranked.append(Past(key, text, weight))
    return sorted(ranked, key=lambda past: (-past.weight, past.key))[:limit]


def _add(found: dict[str, _Typed], searches: Iterable[tuple[str | None, str | None, float | None]]) -> None:
    for user, text, time in searches:
        shown = " ".join((text or "").split())
        if not shown or len(shown) > _LONGEST or _PERSONAL.search(shown) or not (key := typed(shown)):
            continue
        one, when = found[key], time if time is not None and time >= _DATED else None
        one.spellings[shown] += 1
        if user is None:
            one.nameless.append(when)
        else:
            before = one.users.get(user)
            one.users[user] = when if before is None else max(before, when or before)
