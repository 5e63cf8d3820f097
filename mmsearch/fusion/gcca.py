"""Regularised generalised canonical correlation analysis of any number of views, where a product may lack any of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix
from mmsearch.fusion.cca import LEAST_REG, Basis, CanonicalMap, add_products, described, no_products, solve, symmetric
from mmsearch.fusion.views import Seen

Float64 = NDArray[np.float64]
Rows = NDArray[np.int64]

_CHUNK = 2_048  # products whose features of all views are in memory at a time
_UNCORRELATED = 1e-6  # correlation that is rounding
_WEAKEST = 1e-3  # directions whose correlation is below this share of the first add nothing to a cosine
_WIDEST = 3_000  # landmarks of all modalities together: the time of a fit grows with their cube


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
    rows = teaching({name: view.present for name, view in views.items()})
    views = {name: view for name, view in views.items() if view.present[rows].any()}
    if len(views) < 2:
        return None
    means = {name: _mean(view, rows) for name, view in views.items()}
    places = _places({name: len(mean) for name, mean in means.items()})
    sums = _moments(views, means, places, rows)
    counts = _counts(views)
    factors: dict[str, Float64] = {}
    scales: dict[str, float] = {}
    for name, view in views.items():
        block = places[name]
        W = float(np.sum(1 - 1 / counts[rows[view.present[rows]]]))
        C = np.asarray(sum((1 - 1 / count) * found[block, block] for count, found in sums.items()) / W, np.float64)
        factors[name] = np.linalg.cholesky(C + view.ridge(C)).astype(np.float64)
        scales[name] = math.sqrt(W)
    M = np.asarray(sum(found / count for count, found in sums.items()), np.float64)
    found = _directions(_whitened(M, places, factors, scales), dim)
    if found is None:
        return None
    V, c = found
    V = math.sqrt(len(views)) * V  # so that what all views share equally has variance 1
    return Shared(means, {name: solve(factors[name], V[block] * c**power, transposed=True) for name, block in places.items()}, c)


@dataclass(frozen=True)
class Items:
    """The items of one modality and whose they are: item i belongs to product `of[i]`, and no product has two."""

    seen: Seen  # (m,)
    of: Rows  # (m,)


def fit_maps(
    items: Mapping[str, Items],
    *,
    among: int,
    dim: int,
    landmarks: int,
    reg: float | None = None,
    power: float = 1.0,
    seed: int = 0,
) -> tuple[dict[str, CanonicalMap], Float64] | None:
    """Maps of every modality into one space by `fit_gcca`, each described as `mmsearch.fusion.cca.fit_cca` does.

    Parameters
    ----------
    items : modality → its items; products are counted from 0.
    among : the products below this number can be landmarks, and their number is what the ridge goes by; those from it on are
        further texts of the same photos, which would be the same landmark twice.
    landmarks : at most so many a modality, 3,000 over all; 0 for the linear analysis.
    reg : ridge of each modality, as a share of its total variance; None is one over its products that have another modality, too.

    Returns
    -------
    The maps, and the correlations of the directions (k,); None where nothing is shared. A modality that is constant has no map.
    """
    n = 1 + max(int(one.of.max(initial=-1)) for one in items.values())
    places = {m: _inverse(one.of, n) for m, one in items.items()}
    rows = teaching({m: at >= 0 for m, at in places.items()})
    rows = rows[rows < among]
    shuffled = rows[np.random.default_rng(seed).permutation(len(rows))]
    most = min(landmarks, _WIDEST // len(items))
    views: dict[str, View] = {}
    bases: dict[str, Basis] = {}
    for m, one in items.items():
        at = places[m]
        mine = shuffled[at[shuffled] >= 0]
        features = described(one.seen, at[np.sort(mine[:most])]) if len(mine) else None
        if features is None:
            continue
        bases[m] = Basis.of(features)
        share = reg if reg is not None else max(LEAST_REG, 1 / len(mine))
        views[m] = View(at >= 0, _looking(bases[m], one.seen, at), functools.partial(bases[m].ridge, reg=share))
    found = fit_gcca(views, dim=dim, power=power) if len(views) > 1 else None
    if found is None:
        return None
    return {m: bases[m].map(found.means[m], weight) for m, weight in found.weights.items()}, found.correlations


def _inverse(of: Rows, n: int) -> Rows:
    """Product → its item (n,), −1 where it has none."""
    at = np.full(n, -1)
    at[of] = np.arange(len(of))
    return at


def _looking(basis: Basis, seen: Seen, at: Rows) -> Callable[[Rows], Matrix]:
    return lambda rows: basis(seen[at[rows]])


def _counts(views: Mapping[str, View]) -> NDArray[np.int64]:
    """How many views each product has, (n,)."""
    return np.asarray(np.sum([view.present for view in views.values()], axis=0), np.int64)


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
        total = no_products(width)
        for some in _pieces(rows[counts == count]):
            side_by_side = np.zeros((len(some), width), np.float32)
            for name, view in views.items():
                here = view.present[some]
                side_by_side[here, places[name]] = view.features(some[here]) - means[name] if here.any() else 0
            add_products(total, side_by_side)
        sums[count] = symmetric(total)
    return sums


def _whitened(M: Float64, places: Mapping[str, slice], factors: Mapping[str, Float64], scales: Mapping[str, float]) -> Float64:
    """L_i⁻¹ M_ij L_j⁻ᵀ, divided by the scales of both, and zeros on the diagonal blocks."""
    out = np.zeros_like(M)
    names = list(places)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            half = solve(factors[one], M[places[one], places[other]])
            block = solve(factors[other], half.T).T / (scales[one] * scales[other])
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
