"""Cleaning of single values: text, ids, numbers, times, lists; and the `Cleaner` that counts which rule changed how many cells."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from mmsearch.catalog.categories import category_path
from mmsearch.catalog.markup import MARKUP, without_markup
from mmsearch.catalog.prices import currency_code, read_price
from mmsearch.catalog.prices import parse_price as parse_price
from mmsearch.catalog.problems import shown
from mmsearch.catalog.units import quantity_attribute

#: Characters of one text: far above any real description, far below what hurts.
MAX_TEXT = 100_000

# The rules, as a report names them.
NFKC = "unicode normalised (NFKC)"
HTML = "HTML removed"
CONTROL = "control characters removed"
SPACE = "white space folded"
CUT = f"cut to {MAX_TEXT:,} characters"
PRICE = "price parsed"
LOWEST = "lower end of a price range"
FREE = "free read as price 0"
CURRENCY = "currency recognised"
CATEGORY = "category path"
UNIT = "unit normalised"
REPEATED = "list item repeated"

# Control characters that are no white space, soft hyphens, zero-width spaces, marks of writing direction, halves of surrogate
# pairs: invisible, and two texts that differ in them alone would not match. Joiners stay: emoji, Persian and Indic scripts need them.
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_BREAK = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?")
# NFKC alone would make 11⁄2 of 1½ and 102 of 10².
_FRACTION = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")
_SUPERSCRIPT = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹])")
_SMALL = re.compile("[¼-¾⅐-⅞²³¹⁰⁴-⁹]")
_FULL_WIDTH = tuple((chr(ord(c) + 0xFEE0), c) for c in ",:;!?()%~-")
_PASSES = 8
_MARKS = re.compile("[<&]")
_REMEMBERED = 8192  # texts; categories, brands and colours come again and again
_LONGEST_REMEMBERED = 200

_is_normalized = unicodedata.is_normalized


class Cleaner:
    """Cleans the cells of one ingest and counts them: `counts[rule]` cells were changed by a rule.

    >>> cleaner = Cleaner()
    >>> cleaner.text("Ｎｉｋｅ&nbsp;<b>Air</b>"), dict(cleaner.counts)
    ('Nike Air', {'unicode normalised (NFKC)': 1, 'HTML removed': 1, 'white space folded': 1})
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._seen: dict[str, tuple[str, tuple[str, ...]]] = {}

    def text(self, value: str) -> str:
        """A text without markup, control and invisible characters, in NFKC, white space folded and trimmed, at most `MAX_TEXT` long.

        Cleaning twice changes nothing; a text that is clean comes back as the same object.
        """
        if _is_plain(value):
            if value.isascii() or _is_normalized("NFKC", value):
                return value
            if not _SMALL.search(value):  # ordinary Chinese with its full-width marks
                text = _half_width(value)
                if not _is_normalized("NFKC", text):
                    text = unicodedata.normalize("NFKC", text)
                if _is_plain(text):
                    self.counts[NFKC] += 1
                    return text
        known = self._seen.get(value)
        if known is None:
            rules: list[str] = []
            text = _cleaned(value, rules)
            known = text, tuple(dict.fromkeys(rules))
            if len(value) <= _LONGEST_REMEMBERED:
                if len(self._seen) >= _REMEMBERED:
                    self._seen.clear()
                self._seen[value] = known
        for rule in known[1]:
            self.counts[rule] += 1
        return known[0]

    def price(self, value: str | float) -> tuple[float, str | None]:
        """A price and its currency (`mmsearch.catalog.prices.read_price`). Raises ValueError for what is none."""
        price = read_price(value)
        if isinstance(value, str) and (price.currency or price.lowest or price.free or not value.isascii() or not _is_number(value)):
            self.counts[PRICE] += 1
            self.counts[LOWEST] += price.lowest
            self.counts[FREE] += price.free
            self.counts[CURRENCY] += price.currency is not None
        return price.amount, price.currency

    def currency(self, value: str) -> str:
        """The ISO code of a currency cell; an unknown one stays as it is, cleaned."""
        text = self.text(value)
        code = currency_code(text)
        if code is None or code == text:
            return text
        self.counts[CURRENCY] += 1
        return code

    def category(self, value: str | Sequence[str]) -> str:
        """A category as a path `A > B > C` of clean levels (`mmsearch.catalog.categories.category_path`)."""
        given = self.text(value) if isinstance(value, str) else [self.text(level) for level in value]
        path = category_path(given)
        self.counts[CATEGORY] += path != given
        return path

    def quantity(self, name: str, text: str) -> tuple[str, float] | None:
        """The number attribute of a text attribute that is one quantity (`mmsearch.catalog.units.quantity_attribute`)."""
        found = quantity_attribute(name, text)
        self.counts[UNIT] += found is not None
        return found

    def items(self, value: object) -> list[str]:
        """Several values in one cell, as `split_list`; repeated ones are counted."""
        items = _split(value)
        unique = list(dict.fromkeys(items))
        self.counts[REPEATED] += len(items) != len(unique)
        return unique


