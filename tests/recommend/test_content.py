from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import InputError, UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend import content as module
from mmsearch.recommend.base import History, Products
from mmsearch.recommend.content import Content
from mmsearch.recommend.interactions import build

# 0 and 1 meet at 60°, 2 is at right angles to 0, 3 has no vector
X = np.array([[1, 0], [0.5, np.sqrt(0.75)], [0, 1], [0, 0]], np.float32)
IDS = ["a", "b", "c", "d"]
NO_EVENTS = build([], [], product_ids=IDS).interactions


def fitted(similarity: str = "cosine", decay: float = 1.0) -> Content:
    made = Content(similarity, decay)
    made.fit(NO_EVENTS, Products(IDS, X))
    return made


def history(products: list[int], values: list[float]) -> History:
    return History(np.array(products), np.array(values), np.arange(len(products))[::-1].astype(float))


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_the_score_is_the_weighted_sum_of_cosines(similarity: str) -> None:
    # w_a = .5·.4 (one step back), w_b = 1
    score = fitted(similarity, decay=0.4).score([history([0, 1], [0.5, 1.0])])[0]
    np.testing.assert_allclose(score, [0.2 * 1 + 0.5, 0.2 * 0.5 + 1, 0.2 * 0 + np.sqrt(0.75), 0], atol=1e-7)


def test_euclidean() -> None:
    score = fitted("euclidean").score([history([0, 2], [1.0, -0.5])])[0]
    expected_a = 1 - 0.5 / (1 + np.sqrt(2))
    expected_b = 1 / (1 + 1) - 0.5 / (1 + np.sqrt(2 - 2 * np.sqrt(0.75)))
    np.testing.assert_allclose(score[[0, 1, 3]], [expected_a, expected_b, 0], atol=1e-6)


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_a_product_without_a_vector_scores_nothing_and_says_nothing(similarity: str) -> None:
    recommender = fitted(similarity)
    assert recommender.score([history([0, 1], [1, 1])])[0, 3] == 0
    assert not recommender.score([history([3], [1.0])]).any()
    assert recommender.why(history([0], [1.0]), 3) == []
    assert recommender.why(history([3], [1.0]), 0) == []
    assert len(recommender.similar([3], 4)[0].products) == 0


def test_products_that_nobody_took_are_recommended() -> None:
    assert fitted().recommend([history([0], [1.0])], 4, [[0]])[0].products.tolist() == [1]


def test_similar_products_nearest_first() -> None:
    assert fitted().similar([1], 4)[0].products.tolist() == [2, 0]


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.random.default_rng(1).normal(size=(50, 8)).astype(np.float32)
    recommender = Content("euclidean")
    recommender.fit(NO_EVENTS, Products([str(i) for i in range(50)], vectors / np.linalg.norm(vectors, axis=1, keepdims=True)))
    given = [history([3, 7, 9], [1, 1, 0.2]), history([40], [1])]
    whole, near = recommender.score(given), recommender.similar(range(50), 5)
    monkeypatch.setattr(module, "_ROWS", 7)
    monkeypatch.setattr(module, "_BATCH", 3)
    np.testing.assert_allclose(recommender.score(given), whole, atol=1e-9)
    for one, other in zip(recommender.similar(range(50), 5), near, strict=True):
        assert one.products.tolist() == other.products.tolist()


@pytest.mark.parametrize("vectors", [None, np.zeros((4, 2), np.float32)])
def test_without_any_vector_it_says_how_to_make_them(vectors: np.ndarray | None) -> None:
    with pytest.raises(InputError, match="mmsearch embed"):
        Content().fit(NO_EVENTS, Products(IDS, vectors))


@pytest.mark.parametrize(
    ("spec", "message"),
    [("content(decay=0)", "decay must be above 0"), ("content(similarity=cosinus)", "did you mean cosine")],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
