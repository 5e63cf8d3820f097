"""Facets: what is counted, and that the filter of a value keeps as many products as were counted."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filter_trees import POOLS, Row
from hypothesis import given, settings
from hypothesis import strategies as st
from product_shelf import bring, new_store, passing, product, with_columns

from mmsearch.errors import UsageError
from mmsearch.search.facets import Facet, FacetOf, count_facet, parse_facet
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.facts import replace_facts
from mmsearch.store.values import read_values
from mmsearch.store.where import written

_CHANCE = random.Random(11)
ROWS: list[Row] = [{name: _CHANCE.choice(pool) for name, pool in POOLS.items() if _CHANCE.random() < 0.7} for _ in range(150)]
_OWN = [name for name in POOLS if name not in ("price", "title")]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    """The same rows, the shop's own attributes in columns, and in the table of sparse ones."""
    made = []
    for number, layout in enumerate((_OWN, [])):
        store = new_store(tmp_path_factory.mktemp("facets") / str(number))
        with pytest.MonkeyPatch.context() as patch:
            with_columns(patch, layout)
            bring(store, [product(str(i), row) for i, row in enumerate(ROWS)], chunk=50)
        made.append(store)
    return made


def facet(store: Store, text: str, where: str | None = None) -> Facet:
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    asked = parse_facet(text)
    among = None if where is None else np.isin(ids.to_pylist(), sorted(passing(store, where)))
    return count_facet(asked, read_values(store, asked.name, ids, option="--facet"), among)


def pairs(found: Facet) -> list[tuple[Any, int]]:
    return [(line["value"], line["count"]) for line in found["values"]]


# -- the filter of a value ---------------------------------------------------------------------------------------------


@settings(max_examples=60, derandomize=True, deadline=None)
@given(name=st.sampled_from(list(POOLS)), most=st.integers(1, 30), among=st.sampled_from([None, "price > 0", "size is null", "new = true"]))
def test_a_filter_keeps_as_many_as_were_counted(stores: list[Store], name: str, most: int, among: str | None) -> None:
    counted = [facet(store, f"{written(name)}({most})", among) for store in stores]
    assert counted[0] == counted[1], "how an attribute is kept makes no difference"
    left = set(map(str, range(len(ROWS)))) if among is None else passing(stores[0], among)
    for line in counted[0]["values"]:
        assert line["count"] > 0
        if line["where"] is not None:
            assert len(passing(stores[0], line["where"]) & left) == line["count"], line
    assert counted[0]["missing"] == sum(ROWS[int(i)].get(name) is None for i in left)
    if not any(isinstance(row.get(name), list) for row in ROWS) and not counted[0]["more"]:
        assert sum(line["count"] for line in counted[0]["values"]) + counted[0]["missing"] == len(left)


def test_nearly_every_value_has_a_filter(stores: list[Store]) -> None:
    """Only where a text also reads as another type, or a date stands beside texts, there is none."""
    without = {
        name: [line["value"] for line in facet(stores[0], f"{written(name)}(50)")["values"] if line["where"] is None] for name in POOLS
    }
    assert {name: values for name, values in without.items() if values} == {
        "mixed": ["42.0"],
        "seen": ["2010-01-01"],
    }


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12).filter(lambda t: t.strip() == t)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(name=_texts, values=st.lists(_texts, min_size=1, max_size=5, unique=True))
def test_no_name_and_no_value_breaks_out(tmp_path_factory: pytest.TempPathFactory, name: str, values: list[str]) -> None:
    store = new_store(Path(tmp_path_factory.mktemp("any")) / "store")
    bring(store, [product(f"{i}-{j}", {f"x{name}": value}) for i, value in enumerate(values) for j in range(i + 1)])
    found = facet(store, written(f"x{name}"))
    assert sorted(pairs(found)) == sorted((value, i + 1) for i, value in enumerate(values))
    for line in found["values"]:
        assert line["where"] is not None
        assert len(passing(store, line["where"])) == line["count"]


