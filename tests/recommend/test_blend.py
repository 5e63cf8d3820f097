from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mmsearch.errors import UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import BASE, History, Products
from mmsearch.recommend.blend import Blend, scale_of
from mmsearch.recommend.content import Content
from mmsearch.recommend.interactions import build, histories
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.recommend.popular import Popular

IDS = list("abcd")
X = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], np.float32)
EVENTS = build([*"uuvvww"], [*"abbcab"], product_ids=IDS).interactions
NOTHING = History(np.empty(0, np.int64), np.empty(0), np.empty(0))


def history(products: list[int], values: list[float]) -> History:
    return History(np.array(products), np.array(values), np.arange(len(products))[::-1].astype(float))


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    RECOMMENDERS.register("blend", Blend)  # the name that our own package declares
    yield
    RECOMMENDERS.unregister("blend")


def fitted(**weights: float) -> Blend:
    made = Blend(**weights)
    made.fit(EVENTS, Products(IDS, X))
    return made


def test_the_score_is_the_weighted_sum_of_scores_each_by_its_models_scale() -> None:
    cf, content = ItemCF(shrink=0), Content()
    given = [history([0, 2], [1, 0.5]), history([3], [-1.0])]
    expected = np.zeros((2, 4))
    for part, weight in ((cf, 0.6), (content, 0.4)):
        part.fit(EVENTS, Products(IDS, X))
        highest = [part.score([h])[0].max() for h in histories(EVENTS)]
        assert scale_of(part, EVENTS) == pytest.approx(np.mean(highest))
        expected += weight * part.score(given) / np.mean(highest)
    made = fitted(**{"itemcf(shrink=0)": 0.6, "content": 0.4})
    np.testing.assert_allclose(made.score(given), expected, atol=1e-12)


def test_only_proportions_of_weights_count_for_the_order() -> None:
    given = [history([0, 2], [1, 0.5])]
    one, other = fitted(itemcf=0.6, content=0.4).score(given), fitted(itemcf=6, content=4).score(given)
    np.testing.assert_allclose(10 * one, other)


def test_a_key_may_be_a_spec_and_is_printed_as_it_is() -> None:
    made = RECOMMENDERS.create("blend(itemcf(directed=true, k=3)=.7, content(decay=.6)=.3)")
    assert [type(part) for part in made._parts] == [ItemCF, Content]
    assert made._parts[0].directed and made._parts[0].k == 3
    assert made.needs_vectors and made.personal


def test_popularity_is_a_reason_of_its_own_and_silent_without_a_history() -> None:
    made = fitted(content=0.5, popular=0.5)
    reasons = made.why(history([0], [1.0]), 1)
    assert {(r.product, r.relation) for r in reasons} == {(0, "is like"), (BASE, "is popular")}
    assert not made.score([NOTHING]).any() and made.why(NOTHING, 1) == []
    alone = Blend(popular=1.0)
    alone.fit(EVENTS, Products(IDS))
    assert not alone.personal and alone.score([NOTHING]).any() and alone.why(NOTHING, 1)


def test_similar_joins_what_the_parts_find() -> None:
    best = fitted(itemcf=0.5, content=0.5).similar([0], 4)[0]
    assert best.products.tolist()[0] == 1 and 0 not in best.products
    assert best.scores[0] == pytest.approx(1.0)  # the nearest for both parts


def test_a_scale_without_anything_to_take_it_from_is_one() -> None:
    assert scale_of(fitted(itemcf=1), EVENTS.take(np.zeros(len(EVENTS), bool))) == 1.0
    popular = Popular()
    popular.fit(EVENTS, Products(IDS))
    assert scale_of(popular, EVENTS) == 3.0  # b, taken three times


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("blend", "needs recommenders with weights"),
        ("blend(itemcf=0)", "weight of itemcf must be above 0"),
        ("blend(itemcf=-1)", "weight of itemcf must be above 0"),
        ("blend(itemcf=much)", "must be a number"),
        ("blend(itemfc=1)", "did you mean itemcf"),
        ("blend(itemcf(q=2)=1)", "no parameter 'q'"),
        ("blend(content(profile=a)=1, content(profile=b)=1)", "one fusion profile, not a, b"),
        ("blend(content=1, content(profile=b)=1)", "the default one"),
    ],
)
def test_bad_blends_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
