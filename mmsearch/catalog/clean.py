"""Cleaning of single values: text, prices, times, media lists."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from datetime import UTC, datetime

from mmsearch.catalog.problems import shown

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
# Control characters that are no white space, soft hyphens, zero-width spaces, marks of writing direction, halves of surrogate
# pairs: invisible, and two texts that differ in them alone would not match. Joiners stay: emoji, Persian and Indic scripts need them.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_BREAK = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "元": "CNY", "RMB": "CNY"}
_DIGITS = re.compile(r"-?(?:\d|(?<![^\W\d_])\.\d)[\d.,' ]*")  # a dot behind a letter ends an abbreviation: "Rs.500"
_MARK = re.compile(r"[.,' ]")


def clean_text(value: str) -> str:
    """NFKC, HTML entities and tags removed, control and invisible characters removed, white space folded and trimmed.

    >>> clean_text("Ｎｉｋｅ&nbsp;<b>Air</b>")
    'Nike Air'
    """
    text = value
    if "&" in text or "<" in text:
        text = _TAG.sub(" ", html.unescape(text))
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))).strip()


def clean_id(value: str) -> str:
    """An id: control and invisible characters removed and trimmed, else as it is (ids are compared exactly).

    >>> clean_id(" AB-1 ")
    'AB-1'
    """
    return _BREAK.sub("", _INVISIBLE.sub("", value)).strip()


def plain_number(text: str) -> float | None:
    """The number that an untyped cell holds, or None: codes ('007', '1e5', 16 digits) stay text.

    >>> plain_number("42.50"), plain_number("007")
    (42.5, None)
    """
    return float(text) if _PLAIN_NUMBER.fullmatch(text) else None


def parse_price(value: str | float) -> tuple[float, str | None]:
    """A price and its currency code if one is written with it.

    >>> parse_price("$1,299.00"), parse_price("1.299,00 €"), parse_price("99元")
    ((1299.0, 'USD'), (1299.0, 'EUR'), (99.0, 'CNY'))

    Raises ValueError for what is not a price, and for a negative one.
    """
    currency = None
    try:
        if isinstance(value, str):
            text = unicodedata.normalize("NFKC", value).strip()
            found = _DIGITS.search(text)
            before, after = (text[: found.start()], text[found.end() :]) if found else ("", "")
            if not found or "-" in before or any(c.isdigit() for c in after):
                raise ValueError
            price = _decimal(found.group().rstrip(".,' "))
            currency = _currency(before.strip()) or _currency(after.strip())
        else:
            price = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{shown(value)} is not a price") from None
    if price < 0 or not math.isfinite(price):
        raise ValueError(f"{shown(value)} is negative or not finite")
    return price, currency


def _decimal(text: str) -> float:
    """Digits and marks → a number: the last mark is the decimal one, unless it separates thousands. Raises ValueError."""
    marks, groups = _MARK.findall(text), _MARK.split(text.removeprefix("-"))
    decimal = marks and marks[-1] in ".," and marks.count(marks[-1]) == 1
    if decimal and (len(set(marks)) > 1 or marks[-1] == "." or len(groups[-1]) != 3 or groups[0] == "0"):
        marks, fraction = marks[:-1], groups.pop()
    else:
        fraction = ""
    # Thousands are separated by one kind of mark, into groups of three digits (in India the upper ones of two).
    if marks and (len(set(marks)) > 1 or len(groups[0]) > 3 or len(groups[-1]) != 3 or any(len(g) not in (2, 3) for g in groups[1:])):
        raise ValueError
    return float(f"{'-' * text.startswith('-')}{''.join(groups)}.{fraction}")


def _currency(mark: str) -> str | None:
    return _CURRENCIES.get(mark.upper(), mark if re.fullmatch(r"[A-Z]{3}", mark) else None)


def parse_time(value: object) -> float:
    """A number as it is, ISO 8601 as seconds since 1970 (UTC where no zone is given). Raises ValueError."""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{shown(value)} is neither a number nor an ISO 8601 time") from None
        number = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(number):
        raise ValueError(f"{shown(value)} is not finite")
    return number


def split_list(value: object) -> list[str]:
    """Several values in one cell: a list, or text separated by ';' or '|'. Empty ones are dropped, order kept, duplicates removed."""
    items = [str(v) for v in value if v is not None] if isinstance(value, list | tuple) else re.split(r"[;|]", str(value))
    return list(dict.fromkeys(item.strip() for item in items if item.strip()))
