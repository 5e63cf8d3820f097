"""Regularised canonical correlation: against the textbook, and where data degenerate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm

from mmsearch.fusion import cca
from mmsearch.fusion.cca import Canonical, CanonicalMap, fit_cca
from mmsearch.fusion.views import Seen, Vocabulary


def two_views(n: int = 300, seed: int = 0, noise: float = 0.3, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows (n, 12) and (n, 17) that share six latent numbers."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 6))
    views = []
    for dim in (12, 17):
        X = Z @ rng.normal(size=(6, dim)) + noise * rng.normal(size=(n, dim)) + shift
        views.append((X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32))
    return views[0], views[1]


def fit(X: np.ndarray, Y: np.ndarray, **options: Any) -> Canonical | None:
    return fit_cca(Seen(X), Seen(Y), **options)


def hits(found: Canonical, X: np.ndarray, Y: np.ndarray) -> float:
    return float(((found.x(Seen(X)) @ found.y(Seen(Y)).T).argmax(axis=1) == np.arange(len(X))).mean())


def test_linear_correlations_equal_the_textbook() -> None:
    X, Y = two_views()
    reg = 0.01
    found = fit(X, Y, dim=12, landmarks=0, reg=reg)
    assert found is not None
    A, B = (V.astype(float) - V.mean(axis=0) for V in (X, Y))
    covariances = [V.T @ V / len(V) for V in (A, B)]
    roots = [np.linalg.inv(sqrtm(C + reg * np.trace(C) * np.eye(len(C))).real) for C in covariances]
    expected = np.linalg.svd(roots[0] @ (A.T @ B / len(A)) @ roots[1], compute_uv=False)
    np.testing.assert_allclose(found.correlations, expected[: len(found.correlations)], atol=1e-4)


def test_canonical_variates_are_correlated_one_by_one() -> None:
    X, Y = two_views()
    found = fit(X, Y, dim=6, landmarks=0, reg=1e-6, power=0)
    assert found is not None
    U, V = ((map.features(Seen(S)) - map.mean) @ map.weight for map, S in ((found.x, X), (found.y, Y)))
    np.testing.assert_allclose(U.T @ U / len(U), np.eye(6), atol=1e-3)
    np.testing.assert_allclose(U.T @ V / len(U), np.diag(found.correlations), atol=1e-3)


@pytest.mark.parametrize("landmarks", [0, 100, 1000])
def test_unseen_pairs_find_each_other(landmarks: int) -> None:
    X, Y = two_views(700, noise=0.05)
    found = fit(X[:500], Y[:500], dim=6, landmarks=landmarks, reg=1e-4)
    assert found is not None and hits(found, X[500:], Y[500:]) > 0.95


def test_the_kernel_sees_what_no_linear_map_can() -> None:
    """One view tells the angle, the other twice the angle: uncorrelated, yet one decides the other."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 400)
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    Y = np.stack([np.cos(2 * angle), np.sin(2 * angle)], axis=1).astype(np.float32)
    linear, kernel = (fit(X, Y, dim=2, landmarks=m, reg=1e-3) for m in (0, 200))
    assert linear is not None and linear.correlations[0] < 0.2
    assert kernel is not None and kernel.correlations[1] > 0.9


@pytest.mark.parametrize("landmarks", [0, 80])
def test_the_power_weights_directions_by_their_correlation(landmarks: int) -> None:
    X, Y = two_views()
    plain, weighted = (fit(X, Y, dim=8, landmarks=landmarks, reg=0.01, power=p) for p in (0, 2))
    assert plain is not None and weighted is not None
    ratio = np.linalg.norm(weighted.x.weight, axis=0) / np.linalg.norm(plain.x.weight, axis=0)
    np.testing.assert_allclose(ratio, plain.correlations**2, rtol=1e-3)


@pytest.mark.parametrize("landmarks", [0, 50])
def test_the_result_does_not_depend_on_how_rows_are_chunked(monkeypatch: pytest.MonkeyPatch, landmarks: int) -> None:
    X, Y = two_views()
    whole = fit(X, Y, dim=4, landmarks=landmarks, reg=0.01)
    monkeypatch.setattr(cca, "_CHUNK", 7)
    pieces = fit(X, Y, dim=4, landmarks=landmarks, reg=0.01)
    assert whole is not None and pieces is not None
    np.testing.assert_allclose(whole.x(Seen(X)) @ whole.y(Seen(Y)).T, pieces.x(Seen(X)) @ pieces.y(Seen(Y)).T, atol=1e-3)


def test_non_negative_vectors_are_rooted_and_others_are_not() -> None:
    X, Y = two_views(shift=0.0)
    found = fit(np.abs(X), Y, dim=4, landmarks=50, reg=0.01)
    assert found is not None and found.x.features.rooted and not found.y.features.rooted
    rows = np.float32([[-1e-8] + [0.3] * 11])  # rounding below zero has no square root
    assert np.isfinite(found.x(Seen(rows))).all()


