"""Concatenation: the algebra of its cosines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Side
from mmsearch.fusion.concat import Concat

DIMS = {"text": 3, "image": 4, "audio": 2}


def random_batch(seed: int, present: list[tuple[bool, bool, bool]]) -> Batch:
    rng = np.random.default_rng(seed)
    there = {m: np.array(column) for m, column in zip(DIMS, zip(*present, strict=True), strict=True)}
    vectors = {}
    for modality, dim in DIMS.items():
        X = rng.normal(size=(len(present), dim))
        vectors[modality] = (X / np.linalg.norm(X, axis=1, keepdims=True) * there[modality][:, None]).astype(np.float32)
    return Batch(vectors, there)


subsets = st.tuples(st.booleans(), st.booleans(), st.booleans())


@given(
    seed=st.integers(0, 1000),
    weights=st.tuples(*[st.floats(0.1, 10)] * 3),
    present=st.lists(subsets, min_size=2, max_size=5),
)
def test_cosines_are_weighted_over_what_both_have(seed: int, weights: tuple[float, ...], present: list[tuple[bool, bool, bool]]) -> None:
    batch = random_batch(seed, [(True, True, True), *present])
    w = dict(zip(DIMS, weights, strict=True))
    concat = Concat(**w)
    concat.fit(batch, {}, 0)
    items = concat.items(batch)
    total = sum(w[m] * batch.present[m].astype(float) for m in DIMS)
    shared = sum(w[m] * (batch.vectors[m] @ batch.vectors[m].T) for m in DIMS)
    norms = np.sqrt(np.outer(total, total))
    expected = np.divide(shared, norms, out=np.zeros_like(norms), where=norms > 0)
    np.testing.assert_allclose(items @ items.T, expected, atol=1e-5)
    # With everything there on both sides that is the weighted mean of the cosines.
    full = np.flatnonzero(total == sum(w.values()))
    np.testing.assert_allclose((items @ items.T)[np.ix_(full, full)], shared[np.ix_(full, full)] / sum(w.values()), atol=1e-5)


@given(scale=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_only_the_proportions_of_weights_count(scale: float, seed: int) -> None:
    batch = random_batch(seed, [(True, True, True), (True, False, True), (False, True, False)])
    one, other = Concat(text=1, image=0.5), Concat(text=scale, image=scale / 2)
    one.fit(batch, {}, 0)
    other.fit(batch, {}, 0)
    np.testing.assert_allclose(one.items(batch), other.items(batch), atol=1e-5)


def test_a_query_meets_its_own_block_only() -> None:
    batch = random_batch(0, [(True, True, True), (False, True, False)])
    concat = Concat()
    concat.fit(batch, {}, 0)
    assert concat.modalities() == list(DIMS) and concat.dim == sum(DIMS.values())
    scores = concat.items(batch) @ concat.query("text", Side(batch.vectors["text"][:1]))[0]
    np.testing.assert_allclose(scores, [3**-0.5, 0], atol=1e-6)
    assert concat.compares("text", "text") and not concat.compares("text", "image")


def test_named_weights_restrict_to_those_named() -> None:
    batch = random_batch(0, [(True, True, True), (False, True, False)])
    concat = FUSERS.create("concat(text=1, audio=.5, image=0)")
    report = concat.fit(batch, {}, 0)
    assert concat.modalities() == ["text", "audio"] and concat.dim == 5
    assert report.scores["weights"] == {"text": 1.0, "audio": 0.5}
    assert not concat.items(batch)[1].any()
    with pytest.raises(KeyError):
        concat.project("image", Side(batch.vectors["image"]))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("concat(txt=1)", "unknown modality 'txt'; did you mean text?"),
        ("concat(text=-1)", "weight of text must be a number of at least 0, not -1"),
        ("concat(text=0, image=0)", "at least one weight must be above 0"),
    ],
)
def test_bad_weights(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match="concat") as error:
        FUSERS.create(spec)
    assert reason in str(error.value)


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_weights_are_finite(weight: float) -> None:
    with pytest.raises(ValueError, match="weight of image"):
        Concat(image=weight)


def test_weighting_what_nobody_has_is_an_error() -> None:
    with pytest.raises(InputError, match="video"):
        Concat(text=1, video=1).fit(random_batch(0, [(True, True, True)]), {}, 0)