@given(st.text(max_size=30))
def test_any_text_is_a_facet_or_refused(text: str) -> None:
    try:
        asked = parse_facet(text)
    except UsageError:
        return
    assert asked.name
    assert asked.most is None or 1 <= asked.most <= 10_000


# -- what is counted ---------------------------------------------------------------------------------------------------


def made(path: Path, rows: list[Row]) -> Store:
    store = new_store(path / "store")
    bring(store, [product(f"{i:03}", row) for i, row in enumerate(rows)])
    return store


def test_texts_the_most_frequent_first(tmp_path: Path) -> None:
    store = made(tmp_path, [{"brand": b} for b in ["HP"] * 3 + ["戴尔"] * 5 + ["it's", "apple", "Zebra"]] + [{}] * 4)
    assert facet(store, "brand(3)") == {
        "facet": "brand",
        "values": [
            {"value": "戴尔", "count": 5, "where": "brand = '戴尔'"},
            {"value": "HP", "count": 3, "where": "brand = 'HP'"},
            {"value": "Zebra", "count": 1, "where": "brand = 'Zebra'"},
        ],
        "more": 2,
        "missing": 4,
    }
    assert len(facet(store, "id")["values"]) == 10
    assert facet(store, "brand", "brand = 'HP'") == {
        "facet": "brand",
        "values": [{"value": "HP", "count": 3, "where": "brand = 'HP'"}],
        "more": 0,
        "missing": 0,
    }
    assert facet(store, "brand", "price > 3") == {"facet": "brand", "values": [], "more": 0, "missing": 0}


def test_items_of_lists_once_a_product(tmp_path: Path) -> None:
    store = made(tmp_path, [{"tags": ["a", "a", "b"]}, {"tags": ["b"]}, {"tags": "b"}, {"tags": []}, {}])
    assert pairs(facet(store, "tags")) == [("b", 3), ("a", 1)]
    assert facet(store, "tags")["missing"] == 1
    assert [line["where"] for line in facet(store, "tags")["values"]] == ["tags has 'b'", "tags has 'a'"]


def test_truth_values(tmp_path: Path) -> None:
    store = made(tmp_path, [{"new": True}, {"new": True}, {"new": False}, {}])
    assert [(v["value"], v["count"], v["where"]) for v in facet(store, "new")["values"]] == [
        (True, 2, "new = true"),
        (False, 1, "new = false"),
    ]


def test_few_numbers_one_by_one_and_many_in_ranges(tmp_path: Path) -> None:
    store = made(tmp_path, [{"stock": float(i % 3), "price": float(i)} for i in range(100)])
    assert [(v["value"], v["count"], v["where"]) for v in facet(store, "stock")["values"]] == [
        (0, 34, "stock = 0"),
        (1, 33, "stock = 1"),
        (2, 33, "stock = 2"),
    ]
    assert facet(store, "price")["values"][:2] == [
        {"value": "< 20", "from": None, "to": 20, "count": 20, "where": "price < 20"},
        {"value": "20 – 40", "from": 20, "to": 40, "count": 20, "where": "price >= 20 and price < 40"},
    ]
    assert facet(store, "price(2)")["values"][-1] == {"value": ">= 50", "from": 50, "to": None, "count": 50, "where": "price >= 50"}
    assert facet(store, "price(1)")["values"] == [
        {"value": "0 – 99", "from": None, "to": None, "count": 100, "where": "price between 0 and 99"}
    ]


def test_times_in_ranges_of_the_calendar(tmp_path: Path) -> None:
    store = made(tmp_path, [{"released": datetime(2004 + i % 10, 1 + i % 12, 3, tzinfo=UTC)} for i in range(200)])
    found = facet(store, "released(3)")
    assert [line["where"] for line in found["values"]] == [
        "released < '2007-01-01'",
        "released >= '2007-01-01' and released < '2010-01-01'",
        "released >= '2010-01-01'",
    ]
    assert sum(count for _, count in pairs(found)) == 200


