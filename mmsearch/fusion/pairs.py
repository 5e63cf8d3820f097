"""Pairs of a text and a photo that a space is learned from, and how pairs that were held out are found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Side
from mmsearch.fusion.category_texts import CategoryTexts
from mmsearch.fusion.further import Further
from mmsearch.fusion.tower_photos import Photos

Rows = NDArray[np.int64]

SIDES = ("text", "image")

_MOST_HELD = 500
_LEAST_HELD = 20
_HELD_QUERIES = 200  # held out in all, over repeated splits where one is small: few queries are a noisy measure
_MOST_SPLITS = 10


@dataclasses.dataclass(frozen=True)
class Pairs:
    """n products with a text and a photo; their categories, and what there is to learn from beside them."""

    texts: Side
    photos: Side
    named: CategoryTexts | None = None
    beside: Further | None = None
    below: Photos | None = None  # the photos below the blocks of their network that are trained, where any are

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Rows) -> Pairs:
        """Some of them; what is beside them stays."""
        named = None if self.named is None else self.named.take(rows)
        beside = None if self.beside is None else self.beside.take(rows)
        below = None if self.below is None else self.below.take(rows)
        return Pairs(self.texts.take(rows), self.photos.take(rows), named, beside, below)


def splits(n: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """Random splits of n pairs into kept and held out: a tenth, from 20 to 500, but never more than half."""
    held = min(_MOST_HELD, max(_LEAST_HELD, n // 10), n // 2)
    rng = np.random.default_rng(seed)
    for _ in range(min(_MOST_SPLITS, max(1, _HELD_QUERIES // held))):
        order = rng.permutation(n)
        yield np.sort(order[held:]), np.sort(order[:held])


def quality(recall: Mapping[str, Mapping[str, float]]) -> float:
    """One number to choose by: the mean reciprocal rank of both directions, the least noisy of those that are measured."""
    return float(np.mean([found["RR"] for found in recall.values()]))
