"""Category paths."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog import categories
from mmsearch.catalog.categories import category_path
from mmsearch.catalog.clean import clean_text


def test_the_examples_in_the_documentation() -> None:
    outcome = doctest.testmod(categories)
    assert outcome.failed == 0
    assert outcome.attempted >= 1


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("A > B > C", "A > B > C"),
        ("A>B>C", "A > B > C"),
        ("A › B » C", "A > B > C"),
        ("服装＞鞋子＞跑鞋", "服装 > 鞋子 > 跑鞋"),
        ("A|B||C", "A > B > C"),
        ("A\\B", "A > B"),
        ("A -> B", "A > B"),
        ("A::B", "A > B"),
        ("A / B", "A > B"),
        ("A / B/C", "A > B/C"),
        ("A/B/C", "A > B > C"),
        ("/Home/Kitchen", "Home > Kitchen"),
        ("Food/Drinks", "Food/Drinks"),
        ("TV & Audio", "TV & Audio"),
        ("1/2 Zoll / Rohre", "1/2 Zoll > Rohre"),
        ("24/7/365", "24/7/365"),
        (
            "Industrial & Scientific,Tapes, Adhesives & Sealants,Duct Tape",
            "Industrial & Scientific > Tapes, Adhesives & Sealants > Duct Tape",
        ),
        ("Tapes, Adhesives", "Tapes, Adhesives"),
        ("1,5 l", "1,5 l"),
        ('["A", "B", "B"]', "A > B"),
        ('["A/B/C"]', "A > B > C"),
        ("[sale]", "[sale]"),
        ("[1, 2", "[1, 2"),
        (["A", "", None, "B > C"], "A > B C"),
        ([], ""),
        ("", ""),
        (" > ", ""),
        ("> A > a >  > B >", "A > B"),
        ("|a/b/c", "a > b > c"),
        ("Shoes", "Shoes"),
        ("[]|", ""),
        ('["Shoes"]|', "Shoes"),
        (['["', '"]'], ""),
        (["[Sale]", "Shoes [new]"], "[Sale] > Shoes [new]"),
    ],
)
def test_paths(raw: str | list[str], path: str) -> None:
    assert category_path(raw) == path


@given(st.one_of(st.text(), st.text('ab/|>\\, ;:[]"-1', max_size=20), st.lists(st.text("ab/|> ,", max_size=6), max_size=4)))
def test_a_path_stays_a_path(raw: str | list[str]) -> None:
    path = category_path(raw)
    assert category_path(path) == path
    assert "" not in path.split(" > ") or path == ""


@pytest.mark.data
def test_the_categories_of_real_products(data: Path) -> None:
    rows = [json.loads(line)["category"] for line in (data / "scientific" / "products.jsonl").open(encoding="utf-8")]
    paths = [category_path(clean_text(row)) for row in rows]
    roots = {path.split(" > ")[0] for path in paths if path}
    assert roots == {"Industrial & Scientific"}
    assert "Tapes, Adhesives & Sealants" in {path.split(" > ")[1] for path in paths if path.count(" > ")}
