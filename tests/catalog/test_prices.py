"""Price and currency cells."""

from __future__ import annotations

import doctest
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog import decimals, prices
from mmsearch.catalog.prices import Price, currency_code, parse_price, read_price


@pytest.mark.parametrize("module", [prices, decimals])
def test_the_examples_in_the_documentation(module: object) -> None:
    outcome = doctest.testmod(module)  # type: ignore[arg-type]
    assert outcome.failed == 0
    assert outcome.attempted >= 1


@pytest.mark.parametrize(
    ("raw", "price", "currency"),
    [
        ("5", 5, None),
        ("5.99", 5.99, None),
        ("0", 0, None),
        (".99", 0.99, None),
        ("$.99", 0.99, "USD"),
        ("$1,299.00", 1299, "USD"),
        ("US$ 1,299", 1299, "USD"),
        ("1.299,00 €", 1299, "EUR"),
        ("1 299,00 €", 1299, "EUR"),
        ("1\u202f299,00\xa0€", 1299, "EUR"),
        ("1'299.00 CHF", 1299, "CHF"),
        ("EUR 12,5", 12.5, "EUR"),
        ("£0,50", 0.5, "GBP"),
        ("0,500", 0.5, None),
        ("1,234", 1234, None),
        ("1.234", 1.234, None),
        ("1,234,567", 1234567, None),
        ("1.234.567", 1234567, None),
        ("1,23,456.00", 123456, None),
        ("99元", 99, "CNY"),
        ("￥９９．５０", 99.5, "CNY"),
        ("¥99", 99, "CNY"),
        ("RMB 99", 99, "CNY"),
        ("Rs. 500", 500, "INR"),
        ("Rs.500", 500, "INR"),
        ("500,-", 500, None),
        ("5 pcs", 5, None),
        ("from 5", 5, None),
        ("12.5 kr", 12.5, None),
        ("₹ 1,00,000", 100000, "INR"),
        ("1万", 10_000, None),
        ("3.5万元", 35_000, "CNY"),
        ("$1.2k", 1200, "USD"),
        ("1,299.-", 1299, None),
        ("500,- €", 500, "EUR"),
        ("5.–", 5, None),
        ("CHF 1'299.50", 1299.5, "CHF"),
        ("12 USD/kg", 12, "USD"),
        ("$5 CAD", 5, "CAD"),
        ("A$5", 5, "AUD"),
        ("NT$ 1,200", 1200, "TWD"),
        ("1.299,00 zł", 1299, "PLN"),
        ("1000円", 1000, "JPY"),
        ("¥1,000(税込)", 1000, "JPY"),
        ("¥1,000 JPY", 1000, "JPY"),
        ("99¢", 0.99, "USD"),
        ("5角", 0.5, "CNY"),
        ("5 kg", 5, None),
        (7, 7, None),
        (1e16, 1e16, None),
        (1e-5, 1e-5, None),
    ],
)
def test_prices(raw: str | float, price: float, currency: str | None) -> None:
    assert parse_price(raw) == (pytest.approx(price), currency)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "on request",
        "-5",
        "$-5",
        "-$5",
        "10-5",
        "2024-01-15",
        "5%",
        "(5.00)",
        "−5",
        "-USD 5",
        "Was $5 now $4",
        "free shipping",
        "$5 $4",
        "5 EUR / 4 pcs",
        "10 20",
        "1,234,56",
        "1.2.3",
        "1..2",
        "1e5",
        "NaN",
        "9" * 400,
        "9" * 5000,
        -1,
        -0.5,
        math.inf,
        math.nan,
        10**400,
    ],
)
def test_what_is_no_price(raw: str | float) -> None:
    with pytest.raises(ValueError, match=r"is not a price$|is negative or not finite$") as caught:
        parse_price(raw)
    assert len(str(caught.value)) < 120


@settings(max_examples=300, derandomize=True)
@given(st.integers(0, 10**9), st.sampled_from(["{:,.2f}", "{:.2f}", "{:_.2f}"]), st.sampled_from(["$", "€ ", "", "Rs. "]))
def test_a_price_however_it_is_grouped(cents: int, form: str, mark: str) -> None:
    english = form.format(cents / 100).replace("_", " ")
    assert parse_price(mark + english)[0] == cents / 100
    european = english.translate(str.maketrans(",.", ".,"))
    assert parse_price(f"{european} {mark}".strip())[0] == cents / 100


@settings(max_examples=300, derandomize=True)
@given(st.one_of(st.text(), st.text("0123456789.,-' $€e", max_size=15)))
def test_any_text_is_a_price_or_a_value_error(raw: str) -> None:
    try:
        price, _ = parse_price(raw)
    except ValueError:
        return
    assert math.isfinite(price)
    assert price >= 0


@pytest.mark.parametrize(
    ("raw", "price"),
    [
        ("$5 - $10", Price(5, "USD", lowest=True)),
        ("US$ 1,299 - US$ 2,000", Price(1299, "USD", lowest=True)),
        ("5-10", Price(5, None, lowest=True)),
        ("5 – 10 EUR", Price(5, "EUR", lowest=True)),
        ("99～199元", Price(99, "CNY", lowest=True)),
        ("1-2万元", Price(10_000, "CNY", lowest=True)),
        ("9千-1万元", Price(9_000, "CNY", lowest=True)),
        ("99元起", Price(99, "CNY", lowest=True)),
        ("ab 9,99 €", Price(9.99, "EUR", lowest=True)),
        ("free", Price(0, None, free=True)),
        ("免费", Price(0, None, free=True)),
        ("Kostenlos", Price(0, None, free=True)),
    ],
)
def test_ranges_and_free(raw: str, price: Price) -> None:
    assert read_price(raw) == price


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("usd", "USD"),
        ("US$", "USD"),
        ("RMB", "CNY"),
        ("人民币", "CNY"),
        ("￥", "CNY"),
        ("円", "JPY"),
        (" eur ", "EUR"),
        ("Euro", "EUR"),
        ("zł", "PLN"),
        ("all", "ALL"),
        ("kr", None),
        ("pieces", None),
        ("", None),
        ("XYZ", None),
    ],
)
def test_currency_cells(cell: str, code: str | None) -> None:
    assert currency_code(cell) == code


def test_words_that_are_codes_by_chance() -> None:
    assert parse_price("5 for all") == (5, None)
    assert parse_price("5 PCS") == (5, None)
    assert parse_price("5 usd") == (5, "USD")


@settings(max_examples=200, derandomize=True)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_range_is_its_lower_end(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert read_price(f"${low}-${high}") == Price(low, "USD", lowest=True)
