"""What items are seen by: words by how rare they are, views as components, and nothing where nothing is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion.base import Matrix, Side, unit_rows
from mmsearch.fusion.views import WORDS, Seen, Views, Vocabulary

TITLES = ["red running shoes", "blue running shoes", "red mug", "blue mug", "红色跑步鞋", "蓝色跑步鞋"]


def rows(n: int, dim: int, seed: int = 0) -> Matrix:
    return unit_rows(np.random.default_rng(seed).normal(size=(n, dim)))


def test_texts_that_share_rare_words_are_near_and_english_and_chinese_are_read_alike() -> None:
    known = Vocabulary.learn(TITLES)
    assert known is not None
    near = np.asarray((known(TITLES) @ known(TITLES).T).todense())
    np.testing.assert_allclose(np.diag(near), 1, atol=1e-5)
    assert near[0, 1] > near[0, 2] > 0 and near[4, 5] > 0 and near[0, 3] == 0
    assert "running shoes" in known.places and "红色跑步鞋" not in known.places


def test_words_of_one_text_alone_and_unknown_ones_say_nothing() -> None:
    known = Vocabulary.learn([*TITLES, "unicorn"])
    assert known is not None and "unicorn" not in known.places
    assert known(["unicorn", None, ""]).sum() == 0
    assert Vocabulary.learn(["a b", None, "c d"]) is None


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_text_gives_unit_rows_or_nothing(texts: list[str]) -> None:
    known = Vocabulary.learn(TITLES)
    assert known is not None
    lengths = np.linalg.norm(known(texts).todense(), axis=1) if texts else np.zeros(0)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))


def test_similarity_is_the_weighted_mean_of_both_and_spread_the_distance_from_the_mean() -> None:
    known = Vocabulary.learn(TITLES)
    assert known is not None
    X, W = rows(6, 8), known(TITLES)
    seen = Seen(X, W)
    dense, words = X @ X.T, np.asarray((W @ W.T).todense())
    np.testing.assert_allclose(seen.similarity(seen), (dense + WORDS * words) / (1 + WORDS), atol=1e-5)
    whole = np.hstack([X, np.sqrt(WORDS) * W.todense()]) / np.sqrt(1 + WORDS)
    assert seen.spread() == pytest.approx(np.square(whole - whole.mean(axis=0)).sum(axis=1).mean(), abs=1e-5)
    assert len(seen[2:4]) == 2 and len(seen.joined(seen)) == 12
    some = np.array([4, 0, 4])
    twice, again = seen.joined(seen[some]), seen.joined(seen, some)
    np.testing.assert_array_equal(again.dense, twice.dense)
    assert again.words is not None and twice.words is not None and (again.words != twice.words).nnz == 0


def side(n: int = 40, seed: int = 0) -> Side:
    rng = np.random.default_rng(seed)
    views = np.abs(rng.normal(size=(n, 9))).astype(np.float32)
    return Side(np.abs(rows(n, 6, seed)), None, views)


SIZES = {"means": 4, "colours": 5}


def test_views_stand_beside_the_root_of_the_vector_by_their_shares() -> None:
    known = Views.learn(side(), SIZES)
    seen = known(side()).dense
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)
    shares = [np.square(seen[:, a:b]).sum(axis=1) for a, b in ((0, 6), (6, 134), (134, 262))]
    np.testing.assert_allclose(shares, np.repeat(np.array([[1], [0.4], [0.1]]) / 1.5, 40, axis=1), atol=1e-4)
    top = np.sqrt(side().X)
    np.testing.assert_allclose(unit_rows(seen[:, :6]), unit_rows(top), atol=1e-5)


def test_an_item_without_views_is_seen_by_its_vector_alone() -> None:
    known = Views.learn(side(), SIZES)
    bare = Side(side().X)
    seen = known(bare).dense
    assert seen.shape == known(side()).dense.shape and not seen[:, 6:].any()
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)


def test_few_items_teach_no_components_and_no_views_none_either() -> None:
    few = Views.learn(side(19), SIZES)
    assert not few.components and few(side(19)).dense is not None
    np.testing.assert_array_equal(few(side(19)).dense, side(19).X)
    assert not Views.learn(Side(rows(40, 6)), {}).components


def test_the_state_brings_them_back() -> None:
    texts = Side(rows(6, 8), TITLES)
    for known, those in ((Views.learn(side(), SIZES), side()), (Views.learn(texts, {}), texts)):
        arrays, values = known.state()
        again = Views.restored(arrays, json.loads(json.dumps(values)))
        np.testing.assert_array_equal(again(those).dense, known(those).dense)
        assert (again(those).words is None) == (known(those).words is None)
        if (words := known(those).words) is not None and (back := again(those).words) is not None:
            assert (words != back).nnz == 0
