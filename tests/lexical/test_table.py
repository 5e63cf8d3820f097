"""The table of words: made by embed, and kept up to date with products and with what features found."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop

from mmsearch.lexical.fields import TABLE
from mmsearch.lexical.table import refresh_words
from mmsearch.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return small_shop.make(tmp_path, fuse=False, events=False)


def row(shop: Shop, id: str) -> dict[str, str]:
    (found,) = shop.store.read(TABLE, where=f"id = '{id}'").to_pylist()
    return found


def test_what_a_product_is_found_by(shop: Shop) -> None:
    hat = row(shop, "red-hat")
    assert (hat["title"], hat["brand"], hat["description"]) == ("Red hat", "Kandel", "A red hat for every day")
    assert hat["words"] == "Red hat\nRed hat\nKandel\nA red hat for every day", "a title counts twice"
    assert shop.store.count(TABLE) == 39, "all but the one of which there is but a photo"


def test_nothing_is_written_where_nothing_changed(shop: Shop) -> None:
    before = shop.store.version(TABLE)
    with shop.store.writing("test"):
        assert refresh_words(shop.store) == 0
    shop.embed()
    assert shop.store.version(TABLE) == before


def test_only_what_changed_is_written_and_what_is_gone_goes(shop: Shop, tmp_path: Path) -> None:
    changed = [{"id": "red-hat", "title": "Scarlet bonnet", "price": "3"}]
    shop.ingest(small_shop.write_csv(tmp_path / "changed.csv", ("id", "title", "price"), changed))
    with shop.store.writing("test"):
        assert refresh_words(shop.store) == 1
    shop.embed()
    assert shop.search("scarlet bonnet", weights="text=0,words=1").hits[0].id == "red-hat"
    assert [hit.id for hit in shop.search('title:"red hat"')] == []
    rest = [r for r in small_shop.rows(tmp_path) if r["id"] != "red-hat"]
    shop.ingest(small_shop.write_csv(tmp_path / "rest.csv", small_shop.COLUMNS, rest), sync=True)
    shop.embed()
    assert "red-hat" not in shop.store.read(TABLE, ["id"]).column("id").to_pylist()
    assert not list(shop.search("scarlet bonnet", weights="text=0,words=1"))


def test_words_of_another_recipe_are_made_anew(shop: Shop) -> None:
    known = shop.store.record.get("words")
    with shop.store.writing("test"):
        shop.store.record.put("words", known | {"recipe": 0})
        assert refresh_words(shop.store) == 39
    assert shop.search("red hat", k=1).hits[0].id == "red-hat"


def test_titles_of_other_languages_codes_and_characters(tmp_path: Path) -> None:
    rows = [
        {"id": "X-200", "title": "Brother TN-2110 toner", "title_zh": "紅色跑步鞋", "brand": "兄弟", "category": "办公 > 墨粉"},
        {"id": "other", "title": "Nothing of it", "title_zh": "蓝灯", "brand": "", "category": ""},
    ]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_csv(tmp_path / "p.csv", ("id", "title", "title_zh", "brand", "category"), rows))
    shop.embed(text="fake-text")
    toner = row(shop, "X-200")
    assert toner["title"] == "Brother TN-2110 toner. 红色跑步鞋"
    assert {"tn2110", "x200", "跑", "鞋", "跑步", "兄", "墨粉"} <= set(toner["pieces"].split())
    for query in ("tn2110", "TN 2110", "x200", "跑鞋", "紅鞋", "墨粉"):
        assert shop.search(query, weights="text=0,words=1").hits[0].id == "X-200", query
