"""Generalised canonical correlation: equal to that of two views, and what missing views and odd data do to it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.fusion import gcca
from mmsearch.fusion.base import unit_rows
from mmsearch.fusion.cca import LEAST_REG, CanonicalMap, fit_cca
from mmsearch.fusion.gcca import Items, View, fit_gcca, fit_maps, teaching
from mmsearch.fusion.views import Seen

DIMS = {"text": 12, "image": 17, "audio": 9, "video": 14}


class World:
    """Products are six latent numbers; every modality is a noisy linear view of them, or of some of them."""

    def __init__(self, seed: int = 0, noise: float = 0.3, latent: int = 6):
        self.rng, self.noise, self.latent = np.random.default_rng(seed), noise, latent
        self.to = {m: self.rng.normal(size=(latent, dim)) for m, dim in DIMS.items()}

    def views(self, n: int, *modalities: str) -> dict[str, np.ndarray]:
        Z = self.rng.normal(size=(n, self.latent))
        noise = {m: self.noise * self.rng.normal(size=(n, DIMS[m])) for m in modalities}
        return {m: unit_rows(Z @ self.to[m] + noise[m]) for m in modalities}


def items(views: dict[str, np.ndarray], present: dict[str, np.ndarray] | None = None) -> dict[str, Items]:
    rows = {m: np.arange(len(X)) if present is None else np.flatnonzero(present[m]) for m, X in views.items()}
    return {m: Items(Seen(X[rows[m]]), rows[m]) for m, X in views.items()}


def fitted(
    views: dict[str, np.ndarray], present: dict[str, np.ndarray] | None = None, *, dim: int = 6, landmarks: int = 0, **more: float
) -> tuple[dict[str, CanonicalMap], np.ndarray]:
    n = len(next(iter(views.values())))
    found = fit_maps(items(views, present), among=n, dim=dim, landmarks=landmarks, **more)  # type: ignore[arg-type]
    assert found is not None
    return found


def hits(maps: dict[str, CanonicalMap], views: dict[str, np.ndarray], one: str, other: str) -> float:
    """How often the first finds its product's second among all."""
    similarity = maps[one](Seen(views[one])) @ maps[other](Seen(views[other])).T
    return float((similarity.argmax(axis=1) == np.arange(len(similarity))).mean())


@given(
    seed=st.integers(0, 1000),
    n=st.integers(40, 200),
    landmarks=st.sampled_from([0, 30, 500]),
    noise=st.floats(0.05, 1.0),
    reg=st.floats(1e-3, 0.1),
    power=st.sampled_from([0.0, 1.0, 2.0]),
)
@settings(max_examples=25, deadline=None)
def test_of_two_views_it_is_canonical_correlation(seed: int, n: int, landmarks: int, noise: float, reg: float, power: float) -> None:
    """Same correlations, and maps that are the same up to signs: cosines within and between the views are equal."""
    views = World(seed, noise).views(n, "text", "image")
    X, Y = (Seen(views[m]) for m in ("text", "image"))
    two = fit_cca(X, Y, dim=5, landmarks=landmarks, reg=reg, power=power)
    assert two is not None
    maps, correlations = fitted(views, dim=5, landmarks=landmarks, reg=reg, power=power)
    np.testing.assert_allclose(correlations, two.correlations, atol=1e-5)
    if (-np.diff(two.correlations)).min() < 1e-3:  # equal correlations: any rotation of their directions is as good
        return
    for one, other in ((two.x, maps["text"]), (two.y, maps["image"])):
        signs = np.sign((one.weight * other.weight).sum(axis=0))
        np.testing.assert_allclose(other.weight * signs, one.weight, atol=1e-2 * np.abs(one.weight).max())
    ours, theirs = maps["text"](X) @ maps["image"](Y).T, two.x(X) @ two.y(Y).T
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_of_complete_views_it_is_the_maxvar_analysis() -> None:
    """The eigenvectors of AᵀA for the whitened views A side by side, whose values are (1 + (V − 1)c)/V (Kettenring 1971)."""
    views = World().views(400, "text", "image", "audio")
    maps, correlations = fitted(views, reg=1e-6, power=0.0)
    centred = [X - X.mean(axis=0, dtype=np.float64) for X in views.values()]
    whitened = [np.linalg.svd(X, full_matrices=False)[0] for X in centred]
    values, V = np.linalg.eigh(np.hstack(whitened).T @ np.hstack(whitened) / 3)
    np.testing.assert_allclose(correlations, (3 * values[::-1][:6] - 1) / 2, atol=1e-3)
    scores = [(X @ maps[m].weight).astype(np.float64) for m, X in zip(views, centred, strict=True)]
    ours, theirs = (np.linalg.qr(S)[0] for S in (sum(scores), np.hstack(whitened) @ V[:, ::-1][:, :6]))
    np.testing.assert_allclose(np.linalg.svd(ours.T @ theirs, compute_uv=False), 1, atol=1e-3)


