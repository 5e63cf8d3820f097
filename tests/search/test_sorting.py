"""Sorting: several keys, types side by side, missing values last, ties by score and id."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import UsageError
from mmsearch.search.sorting import SortKey, in_order, parse_sort

_KINDS = {"number": pa.float64(), "time": pa.float64(), "bool": pa.bool_(), "text": pa.string(), "list": pa.list_(pa.string())}


def values(**columns: list[object]) -> dict[str, pa.ChunkedArray]:
    return {kind: pa.chunked_array([pa.array(column, _KINDS[kind])]) for kind, column in columns.items()}


def order(keys: list[tuple[str, dict[str, pa.ChunkedArray]]], ids: str, scores: list[float] | None = None, k: int = 99) -> str:
    products = pa.array(list(ids))
    given_scores = None if scores is None else np.array(scores)
    parsed = [(parse_sort(text), column) for text, column in keys]
    places = np.arange(len(ids))
    return "".join(ids[i] for i in in_order(parsed, places, products, given_scores, k))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("price", SortKey("price")),
        (" price  DESC ", SortKey("price", True)),
        ("price asc", SortKey("price")),
        ("`price desc`", SortKey("price desc")),
        ("`price desc` desc", SortKey("price desc", True)),
        ("country of origin desc", SortKey("country of origin", True)),
        ("desc", SortKey("desc")),
        ("价格 desc", SortKey("价格", True)),
        ("-price", SortKey("-price")),
    ],
)
def test_how_it_is_written(text: str, key: SortKey) -> None:
    assert parse_sort(text) == key


@pytest.mark.parametrize("text", ["", "  ", "`a", "`a` b desc"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(UsageError):
        parse_sort(text)


def test_numbers_and_what_has_none() -> None:
    price = values(number=[3.0, None, 1.0, 2.0, None])
    assert order([("price", price)], "abcde") == "cdabe"
    assert order([("price desc", price)], "abcde") == "adcbe", "missing values come last, whichever way"
    assert order([("price desc", price)], "abcde", k=2) == "ad"


def test_ties_fall_by_the_next_key_then_the_score_then_the_id() -> None:
    brand = values(text=["B", "a", "b", "A", "a"])
    price = values(number=[1.0, 2.0, 1.0, 1.0, 1.0])
    assert order([("brand", brand)], "edcba") == "abd" + "ce", "without regard to case"
    assert order([("brand", brand), ("price desc", price)], "edcba") == "dab" + "ce"
    assert order([("brand", brand)], "edcba", [0, 1, 5, 3, 2]) == "bad" + "ce"


def test_types_side_by_side() -> None:
    size = values(number=[42.0, None, 7.0, None, None], text=[None, "M", None, "L", None])
    assert order([("size", size)], "abcde") == "cadbe", "numbers, then texts, then nothing"
    assert order([("size desc", size)], "abcde") == "acbde"
    assert order([("new desc", values(bool=[False, None, True]))], "abc") == "cab"


def test_lists_have_no_order() -> None:
    with pytest.raises(UsageError, match="--sort: my tags is a list"):
        order([("my tags", values(list=[["a"], None]))], "ab")
    assert order([("tags", values(list=[["a"], None, None], text=[None, "z", "b"]))], "abc") == "cba"


@given(st.lists(st.one_of(st.none(), st.floats(-5, 5).map(round)), min_size=1, max_size=30), st.booleans(), st.integers(1, 40))
def test_as_python_sorts(numbers: list[float | None], descending: bool, k: int) -> None:
    ids = [f"{i:02}" for i in range(len(numbers))]
    price = values(number=[None if n is None else float(n) for n in numbers])
    found = in_order([(SortKey("price", descending), price)], np.arange(len(ids)), pa.array(ids), None, k)
    sign = -1 if descending else 1
    expected = sorted(range(len(ids)), key=lambda i: (numbers[i] is None, sign * (numbers[i] or 0), ids[i]))
    assert found.tolist() == expected[:k]
