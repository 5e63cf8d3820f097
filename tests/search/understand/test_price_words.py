"""What texts say of prices, in English and Chinese, and what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.search.understand.prices import price_range, without


@pytest.mark.parametrize(
    ("text", "low", "high", "rest"),
    [
        ("shoes under 80", None, 80, "shoes"),
        ("shoes under $80 for men", None, 80, "shoes for men"),
        ("lamp between 50 and 100", 50, 100, "lamp"),
        ("lamp from €50 to €100, red", 50, 100, "lamp , red"),
        ("headphones 20-30 dollars", 20, 30, "headphones"),
        ("watch over 1,000.50 usd", 1000.5, None, "watch"),
        ("camera up to 2k eur", None, 2000, "camera"),
        ("price below 50 mug", None, 50, "mug"),
        ("80元以下的台灯", None, 80, "台灯"),
        ("台灯 100元以内", None, 100, "台灯"),
        ("不超过100元 台灯", None, 100, "台灯"),
        ("100-200元 耳机", 100, 200, "耳机"),
        ("1万元以上 相机", 10_000, None, "相机"),
        ("台灯80以下", None, 80, "台灯"),
        ("１００元以下 台灯", None, 100, "台灯"),
        ("under 80", None, 80, "under 80"),
    ],
)
def test_what_is_a_price(text: str, low: float | None, high: float | None, rest: str) -> None:
    found = price_range(text)
    assert found is not None
    assert (found.low, found.high, without(text, found)) == (low, high, rest)


@pytest.mark.parametrize(
    "text",
    [
        "laptop under 15 inch",
        "tent for over 4 people",
        "speaker over 50 W",
        "more than 16 GB",
        "iphone 8",
        "windows 10",
        "9-12 months baby",
        "sizes 10-12",
        "under armour shoes",
        "over the ear headphones",
        "18岁以上 玩具",
        "5寸以下",
        "airmax 90",
        "toner 10-20",
        "between 100 and 50",
        "",
    ],
)
def test_what_is_none(text: str) -> None:
    assert price_range(text) is None


def test_currencies() -> None:
    for text, code in (("under $9", "USD"), ("9元以下", "CNY"), ("under ¥9", "JPY"), ("under 9 euros", "EUR"), ("under £9", "GBP")):
        found = price_range(text)
        assert found is not None and code in found.currencies, text
    assert price_range("under 9").currencies == ()  # type: ignore[union-attr]


@given(st.text(max_size=80), st.integers(0, 10**8))
def test_any_text_is_read_or_left(text: str, number: int) -> None:
    for tried in (text, f"{text} under {number}", f"{number}元以下{text}"):
        found = price_range(tried)
        if found is not None:
            assert 0 <= found.start < found.end <= len(tried)
            assert found.low is None or found.high is None or found.low <= found.high
            assert without(tried, found).strip()
