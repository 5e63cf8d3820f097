"""Regularised generalised canonical correlation analysis of any number of views, where a product may lack any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix

Float64 = NDArray[np.float64]
Rows = NDArray[np.int64]

_CHUNK = 2_048  # products whose features of all views are in memory at a time
_UNCORRELATED = 1e-6  # correlation that is rounding
_WEAKEST = 1e-3  # directions whose correlation is below this share of the first add nothing to a cosine


@dataclass(frozen=True)
class View:
    """One modality of n products, by features that are made when they are needed."""

    present: NDArray[np.bool_]  # (n,) which products have it
    features: Callable[[Rows], Matrix | Float64]  # (r,) rows of products that have it → (r, m)
    ridge: Callable[[Float64], Float64]  # the covariance of the features (m, m) → what is added to it


@dataclass(frozen=True)
class Shared:
    """What `fit_gcca` finds: features f of a view are mapped to (f − mean) @ weight."""

    means: dict[str, Float64]  # view → (m,)
    weights: dict[str, Float64]  # view → (m, k)
    correlations: Float64  # (k,) of the directions, falling: 1 where all that a product has agree, 0 where they are unrelated


def teaching(present: Mapping[str, NDArray[np.bool_]]) -> Rows:
    """Products that have two of the views or more, rising: the others teach nothing of how views go together."""
    return np.flatnonzero(np.sum(list(present.values()), axis=0) > 1)


def fit_gcca(views: Mapping[str, View], *, dim: int, power: float = 1.0) -> Shared | None:
    """Directions along which everything that a product has agrees.

    With N_p the number of views of product p, z_pi what a map makes of its view i, and the sums over the products that have
    two views or more, the maps maximise

        Σ_p 1/N_p · Σ_{i≠j} z_pi·z_pj     while     Σ_p (1 − 1/N_p) · Σ_i z_pi² = 1,

    where the ridge of a view counts in its z². The quotient is the mean correlation of a direction, whatever products lack: 1 where all
    agree and 0 where nothing does. Where nothing is missing that is the MAXVAR analysis of Kettenring (Biometrika 1971), with the ridge
    of Bach & Jordan (JMLR 2002), and of two views the canonical correlation analysis of `mmsearch.fusion.cca.fit_cca`. For missing
    views van de Velden & Bijmolt (Psychometrika 2006) take the eigenvectors of AᵀN⁻¹A, A being the whitened features side by side,
    zero where a view is missing. There a direction that correlates nothing has the value 1/N, more where products have less, so
    that noise of products with two views passes for agreement of those with three; without the diagonal blocks of the
    matrix it has 0 everywhere.

    A view that few products have joins the directions of the others, and hardly turns them: a direction is worth as much as it explains
    over all products.

    Parameters
    ----------
    views : name → view, all of the same n products; two at least.
    dim : directions that are kept at most.
    power : directions are weighted by their correlation to this power.

    Returns
    -------
    None where nothing is shared: no product has two views, or none of the directions correlates.

    Memory: the square of all features together (3,000 of them: 70 MB for each number of views that products have), and features of
    2,048 products at a time.
    """
    if len(views) < 2:
        raise ValueError(f"at least two views are needed, not {len(views)}")
    names = list(views)
    rows = teaching({name: view.present for name, view in views.items()})
    views = {name: view for name, view in views.items() if view.present[rows].any()}
    if len(views) < 2:
        return None
    means = {name: _mean(view, rows) for name, view in views.items()}
    places = _places({name: len(mean) for name, mean in means.items()})
    sums = _moments(views, means, places, rows)
    factors: dict[str, Float64] = {}
    for name, view in views.items():
        block = places[name]
        total = sum((1 - 1 / count) * found[block, block] for count, found in sums.items())
        # In all it weighs W; the covariance is total / W.
        W = float(np.sum(1 - 1 / _counts(views)[np.intersect1d(rows, np.flatnonzero(view.present))]))
        C = np.asarray(total / W, np.float64)
        factors[name] = np.sqrt(W) * np.linalg.cholesky(C + view.ridge(C))
    M = sum(found / count for count, found in sums.items())
    found = _directions(_whitened(np.asarray(M), places, factors), dim)
    if found is None:
        return None
    V, c = found
    weights = {name: _solve(factors[name], V[block] * c**power, transposed=True) for name, block in places.items()}
    return Shared(means, {name: weights[name] for name in names if name in weights}, c)


def _counts(views: Mapping[str, View]) -> NDArray[np.int64]:
    """How many views each product has, (n,)."""
    return np.sum([view.present for view in views.values()], axis=0, dtype=np.int64)


def _pieces(rows: Rows) -> Iterator[Rows]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _mean(view: View, rows: Rows) -> Float64:
    """Of the features over the products that teach, (m,)."""
    here = rows[view.present[rows]]
    return np.asarray(sum(view.features(some).sum(axis=0, dtype=np.float64) for some in _pieces(here)) / len(here), np.float64)


def _places(widths: Mapping[str, int]) -> dict[str, slice]:
    """Where the features of each view stand, side by side."""
    ends = np.cumsum(list(widths.values())).tolist()
    return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}


def _moments(views: Mapping[str, View], means: Mapping[str, Float64], places: Mapping[str, slice], rows: Rows) -> dict[int, Float64]:
    """Number of views → Σ of the outer products of the centred features (Σm, Σm) over the products that have so many.

    Apart by their number, so that one pass gives the covariances and the sums that are divided by it.
    """
    width = max(block.stop for block in places.values())
    counts = _counts(views)[rows]
    sums = {}
    for count in np.unique(counts).tolist():
        total = np.zeros((width, width))
        for some in _pieces(rows[counts == count]):
            side_by_side = np.zeros((len(some), width))
            for name, view in views.items():
                here = view.present[some]
                side_by_side[here, places[name]] = view.features(some[here]) - means[name] if here.any() else 0
            total += side_by_side.T @ side_by_side
        sums[count] = total
    return sums


def _whitened(M: Float64, places: Mapping[str, slice], factors: Mapping[str, Float64]) -> Float64:
    """L_i⁻¹ M_ij L_j⁻ᵀ, and zeros on the diagonal blocks."""
    out = np.zeros_like(M)
    names = list(places)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            half = _solve(factors[one], M[places[one], places[other]])
            block = _solve(factors[other], half.T).T
            out[places[one], places[other]] = block
            out[places[other], places[one]] = block.T
    return out


def _directions(M: Float64, dim: int) -> tuple[Float64, Float64] | None:
    """The first eigenvectors (Σm, k) and their values (k,), falling; None where nothing correlates."""
    from scipy.linalg import eigh

    values, V = eigh(M, subset_by_index=(max(0, len(M) - dim), len(M) - 1))
    c = values[::-1]
    kept = int((c > max(_WEAKEST * c[0], _UNCORRELATED)).sum())
    return (V[:, ::-1][:, :kept], c[:kept]) if kept else None


def _solve(L: Float64, B: Float64, transposed: bool = False) -> Float64:
    """L⁻¹B, or L⁻ᵀB."""
    from scipy.linalg import solve_triangular

    return np.asarray(solve_triangular(L, B, lower=True, trans="T" if transposed else "N", check_finite=False), np.float64)
