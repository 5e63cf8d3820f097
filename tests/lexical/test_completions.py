"""The table of completions: made by embed, and kept up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop

from mmsearch.lexical import completions
from mmsearch.lexical.completions import refresh_completions
from mmsearch.lexical.fields import COMPLETIONS
from mmsearch.shop import Shop

PRODUCTS = [
    {"id": "1", "title": "Red running shoes", "title_zh": "紅色跑步鞋", "brand": "Fleet", "category": "Sport > Shoes"},
    {"id": "2", "title": "Blue running shoes", "title_zh": "蓝色跑步鞋", "brand": "fleet", "category": "Sport > Shoes"},
    {"id": "3", "title": "Desk lamp", "title_zh": "台灯", "brand": "Fleet", "category": "Home > Lamps"},
]
SEARCHES = [{"user": user, "text": text} for text in ("running shoe", "跑鞋", "unicorn", "desk lamp") for user in "abc"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", PRODUCTS))
    shop.ingest(small_shop.write_jsonl(tmp_path / "s.jsonl", SEARCHES), kind="searches")
    shop.embed(text="fake-text")
    return shop


def rows(shop: Shop) -> dict[str, tuple[str, str, int]]:
    return {r["key"]: (r["text"], r["kind"], r["products"]) for r in shop.store.read(COMPLETIONS).to_pylist()}


def test_what_is_completed(shop: Shop) -> None:
    found = rows(shop)
    assert found["fleet"] == ("Fleet", "brand", 3)
    assert found["sport"] == ("Sport", "category", 2)
    assert found["shoes"] == ("Shoes", "category", 2), "a level of a path; as a word of titles it is not told again"
    assert found["runningshoes"] == ("running shoes", "title", 2)
    assert found["跑步鞋"] == ("跑步鞋", "title", 2)
    assert found["desklamp"] == ("desk lamp", "search", 1)
    assert found["runningshoe"] == ("running shoe", "search", 2), "with the endings that a search takes off"
    assert found["跑鞋"] == ("跑鞋", "search", 2), "as a search finds them, character by character"
    assert "unicorn" not in found, "what finds nothing is no help"


def test_how_chinese_is_typed_stands_beside_it(shop: Shop) -> None:
    said = {r["key"]: (r["sounds"], r["initials"]) for r in shop.store.read(COMPLETIONS).to_pylist()}
    assert said["跑步鞋"] == ("pao\tbu\txie", "pbx")
    assert said["fleet"] == (None, None)


def test_it_is_made_anew_only_where_words_or_searches_changed(shop: Shop, tmp_path: Path) -> None:
    before = shop.store.version(COMPLETIONS)
    shop.embed()
    assert shop.store.version(COMPLETIONS) == before
    more = [{"user": user, "text": "blue shoes"} for user in "abc"]
    shop.ingest(small_shop.write_jsonl(tmp_path / "more.jsonl", more), kind="searches")
    shop.embed()
    assert rows(shop)["blueshoes"] == ("blue shoes", "search", 1)
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", PRODUCTS[:2]), sync=True)
    shop.embed()
    assert "台灯" not in rows(shop) and rows(shop)["fleet"][2] == 2
    assert "desklamp" not in rows(shop), "a past search that finds nothing any more"


def test_its_size_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completions, "_MOST", 5)
    shop.store.record.delete("completions")
    with shop.store.writing("test"):
        refresh_completions(shop.store)
    assert [kind for _, kind, _ in rows(shop).values()] == ["search", "search", "search", "brand", "category"]


def test_a_store_without_any_words(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    small_shop.paint(tmp_path / "photo.png", "red", "hat")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "1", "images": "photo.png"}]))
    shop.embed(image="fake-image")
    with pytest.raises(Exception, match="nothing to complete from"):
        shop.suggest("a")
