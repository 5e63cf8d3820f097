"""Cleaning of single values: text, prices, times, media lists."""

from __future__ import annotations

import html
import math
import re
import unicodedata
from datetime import UTC, datetime

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff]")
_SPACE = re.compile(r"\s+")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
_CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "￥": "CNY", "元": "CNY", "RMB": "CNY"}
_PRICE = re.compile(r"(?P<before>[^\d\s.,-]*)\s*(?P<number>-?[\d.,' ]*\d)\s*(?P<after>\D*)")


def clean_text(value: str) -> str:
    """NFKC, HTML entities and tags removed, control and zero-width characters removed, white space folded and trimmed.

    >>> clean_text("Ｎｉｋｅ&nbsp;<b>Air</b>")
    'Nike Air'
    """
    text = value
    if "&" in text or "<" in text:
        text = _TAG.sub(" ", html.unescape(text))
    return _SPACE.sub(" ", _CONTROL.sub("", unicodedata.normalize("NFKC", text))).strip()


def clean_id(value: str) -> str:
    """An id: control characters removed and trimmed, else as it is (ids are compared exactly).

    >>> clean_id(" AB-1 ")
    'AB-1'
    """
    return _CONTROL.sub("", value).strip()


def plain_number(text: str) -> float | None:
    """The number that an untyped cell holds, or None: codes ('007', '1e5', 16 digits) stay text.

    >>> plain_number("42.50"), plain_number("007")
    (42.5, None)
    """
    return float(text) if _PLAIN_NUMBER.fullmatch(text) else None


def parse_price(value: str) -> tuple[float, str | None]:
    """A price and its currency code if one is written with it.

    >>> parse_price("$1,299.00"), parse_price("1.299,00 €"), parse_price("99元")
    ((1299.0, 'USD'), (1299.0, 'EUR'), (99.0, 'CNY'))

    Raises ValueError for what is not a price, and for a negative one.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    match = _PRICE.fullmatch(text)
    if not match:
        raise ValueError(f"{value!r} is not a price")
    digits = match["number"].replace(" ", "").replace("'", "")
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma > dot and (dot >= 0 or len(digits) - comma - 1 != 3):  # the last mark is the decimal one, unless it separates thousands
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        price = float(digits)
    except ValueError:
        raise ValueError(f"{value!r} is not a price") from None
    if price < 0 or not math.isfinite(price):
        raise ValueError(f"the price {value!r} is negative or not finite")
    for mark in (match["before"], match["after"]):
        code = mark.strip().upper()
        if code in _CURRENCIES or re.fullmatch(r"[A-Z]{3}", code):
            return price, _CURRENCIES.get(code, code)
    return price, None


def parse_time(value: object) -> float:
    """A number as it is, ISO 8601 as seconds since 1970 (UTC where no zone is given). Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    else:
        text = str(value).strip()
        try:
            number = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError(f"{text!r} is neither a number nor an ISO 8601 time") from None
            number = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(number):
        raise ValueError(f"the time {value!r} is not finite")
    return number


def split_list(value: object) -> list[str]:
    """Several values in one cell: a list, or text separated by ';' or '|'. Empty ones are dropped, order kept, duplicates removed."""
    items = [str(v) for v in value if v is not None] if isinstance(value, list | tuple) else re.split(r"[;|]", str(value))
    return list(dict.fromkeys(item.strip() for item in items if item.strip()))
