"""What products belong to, and lists in the proportions of a history, from a store."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
import small_shop

from mmsearch.errors import UsageError
from mmsearch.ranking import RERANKERS
from mmsearch.ranking.proportions import Calibrated
from mmsearch.ranking.shopper import Shopper
from mmsearch.search.rerank.belonging import belonging
from mmsearch.shop import Shop


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    RERANKERS.register("calibrated", Calibrated)  # the name that our own package declares
    yield
    RERANKERS.unregister("calibrated")


def test_levels_of_paths_items_of_lists_and_plain_values() -> None:
    values = {
        "text": pa.chunked_array([["Home > Kitchen > Pans", None, "red", None, None]]),
        "list": pa.chunked_array([pa.array([None, ["war", "love", "war"], None, [], None], pa.list_(pa.string()))]),
        "bool": pa.chunked_array([pa.array([None, None, None, None, True])]),
    }
    paths = ("Home", "Home > Kitchen", "Home > Kitchen > Pans")
    assert belonging(values, 5) == [paths, ("war", "love"), ("red",), (), ("True",)]


def test_recommendations_have_the_kinds_of_the_history(told: Shop) -> None:
    ask = {"like": ["red-hat", "red-bag", "blue-hat"], "method": "content", "k": 6, "sold_out": True}
    by_colour = told.recommend(**ask, rerank="calibrated(by=colour, weight=.95)")
    colours = [item.id.partition("-")[0] for item in by_colour.items]
    assert sorted(colours) == ["blue", "blue", "red", "red", "red", "red"], "two of red for one of blue"
    for item in by_colour.items:
        assert sum(part.contribution for part in item.why) == pytest.approx(item.score)
        assert item.why[-1].relation.startswith("calibrated: place") or item.why[0].relation.startswith("calibrated: place")
    with pytest.raises(UsageError, match="no product has an attribute 'color'"):
        told.recommend(**ask, rerank="calibrated(by=color)")


def test_searches_by_the_history_of_a_user_and_of_a_session(told: Shop) -> None:
    for shopper in (Shopper("green-fan1"), Shopper(session=("green-hat", "green-cup"))):
        first = told.search(
            "chair", k=1, shopper=shopper, rerank="calibrated(by=colour, weight=.95) | personal(weight=0) | session(weight=0)"
        )
        assert first.hits[0].id.startswith("green-")
    nobody = told.search("chair", k=3, rerank="calibrated(by=colour)")
    assert "calibrated: nobody is named (--user): nothing changes" in nobody.notes


def test_a_user_with_a_history_in_the_store(told: Shop) -> None:
    found = told.recommend("red-fan0", method="content", k=3, sold_out=True, rerank="calibrated(by=colour, weight=.95)")
    assert found.items[0].id == "red-chair"
    assert small_shop.NOTHING not in [item.id for item in found.items]