@pytest.mark.parametrize("landmarks", [0, 1000])
@pytest.mark.parametrize("n", [2, 5, 30])
def test_fewer_pairs_than_dimensions(n: int, landmarks: int) -> None:
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(n, d)).astype(np.float32) for d in (60, 90))
    X, Y = (V / np.linalg.norm(V, axis=1, keepdims=True) for V in (X, Y))
    found = fit(X, Y, dim=40, landmarks=landmarks, reg=1 / n)
    assert found is not None and len(found.correlations) <= max(1, min(n, 40))
    assert np.isfinite(found.x(Seen(X))).all() and hits(found, X, Y) == 1


@pytest.mark.parametrize("landmarks", [0, 1000])
def test_one_title_on_many_products(landmarks: int) -> None:
    X, Y = two_views(200)
    X[:150] = X[0]
    found = fit(X, Y, dim=8, landmarks=landmarks, reg=1 / 200)
    assert found is not None
    for projected in (found.x(Seen(X)), found.y(Seen(Y))):
        assert np.isfinite(projected).all()
        np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("landmarks", [0, 1000])
def test_a_constant_view_shares_nothing(landmarks: int) -> None:
    X, Y = two_views(60)
    assert fit(np.repeat(X[:1], 60, axis=0), Y, dim=8, landmarks=landmarks, reg=0.1) is None
    assert fit(X, np.repeat(Y[:1], 60, axis=0), dim=8, landmarks=landmarks, reg=0.1) is None
    assert fit(X[:1], Y[:1], dim=8, landmarks=landmarks, reg=0.1) is None


def test_one_different_product_among_equal_ones() -> None:
    """Landmarks may all be the same one: nothing is left to tell apart, and nothing breaks."""
    X, Y = two_views(60)
    X[1:] = X[1]
    for seed in range(20):
        found = fit(X, Y, dim=8, landmarks=3, reg=1 / 60, seed=seed)
        assert found is None or np.isfinite(found.x(Seen(X))).all()


@pytest.mark.parametrize("landmarks", [0, 1000])
def test_the_smallest_ridge_that_is_allowed(landmarks: int) -> None:
    X, Y = two_views(100)
    X[50:], Y[50:] = X[:50], Y[:50]  # every product twice
    found = fit(X, Y, dim=8, landmarks=landmarks, reg=cca.LEAST_REG)
    assert found is not None and np.isfinite(found.x(Seen(X))).all()


def test_single_precision_is_enough_where_landmarks_are_nearly_the_same() -> None:
    """Correlations as the textbook has them in double precision, from the features themselves."""
    X, Y = (np.repeat(V, 8, axis=0) + 1e-4 * np.random.default_rng(1).normal(size=(800, V.shape[1])) for V in two_views(100))
    X, Y = ((V / np.linalg.norm(V, axis=1, keepdims=True)).astype(np.float32) for V in (X, Y))
    reg = 1e-5
    found = fit(X, Y, dim=40, landmarks=300, reg=reg)
    assert found is not None
    features = [map.features(Seen(V)).astype(float) for map, V in ((found.x, X), (found.y, Y))]
    A, B = (F - F.mean(axis=0) for F in features)
    factors = []
    for map, F in ((found.x, A), (found.y, B)):
        K = map.features(map.features.landmarks).astype(float)
        factors.append(np.linalg.cholesky(F.T @ F / len(F) + reg * (1 - K.mean()) * (K + cca._JITTER * np.eye(len(K)))))
    whitened = np.linalg.solve(factors[1], np.linalg.solve(factors[0], A.T @ B / len(A)).T).T
    expected = np.linalg.svd(whitened, compute_uv=False)
    np.testing.assert_allclose(found.correlations, expected[: len(found.correlations)], atol=2e-3)


def test_words_join_what_vectors_do_not() -> None:
    """The vectors of the texts say nothing of the photos; their words do, also after a round trip through the state."""
    rng = np.random.default_rng(0)
    words = [f"kind{i % 8} shade{i // 8 % 5}" for i in range(400)]
    photos = np.array([np.eye(13)[[i % 8, 8 + i // 8 % 5]].sum(axis=0) for i in range(400)]) + 0.1 * rng.normal(size=(400, 13))
    Y = (photos / np.linalg.norm(photos, axis=1, keepdims=True)).astype(np.float32)
    X = rng.normal(size=(400, 10)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    vocabulary = Vocabulary.learn(words)
    assert vocabulary is not None
    seen = Seen(X, vocabulary(words))
    found, blind = (fit_cca(x[:300], Seen(Y[:300]), dim=12, landmarks=150, reg=1 / 300) for x in (seen, Seen(X)))
    assert found is not None and blind is not None
    kinds = np.array(words)

    def right(map: CanonicalMap, x: Seen, y: CanonicalMap) -> float:
        return float((kinds[300:][(map(x[300:]) @ y(Seen(Y[300:])).T).argmax(axis=1)] == kinds[300:]).mean())

    assert right(found.x, seen, found.y) > 0.9 > 0.3 > right(blind.x, Seen(X), blind.y)
    again = CanonicalMap.restored(*found.x.state())
    np.testing.assert_allclose(again(seen), found.x(seen), atol=1e-6)


def test_landmarks_come_from_the_first_pairs() -> None:
    X, Y = two_views(200)
    found = fit(X, Y, dim=4, landmarks=30, reg=0.01, among=50)
    assert found is not None
    own = found.x.features.landmarks.dense
    assert len(own) == 30 and (own @ X[:50].T > 1 - 1e-5).any(axis=1).all()
