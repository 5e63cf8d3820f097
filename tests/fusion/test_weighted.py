"""Weights of influence: the algebra of `weighted`, and what it does that `concat` does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_concat import random_batch

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Side, unit_rows
from mmsearch.fusion.concat import Concat
from mmsearch.fusion.weighted import Weighted


def shop(seed: int = 0, n: int = 400, *, lacking: float = 0.5) -> Batch:
    """Photos that are all alike (cosines of about .8) and titles that are not; some products have no photo. Nothing is related."""
    rng = np.random.default_rng(seed)
    titles, photos = unit_rows(rng.normal(size=(n, 12))), unit_rows(rng.normal(size=(n, 40)) + 2)
    there = rng.random(n) >= lacking
    return Batch({"text": titles, "image": photos * there[:, None]}, {"text": np.ones(n, bool), "image": there})


@given(seed=st.integers(0, 50), weights=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)))
def test_the_similarity_is_a_weighted_mean_of_standardised_ones(seed: int, weights: tuple[float, float]) -> None:
    batch = shop(seed, 60, lacking=0.4)
    w = dict(zip(("text", "image"), weights, strict=True))
    fuser = Weighted(**w)
    report = fuser.fit(batch, {}, 0)
    total, between = np.zeros(len(batch)), np.zeros((len(batch), len(batch)))
    for modality, there in batch.present.items():
        X = batch.vectors[modality].astype(np.float64)
        X[there] -= X[there].mean(axis=0)
        X[there] /= np.linalg.norm(X[there], axis=1, keepdims=True)
        pairs = (X @ X.T)[np.ix_(there, there)][~np.eye(int(there.sum()), dtype=bool)]
        assert report.scores["spread"][modality] == pytest.approx(pairs.std(), rel=1e-4)
        total += there * w[modality] / pairs.std()
        between += w[modality] / pairs.std() * (X @ X.T)
    items = fuser.items(batch)
    np.testing.assert_allclose(items @ items.T, between / np.sqrt(np.outer(total, total)), atol=1e-4)


def test_lacking_a_photo_neither_lifts_nor_lowers_unrelated_products() -> None:
    """With plain cosines two products with photos are alike, whatever they show; the rest is no less alike here."""
    batch = shop()
    means = {}
    for method in (Concat(), Weighted()):
        method.fit(batch, {}, 0)
        items, there = method.items(batch), batch.present["image"]
        similarity = items @ items.T
        np.fill_diagonal(similarity, np.nan)
        means[method.name] = [float(np.nanmean(similarity[np.ix_(a, b)])) for a, b in ((there, there), (there, ~there), (~there, ~there))]
    assert means["concat"][0] > 0.3 > 0.05 > abs(means["concat"][2])
    np.testing.assert_allclose(means["weighted"], 0, atol=0.01)


def test_equal_weights_are_equal_influence() -> None:
    """Over products that have both, each modality explains as much of how similarities vary."""
    batch = shop(lacking=0)
    for method, share in ((Weighted(), 0.5), (Concat(), None)):
        method.fit(batch, {}, 0)
        items = method.items(batch)
        half = items[:, : batch.vectors["text"].shape[1]]
        off = ~np.eye(len(batch), dtype=bool)
        by_text = (half @ half.T)[off].var() / (items @ items.T)[off].var()
        if share is None:
            assert by_text > 0.9, "the titles, which spread more, decide alone"
        else:
            assert by_text == pytest.approx(share, abs=0.03)


def test_it_is_not_concat(tmp_path: object) -> None:
    batch = shop()
    one, other = Weighted(), Concat()
    one.fit(batch, {}, 0)
    other.fit(batch, {}, 0)
    assert one.modalities() == other.modalities() and one.dim == other.dim
    assert np.abs(one.items(batch) @ one.items(batch).T - other.items(batch) @ other.items(batch).T).max() > 0.2


def test_a_modality_in_which_all_are_alike_tells_nothing_apart_and_breaks_nothing() -> None:
    batch = random_batch(0, [(True, True, True)] * 10)
    same = Batch({**batch.vectors, "audio": np.tile(batch.vectors["audio"][:1], (10, 1))}, batch.present)
    fuser = Weighted()
    report = fuser.fit(same, {}, 0)
    assert report.scores["spread"]["audio"] == 1.0
    assert np.isfinite(fuser.items(same)).all()
    np.testing.assert_allclose(fuser.project("audio", Side(same.vectors["audio"][:1]))[0, -2:], same.vectors["audio"][0], atol=1e-6)


def test_a_single_product() -> None:
    batch = random_batch(0, [(True, True, False)])
    fuser = Weighted()
    fuser.fit(batch, {}, 0)
    assert np.linalg.norm(fuser.items(batch)) == pytest.approx(1)


def test_errors_name_the_method() -> None:
    with pytest.raises(UsageError, match=r"fusion method weighted\(txt=1\): unknown modality 'txt'; did you mean text"):
        FUSERS.create("weighted(txt=1)")
    with pytest.raises(InputError, match="weighted is to weight video"):
        Weighted(text=1, video=1).fit(random_batch(0, [(True, True, True)]), {}, 0)
