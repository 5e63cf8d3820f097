"""Quantities in text."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog import units
from mmsearch.catalog.units import Quantity, parse_quantity, quantity_attribute


def test_the_examples_in_the_documentation() -> None:
    outcome = doctest.testmod(units)
    assert outcome.failed == 0
    assert outcome.attempted >= 3


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.5 kg", 1500, "g"),
        ("500ml", 500, "ml"),
        ('12.9"', 327.66, "mm"),
        ("5''", 127, "mm"),
        ("2,5 л", 2500, "ml"),
        ("256 GB", 256, "GB"),
        ("1TB", 1000, "GB"),
        ("100 W", 100, "W"),
        ("3 inch", 76.2, "mm"),
        ("1-1/2 in", 38.1, "mm"),
        ('½"', 12.7, "mm"),
        ("1 1⁄2 in", 38.1, "mm"),
        ("500克", 500, "g"),
        ("约500克", 500, "g"),
        ("5００ｇ", 500, "g"),
        ("1.5升", 1500, "ml"),
        ("20公分", 200, "mm"),
        ("2斤", 1000, "g"),
        ("3 fl oz", 88.7205886875, "ml"),
        ("1,500 g", 1500, "g"),
        ("2.13 GHz", 2.13e9, "Hz"),
        ("3000mAh", 3000, "mAh"),
        ("5 A", 5, "A"),
        ("2.4A", 2.4, "A"),
        ("24 months", 24, "months"),
        ("2 years", 24, "months"),
        ("5-inch", 127, "mm"),
        ("30 s", 30, "s"),
        ("5m", 5000, "mm"),
        ("1 mW", 0.001, "W"),
        ("1 MW", 1e6, "W"),
    ],
)
def test_quantities(text: str, value: float, unit: str) -> None:
    assert parse_quantity(text) == Quantity(pytest.approx(value, rel=1e-11), unit)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "5G",
        "4G",
        "3M",
        "A4",
        "4K",
        "56K",
        "100% cotton",
        "10 × 20 × 5 cm",
        "75 x 75",
        "1 - 2 kg",
        "5s",
        "5A",
        "16A 3P",
        "50/60 Hz",
        "3 in 1",
        "007 g",
        "1.2.3 kg",
        "kg",
        "-5 kg",
        "max 5 kg",
        "5 kg bag",
        "2U",
        "8x",
        "1080p",
        "500 G",
        "5 Mb",
        "9V DC",
        "1/0 in",
        "5/4 in",
        "12 件",
        "5 寸",
        "2020年",
        "3月",
        "X" * 1000,
        "1" * 39 + "g",
        'iPad Pro 12.9"',
        "3D",
        "2.4G",
        "IP68",
        "C13",
        "1 2 kg",
        "a",
        "约",
        "~",
        "c",
    ],
)
def test_what_is_no_quantity(text: str) -> None:
    assert parse_quantity(text) is None


def test_attributes() -> None:
    assert quantity_attribute("weight", "1.5 kg") == ("weight_g", 1500)
    assert quantity_attribute("净含量", "500克") == ("净含量_g", 500)
    assert quantity_attribute("network", "5g") is None
    assert quantity_attribute("Model", "300 W") is None
    assert quantity_attribute("colour", "red") is None


@given(st.one_of(st.text(max_size=45), st.text('0123456789.,/ -"kgmlcinVA约', max_size=12)))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    found = parse_quantity(text)
    assert found is None or (0 <= found.value < float("inf") and any(c.isnumeric() for c in text))


@given(st.integers(0, 10**6), st.sampled_from(["g", "kg", "cm", "mm", "GB", "W", "lb"]), st.sampled_from(["", " "]))
def test_a_quantity_scales(number: int, unit: str, gap: str) -> None:
    one, many = parse_quantity(f"1{gap}{unit}"), parse_quantity(f"{number}{gap}{unit}")
    assert one is not None
    assert many == Quantity(pytest.approx(one.value * number, rel=1e-10), one.unit)
