"""Price cells → an amount and an ISO 4217 currency; currency cells → the code."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import NamedTuple

from mmsearch.catalog.decimals import decimal
from mmsearch.catalog.problems import shown

_LONGEST = 100  # characters of a price cell: more is prose

_PLAIN = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
# What most feeds with a currency write: worth a quick way.
_USUAL = re.compile(r"(US\$|[$€£₹¥￥])? ?([1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}|[0-9]{1,15})(\.[0-9]{2})? ?(€|元|円|USD|EUR|GBP|CNY|JPY)?")
_NUMBER = re.compile(r"(?:[0-9]|(?<![^\W\d_])\.[0-9])(?:[0-9.,' ]*[0-9])?")  # a dot behind a letter ends an abbreviation: "Rs.500"
_WORDS = re.compile(r"[a-z]{0,3}[$¥]|[^\W\d_]+\.?|\S", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:-|–|—|~|〜|至|到|\bto\b|\bbis\b|\.\.\.?|…)\s*", re.IGNORECASE)
_NO_CENTS = re.compile(r"(?<=[0-9])[.,]?[-–—]{1,2}(?=[^0-9]*$)")  # 5.-
_NEGATIVE = re.compile(r"[-−–—]\s*(?:[^\w\s]|[A-Z]{3})?\s*$|^\s*\((?![^)]*\))")  # -5, -$5, (5)
_FREE = frozenset(("free", "for free", "免费", "免費", "無料", "gratis", "kostenlos", "gratuit", "grátis", "бесплатно", "무료", "免费送"))
_FROM = frozenset(("from", "ab", "à", "dès", "desde", "da", "vanaf", "от", "起", "起售", "~", "〜", "から"))
_TIMES = {"k": 1_000, "万": 10_000, "萬": 10_000, "千": 1_000, "亿": 100_000_000, "億": 100_000_000}
_MINOR = {"¢": "USD", "p": "GBP", "角": "CNY", "毛": "CNY"}  # what is written in hundredths, 角 and 毛 in tenths
_TENTHS = frozenset("角毛")

_ISO_TEXT = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP
CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL
"""
_ISO = frozenset(_ISO_TEXT.split())
_WORDS_TOO = frozenset(("ALL", "BAM", "COP", "CUP", "GEL", "LAK", "MAD", "MOP", "PEN", "RON", "SOS", "TOP", "TRY"))  # only in capitals

# A sign that several countries share means the largest market that uses it: $ USD, ¥ CNY (JPY where 円, 税込 or JPY stands beside it),
# £ GBP, Rs INR. `kr` means no single one (SEK, NOK, DKK, ISK).
_SIGNS = {
    **dict.fromkeys(("$", "us$", "usd$", "dollar", "dollars", "bucks", "美元", "美金", "ドル"), "USD"),
    **dict.fromkeys(("€", "eur", "euro", "euros", "欧元", "歐元", "ユーロ"), "EUR"),
    **dict.fromkeys(("£", "gbp", "pound", "pounds", "sterling", "英镑", "英鎊"), "GBP"),
    **dict.fromkeys(("¥", "cn¥", "rmb", "rmb¥", "yuan", "renminbi", "元", "圆", "块", "塊", "块钱", "人民币", "人民幣", "元人民币"), "CNY"),
    **dict.fromkeys(("円", "jp¥", "yen", "日元", "日圆", "日本円", "税込", "税抜", "税別"), "JPY"),
    **dict.fromkeys(("hk$", "港币", "港元", "港幣"), "HKD"),
    **dict.fromkeys(("nt$", "ntd", "台币", "新台币", "新台幣", "台幣"), "TWD"),
    **dict.fromkeys(("a$", "au$", "澳元"), "AUD"),
    **dict.fromkeys(("c$", "ca$", "加元"), "CAD"),
    **dict.fromkeys(("₹", "rs", "rs.", "rupee", "rupees"), "INR"),
    **dict.fromkeys(("₽", "руб", "руб.", "рублей", "рубль", "р.", "卢布"), "RUB"),
    **dict.fromkeys(("₩", "원", "won", "韩元"), "KRW"),
    **dict.fromkeys(("fr", "fr.", "sfr", "sfr.", "瑞士法郎"), "CHF"),
    **dict.fromkeys(("zł", "zl", "zł."), "PLN"),
    **dict.fromkeys(("₺", "tl"), "TRY"),
    **dict.fromkeys(("₫", "đ", "vnđ"), "VND"),
    **dict.fromkeys(("฿", "บาท", "泰铢"), "THB"),
    **dict.fromkeys(("₴", "грн", "грн."), "UAH"),
    **dict.fromkeys(("s$", "sg$", "新加坡元"), "SGD"),
    **{"nz$": "NZD", "mx$": "MXN", "r$": "BRL", "₱": "PHP", "₪": "ILS", "rp": "IDR", "rp.": "IDR", "rm": "MYR", "kč": "CZK", "ft": "HUF"},
    **{"лв": "BGN", "лв.": "BGN", "₦": "NGN", "₸": "KZT", "₾": "GEL", "lei": "RON"},
}


class Price(NamedTuple):
    """What a price cell says."""

    amount: float  # ≥ 0, finite
    currency: str | None  # ISO 4217, None if none is written
    lowest: bool = False  # the cell names a range or "from": this is its lower end
    free: bool = False  # the cell says "free"