@given(seed=st.integers(0, 1000), lacking=st.floats(0, 0.7), landmarks=st.sampled_from([0, 40]))
@settings(max_examples=20, deadline=None)
def test_correlations_are_what_the_quotient_says(seed: int, lacking: float, landmarks: int) -> None:
    """Of the maps found, the agreement within products over what they weigh, ridge included, is the correlation of each direction."""
    world = World(seed)
    views = world.views(120, "text", "image", "audio")
    present = {m: world.rng.random(120) >= lacking for m in views}
    seen = {m: View(present[m], lambda rows, X=X: X[rows].astype(np.float64), lambda C: 0.05 * np.eye(len(C))) for m, X in views.items()}
    found = fit_gcca(seen, dim=4, power=0.0)
    if found is None:
        assert len(teaching(present)) < 4
        return
    count = np.sum(list(present.values()), axis=0)
    teach = count > 1
    Z, ridges = {}, 0.0
    for m in found.weights:
        here = present[m] & teach
        W = (1 - 1 / count[here]).sum()
        # The scales of the views are those of their weights: a view of fewer products is scaled up, to variance 1 among its own.
        Z[m] = np.where(here[:, None], (views[m] - found.means[m]) @ found.weights[m], 0) / np.sqrt(W)
        ridges = ridges + 0.05 * np.square(found.weights[m]).sum(axis=0)
    total = sum(Z.values())
    N = np.maximum(count, 1)[:, None]
    agree = ((np.square(total) - sum(np.square(z) for z in Z.values())) / N).sum(axis=0)
    weigh = sum(((1 - 1 / N) * np.square(z)).sum(axis=0) for z in Z.values()) + ridges
    np.testing.assert_allclose(agree / weigh, found.correlations, atol=1e-6)
    assert (found.correlations <= 1 + 1e-9).all() and (np.diff(found.correlations) <= 1e-9).all()


@pytest.mark.parametrize("landmarks", [0, 150])
def test_unseen_products_find_their_parts_whatever_others_lacked(landmarks: int) -> None:
    world = World(noise=0.1)
    views = world.views(600, *DIMS)
    present = {m: world.rng.random(600) < 0.5 for m in DIMS}
    maps, _ = fitted(views, present, landmarks=landmarks)
    unseen = world.views(100, *DIMS)
    for one in DIMS:
        for other in DIMS:
            assert one == other or hits(maps, unseen, one, other) > 0.7, f"{one} > {other}"


def test_modalities_that_never_meet_are_joined_through_a_third() -> None:
    """No product has a photo and a sound; texts go with either."""
    world = World(noise=0.1)
    views = world.views(600, "text", "image", "audio")
    present = {"text": np.ones(600, bool), "image": np.arange(600) < 300, "audio": np.arange(600) >= 300}
    maps, _ = fitted(views, present)
    assert hits(maps, world.views(100, "text", "image", "audio"), "audio", "image") > 0.7


def test_a_modality_of_few_products_hardly_turns_the_others() -> None:
    world = World(noise=0.5)
    views = world.views(500, "text", "image", "audio")
    rng = np.random.default_rng(1)
    views["audio"] = unit_rows(rng.normal(size=views["audio"].shape))  # noise that goes with nothing
    few = {"text": np.ones(500, bool), "image": np.ones(500, bool), "audio": np.arange(500) < 25}
    with_noise, _ = fitted(views, few)
    alone, _ = fitted({m: views[m] for m in ("text", "image")})
    unseen = world.views(300, "text", "image")
    before, after = (hits(maps, unseen, "text", "image") for maps in (alone, with_noise))
    assert abs(after - before) < 0.05 and before > 0.1


