"""Cleaning of single values."""

from __future__ import annotations

import doctest
import math
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog import clean
from mmsearch.catalog.clean import clean_id, clean_text, parse_price, parse_time, plain_number, split_list


def test_the_examples_in_the_documentation() -> None:
    outcome = doctest.testmod(clean)
    assert outcome.failed == 0
    assert outcome.attempted >= 4


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Ｎｉｋｅ　Ａｉｒ", "Nike Air"),
        ("a &amp; b&nbsp;c &eacute;", "a & b c é"),
        ("<p>Soft<br/>shoe</p><script src='x'>", "Soft shoe"),
        ("5 < 6 > 3", "5 < 6 > 3"),
        ("I <3 shoes", "I <3 shoes"),
        ("  a \t\n b\u3000c ", "a b c"),
        ("a\x0cb\x1fc\x85d\u2028e", "a b c d e"),  # characters that separate stay separators
        ("a\x00b\x07c\x1bd\x7fe\x9ff", "abcdef"),
        ("run\xadning\u200b \u200eshoe\u202e \ufeff", "running shoe"),
        ("e\u200b\u0301", "é"),
        ("👩\u200d👩 می\u200cخواهم", "👩\u200d👩 می\u200cخواهم"),  # joiners mean something
        ("broken \ud83d emoji \udcff", "broken emoji"),
        ("①㎏ﬁ", "1kgfi"),
        ("\u200b\xad", ""),
        ("", ""),
    ],
)
def test_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text())
@settings(max_examples=300, derandomize=True)
def test_clean_text_is_storable_and_trimmed(raw: str) -> None:
    text = clean_text(raw)
    text.encode("utf-8")
    assert text == " ".join(text.split())
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
    assert unicodedata.is_normalized("NFKC", text)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (" AB-1 ", "AB-1"),
        ("ＡＢ", "ＡＢ"),
        ("a b", "a b"),
        ("a\x00b\tc\nd\x1fe\u200bf\ud800g", "abcdefg"),
        ("&lt;1&gt;", "&lt;1&gt;"),
        (" \x00 ", ""),
    ],
)
def test_id(raw: str, clean: str) -> None:
    assert clean_id(raw) == clean


@pytest.mark.parametrize("text", ["42", "0", "-1", "42.50", "0.5", "123456789012345"])
def test_numbers(text: str) -> None:
    assert plain_number(text) == float(text)


@pytest.mark.parametrize(
    "text", ["", "007", "00", "1e5", "1,5", ".5", "5.", "+5", "1_000", "1234567890123456", "nan", "inf", " 5", "0x10", "5 kg"]
)
def test_what_stays_text(text: str) -> None:
    assert plain_number(text) is None


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
        ("Rs. 500", 500, None),
        ("Rs.500", 500, None),
        ("500,-", 500, None),
        ("5 pcs", 5, None),
        ("from 5", 5, None),
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
        "free",
        "on request",
        "-5",
        "$-5",
        "-$5",
        "5-10",
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
    "raw",
    ["$" + " " * 200_000 + "x", "1" * 200_000 + "x", "1 " * 100_000, "1," * 100_000 + "x", "<a" * 100_000, "&" * 500_000, "<" * 500_000],
)
def test_a_hostile_cell_takes_no_time(raw: str) -> None:
    begun = time.perf_counter()
    clean_text(raw)
    with pytest.raises(ValueError, match="is n"):
        parse_price(raw)
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (1_700_000_000, 1.7e9),
        (1.5, 1.5),
        ("1700000000", 1.7e9),
        (" 1.5 ", 1.5),
        ("1970-01-02", 86_400),
        ("1970-01-01T00:00:10", 10),
        ("1970-01-01 00:00:10", 10),
        ("1970-01-01T00:00:10Z", 10),
        ("1970-01-01T02:00:10+02:00", 10),
        ("1969-12-31", -86_400),
    ],
)
def test_times(raw: object, seconds: float) -> None:
    assert parse_time(raw) == seconds


@pytest.mark.parametrize("raw", ["", "yesterday", "2024-13-01", "01/02/2024", "nan", "inf", "1e999", 10**400, True, None, [], math.inf])
def test_what_is_no_time(raw: object) -> None:
    with pytest.raises(ValueError, match=r"is neither a number nor an ISO 8601 time$|is not finite$") as caught:
        parse_time(raw)
    assert len(str(caught.value)) < 140


def test_lists() -> None:
    assert split_list("a.jpg; b.jpg|c.jpg ;; a.jpg") == ["a.jpg", "b.jpg", "c.jpg"]
    assert split_list(["a;b", " c ", None, "", 5]) == ["a;b", "c", "5"]
    assert split_list(";|") == []
