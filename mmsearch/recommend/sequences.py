"""What people did one after the other, cut into windows and batches for networks that read sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import History, Interactions

Rows = NDArray[np.int64]

_POOL = 32  # batches that are formed at once from windows in random order, by their length
_FADE = 0.2  # what an event one step farther ahead says, as a share
SILENT = -1e9  # the loudness of no event


class Read(NamedTuple):
    """b sequences of events, oldest first, padded behind their ends to t events."""

    products: Rows  # (b, t); 0 where there is none
    loud: NDArray[np.float32]  # (b, t) logarithm of each event's strength; SILENT where there is none

    def there(self) -> NDArray[np.bool_]:
        """(b, t) whether there is an event."""
        return self.loud > SILENT / 2


class Batch(NamedTuple):
    """Sequences, and k products that came after one of their events."""

    read: Read
    at: Rows  # (k,) after which event, in the order in which `read.there()` finds them; ascending
    next: Rows  # (k,)
    strength: NDArray[np.float32]  # (k,) how much each says


@dataclass(frozen=True)
class Windows:
    """w stretches of events `starts[i]:stops[i]` of one user each; every event of a window but its first is to be foreseen."""

    products: Rows  # (e,) by user and time
    strength: NDArray[np.float32]  # (e,) above 0
    starts: Rows  # (w,)
    stops: Rows  # (w,)

    def __len__(self) -> int:
        return len(self.starts)

    def foreseen(self) -> Rows:
        """How often each product is to be foreseen: numbers of products, with repetition."""
        inner = np.zeros(len(self.products) + 1, np.int64)
        np.add.at(inner, self.starts + 1, 1)
        np.add.at(inner, self.stops, -1)
        return np.repeat(self.products, np.cumsum(inner)[:-1])

    def batch(self, rows: Rows, ahead: int = 1) -> Batch:
        """Some windows, and what came up to so many events after each event; the farther, the less it says."""
        starts, stops = self.starts[rows], self.stops[rows]
        before = read([(self.products[a : b - 1], self.strength[a : b - 1]) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)])
        lengths = stops - starts - 1
        first = np.cumsum(lengths) - lengths
        event = np.arange(lengths.sum()) + np.repeat(starts - first, lengths)
        left = np.minimum(np.repeat(stops, lengths) - event - 1, ahead)  # events that come after, and are looked at
        at = np.repeat(np.arange(len(event)), left)
        steps = np.arange(len(at)) - np.repeat(np.cumsum(left) - left, left) + 1
        after = event[at] + steps
        return Batch(before, at, self.products[after], self.strength[after] * np.float32(_FADE) ** (steps - 1).astype(np.float32))

    def batches(self, events: int, ahead: int, rng: np.random.Generator) -> Iterator[Batch]:
        """All windows once, in random order, alike in length within a batch, at most about `events` to look ahead from in each."""
        lengths = self.stops - self.starts - 1
        pool = max(1, round(_POOL * events * len(lengths) / max(int(lengths.sum()), 1)))
        order = rng.permutation(len(self))
        groups: list[Rows] = []
        for start in range(0, len(order), pool):
            some = order[start : start + pool]
            some = some[np.argsort(lengths[some], kind="stable")]
            groups += np.split(some, np.flatnonzero(np.diff(np.cumsum(lengths[some]) // events)) + 1)
        for at in rng.permutation(len(groups)).tolist():
            yield self.batch(groups[at], ahead)


def read(sequences: Sequence[tuple[Rows, NDArray[np.floating]]]) -> Read:
    """Sequences of products and of their strengths above 0, padded."""
    longest = max((len(products) for products, _ in sequences), default=0)
    out = Read(np.zeros((len(sequences), longest), np.int64), np.full((len(sequences), longest), SILENT, np.float32))
    for row, (products, strength) in enumerate(sequences):
        out.products[row, : len(products)] = products
        out.loud[row, : len(products)] = np.log(strength)
    return out


def windows(interactions: Interactions, place: Rows, longest: int) -> Windows:
    """Cut each user's events, from the newest back, so that each but the first is foreseen once, from at most `longest` before it.

    Parameters
    ----------
    place : (n,) the number of each product; events of products with a number below 0, and events against a product, are left out.
    """
    kept = interactions.take((interactions.values > 0) & (place[interactions.products] >= 0))
    begins = np.flatnonzero(np.diff(kept.users, prepend=-1))
    ends = np.append(begins[1:], len(kept))
    begins, ends = begins[ends - begins > 1], ends[ends - begins > 1]
    pieces = -(-(ends - begins - 1) // longest)
    which = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    stops = np.repeat(ends, pieces) - which * longest
    starts = np.maximum(np.repeat(begins, pieces), stops - longest - 1)
    return Windows(place[kept.products], kept.values.astype(np.float32), starts, stops)


def hold_out(whole: Windows, share: float, least: int, most: int, rng: np.random.Generator) -> tuple[Windows, Windows]:
    """The newest event of some windows is kept from learning: (what is left, windows whose last event alone is to be foreseen).

    Windows are chosen among those of three events and more; where that is fewer than `least` of them, none is.
    """
    candidates = np.flatnonzero(whole.stops - whole.starts > 2)
    number = min(most, round(share * len(candidates)))
    if number < least:
        return whole, Windows(whole.products, whole.strength, whole.starts[:0], whole.stops[:0])
    held = np.sort(rng.permutation(candidates)[:number])
    stops = whole.stops.copy()
    stops[held] -= 1
    left = Windows(whole.products, whole.strength, whole.starts, stops)
    return left, Windows(whole.products, whole.strength, whole.starts[held], whole.stops[held])


def liked(history: History, place: Rows, longest: int, sign: float = 1.0) -> tuple[Rows, NDArray[np.float64]]:
    """The newest events of a history for products (sign 1) or against them (−1): their numbers, −1 left out, and their strengths."""
    strength = sign * history.values
    known = place[history.products]
    kept = np.flatnonzero((strength > 0) & (known >= 0))[-longest:]
    return known[kept], strength[kept]
