"""Regularised kernel canonical correlation analysis, in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

    def __call__(self, X: Seen, product: Callable[[Matrix, Matrix], Matrix] = np.matmul) -> Matrix:
        """Items (n) → (n, m), or (n, d) where there are no landmarks; `product` multiplies matrices."""
        seen = self.looked(X)
        if not len(self.landmarks):
            return seen.dense
        similar = seen.similarity(self.landmarks, product)
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
class Basis:
    """Functions at right angles and of length 1, as combinations of the features: b(x) = L⁻¹·features(x) with LLᵀ = K.

    K holds the inner products of the features' own functions: those of Gaussians at the landmarks, the unit matrix for the linear map. A
    ridge is the same for all of these functions. That is what lets sums of products be made in single precision: in the features themselves
    near-duplicates among the landmarks have functions whose ridge is below the rounding of the others.
    """

    features: Features
    inverse: Matrix | None  # L⁻¹ (m, m), in Fortran's order; None for the linear map
    variance: float  # of the view, in all; 0 for the linear map, which takes that of its covariance

    @staticmethod
    def of(features: Features) -> Basis:
        from scipy.linalg import cholesky
        from scipy.linalg.lapack import dtrtri

        if not len(features.landmarks):
            return Basis(features, None, 0.0)
        # Landmarks are rooted already. The variance of a Gaussian kernel: k(x, x) is 1, less the squared length of the mean.
        K = Features(False, features.landmarks, features.sharpness)(features.landmarks).astype(np.float64)
        variance = max(_LEAST_VARIANCE, 1 - float(K.mean()))
        K.flat[:: len(K) + 1] += _JITTER
        inverse, _ = dtrtri(cholesky(K, lower=True, check_finite=False), lower=1)
        return Basis(features, np.asfortranarray(inverse, np.float32), variance)

    def __call__(self, X: Seen) -> Matrix:
        """Items (n) → (n, m)."""
        from scipy.linalg.blas import strmm

        found = self.features(X, _product)
        return found if self.inverse is None else np.asarray(strmm(1.0, self.inverse, found.T, lower=1, overwrite_b=1).T)

    def ridge(self, C: Float64, reg: float) -> Float64:
        """What is added to the covariance of the functions (m, m): reg of the total variance."""
        return reg * (self.variance or float(np.trace(C))) * np.eye(len(C))

    def map(self, mean: Float64, weight: Float64) -> CanonicalMap:
        """x → unit((b(x) − mean) @ weight), by the features; (m,) and (m, k)."""
        if self.inverse is not None:
            mean, weight = solve(self.inverse.astype(np.float64), mean), self.inverse.T.astype(np.float64) @ weight
        return CanonicalMap(self.features, mean.astype(np.float32), weight.astype(np.float32))


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
    CCA: Hardoon et al. 2004), as functions at right angles (`Basis`). With C the covariance of these, a view is
    whitened by LLᵀ = C + reg·v·I, v being its total variance (the ridge of Vinod 1976); the singular vectors of the whitened
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
    bx, by = Basis.of(fx), Basis.of(fy)
    mean, C = _moments(bx, X, by, Y)
    mine = fx.width
    Lx, Ly = _ridged(bx, C[:mine, :mine], reg), _ridged(by, C[mine:, mine:], reg)
    A, c, B = _directions(solve(Ly, solve(Lx, C[:mine, mine:]).T).T, dim)
    if not len(c):
        return None
    weights = c**power
    x = bx.map(mean[:mine], solve(Lx, A * weights, transposed=True))
    y = by.map(mean[mine:], solve(Ly, B * weights, transposed=True))
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


def _moments(bx: Basis, X: Seen, by: Basis, Y: Seen) -> tuple[Float64, Float64]:
    """Mean (p + q,) and covariance (p + q, p + q) of the functions of both views side by side, in one pass over the pairs.

    Rows are centred by the mean of the first of them, which is near enough to that of all for what is left to be taken off afterwards.
    """
    mine, width = bx.features.width, bx.features.width + by.features.width
    about, sums, products = np.empty(0, np.float32), np.zeros(width), no_products(width)
    both = np.empty((min(_CHUNK, len(X)), width), np.float32)
    for rows in _chunks(len(X)):
        some = both[: rows.stop - rows.start]
        some[:, :mine], some[:, mine:] = bx(X[rows]), by(Y[rows])
        if not rows.start:
            about = some.mean(axis=0, dtype=np.float64).astype(np.float32)
        some -= about
        sums += some.sum(axis=0)
        add_products(products, some)
    off = sums / len(X)
    return about + off, symmetric(products) / len(X) - np.outer(off, off)


def _product(A: Matrix, B: Matrix) -> Matrix:
    """A @ B by scipy's library: it has threads of its own, and so has numpy's, and two that take turns wait for each other."""
    from scipy.linalg.blas import sgemm

    return np.asarray(sgemm(1.0, B, A.T, trans_a=1).T)  # BᵀAᵀ: nothing is copied where A lies by rows, and B by columns as `V.T` does


def no_products(width: int) -> Float64:
    """Where `add_products` adds up, (width, width)."""
    return np.zeros((width, width), order="F")


def add_products(total: Float64, rows: Matrix) -> None:
    """Add the inner products (p, p) of the columns of centred rows (n, p) to `total`, of which only the upper half is made.

    Single precision within a chunk and double over all of them: see `Basis`.
    """
    from scipy.linalg.blas import ssyrk

    total += ssyrk(1.0, rows.T)


def symmetric(upper: Float64) -> Float64:
    """The whole of what `add_products` added up."""
    return np.asarray(np.triu(upper) + np.triu(upper, 1).T)


def _ridged(basis: Basis, C: Float64, reg: float) -> Float64:
    """The Cholesky factor L (m, m) of the covariance with its ridge."""
    from scipy.linalg import cholesky

    return np.asarray(cholesky(C + basis.ridge(C, reg), lower=True, check_finite=False), np.float64)


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
