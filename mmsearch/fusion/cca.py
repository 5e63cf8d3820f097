"""Regularised kernel canonical correlation analysis, in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.views import Seen

Float64 = NDArray[np.float64]

_CHUNK = 4_096  # rows whose features are in memory at a time
_FLAT = 1e-5  # total variance (of vectors of length 1) below which differences are too near to the rounding of float32
_LEAST_VARIANCE = 1e-3  # of a kernel (at most 1), where all landmarks are the same
LEAST_REG = 1e-6  # ridge below which covariances of near-duplicates cannot be inverted
_JITTER = 1e-5  # on the diagonal (of ones) of a kernel matrix, which equal landmarks would make singular
_UNCORRELATED = 1e-6  # correlation that is rounding
_WEAKEST = 1e-3  # directions whose correlation is below this share of the first add nothing to a cosine


@dataclass(frozen=True)
class Features:
    """What a view is seen by: its Gaussian similarities to landmarks, or the vector itself where there are none.

    `rooted`: the vectors are non-negative (those of a rectified CNN), and their square roots are used instead: a few
    strong activations no longer hide the rest (the Hellinger kernel; Perronnin et al. 2010, Arandjelović & Zisserman 2012).
    """

    rooted: bool
    landmarks: Seen  # (m, d) unit rows, rooted if the vectors are; m = 0 for the linear map, which looks at `dense` alone
    sharpness: float  # γ of exp(−γ·‖x − landmark‖²)

    def __call__(self, X: Seen) -> Matrix:
        """Items (n) → (n, m), or (n, d) where there are no landmarks."""
        seen = self.looked(X)
        if not len(self.landmarks):
            return seen.dense
        similar = seen.similarity(self.landmarks)
        np.minimum(similar, 1, out=similar)  # of unit rows, whose squared distance is 2 − 2·cosine
        similar -= 1
        similar *= np.float32(2 * self.sharpness)
        return np.exp(similar, out=similar)

    @property
    def width(self) -> int:
        """How many there are of an item."""
        return len(self.landmarks) or self.landmarks.dense.shape[1]

    def looked(self, X: Seen) -> Seen:
        """Items as distances are measured between them."""
        return Seen(unit_rows(np.sqrt(np.maximum(X.dense, 0))), X.words) if self.rooted else X


@dataclass(frozen=True)
class CanonicalMap:
    """x → unit((features(x) − mean) @ weight)."""

    features: Features
    mean: Matrix  # (m,)
    weight: Matrix  # (m, k)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """Named arrays and JSON values, for a fuser's own. Words of landmarks as rows of a sparse matrix."""
        landmarks = self.features.landmarks
        arrays = {"landmarks": landmarks.dense, "mean": self.mean, "weight": self.weight}
        values: dict[str, Any] = {"rooted": self.features.rooted, "sharpness": self.features.sharpness}
        if landmarks.words is not None:
            arrays["words"] = landmarks.words.data.astype(np.float32)
            values["words"] = {
                "columns": landmarks.words.indices.tolist(),
                "starts": landmarks.words.indptr.tolist(),
                "of": landmarks.words.shape[1],
            }
        return arrays, values

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> CanonicalMap:
        """What `state` gave."""
        words = None
        if known := values.get("words"):
            from scipy.sparse import csr_array

            places = np.array(known["columns"], np.int32), np.array(known["starts"], np.int32)
            words = csr_array((arrays["words"], *places), shape=(len(known["starts"]) - 1, known["of"]))
        features = Features(values["rooted"], Seen(arrays["landmarks"], words), values["sharpness"])
        return CanonicalMap(features, arrays["mean"], arrays["weight"])

    def __call__(self, X: Seen) -> Matrix:
        """Items (n) → (n, k) unit rows; a zero row for one that equals the mean."""
        out = np.empty((len(X), self.weight.shape[1]), np.float32)
        for rows in _chunks(len(X)):
            out[rows] = unit_rows((self.features(X[rows]) - self.mean) @ self.weight)
        return out


@dataclass(frozen=True)
class Canonical:
    """What `fit_cca` finds."""

    x: CanonicalMap
    y: CanonicalMap
    correlations: Matrix  # (k,) of the directions, falling