def test_categories_at_the_level_where_they_part(tmp_path: Path) -> None:
    paths = ["Shop > Bags > Day_packs 100%", "Shop > Bags", "Shop > Shoes > Red > Men", "Shop > Shoes > Blue", "Shop > Shoes", "Shop"]
    store = made(tmp_path, [{"category": path} for path in paths] + [{}])
    found = facet(store, "category")
    assert pairs(found) == [("Shop > Shoes", 3), ("Shop > Bags", 2), ("Shop", 1)]
    assert [line["where"] for line in found["values"]] == [
        "category = 'Shop > Shoes' or category like 'Shop > Shoes > %'",
        "category = 'Shop > Bags' or category like 'Shop > Bags > %'",
        "category = 'Shop'",
    ]
    below = facet(store, "category", found["values"][0]["where"])
    assert pairs(below) == [("Shop > Shoes", 1), ("Shop > Shoes > Blue", 1), ("Shop > Shoes > Red", 1)]
    last = facet(store, "category", found["values"][1]["where"])
    assert [line["where"] for line in last["values"]] == ["category = 'Shop > Bags'", "category = 'Shop > Bags > Day_packs 100%'"]
    assert facet(store, "category", "category is null")["missing"] == 1


def test_a_level_with_signs_that_like_knows(tmp_path: Path) -> None:
    paths = ["a_b > c", "a_b > d", "axb > c", "50% > c", "50 > c", "q\\ > c", "q > c"]
    store = made(tmp_path, [{"category": path} for path in paths])
    for line in facet(store, "category")["values"]:
        assert line["where"] is not None
        assert len(passing(store, line["where"])) == line["count"], line


def test_facts_are_counted_alike(tmp_path: Path) -> None:
    store = made(tmp_path, [{"colour": "crimson"}, {"colour": "crimson"}, {}])
    with store.writing("test"):
        replace_facts(store, "colours", {"000": {"colour": ("list", ["red", "white"])}, "001": {"colour": ("list", ["red"])}})
        replace_facts(store, "sentiment", {"000": {"sentiment": ("number", 0.5)}})
    assert pairs(facet(store, "colour")) == [("crimson", 2)]
    found = facet(store, "`fact.colour`")
    assert pairs(found) == [("red", 2), ("white", 1)]
    assert found["values"][0]["where"] == "`fact.colour` has 'red'"
    assert passing(store, "`fact.colour` has 'red'") == {"000", "001"}
    assert facet(store, "sentiment")["missing"] == 2


def test_counts_are_right_for_a_large_column(tmp_path: Path) -> None:
    chance = random.Random(3)
    values = [chance.choice("abcdefghijklmnop") for _ in range(3_000)]
    store = made(tmp_path, [{"brand": value} for value in values])
    expected = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))[:4]
    assert pairs(facet(store, "brand(4)")) == expected


# -- how it is asked ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("brand", FacetOf("brand")),
        (" price ( 5 ) ", FacetOf("price", 5)),
        ("`size (10)`", FacetOf("size (10)")),
        ("`size (10)`(3)", FacetOf("size (10)", 3)),
        ("size (cm)", FacetOf("size (cm)")),
        ("size (cm)(007)", FacetOf("size (cm)", 7)),
        ("country of origin", FacetOf("country of origin")),
        ("fact.colour(2)", FacetOf("fact.colour", 2)),
    ],
)
def test_names_and_numbers(text: str, asked: FacetOf) -> None:
    assert parse_facet(text) == asked


@pytest.mark.parametrize("text", ["", " ", "price(0)", "price(10001)", "price(99999999999999999999999)", "`price"])
def test_what_is_no_facet(text: str) -> None:
    with pytest.raises(UsageError):
        parse_facet(text)


def test_an_unknown_name(stores: list[Store]) -> None:
    with pytest.raises(UsageError, match="--facet: no product has an attribute 'prise'; did you mean price"):
        facet(stores[0], "prise")
