"""What a text says of a price: `under 80`, `between $50 and $100`, `80元以下`."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass

_NUMBER = r"\d{1,9}(?:,\d{3})*(?:\.\d+)?"
_SIGN = r"(?:US\$|HK\$|NT\$|[$€£¥￥₹₽₩])"
_WORD = r"(?:dollars?|bucks|usd|euros?|eur|pounds?|gbp|yuan|rmb|cny|yen|jpy|块钱|元|圆|块|美元|欧元|英镑|日元|円|[$€£¥￥₹₽₩])"
_AT_MOST = (
    r"under|below|less\s+than|cheaper\s+than|up\s+to|at\s+most|no\s+more\s+than|not\s+more\s+than|max(?:imum|\.)?|within|<=?|≤"
    r"|不超过|不高于|低于|少于|小于|最多"
)
_AT_LEAST = r"over|above|more\s+than|at\s+least|no\s+less\s+than|min(?:imum|\.)?|>=?|≥|不低于|高于|超过|大于|至少|最少"
_PRICED = r"(?P<priced>(?:priced?|costs?|costing|budget|价格|售价|预算|价位)(?:\s+(?:of|is))?\s*)?"

#: What may follow a number without a currency: nothing, a mark, or a word that no number counts. `under 15 inch` is no price.
_ENDS = re.compile(
    r"\s*(?:$|[,;.!?，。；！？)）](?!\d))|\s+(?:for|with|and|or|in|please|only|the)(?![a-z])|\s?的|\s+[\u3400-\u9fff]",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_LONGEST = 1_000  # characters that are read

_TIMES = {"k": 1_000, "K": 1_000, "千": 1_000, "万": 10_000}
#: Currencies that a sign may mean, where several countries write it.
SHARED = {"$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN"), "¥": ("CNY", "JPY"), "￥": ("CNY", "JPY")}


@dataclass(frozen=True)
class PriceRange:
    """What `text[start:end]` asks of a price: both ends are included, None is open. `currencies`: one of them; () where none is named."""

    start: int
    end: int
    low: float | None
    high: float | None
    currencies: tuple[str, ...] = ()


def price_range(text: str) -> PriceRange | None:
    """The first range of prices that a text names, None if there is none.

    A number counts only with a currency or where nothing follows that it may count.

    >>> price_range("shoes under $80"), price_range("laptop under 15 inch")
    (PriceRange(start=6, end=15, low=None, high=80.0, currencies=('USD', 'CAD', 'AUD', 'NZD', 'SGD', 'HKD', 'TWD', 'MXN')), None)
    >>> price_range("100元以内的跑鞋")
    PriceRange(start=0, end=6, low=None, high=100.0, currencies=('CNY',))
    """
    text = text[:_LONGEST]
    if not _DIGIT.search(text):
        return None
    for number, pattern in enumerate(_patterns()):
        for found in pattern.finditer(text):
            values = found.groupdict()
            signs = [sign for key in ("lowsign", "lowword", "highsign", "highword") if (sign := values.get(key)) is not None]
            told = bool(signs) or values.get("behind") is not None or values["priced"] is not None
            if not told and (number == 1 or not _ENDS.match(text, found.end())):  # 10 - 12 alone may be sizes
                continue
            low, high = (_amount(values, end) for end in ("low", "high"))
            if low is not None and high is not None and low > high:
                continue
            return PriceRange(found.start(), found.end(), low, high, _currencies(signs[0]) if signs else ())
    return None


def without(text: str, found: PriceRange) -> str:
    """A text without what it says of a price; as it is where nothing would be left."""
    rest = " ".join(f"{text[: found.start]} {text[found.end :]}".split()).removeprefix("的").strip()
    return rest if re.search(r"\w", rest) else text


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Made when a query has a number at all: compiling them takes longer than most queries."""

    def money(end: str) -> str:
        return (
            rf"(?:(?P<{end}sign>{_SIGN})\s?)?(?P<{end}number>{_NUMBER})(?:\s?(?P<{end}times>k(?![a-z])|千|万))?"
            rf"(?:\s?(?P<{end}word>{_WORD}(?![a-z])))?"
        )

    low, high = money("low"), money("high")
    texts = (
        rf"(?<![a-z0-9.]){_PRICED}(?:between|from)\s+{low}\s*(?:and|to|-|–)\s*{high}",
        rf"(?<![a-z0-9.]){_PRICED}{low}\s*(?:-|–|~|至|到|to)\s*{high}(?:之间|左右)?",
        rf"(?<![a-z]){_PRICED}(?:{_AT_MOST})\s*{high}",
        rf"(?<![a-z]){_PRICED}(?:{_AT_LEAST})\s*{low}",
        rf"(?<![a-z0-9.]){_PRICED}{high}(?P<behind>以下|以内|之内)",
        rf"(?<![a-z0-9.]){_PRICED}{low}(?P<behind>以上|起)",
    )
    return tuple(re.compile(text, re.IGNORECASE) for text in texts)


def _amount(values: dict[str, str | None], end: str) -> float | None:
    number = values.get(f"{end}number")
    if number is None:
        return None
    amount = float(number.replace(",", "")) * _TIMES.get(values.get(f"{end}times") or "", 1)
    return amount if math.isfinite(amount) else None


def _currencies(sign: str) -> tuple[str, ...]:
    if sign in SHARED:
        return SHARED[sign]
    from mmsearch.catalog.prices import currency_code

    code = currency_code(sign.removesuffix("s") if sign.isascii() and len(sign) > 4 else sign)
    return (code,) if code else ()
