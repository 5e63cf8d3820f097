"""What a shopper may be about to type."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import InputError, UsageError
from mmsearch.lexical.fields import COMPLETIONS
from mmsearch.shop import Shop

PRODUCTS = [
    {"id": "1", "title": "Red running shoes", "title_zh": "红色跑步鞋", "brand": "Runfast", "category": "Sport > Running"},
    {"id": "2", "title": "Nike跑步鞋", "brand": "Nike", "category": "Sport > Running"},
    {"id": "3", "title": "Running shorts", "brand": "Nike", "category": "Sport > Running"},
    {"id": "4", "title": "Wireless headphones", "brand": "HP", "category": "Audio"},
    {"id": "5", "title": "Glass vase", "title_zh": "玻璃花瓶", "brand": "Ulm", "category": "Home"},
    {"id": "6", "title": "花瓶 blue", "brand": "Ulm", "category": "Home"},
]
SEARCHES = [
    {"user": user, "text": text} for text, users in (("running shoes", "abc"), ("run", "abcd"), ("蓝牙耳机", "abc")) for user in users
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("suggest")
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", PRODUCTS))
    shop.ingest(small_shop.write_jsonl(folder / "s.jsonl", SEARCHES), kind="searches")
    shop.embed(text="fake-text")
    return shop


def texts(shop: Shop, prefix: str, k: int = 20) -> list[str]:
    return [one.text for one in shop.suggest(prefix, k=k)]


def test_past_searches_first_then_names_then_titles(shop: Shop) -> None:
    found = list(shop.suggest("run"))
    assert [one.text for one in found[:4]] == ["run", "running shoes", "Running", "Runfast"]
    assert [one.kind for one in found[:4]] == ["search", "search", "category", "brand"]
    assert {one.kind for one in found[4:]} == {"title"}
    assert [one.products for one in found[4:]] == sorted((one.products for one in found[4:]), reverse=True)
    assert found[2].to_json() == {"text": "Running", "kind": "category", "products": 3}


@pytest.mark.parametrize("prefix", ["跑步", "跑", "跑步鞋", "paobu", "pao bu x", "paobuxie", "PAOBU", "pbx", "跑步x", "跑buxie", "跑bx"])
def test_chinese_in_characters_in_pinyin_and_by_first_letters(shop: Shop, prefix: str) -> None:
    assert texts(shop, prefix)[0] == "跑步鞋"


def test_languages_and_scripts_mixed(shop: Shop) -> None:
    for prefix in ("nike pao", "nikepb", "NIKE 跑", "nike跑步x"):
        assert texts(shop, prefix) == ["nike 跑步鞋"], prefix
    assert texts(shop, "紅色") == texts(shop, "红色") != []
    assert texts(shop, "ＲＵＮＮ") == texts(shop, "runn")


def test_first_letters_come_after_what_is_written_so(shop: Shop) -> None:
    assert texts(shop, "hp")[0] == "HP"
    assert "花瓶" in texts(shop, "hp")
    assert "花瓶" not in texts(shop, "p"), "one letter is not enough"


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("hedphones", "headphones"),
        ("haedph", "headphones"),
        ("jeadphones", "headphones"),
        ("runing sh", "running shoes"),
        ("paobuixe", "跑步鞋"),
    ],
)
def test_typing_errors_are_forgiven_where_nothing_completes(shop: Shop, wrong: str, meant: str) -> None:
    found = shop.suggest(wrong)
    assert found.found[0].text == meant
    assert found.notes == [f"nothing begins with '{wrong}': what is shown begins nearly so"]
    assert not shop.suggest("runn").notes


def test_short_and_chinese_prefixes_are_taken_as_they_are(shop: Shop) -> None:
    assert texts(shop, "rnu") == texts(shop, "蓝色花瓶") == texts(shop, "xylophone") == []


def test_nothing_typed_gives_the_most_useful(shop: Shop) -> None:
    assert texts(shop, "", 2) == texts(shop, "  ", 2) == ["run", "running shoes"]
    assert texts(shop, "!?") == []


def test_a_past_search_without_products_is_no_suggestion(shop: Shop) -> None:
    assert texts(shop, "蓝牙") == []


def test_how_many(shop: Shop) -> None:
    assert len(shop.suggest("r", k=1)) == 1
    with pytest.raises(UsageError, match="-k must be at least 1"):
        shop.suggest("r", k=0)


def test_a_store_that_was_not_embedded(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", PRODUCTS))
    with pytest.raises(InputError, match="nothing to complete from"):
        shop.suggest("r")


@given(st.one_of(st.text(max_size=30), st.text(st.sampled_from("runig paobxie跑步鞋nk'\"%\\"), max_size=12)))
def test_any_prefix(shop: Shop, prefix: str) -> None:
    found = shop.suggest(prefix, k=5)
    assert len(found) <= 5
    assert len({one.text for one in found}) == len(found)
    assert all(one.products > 0 for one in found)


def test_every_completion_is_found_by_each_of_its_beginnings(shop: Shop) -> None:
    for row in shop.store.read(COMPLETIONS).to_pylist():
        for spelt in (row["key"], (row["sounds"] or "").replace("\t", "")):
            for end in range(1, len(spelt) + 1):
                assert row["text"] in texts(shop, spelt[:end], 1000)


def test_a_prefix_as_long_as_a_book(shop: Shop) -> None:
    assert texts(shop, "running shoes " * 100_000) == []