def _half_width(text: str) -> str:
    """The full-width marks of Chinese punctuation as NFKC has them, which are all that most texts need of it, at a fifth of its cost."""
    for mark, plain in _FULL_WIDTH:
        if mark in text:
            text = text.replace(mark, plain)
    return text


def _is_plain(text: str) -> bool:
    """Whether nothing but NFKC can be left to do. Printable: no control, invisible or unusual space character."""
    return (
        text.isprintable()
        and "  " not in text
        and text[:1] != " "
        and text[-1:] != " "
        and "<" not in text
        and "&" not in text
        and len(text) <= MAX_TEXT
    )


def clean_text(value: str) -> str:
    """What `Cleaner.text` makes of a text, uncounted: for names of columns and the like.

    >>> clean_text("Ｎｉｋｅ&nbsp;<b>Air</b>")
    'Nike Air'
    """
    return _cleaned(value, [])


def _cleaned(value: str, rules: list[str]) -> str:
    """The clean form of a text; the names of the rules that changed it are appended to `rules`."""
    text = value
    if len(text) > MAX_TEXT:
        rules.append(CUT)
        text = text[:MAX_TEXT]
    for _ in range(_PASSES):  # one step can make work for another: &#65308;b&gt; is ＜b> is <b>
        before = text
        if not text.isprintable():
            text = _step(text, _INVISIBLE.sub("", text), CONTROL, rules)
        if not text.isascii() and not _is_normalized("NFKC", text):
            apart = _SUPERSCRIPT.sub("^", _FRACTION.sub(" ", text)) if _SMALL.search(text) else text
            text = _step(text, unicodedata.normalize("NFKC", apart), NFKC, rules)
        if ("<" in text or "&" in text) and MARKUP.search(text):
            text = _step(text, without_markup(text), HTML, rules)
        if text is before or text == before:
            break
    else:  # nested deeper than anything but an attack is
        text = _step(text, _MARKS.sub(" ", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))), HTML, rules)
    if not text.isprintable() or "  " in text or text[:1] == " " or text[-1:] == " ":
        text = _step(text, _SPACE.sub(" ", text).strip(), SPACE, rules)
    if len(text) > MAX_TEXT:  # NFKC can lengthen; the cell counts once, see Cleaner.text
        rules.append(CUT)
        text = text[:MAX_TEXT].rstrip()
    return value if text == value else text


def _step(before: str, after: str, rule: str, rules: list[str]) -> str:
    if after == before:
        return before
    rules.append(rule)
    return after


def clean_id(value: str) -> str:
    """An id: control and invisible characters removed and trimmed, else as it is (ids are compared exactly).

    >>> clean_id(" AB-1 ")
    'AB-1'
    """
    if value.isascii() and value.isprintable() and value[:1] != " " and value[-1:] != " ":
        return value
    return _BREAK.sub("", _INVISIBLE.sub("", value)).strip()


def plain_number(text: str) -> float | None:
    """The number that an untyped cell holds, or None: codes ('007', '1e5', 16 digits) stay text.

    >>> plain_number("42.50"), plain_number("007")
    (42.5, None)
    """
    return float(text) if _PLAIN_NUMBER.fullmatch(text) else None


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


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
    return list(dict.fromkeys(_split(value)))


def _split(value: object) -> list[str]:
    if isinstance(value, list | tuple):
        return [text for item in value if item is not None and (text := str(item).strip())]
    text = str(value)
    if ";" not in text and "|" not in text:
        return [alone] if (alone := text.strip()) else []
    return [text for item in re.split(r"[;|]", text) if (text := item.strip())]
