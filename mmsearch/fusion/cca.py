"""Regularised canonical correlation analysis, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows

Float64 = NDArray[np.float64]

_CHUNK = 8_192  # rows that are in double precision at a time
_FLAT = 1e-12  # variance (of vectors of length 1) below which there is only rounding
_WEAKEST = 1e-3  # directions whose correlation is below this share of the first add nothing to a cosine


@dataclass(frozen=True)
class LinearMap:
    """x → unit((prepared(x) − mean) @ weight).

    `rooted`: the vectors are non-negative (those of a rectified CNN), and their square roots are used instead: a few
    strong activations no longer hide the rest (the Hellinger kernel; Perronnin et al. 2010, Arandjelović & Zisserman 2012).
    """

    mean: Matrix  # (d,)
    weight: Matrix  # (d, k)
    rooted: bool

    def __call__(self, X: Matrix) -> Matrix:
        """(n, d) → (n, k) unit rows; a zero row for a vector that equals the mean."""
        return unit_rows((_prepared(X, self.rooted) - self.mean) @ self.weight)


@dataclass(frozen=True)
class Canonical:
    """What `fit_cca` finds."""

    x: LinearMap
    y: LinearMap
    correlations: Matrix  # (k,) of the directions, falling


def fit_cca(X: Matrix, Y: Matrix, *, dim: int, reg: float, power: float = 1.0) -> Canonical | None:
    """Maps of two views into one space, where the two rows of a pair are near.

    With Cxx, Cyy and Cxy the covariances, both views are whitened with a ridge, (Cxx + reg·v̄x·I)^−½ where v̄x is the mean
    variance of a dimension (Vinod 1976); the singular vectors of the whitened Cxy are the canonical directions, its
    singular values c their shrunk correlations. Directions are weighted by c^power (Gong et al. 2014, arXiv 1212.4522).

    Parameters
    ----------
    X, Y : (n, dx) and (n, dy), rows of length 1; row i of both is one pair.
    dim : directions that are kept at most.
    reg : ridge, in units of the mean variance of a dimension.

    Returns
    -------
    None where the views share nothing: one of them is constant.
    """
    rooted_x, rooted_y = bool(X.min() >= 0), bool(Y.min() >= 0)
    mean_x, mean_y = _mean(X, rooted_x), _mean(Y, rooted_y)
    Kx, Ky = _whitening(X, rooted_x, mean_x, reg), _whitening(Y, rooted_y, mean_y, reg)
    if not Kx.size or not Ky.size:
        return None
    A, c, B = _singular(Kx.T @ _moment(X, rooted_x, mean_x, Y, rooted_y, mean_y) @ Ky)
    keep = (c > _WEAKEST * c[0]) & (np.arange(len(c)) < dim) if c[0] > _FLAT else np.zeros(len(c), bool)
    if not keep.any():
        return None
    weights = c[keep] ** power
    maps = [
        LinearMap(mean.astype(np.float32), (K @ V[:, keep] * weights).astype(np.float32), rooted)
        for mean, K, V, rooted in ((mean_x, Kx, A, rooted_x), (mean_y, Ky, B, rooted_y))
    ]
    return Canonical(maps[0], maps[1], c[keep].astype(np.float32))


def _prepared(X: Matrix, rooted: bool) -> Matrix:
    return unit_rows(np.sqrt(np.maximum(X, 0))) if rooted else X


def _mean(X: Matrix, rooted: bool) -> Float64:
    total = sum(_prepared(X[i : i + _CHUNK], rooted).sum(axis=0, dtype=np.float64) for i in range(0, len(X), _CHUNK))
    return np.asarray(total / len(X), np.float64)


def _moment(X: Matrix, rooted_x: bool, mean_x: Float64, Y: Matrix, rooted_y: bool, mean_y: Float64) -> Float64:
    """The cross-covariance (dx, dy), with a bounded part of the rows in double precision at a time."""
    total = np.zeros((X.shape[1], Y.shape[1]))
    for i in range(0, len(X), _CHUNK):
        rows = slice(i, i + _CHUNK)
        total += (_prepared(X[rows], rooted_x) - mean_x).T @ (_prepared(Y[rows], rooted_y) - mean_y)
    return total / len(X)


def _whitening(X: Matrix, rooted: bool, mean: Float64, reg: float) -> Float64:
    """K (d, r) with Kᵀ(C + reg·v̄·I)K = I on the principal axes of C that vary; r = 0 where nothing does."""
    n, d = X.shape
    if n < d:  # the same axes by the smaller Gram matrix
        centred = _prepared(X, rooted) - mean
        values, U = np.linalg.eigh(centred @ centred.T / n)
        kept = values > max(_FLAT, 1e-10 * values[-1])
        axes = centred.T @ (U[:, kept] / np.sqrt(n * values[kept]))
    else:
        values, V = np.linalg.eigh(_moment(X, rooted, mean, X, rooted, mean))
        kept = values > max(_FLAT, 1e-10 * values[-1])
        axes = V[:, kept]
    values = values[kept]
    return np.asarray(axes / np.sqrt(values + reg * values.sum() / d), np.float64)


def _singular(M: Float64) -> tuple[Float64, Float64, Float64]:
    """Singular vectors (p, r), values (r,) falling, and vectors (q, r), r = min(p, q), by the smaller Gram matrix.

    Several times as fast as a full decomposition; what it loses are values below 1e-8 of the first, which nobody keeps.
    """
    if M.shape[0] > M.shape[1]:
        B, c, A = _singular(M.T)
        return A, c, B
    values, A = np.linalg.eigh(M @ M.T)
    c, A = np.sqrt(np.maximum(values[::-1], 0)), A[:, ::-1]
    return A, c, (M.T @ A) / np.maximum(c, 1e-300)
