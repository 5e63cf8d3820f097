"""Weighing fused vectors anew is the same as fitting anew."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_concat import DIMS, random_batch, subsets

from mmsearch.errors import UsageError
from mmsearch.fusion.base import Batch, Side, unit_rows
from mmsearch.fusion.calibration import patterns
from mmsearch.fusion.concat import Concat
from mmsearch.fusion.weighted import Weighted

METHODS = {"concat": Concat, "weighted": Weighted}
FULL = [(True, True, True)] * 4
weight = st.floats(0.05, 20)
# 0 leaves a modality out; anything above it is far enough from 0 for float32.
asked = st.tuples(*[st.one_of(st.just(0.0), weight)] * 3)


def fitted(method: str, batch: Batch, weights: dict[str, float]) -> Concat:
    fuser = METHODS[method](**weights)
    fuser.fit(batch, {}, 0)
    return fuser


@pytest.mark.parametrize("method", METHODS)
@given(
    seed=st.integers(0, 1000),
    before=st.tuples(*[weight] * 3),
    after=asked,
    present=st.lists(subsets, min_size=1, max_size=5),
    row=st.integers(0, 3),
)
def test_weighing_anew_is_fitting_anew(
    method: str, seed: int, before: tuple[float, ...], after: tuple[float, ...], present: list[tuple[bool, bool, bool]], row: int
) -> None:
    """Every query (a modality's vector, or a product by all that it has) has the similarity with every product that a refit gives."""
    assume(any(after))
    batch = random_batch(seed, [*FULL, *present])
    one = fitted(method, batch, dict(zip(DIMS, before, strict=True)))
    other = fitted(method, batch, {m: w for m, w in zip(DIMS, after, strict=True) if w})
    reweighed = one.blocks().reweighed(dict(zip(DIMS, after, strict=True)))
    made_of = patterns(batch, one.modalities())
    factors = reweighed.factors(pa.array(made_of.tolist()))
    stored, refitted = one.items(batch), other.items(batch)
    assert sorted(reweighed.kept()) == sorted(other.modalities())
    np.testing.assert_array_equal(reweighed.counting(made_of), patterns(batch, other.modalities()))
    counts = (np.linalg.norm(refitted, axis=1) > 0.5) | (made_of == "")
    np.testing.assert_array_equal(np.isnan(factors), ~counts | (made_of == ""))
    known = ~np.isnan(factors)
    for modality in other.modalities():
        query = Side(batch.vectors[modality][row : row + 1])
        mine = (stored @ reweighed.query(one.project(modality, query)[0])) * factors
        np.testing.assert_allclose(mine[known], (refitted @ other.project(modality, query)[0])[known], atol=1e-5)
    liked = unit_rows(reweighed.query(stored[row])[None, :])[0]
    mine = (stored @ reweighed.query(liked)) * factors
    np.testing.assert_allclose(mine[known], (refitted @ refitted[row])[known], atol=1e-5)


@given(seed=st.integers(0, 100), before=st.tuples(*[weight] * 3))
def test_its_own_weights_change_nothing(seed: int, before: tuple[float, ...]) -> None:
    batch = random_batch(seed, [*FULL, (True, False, True), (False, True, False)])
    fuser = fitted("concat", batch, dict(zip(DIMS, before, strict=True)))
    reweighed = fuser.blocks().reweighed({})
    query = fuser.project("text", Side(batch.vectors["text"][:1]))[0]
    np.testing.assert_array_equal(reweighed.query(query), query)
    assert {reweighed.factor(p) for p in patterns(batch, fuser.modalities()).tolist()} == {1.0}


@given(seed=st.integers(0, 100), after=st.tuples(weight, weight))
def test_a_similarity_of_one_modality_grows_by_one_factor_a_pattern(seed: int, after: tuple[float, float]) -> None:
    batch = random_batch(seed, FULL)
    fuser = fitted("weighted", batch, {"text": 1, "image": 1})
    reweighed = fuser.blocks().reweighed(dict(zip(("text", "image"), after, strict=True)))
    query, stored = fuser.project("text", Side(batch.vectors["text"][:1]))[0], fuser.items(batch)
    now = stored @ reweighed.query(query) * reweighed.factor("image+text")
    np.testing.assert_allclose(now, reweighed.by("text", "image+text") * (stored @ query), atol=1e-5)


def test_products_that_have_nothing_which_counts() -> None:
    fuser = fitted("concat", random_batch(0, FULL), {})
    reweighed = fuser.blocks().reweighed({"text": 0, "audio": 2})
    assert math.isnan(reweighed.factor("text")) and math.isnan(reweighed.factor(""))
    assert reweighed.factor("image+text") == pytest.approx(2**0.5)
    assert len(reweighed.factors(pa.array([], pa.string()))) == 0


@pytest.mark.parametrize(
    ("weights", "message"),
    [({"video": 1}, "have no video"), ({"txt": 1}, "did you mean text"), ({"text": 0, "image": 0, "audio": 0}, "all of them are 0")],
)
def test_wrong_weights(weights: dict[str, float], message: str) -> None:
    blocks = fitted("concat", random_batch(0, FULL), {}).blocks()
    with pytest.raises(UsageError, match=message):
        blocks.reweighed(weights)