def parse_price(value: str | float) -> tuple[float, str | None]:
    """A price and its currency code if one is written with it: `read_price` without its notes.

    >>> parse_price("$1,299.00"), parse_price("1.299,00 €"), parse_price("3.5万元")
    ((1299.0, 'USD'), (1299.0, 'EUR'), (35000.0, 'CNY'))

    Raises ValueError for what is not a price, and for a negative one.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return float(value), None
    return read_price(value)[:2]


def read_price(value: str | float) -> Price:
    """A price cell: an amount with a currency before or behind it, a range or "from" (its lower end), or "free" (0).

    >>> read_price("from $5 - $10"), read_price("免费")
    (Price(amount=5.0, currency='USD', lowest=True, free=False), Price(amount=0.0, currency=None, lowest=False, free=True))

    Raises ValueError for what is not a price: no number, several numbers that are no range, a percentage, a negative or infinite one.
    """
    if isinstance(value, str):
        if _PLAIN.fullmatch(value):
            return Price(float(value), None)
        if (usual := _USUAL.fullmatch(value)) and not (usual[1] and usual[4]):
            sign = (usual[1] or usual[4] or "").lower().replace("￥", "¥")
            return Price(float(usual[2].replace(",", "") + (usual[3] or "")), _SIGNS.get(sign) or sign.upper() or None)
        try:
            return _read(value)
        except ValueError as error:
            raise ValueError(f"{shown(value)} {error.args[0]}") from None
    try:
        amount = float(value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"{shown(value)} is not a price") from None
    if amount < 0 or not math.isfinite(amount):
        raise ValueError(f"{shown(value)} is negative or not finite")
    return Price(amount, None)


def currency_code(text: str) -> str | None:
    """The ISO 4217 code that a currency cell means, None if it is none that we know.

    >>> currency_code("US$"), currency_code("人民币"), currency_code("円"), currency_code("kr")
    ('USD', 'CNY', 'JPY', None)
    """
    word = unicodedata.normalize("NFKC", text).strip()
    return word.upper() if word.upper() in _ISO else _SIGNS.get(word.lower())


def _read(cell: str) -> Price:
    """Raises ValueError with what is wrong as its only argument."""
    if len(cell) > _LONGEST:
        raise ValueError("is not a price")
    text = _NO_CENTS.sub("", unicodedata.normalize("NFKC", cell).strip())
    if text.lower() in _FREE:
        return Price(0.0, None, free=True)
    numbers = list(_NUMBER.finditer(text))
    if not numbers or len(numbers) > 2 or "%" in text or "‰" in text:
        raise ValueError("is not a price")
    first, last = numbers[0], numbers[-1]
    before, after = text[: first.start()], text[last.end() :]
    if _NEGATIVE.search(before):
        raise ValueError("is negative or not finite")
    amount, words, between = _amount(first.group()), _WORDS.findall(after), []
    if last is not first:
        middle = text[first.end() : last.start()]
        between = _WORDS.findall(_BETWEEN.sub(" ", middle, count=1))
        if not _BETWEEN.search(middle) or any(_currency([w]) is None and w not in _TIMES for w in _split_times(between)):
            raise ValueError("is not a price")
    times = _times(after)
    lower = _times(text[first.end() :]) if between else times  # `1-2万` starts at one 万 as well
    if last is not first and amount * lower > _amount(last.group()) * times:
        raise ValueError("is not a price")
    words = _split_times([*_WORDS.findall(before), *words, *between])
    currency = _currency(words)
    unit = after.strip()
    if unit in _MINOR and currency in (None, _MINOR[unit]):
        amount, currency = amount / (10 if unit in _TENTHS else 100), _MINOR[unit]
    amount *= lower
    if not math.isfinite(amount):
        raise ValueError("is negative or not finite")
    return Price(amount, currency, lowest=last is not first or any(word.lower() in _FROM for word in words))


def _amount(text: str) -> float:
    try:
        return decimal(text)
    except (ValueError, OverflowError):
        raise ValueError("is not a price") from None


def _times(behind: str) -> int:
    """What the sign right behind a number multiplies it by: 3.5万, $1.2k."""
    word = behind.lstrip()
    return _TIMES.get(word[:1], 1) if not word[1:2].isascii() or not word[1:2].isalpha() else 1


def _split_times(words: list[str]) -> list[str]:
    """'万元' is a multiple and a currency, '元起' a currency and a "from": no space stands between Chinese words."""
    pieces = []
    for word in words:
        rest = word
        if word[:1] in _TIMES:
            pieces.append(word[:1])
            rest = word[1:]
        if rest[-1:] == "起" and len(rest) > 1:
            pieces.append("起")
            rest = rest[:-1]
        pieces.append(rest)
    return [piece for piece in pieces if piece]


def _currency(words: list[str]) -> str | None:
    """The first currency among words and signs; Japanese words decide what ¥ means."""
    found = None
    for word in words:
        code = word if word in _ISO else _SIGNS.get(word.lower())
        if code is None and word.upper() in _ISO and word.upper() not in _WORDS_TOO:
            code = word.upper()
        if code is not None and (found is None or (found == "CNY" and code == "JPY") or (found == "USD" and word in _ISO)):
            found = code
    return found
