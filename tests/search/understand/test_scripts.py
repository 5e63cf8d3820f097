"""Traditional and simplified characters are one: a query in either is understood alike, has the same synonyms and finds the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import small_shop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mmsearch.lexical.spelling import folded
from mmsearch.search.hits import Result
from mmsearch.search.query import in_one_spelling, make_query
from mmsearch.shop import Shop

ROWS = [
    ("lamp", "灯下 实木台灯", "灯下", "家居 > 台灯", "红色", 300.0, "CNY", "实木"),
    ("lamp-t", "燈下 檯燈 護眼", "燈下", "家居 > 台灯", "綠色", 900.0, "CNY", ""),
    ("head", "头戴式耳机 降噪", "声浪", "音响 > 耳机", "蓝色", 450.0, "CNY", "皮革"),
    ("desk", "Desk lamp with a red shade", "Fleetwing", "Lamps", "red", 60.0, "USD", ""),
    ("phones", "Headphones, over ear", "Fleetwing", "Audio", "blue", 90.0, "USD", "leather"),
    *((f"x{n}", f"普通 商品 {n}", "", "", "", 1000.0 + n, "CNY", "") for n in range(8)),
]
COLUMNS = ("id", "title", "brand", "category", "colour", "price", "currency", "material")
WORDS = [
    "紅色",
    "綠色",
    "藍色",
    "台燈",
    "檯燈",
    "耳機",
    "燈下",
    "聲浪",
    "500元以內",
    "不超過３００元",
    "頭戴式",
    "實木",
    "皮革",
    "降噪",
    "的",
    "商品",
    "lamp",
    "ＲＥＤ",
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Read only. Its synonyms are in both scripts."""
    folder = tmp_path_factory.mktemp("scripts")
    made = Shop(folder / "store.lancedb")
    made.ingest(small_shop.write_csv(folder / "p.csv", COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]))
    (folder / "s.txt").write_text("台灯, desk lamp\n耳機, headphones\n", encoding="utf-8")
    made.ingest(folder / "s.txt", kind="synonyms")
    made.embed(text="fake-text")
    yield made


def meant(found: Result) -> list[tuple[str, str]]:
    """What was understood, in one spelling: a price is told as it was typed."""
    return [(one["kind"], folded(one["value"])) for one in found.understood]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(st.sampled_from([*WORDS, " "]), min_size=1, max_size=5).map("".join).filter(str.strip))
@example(text="500元以內的紅色耳機")
@example(text="ＲＥＤ 檯燈")
def test_a_query_in_either_script_is_the_same(shop: Shop, text: str) -> None:
    either, other = shop.search(text, k=20, explain=True), shop.search(folded(text), k=20, explain=True)
    assert meant(either) == meant(other)
    assert [(hit.id, hit.score) for hit in either] == [(hit.id, hit.score) for hit in other]
    for one in either.understood:
        assert one["text"].strip() in text, "what was typed is quoted as it was typed"


def test_what_is_understood_is_quoted_as_typed(shop: Shop) -> None:
    found = shop.search("500元以內的紅色 耳機", k=1, explain=True)
    told = {(one["kind"], one["value"], one["text"]) for one in found.understood}
    assert told == {
        ("price", "500元以內", "500元以內"),
        ("colour", "red", "紅色"),
        ("category", "耳机", "耳機"),
        ("synonym", "headphones", "耳機"),
    }
    assert "understood: 500元以內 (price, boost); category 耳机 (boost); colour red (boost); 耳機 is also headphones" in found.notes
    assert {one.part for one in found.hits[0].explain if one.part} <= {"text: 紅色 耳機", "understood"}


@pytest.mark.parametrize("text", ["台燈", "檯燈", "台灯", "耳機", "耳机"])
def test_synonyms_are_found_in_either_script_of_the_file(shop: Shop, text: str) -> None:
    assert [one["text"] for one in shop.search(text, k=1).understood if one["kind"] == "synonym"] == [text]
    wide = shop.search(text, k=1, expand=True).notes
    assert any(line.startswith(f"expanded: {text} → synonym: ") for line in wide), wide


def test_text_that_has_no_other_spelling_is_left_as_it_is() -> None:
    query = make_query(["red ﬁt shoes"], image=["紅.jpg"], not_text=["皮革"])
    assert in_one_spelling(query) is query
    changed = in_one_spelling(make_query(["紅色"], not_text=["綠色"], image=["紅.jpg"]))
    assert [(part.content, part.quoted()) for part in changed.parts] == [("红色", "紅色"), ("紅.jpg", "紅.jpg"), ("绿色", "綠色")]


def test_an_english_search_loads_no_opencc_for_chinese_synonyms(shop: Shop) -> None:
    program = (
        "import sys, mmsearch.search.understand.synonyms as s; from mmsearch.store import Store; known = s.Synonyms(Store(sys.argv[1]))\n"
        "assert known.of('desk lamp'); before = 'opencc' in sys.modules; assert known.of('耳机'); print(before, 'opencc' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program, shop.store.path], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stdout == "False True\n", ran.stderr
