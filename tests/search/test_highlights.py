"""What of a title is marked: the words of the query, in whatever form."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.search.highlights import highlights, marked
from mmsearch.search.hits import Result
from mmsearch.search.query import make_query


@pytest.mark.parametrize(
    ("title", "text", "found"),
    [
        ("Red running shoes, size 42", "shoe RED", ["Red", "shoes"]),
        ("Brother TN-2110 toner", "tn2110", ["TN-2110"]),
        ("Apple iPhone 15", "iphone15", []),  # a code over two words is not looked for in titles
        ("红色跑步鞋男款", "跑步鞋", ["跑步鞋"]),
        ("红色跑步鞋男款", "紅色 鞋", ["红色", "鞋"]),
        ("跑步鞋 running shoes", "shoes", ["shoes"]),
        ("Lamp", "chair", []),
        ("", "chair", []),
        ("حذاء أحمر", "أحمر", ["أحمر"]),
    ],
)
def test_what_is_marked(title: str, text: str, found: list[str]) -> None:
    assert [title[start:end] for start, end in marked(title, [text])] == found


def test_only_what_is_looked_for_and_its_synonyms() -> None:
    query = make_query(["red sneaker"], image=["blue.jpg"], not_text=["leather"])
    result = Result(
        [], 0, understood=[{"kind": "synonym", "value": "trainers", "text": "sneaker"}, {"kind": "brand", "value": "Big", "text": "x"}]
    )
    title = "Red leather trainer by Big"
    assert [title[start:end] for start, end in highlights(title, query, result)] == ["Red", "trainer"]


@given(st.text(max_size=60), st.text(max_size=30))
def test_places_are_inside_and_apart(title: str, text: str) -> None:
    places = marked(title, [text])
    assert all(0 <= start < end <= len(title) for start, end in places)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(places))
