"""A title in several languages over several feeds: what each of them keeps, replaces and clears."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ingest_shop import IngestShop, counts

BOTH = {"en": "Red shoe", "zh": "红鞋"}


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def bring(shop: IngestShop, *rows: dict[str, Any]) -> Any:
    return shop.bring("".join(json.dumps(row) + "\n" for row in rows), "feed.jsonl")


def said(shop: IngestShop, id: str = "1") -> dict[str, Any]:
    return {name: value for name, value in shop.products()[id].items() if name != "title_language"}


@pytest.mark.parametrize("field", ["title", "description", "category", "brand"])
@pytest.mark.parametrize("others", [0, 60], ids=["columns", "sparse"])  # a name that few products have is no column
def test_a_language_that_the_object_has_no_more_is_cleared(shop: IngestShop, field: str, others: int) -> None:
    rest = [{"id": str(n), field: f"shoe {n}"} for n in range(2, 2 + others)]
    bring(shop, {"id": "1", field: BOTH}, *rest)
    assert said(shop) == {field: "Red shoe", f"{field}_en": "Red shoe", f"{field}_zh": "红鞋"}
    assert counts(bring(shop, {"id": "1", field: {"en": "Red shoe"}}, *rest))["changed"] == 1
    assert said(shop) == {field: "Red shoe", f"{field}_en": "Red shoe"}
    assert counts(bring(shop, {"id": "1", field: {"en": "Red shoe"}, "size": 1}, *rest))["changed"] == 1
    assert said(shop)[f"{field}_en"] == "Red shoe"


@pytest.mark.parametrize("nothing", [None, {}, {"en": "", "zh": " "}])
def test_no_title_at_all_has_no_language(shop: IngestShop, nothing: Any) -> None:
    bring(shop, {"id": "1", "title": BOTH})
    bring(shop, {"id": "1", "title": nothing})
    assert said(shop) == {}


def test_a_feed_without_titles_keeps_them(shop: IngestShop) -> None:
    bring(shop, {"id": "1", "title": BOTH, "description": BOTH})
    bring(shop, {"id": "1", "description": {"en": "Light"}})
    assert said(shop) == {
        "title": "Red shoe",
        "title_en": "Red shoe",
        "title_zh": "红鞋",
        "description": "Light",
        "description_en": "Light",
    }


@pytest.mark.parametrize(
    ("content", "title"),
    [("id,title\n1,Shoe\n", {"title": "Shoe"}), ("id,title\n1,\n", {}), ('{"id": 1, "title": "Shoe"}', {"title": "Shoe"})],
)
def test_a_plain_title_says_nothing_of_the_languages(shop: IngestShop, content: str, title: dict[str, str]) -> None:
    bring(shop, {"id": "1", "title": BOTH})
    shop.bring(content, "plain")
    assert said(shop) == {"title_en": "Red shoe", "title_zh": "红鞋", **title}


def test_a_column_beside_the_object_counts(shop: IngestShop) -> None:
    bring(shop, {"id": "1", "title": BOTH, "title_fr": "Chaussure"})
    bring(shop, {"id": "1", "title": {"en": "Red shoe"}, "title_fr": "Chaussure"})
    assert said(shop) == {"title": "Red shoe", "title_en": "Red shoe", "title_fr": "Chaussure"}


def test_what_only_looks_like_a_language_is_kept(shop: IngestShop) -> None:
    bring(shop, {"id": "1", "category": BOTH, "category_id": "B17", "brand_no": "7", "category_xx": "x", "category_rank": "y"})
    bring(shop, {"id": "1", "category": {"en": "Shoes"}, "brand": {"en": "Ulm"}})
    assert set(said(shop)) == {"category", "category_en", "category_id", "category_xx", "category_rank", "brand", "brand_en", "brand_no"}


def test_an_object_that_cannot_be_read_clears_no_language(shop: IngestShop) -> None:
    bring(shop, {"id": "1", "title": BOTH})
    assert bring(shop, {"id": "1", "title": {"en": 5}}).reasons == {"title: not a text": 1}
    assert said(shop) == {"title_en": "Red shoe", "title_zh": "红鞋"}