def fit_cca(
    X: Seen, Y: Seen, *, dim: int, landmarks: int, reg: float, power: float = 1.0, seed: int = 0, among: int | None = None
) -> Canonical | None:
    """Maps of two views into one space, where the two rows of a pair are near.

    Each view is described by its Gaussian similarities to some of the pairs (Nyström: Williams & Seeger, NIPS 2000; kernel
    CCA: Hardoon et al. 2004). With C the covariance of that description and K the inner product of its functions, a view is
    whitened by LLᵀ = C + reg·v·K, v being its total variance (the ridge of Vinod 1976); the singular vectors of the whitened
    cross-covariance are the canonical directions, its singular values their shrunk correlations c. Directions are weighted
    by c^power (Gong et al. 2014, arXiv 1212.4522).

    Parameters
    ----------
    X, Y : n items each; row i of both is one pair.
    dim : directions that are kept at most.
    landmarks : pairs that serve as landmarks, at most; 0 for linear CCA.
    reg : ridge, as a share of the total variance; at least `LEAST_REG`.
    among : landmarks are chosen among the first so many pairs: further pairs of the same photos would be the same landmark twice.

    Returns
    -------
    None where the views share nothing: one of them is constant.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(X) if among is None else among)[:landmarks])
    fx, fy = described(X, chosen), described(Y, chosen)
    if fx is None or fy is None:
        return None
    mean, C = _moments(fx, X, fy, Y)
    mine = fx.width
    Lx, Ly = _ridged(fx, C[:mine, :mine], reg), _ridged(fy, C[mine:, mine:], reg)
    A, c, B = _directions(solve(Ly, solve(Lx, C[:mine, mine:]).T).T, dim)
    if not len(c):
        return None
    weights = c**power
    x = CanonicalMap(fx, mean[:mine].astype(np.float32), solve(Lx, A * weights, transposed=True).astype(np.float32))
    y = CanonicalMap(fy, mean[mine:].astype(np.float32), solve(Ly, B * weights, transposed=True).astype(np.float32))
    return Canonical(x, y, c.astype(np.float32))


def described(X: Seen, chosen: NDArray[np.int64]) -> Features | None:
    """How a view is seen, with its own bandwidth; None where it is constant. A kernel as wide as the data spread is the
    usual choice: γ = 1 / (2·tr C), one over the mean squared distance."""
    rooted = bool(X.dense.min() >= 0)
    looked = Features(rooted, X[:0], 0.0).looked
    seen = looked(X)
    # Of the linear map only what it looks at counts.
    total = (Seen(seen.dense) if not len(chosen) else seen).spread()
    if total < _FLAT:
        return None
    return Features(rooted, seen[chosen], 1 / (2 * total))


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, _CHUNK):
        yield slice(start, min(n, start + _CHUNK))


def _moments(fx: Features, X: Seen, fy: Features, Y: Seen) -> tuple[Float64, Float64]:
    """Mean (p + q,) and covariance (p + q, p + q) of the features of both views side by side, in one pass over the pairs.

    Rows are centred by the mean of the first of them, which is near enough to that of all for what is left to be taken off afterwards.
    """
    about, sums, products = np.empty(0), np.zeros(fx.width + fy.width), no_products(fx.width + fy.width)
    for rows in _chunks(len(X)):
        both = np.hstack([fx(X[rows]), fy(Y[rows])], dtype=np.float64)
        if not rows.start:
            about = both.mean(axis=0)
        both -= about
        sums += both.sum(axis=0)
        products = add_products(products, both)
    off = sums / len(X)
    return about + off, symmetric(products) / len(X) - np.outer(off, off)


def no_products(width: int) -> Float64:
    """Where `add_products` adds up, (width, width)."""
    return np.zeros((width, width), order="F")


def add_products(total: Float64, rows: Float64) -> Float64:
    """The inner products (p, p) of the columns of rows (n, p) added to `total`, in its own memory. In double precision: a ridge of 1e-5
    stands on their differences. Of the symmetric matrix only the upper half is made, which is half of the work.
    """
    from scipy.linalg.blas import dsyrk

    return np.asarray(dsyrk(1.0, rows.T, beta=1.0, c=total, overwrite_c=True))


def symmetric(upper: Float64) -> Float64:
    """The whole of what `add_products` added up."""
    return np.asarray(np.triu(upper) + np.triu(upper, 1).T)


def _metric(features: Features, C: Float64) -> tuple[Float64, float]:
    """What makes the length of a function of the features (m, m), and the total variance of the view.

    For the linear map the length is that of the coefficients; for a function Σ α_i·k(·, landmark_i) it is αᵀKα.
    """
    if not len(features.landmarks):
        return np.eye(len(C)), float(np.trace(C))
    # Landmarks are rooted already. The variance of a Gaussian kernel: k(x, x) is 1, less the squared length of the mean.
    K = Features(False, features.landmarks, features.sharpness)(features.landmarks).astype(np.float64)
    return (K + K.T) / 2 + _JITTER * np.eye(len(K)), max(_LEAST_VARIANCE, 1 - float(K.mean()))


def ridge_of(features: Features, C: Float64, reg: float) -> Float64:
    """What is added to the covariance of features (m, m): reg of the total variance, in the metric of their functions."""
    metric, variance = _metric(features, C)
    return reg * variance * metric


def _ridged(features: Features, C: Float64, reg: float) -> Float64:
    """The Cholesky factor L (m, m) of the covariance with its ridge."""
    factor: Float64 = np.linalg.cholesky(C + ridge_of(features, C, reg)).astype(np.float64)
    return factor


def solve(L: Float64, B: Float64, transposed: bool = False) -> Float64:
    """L⁻¹B, or L⁻ᵀB."""
    from scipy.linalg import solve_triangular

    return np.asarray(solve_triangular(L, B, lower=True, trans="T" if transposed else "N", check_finite=False), np.float64)


def _directions(M: Float64, dim: int) -> tuple[Float64, Float64, Float64]:
    """The first singular vectors (p, r), values (r,) falling, and vectors (q, r), by the smaller Gram matrix.

    Several times as fast as a full decomposition; what it loses are values below 1e-8 of the first, which nobody keeps.
    """
    from scipy.linalg import eigh

    if M.shape[0] > M.shape[1]:
        B, c, A = _directions(M.T, dim)
        return A, c, B
    p = len(M)
    values, A = eigh(M @ M.T, subset_by_index=(max(0, p - dim), p - 1))
    c = np.sqrt(np.maximum(values[::-1], 0))
    c = c[c > max(_WEAKEST * c[0], _UNCORRELATED)]
    A = A[:, ::-1][:, : len(c)]
    return A, c, (M.T @ A) / c
