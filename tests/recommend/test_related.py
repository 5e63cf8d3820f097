"""Products for a product."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop

from mmsearch.errors import UsageError
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only."""
    return small_shop.make(tmp_path_factory.mktemp("shop"))


def test_what_is_similar_says_and_shows_the_same(shop: Shop) -> None:
    found = shop.similar("twin-a", k=3)
    assert found.method == "content"
    assert found.items[0].id == "twin-b"
    assert [(part.id, part.relation) for part in found.items[0].why] == [("twin-a", "is similar to")]
    assert found.items[0].why[0].contribution == found.items[0].score
    assert "twin-a" not in [item.id for item in found.items]


def test_what_goes_with_a_product_is_what_people_take_after_it(shop: Shop) -> None:
    """Shoppers take the kinds in their order, so that nothing is taken after the last one."""
    first = [item.id for item in shop.goes_with("red-shoe", k=10, sold_out=True).items]
    assert first[0] == "red-lamp"
    assert set(first) == {f"red-{kind}" for kind in small_shop.KINDS[1:]}
    nothing = shop.goes_with("red-chair", sold_out=True)
    assert nothing.items == []
    assert nothing.notes == ["itemcf(directed=true) knows of no product that is taken after red-chair"]


def test_filters_hold_and_nothing_is_lost_by_them(shop: Shop) -> None:
    assert [item.id for item in shop.goes_with("red-shoe", where="id = 'red-hat'", sold_out=True).items] == ["red-hat"]
    assert shop.similar("red-shoe", where="price > 1000").notes[0] == "no product matches price > 1000"


def test_by_another_method(shop: Shop) -> None:
    found = shop.similar("red-hat", method="itemcf", k=10, sold_out=True)
    assert {item.id for item in found.items} == {f"red-{kind}" for kind in small_shop.KINDS if kind != "hat"}


def test_without_vectors_what_the_same_people_take_is_similar(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_catalogue(tmp_path))
    shop.ingest(small_shop.write_events(tmp_path))
    assert shop.similar("red-hat").method == "itemcf"


def test_wrong_requests(shop: Shop) -> None:
    with pytest.raises(UsageError, match="there is no product red-ha; did you mean"):
        shop.similar("red-ha")
    with pytest.raises(UsageError, match="-k must be at least 1"):
        shop.goes_with("red-hat", k=0)
    for policy in ({"already": "only"}, {"explore": 0.5}):
        with pytest.raises(UsageError, match="are for shoppers"):
            shop.similar("red-hat", **policy)