def test_products_with_one_modality_teach_nothing() -> None:
    views = World().views(300, "text", "image", "audio")
    present = {"text": np.arange(300) < 250, "image": np.arange(300) < 200, "audio": (np.arange(300) < 100)}
    maps, correlations = fitted(views, present)
    fewer, same = fitted({m: X[:200] for m, X in views.items()}, {m: p[:200] for m, p in present.items()})
    np.testing.assert_allclose(correlations, same, atol=1e-9)
    for m in views:
        np.testing.assert_allclose(np.abs(maps[m].weight), np.abs(fewer[m].weight), atol=1e-4)


@pytest.mark.parametrize("landmarks", [0, 40])
def test_the_order_of_items_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch, landmarks: int) -> None:
    world = World()
    views = world.views(200, "text", "image", "audio")
    present = {m: world.rng.random(200) < 0.7 for m in views}
    given_order = items(views, present)
    turned = {m: Items(one.seen[np.arange(len(one.of))[::-1]], one.of[::-1]) for m, one in given_order.items()}
    whole = fit_maps(given_order, among=200, dim=4, landmarks=landmarks)
    monkeypatch.setattr(gcca, "_CHUNK", 13)
    pieces = fit_maps(turned, among=200, dim=4, landmarks=landmarks)
    assert whole is not None and pieces is not None
    np.testing.assert_allclose(pieces[1], whole[1], atol=1e-6)
    for m in views:
        np.testing.assert_allclose(np.abs(pieces[0][m].weight), np.abs(whole[0][m].weight), atol=1e-3 * np.abs(whole[0][m].weight).max())


def test_further_texts_of_a_photo_are_learned_from_but_are_no_landmarks() -> None:
    views = World().views(100, "text", "image")
    twice = {m: Items(Seen(np.concatenate([X, X[:50] if m == "image" else X[50:]])), np.arange(150)) for m, X in views.items()}
    found = fit_maps(twice, among=100, dim=4, landmarks=500)
    assert found is not None
    assert len(found[0]["text"].features.landmarks) == 100
    plain, _ = fitted(views, dim=4, landmarks=500)
    assert np.abs(np.abs(found[0]["text"].weight) - np.abs(plain["text"].weight)).max() > 1e-3


def test_landmarks_are_bounded_over_all_modalities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcca, "_WIDEST", 90)
    maps, _ = fitted(World().views(200, "text", "image", "audio"), landmarks=500)
    assert {len(map.features.landmarks) for map in maps.values()} == {30}


def test_what_shares_nothing_is_none() -> None:
    views = World().views(60, "text", "image", "audio")
    apart = {"text": np.arange(60) < 20, "image": (np.arange(60) >= 20) & (np.arange(60) < 40), "audio": np.arange(60) >= 40}
    assert fit_maps(items(views, apart), among=60, dim=4, landmarks=0) is None
    same = {m: np.repeat(X[:1], 60, axis=0) for m, X in views.items()}
    assert fit_maps(items(same), among=60, dim=4, landmarks=10) is None
    with pytest.raises(ValueError, match="two views"):
        fit_gcca({}, dim=3)


def test_a_constant_modality_and_one_nobody_has_take_no_part() -> None:
    views = World().views(80, "text", "image", "audio", "video")
    views["audio"][:] = views["audio"][0]
    present = {m: np.full(80, m != "video") for m in views}
    maps, correlations = fitted(views, present)
    assert set(maps) == {"text", "image"}
    np.testing.assert_allclose(correlations, fitted({m: views[m] for m in maps})[1], atol=1e-6)


@pytest.mark.parametrize("landmarks", [0, 500])
def test_every_product_twice_and_the_smallest_ridge(landmarks: int) -> None:
    views = {m: np.concatenate([X, X]) for m, X in World().views(40, "text", "image", "audio").items()}
    maps, correlations = fitted(views, landmarks=landmarks, reg=LEAST_REG)
    assert np.isfinite(correlations).all()
    for m, X in views.items():
        lengths = np.linalg.norm(maps[m](Seen(X)), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-5)


def test_memory_does_not_grow_with_the_features_of_all_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcca, "_CHUNK", 500)
    views = World().views(20_000, "text", "image", "audio")
    tracemalloc.start()
    fitted(views, landmarks=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * 20_000 * 300 * 8  # all of the features at once would be 48 MB
