"""Products whose photo and text do not go together, by how else both could be paired.

A low similarity says little by itself: a bland title ("Gift set") is like no photo. What counts is what it is low *beside*. A text that
fits some photos of the shop well, and its own not at all, is about something else; so is a photo that other texts fit well. With s the
similarity of a photo and its own text, t the mean of the 10 best that the text has with other photos, and g that of the photo with
other texts, the gap is w·t + (2 − w)·g − 2s. With w = 1 it is the measure of Conneau et al., "Word Translation Without Parallel Data",
ICLR 2018 (CSLS), with its sign turned; w = 1.25 listens more to the text, because it is the text that may be bland.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix

NEAREST = 10  # others that stand for what a text or a photo could be paired with
# 60 swaps of photos and 60 bland titles planted among one half of the fashion products, 5 times: of the 60 products listed first so many
# are swapped | bland with w = 1 .65 | .22, 1.25 .68 | .15, 1.5 .69 | .10; by the similarity alone .48 | .37. Without the bland ones .78,
# .76, .73 (.72) are swapped. 3 or 20 instead of 10 others: .67 | .16, .66 | .19.
TEXT_WEIGHT = 1.25
_BLOCK = 1_024  # photos that meet all texts at a time

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """What was found of m photos among n texts."""

    similarity: Floats  # (m,) of each photo and its own text
    gap: Floats  # (m,) see the module
    better: Floats  # (m,) the share of the other texts that fit the photo better than its own does


def compare_pairs(texts: Matrix, photos: Matrix, own: Rows) -> Compared:
    """How well photos go with their own texts, beside how well others would.

    Parameters
    ----------
    texts : (n, d) unit rows of one space, of n different products; n ≥ 2. photos : (m, d) unit rows.
    own : (m,) the row of each photo's own text.
    """
    n, m = len(texts), len(photos)
    similarity, better = np.zeros(m), np.zeros(m)
    of_photo = np.zeros(m)
    nearest = np.full((n, 0), -np.inf, np.float32)  # (n, 10 at most): the best similarities of each text with photos of others
    for rows, S in _blocks(texts, photos):
        at = np.arange(len(rows))
        mine = S[at, own[rows]].astype(np.float64)
        S[at, own[rows]] = -np.inf
        similarity[rows] = mine
        better[rows] = (mine[:, None] < S).sum(axis=1) / (n - 1)
        of_photo[rows] = _best(S, n - 1).mean(axis=1)
        nearest = _best(np.hstack([nearest, S.T]), nearest.shape[1] + len(rows))
    known = np.isfinite(nearest)
    of_text = np.where(known, nearest, 0).sum(axis=1, dtype=np.float64) / np.maximum(known.sum(axis=1), 1)
    gap = TEXT_WEIGHT * of_text[own] + (2 - TEXT_WEIGHT) * of_photo - 2 * similarity
    return Compared(similarity, gap, better)


def best_text(texts: Iterable[tuple[Sequence[str], Matrix]], photos: Matrix, own: Sequence[str]) -> list[str | None]:
    """The id whose text fits each photo (m, d) best, its own aside; None where there is no other.

    Parameters
    ----------
    texts : blocks of (ids, vectors (n, d)). own : (m,) the ids of the photos' products.
    """
    highest: NDArray[np.float32] = np.full(len(photos), -np.inf, np.float32)
    found: list[str | None] = [None] * len(photos)
    for ids, vectors in texts:
        place = {id: row for row, id in enumerate(ids)}
        S = photos @ vectors.T
        for photo, id in enumerate(own):
            if id in place:
                S[photo, place[id]] = -np.inf
            best = int(S[photo].argmax())
            if S[photo, best] > highest[photo]:
                highest[photo], found[photo] = S[photo, best], ids[best]
    return found


def _blocks(texts: Matrix, photos: Matrix) -> Iterator[tuple[Rows, Matrix]]:
    for start in range(0, len(photos), _BLOCK):
        rows = np.arange(start, min(len(photos), start + _BLOCK))
        yield rows, photos[rows] @ texts.T


def _best(S: Matrix, others: int) -> Matrix:
    """The largest values of each row, `NEAREST` of them or as many as there are `others`."""
    kept = min(NEAREST, others, S.shape[1])
    best: Matrix = np.partition(S, S.shape[1] - kept, axis=1)[:, S.shape[1] - kept :]
    return best
