"""Quotes and fields in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.search.query import make_query
from mmsearch.search.required import Required, required


@pytest.mark.parametrize(
    ("text", "plain", "musts"),
    [
        ('"red shoe" for men', "red shoe for men", (Required("red shoe", phrase=True),)),
        ("brand:nike shoe", "nike shoe", (Required("nike", "brand"),)),
        ('Title:"red shoe"', "red shoe", (Required("red shoe", "title", True),)),
        ("品牌：耐克 跑鞋", "耐克 跑鞋", (Required("耐克", "brand"),)),
        ("“红色” 鞋", "红色 鞋", (Required("红色", phrase=True),)),
        ('17" monitor 24" x', '17" monitor 24" x', ()),
        ("size:42 red", "size:42 red", ()),
        ("brand: nike", "brand: nike", ()),
        ('an "open quote', 'an "open quote', ()),
        ('""', '""', ()),
    ],
)
def test_what_is_required(text: str, plain: str, musts: tuple[Required, ...]) -> None:
    assert required(text) == (plain, musts)


def test_only_text_that_is_looked_for_requires_anything() -> None:
    query = make_query(['"red shoe"'], not_text=['"blue"'], like=["brand:x"])
    assert [len(part.required) for part in query.parts] == [1, 0, 0]


@given(st.text(max_size=50))
def test_any_text(text: str) -> None:
    plain, musts = required(text)
    assert plain == text or musts
    for one in musts:
        assert one.text and str(one)
