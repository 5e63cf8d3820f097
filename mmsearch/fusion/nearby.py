"""Pairs of vectors that are nearly the same, among any number of them, exactly and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix

Half = NDArray[np.float16]
Rows = NDArray[np.int64]

_DIRECTIONS = 64  # in which vectors are compared first
_SAMPLE = 4_096  # rows that these directions are found by
_BLOCK = 2_048  # rows that meet so many others at a time: 16 MB of distances
_CHECKED = 8_192  # pairs whose whole vectors are in memory at a time
_MARGIN = 1e-3  # what rounding may add to a squared distance


def near_pairs(X: Half, least: float) -> Iterator[tuple[Rows, Rows, Matrix]]:
    """The pairs i < j whose cosine is at least `least`, as blocks of (i, j, cosine), each (p,).

    Vectors are compared by their 64 first principal components alone at first. Their distance there is never larger than their whole
    distance, so that no pair is lost; whole vectors are looked at only for those pairs that are near there.

    Parameters
    ----------
    X : (n, d) unit rows; of half precision, so that a hundred thousand photos fit into memory. Cosines are right to about 1e-4.
    least : cosine, in (0, 1].
    """
    low = _principal(X)
    squared = np.square(low).sum(axis=1)
    limit = 2 - 2 * least + _MARGIN
    for top in range(0, len(X), _BLOCK):
        mine, lengths = low[top : top + _BLOCK], squared[top : top + _BLOCK, None]
        for left in range(top, len(X), _BLOCK):
            near = lengths + squared[None, left : left + _BLOCK] - 2 * (mine @ low[left : left + _BLOCK].T) <= limit
            if left == top:
                near = np.triu(near, 1)
            i, j = np.nonzero(near)
            for start in range(0, len(i), _CHECKED):
                one, other = top + i[start : start + _CHECKED], left + j[start : start + _CHECKED]
                cosine = np.einsum("ij,ij->i", X[one].astype(np.float32), X[other].astype(np.float32))
                good = cosine >= least
                if good.any():
                    yield one[good], other[good], cosine[good]


def _principal(X: Half) -> Matrix:
    """(n, d) → (n, 64 at most), centred and turned: distances shrink, and least so for what differs most."""
    chosen = np.linspace(0, len(X) - 1, min(len(X), _SAMPLE)).astype(np.int64)
    sample = X[chosen].astype(np.float32)
    mean = sample.mean(axis=0) if len(sample) else np.zeros(X.shape[1], np.float32)
    centred = sample - mean
    _, turned = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    basis = turned[:, ::-1][:, :_DIRECTIONS].astype(np.float32)
    out = np.empty((len(X), basis.shape[1]), np.float32)
    for start in range(0, len(X), _CHECKED):
        out[start : start + _CHECKED] = (X[start : start + _CHECKED].astype(np.float32) - mean) @ basis
    return out
