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
from mmsearch.catalog.categories import category_path
from mmsearch.catalog.clean import Cleaner, clean_id, clean_text, parse_price, parse_time, plain_number, split_list
from mmsearch.catalog.units import parse_quantity


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
        ("1½ inch", "1 1⁄2 inch"),
        ("10² m²", "10^2 m2"),
        ("5 &lt; 6 &amp;amp; 7", "5 < 6 & 7"),
        ("&amp;lt;b&amp;gt;bold", "bold"),
        ("?a=1&copy=2&lt=3", "?a=1&copy=2&lt=3"),
        ("R&D &unknown; &", "R&D &unknown; &"),
        ("<style>p {x}</style>a<script>b<c</script>d<!-- e > f -->g", "a d g"),
        ("<script>never closed", "never closed"),
        ("<![CDATA[ <p class='x'>in</p> ]]>", "in"),
        ("<a href='#' title='a > b'>link</a>", "link"),
        ("<INPUT TYPE=text disabled>on<br />off", "on off"),
        ("H<sub>2</sub>O <o:p>word</o:p>", "H2O word"),
        ("x<y and y>z, <M and >L, a<b and c>d", "x<y and y>z, <M and >L, a<b and c>d"),
        ("<Brand Name> <3 <-> <=>", "<Brand Name> <3 <-> <=>"),
        ("＜ｂ＞x＜／ｂ＞", "x"),
        ("&#65308;b&#65310;x", "x"),
        ("&#0;&#55296;x", "\ufffd\ufffdx"),
        ("=cmd('x')!A1", "=cmd('x')!A1"),
        ("@SUM(1+1)*cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0"),
        ("क्\u200dष", "क्\u200dष"),
        ("\u200b\xad", ""),
        ("", ""),
    ],
)
def test_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


_PIECES = st.sampled_from(
    [
        "<",
        ">",
        "&",
        ";",
        "&amp;",
        "&lt;",
        "&gt;",
        "&#65308;",
        "&#60;",
        "&nbsp;",
        "<b>",
        "</b>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "＜",
        "＆",
        "b",
        "a",
        "=",
        '"',
        "'",
        " ",
        "  ",
        "\t",
        "\u200b",
        "\u200d",
        "½",
        "1",
        "²",
        "ﷺ",
        "①",
        "e",
        "\u0301",
        "\x00",
        "\ud800",
        "amp;",
        "#38;",
        "]]>",
    ]
)
_NASTY = st.one_of(st.text(), st.lists(_PIECES, max_size=30).map("".join))


@given(_NASTY)
@settings(max_examples=1000, derandomize=True)
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    once = Cleaner().text(raw)
    again = Cleaner()
    assert again.text(once) is once
    assert not again.counts
    assert clean_text(raw) == once


@given(_NASTY)
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
    "raw",
    [
        "$" + " " * 200_000 + "x",
        "1" * 200_000 + "x",
        "1 " * 100_000,
        "1," * 100_000 + "x",
        "<a" * 100_000,
        "&" * 500_000,
        "<" * 500_000,
        "&amp;" * 100_000,
        "&amp" * 100_000,
        "<script>" * 50_000,
        "<!--" * 100_000,
        "<a b='" * 50_000,
        "<a b=" * 50_000,
        "<b " + "c" * 200_000,
        "<a " * 50_000 + ">" * 50_000,
        "&#38;#38;" * 50_000,
        "]]>" * 100_000,
        "/a" * 100_000,
        "a >" * 100_000,
    ],
)
def test_a_hostile_cell_takes_no_time(raw: str) -> None:
    begun = time.thread_time()  # of this thread alone, however busy the machine: what backtracks takes minutes
    clean_text(raw)
    with pytest.raises(ValueError, match="is n"):
        parse_price(raw)
    category_path(raw)
    parse_quantity(raw)
    assert time.thread_time() - begun < 10


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


def test_the_rules_are_counted_by_cell() -> None:
    cleaner = Cleaner()
    for _ in range(2):  # the second time from memory
        cleaner.text("Ａ &amp; \u200b&lt;b&gt; B")
    cleaner.text("clean")
    cleaner.text("x" * 200_000)
    assert cleaner.counts == {clean.NFKC: 2, clean.HTML: 2, clean.CONTROL: 2, clean.SPACE: 2, clean.CUT: 1}


def test_counts_of_prices_categories_lists_and_quantities() -> None:
    cleaner = Cleaner()
    assert [cleaner.price(p) for p in ("12.99", 5, "$5-$6", "free", "007")] == [(12.99, None), (5, None), (5, "USD"), (0, None), (7, None)]
    assert [cleaner.currency(c) for c in ("USD", "us$", "pieces")] == ["USD", "USD", "pieces"]
    assert [cleaner.category(c) for c in ("A > B", "A|B", ["A", "B"], "A")] == ["A > B", "A > B", "A > B", "A"]
    assert cleaner.quantity("weight", "1.5 kg") == ("weight_g", 1500)
    assert cleaner.quantity("colour", "red") is None
    assert cleaner.items("a;b;a") == ["a", "b"]
    assert +cleaner.counts == {
        clean.PRICE: 2,
        clean.LOWEST: 1,
        clean.FREE: 1,
        clean.CURRENCY: 2,
        clean.CATEGORY: 2,
        clean.UNIT: 1,
        clean.REPEATED: 1,
    }


def test_a_huge_cell_is_cut_to_a_clean_text() -> None:
    for raw in ("ﷺ" * 90_000, "&amp;" * 90_000, "a " * 90_000):
        text = Cleaner().text(raw)
        assert len(text) <= clean.MAX_TEXT
        assert Cleaner().text(text) is text
