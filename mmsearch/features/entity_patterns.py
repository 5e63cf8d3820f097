"""What a title says by its pattern alone: model codes, sizes, measures, pieces in a pack, materials, colours. English and Chinese."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import unicodedata

from mmsearch.catalog.segment import words
from mmsearch.catalog.units import Quantity, parse_quantity
from mmsearch.features.entity_words import COLOURS, MATERIALS, STANDARDS

_MOST = 1_000  # characters of a title that are read
_HAN = re.compile("[\u3400-\u9fff]")

# A model code: letters and digits in one word, at least four in all and two of them digits. Small letters come in threes at most:
# 'dv7-1211ea' is a code, 'iPhone12' a name. After a Chinese character a short one that begins with digits goes on with it: 麒麟980AI.
_CODE = re.compile(r"(?<![A-Za-z0-9./-])[A-Za-z0-9](?:[A-Za-z0-9]|[-/.](?=[A-Za-z0-9]))*[A-Za-z0-9]")
_SMALL_RUN = re.compile(r"[a-z]{4}|[A-Z][a-z]{3}")
_DIMENSIONS = re.compile(r"\d+(?:[.,]\d+)?\s*[x×*]\s*\d+", re.IGNORECASE)

_NUMBER_WITH_UNIT = re.compile(
    r"\d+(?:[.,/]\d+)?-?(?:VA|kVA|mm|cm|GB|MB|TB|KB|mAh|Ah|Wh|W|V|A|Hz|MHz|GHz|kHz|rpm|dpi|ppm|BTU|lm|m|g|kg|ml|oz|lb|ft|in|MP|fps|"
    r"min|h)",
    re.IGNORECASE,
)

_UNIT = (
    r"fl\.? ?oz|mg|kg|g|oz|lbs?|ml|cl|l|liters?|litres?|gal|mm|cm|m|km|ft|feet|inch(?:es)?|(?<=\d)in|in(?= ?[^ \w]|$)|\"|''|”|″|"
    r"[kmgt]b|mah|kwh|wh|kw|w|v|khz|mhz|ghz|hz|[mg]bps|dpi|"
    r"毫克|千克|公斤|克|斤|毫升|升|毫米|厘米|公分|英寸|寸|米|毫安时|毫安|瓦|伏"
)
_MEASURE = re.compile(rf"(?<![A-Za-z0-9.,/-])(\d+(?:[.,]\d+)*(?:\s\d/\d)?)(\s?-?)({_UNIT})(?![a-zA-Z0-9])", re.IGNORECASE)
# Memory as phones are sold: 64G, 6G+128G. 4G and 5G are networks, other numbers may weigh.
_MEMORY = re.compile(r"(?<![A-Za-z0-9.,/-])(?:(8|12|16|32|64|128|256|512)G(?![A-Za-z0-9])|(\d{1,2})G(?=\+\d))")
_UNITS_AS_WRITTEN = {"寸": "英寸", "''": '"', "”": '"', "″": '"', "毫安": "毫安时"}

_COUNTED = (
    r"pcs?\.?(?:\(s\))?|pc\(s\)|pieces?|packs?|pk|count|ct|sheets?|rolls?|bottles?|cans?|tablets?|capsules?|pairs?|boxes|bags|sachets?|tins?|"
    r"cartridges|envelopes|wipes|pods|units"
)
_PIECES = (
    re.compile(rf"(?<![\w.,/x])(\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}})[\s-]?(?:{_COUNTED})(?!\w)", re.IGNORECASE),
    re.compile(r"\b(?:packs?|sets?|box|boxes|case|lot|bundle|bag)\s+of\s+(\d{1,5})\b", re.IGNORECASE),
    re.compile(r"\bq(?:uanti)?ty[.:]?\s*(\d{1,5})\b", re.IGNORECASE),
    re.compile(rf"(?<![\w.,/])(\d{{1,3}})\s?[x×*]\s?\d+(?:[.,]\d+)?\s?(?:{_UNIT})(?![a-zA-Z])", re.IGNORECASE),
    re.compile(rf"\d(?:\s?)(?:{_UNIT})\s?[x×*]\s?(\d{{1,3}})(?![\d.])", re.IGNORECASE),
)
_CHINESE_PIECES = re.compile(
    r"(?<![\d.第])(\d{1,4}|[一二两三四五六七八九十]{1,3})\s?(?:件|瓶|包|盒|袋|支|只|罐|个(?!月|性|人)|条|双(?!卡|核|摄)|片|枚|张|卷|块|对|套|箱|组|粒|颗|本|把|听|提|抽)"
    r"(装|入|套装|(?=$|[\s,;)】/+*]))"
)
_CHINESE_DIGITS = {sign: number for number, sign in enumerate("零一二三四五六七八九")} | {"两": 2}

_SIZES = (
    re.compile(r"\b(?P<system>EU|UK|US|FR|IT|DE|JP|AU)\s?(?:size\s?)?(?P<number>\d{1,2}(?:\.5)?)(?![\w.%])"),
    re.compile(r"\bsize[:\s]+(?P<word>(?:[2-6]?X{0,3}[SML]|\d{1,2}(?:\.5)?)(?![\w/]))", re.IGNORECASE),
    re.compile(r"(?<![\w/-])(?P<letters>[2-6]XL|X{1,3}[SL])(?:码|号)?(?![\w/-])(?! ?[Mm][Aa][Xx])"),
    re.compile(r"(?<![\w/-])(?P<letter>[SML])(?:码|号|$|(?=\s*[)）】]))"),
    re.compile(r"(?<![\d.])(?P<shoe>\d{2}(?:\.5)?)码"),
    re.compile(r"(?<!\d)(?P<cloth>1[3-9]\d/\d{2,3}[ABCY]?)(?!\d)"),
    re.compile(r"(?P<named>均码|[超特加]?大码|中码|小码|one size|free size|plus size)", re.IGNORECASE),
)


def fingerprint() -> str:
    """Of the words and patterns."""
    sources = [_CODE, _MEASURE, *_PIECES, _CHINESE_PIECES, *_SIZES, STANDARDS]
    content = json.dumps([[pattern.pattern for pattern in sources], MATERIALS, COLOURS], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def plain(title: str) -> str:
    """A title as the patterns take it: NFKC, at most 1,000 characters."""
    return unicodedata.normalize("NFKC", title[:_MOST])[:_MOST]


def model_codes(title: str) -> list[str]:
    """Model codes in order, as written.

    >>> model_codes("Xerox 006R90321 toner 2GB USB2.0"), model_codes("诺基亚（NOKIA）BH-705 银白色 4000mAh")
    (['006R90321'], ['BH-705'])
    """
    found = []
    title = plain(title)
    for at in _CODE.finditer(title):
        code = at.group()
        bare = re.sub(r"[^A-Za-z0-9]", "", code)
        digits = sum(c.isdigit() for c in bare)
        if len(bare) < 4 or not 2 <= digits < len(bare) or len(bare) > 25 or _SMALL_RUN.search(code):
            continue
        if len(bare) <= 6 and bare[0].isdigit() and at.start() and _HAN.match(title[at.start() - 1]):
            continue
        if STANDARDS.fullmatch(code) or _MEASURE.fullmatch(code) or _DIMENSIONS.match(code) or _NUMBER_WITH_UNIT.fullmatch(code):
            continue
        found.append(code)
    return list(dict.fromkeys(found))


def measures(title: str) -> list[Quantity]:
    """Quantities with their units, in base units (`mmsearch.catalog.units`). A number of a model is none.

    >>> measures("Oat Milk 6 x 330 ml")
    [Quantity(value=330.0, unit='ml')]
    """
    title = plain(title)
    found = [Quantity(float(a or b), "GB") for a, b in _MEMORY.findall(title)]
    for number, gap, unit in _MEASURE.findall(title):
        unit = _UNITS_AS_WRITTEN.get(unit, unit)
        for written in (unit,) if len(unit) == 1 else dict.fromkeys((unit, unit.lower(), unit.upper())):  # 64G is no weight
            if quantity := parse_quantity(f"{number}{' ' if gap else ''}{written}"):
                found.append(quantity)
                break
    return list(dict.fromkeys(found))


def pieces(title: str) -> int | None:
    """How many pieces a pack has, where the title says so; None where it does not, or says different things.

    >>> pieces("6 x 330 ml"), pieces("Socks, pack of 3"), pieces("纯棉袜 两件装"), pieces("18个月质保")
    (6, 3, 2, None)
    """
    title = plain(title)
    found = {
        int(number.replace(",", "")) for pattern in _PIECES for number in pattern.findall(title) if number.replace(",", "").isdecimal()
    }
    found |= {_chinese_number(number) for number, _ in _CHINESE_PIECES.findall(title)}
    found = {number for number in found if 0 < number < 1_000_000}
    return found.pop() if len(found) == 1 else None


def _chinese_number(text: str) -> int:
    """十二 → 12; 0 for what is none."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _CHINESE_DIGITS.get(text, 0)
    if any(part and part not in _CHINESE_DIGITS for part in (tens, ones)):
        return 0
    return (_CHINESE_DIGITS[tens] if tens else 1) * 10 + (_CHINESE_DIGITS[ones] if ones else 0)


def sizes(title: str) -> list[str]:
    """Sizes of clothes and shoes, as one writes them: 'EU 42', 'XL', '39', '165/88A', 'one size'.

    >>> sizes("Nike Pegasus EU 42"), sizes("连衣裙 L码"), sizes("女鞋 39码 均码"), sizes("DVI cable M/F")
    (['EU 42'], ['L'], ['39', 'one size'], [])
    """
    found = []
    title = plain(title)
    for pattern in _SIZES:
        for at in pattern.finditer(title):
            (kind, value), *rest = [(k, v) for k, v in at.groupdict().items() if v]
            if kind == "system":
                value = f"{value} {rest[0][1]}"
            elif kind == "named":
                value = {"均码": "one size", "free size": "one size"}.get(value.lower(), value.lower())
            elif kind != "number":
                value = value.upper()
            found.append(value)
    return list(dict.fromkeys(found))


def materials(title: str) -> list[str]:
    """Names of the materials, one for both languages; in Chinese titles the word as written, too.

    >>> materials("Men's genuine leather belt"), materials("纯棉短袖T恤")
    (['leather'], ['cotton', '纯棉'])
    """
    return _listed(plain(title), "material")


def colours(title: str) -> list[str]:
    """Names of the colours, as `materials`.

    >>> colours("Navy Blue T-shirt"), colours("iPhone 11 深空灰色")
    (['blue'], ['grey', '深空灰色'])
    """
    return _listed(plain(title), "colour")


def _listed(title: str, what: str) -> list[str]:
    tables = MATERIALS if what == "material" else COLOURS
    english, chinese = _matchers(what)
    found = [tables["en"][" ".join(at.group().lower().split())] for at in english.finditer(title)]
    if _HAN.search(title):
        written = chinese.findall(title)
        # One character alone counts as a word of its own only: 金 is gold, and a part of a hundred words.
        written += [word for word in words(chinese.sub(" ", title), "zh") if len(word) == 1 and word in tables["zh"]]
        for entry in written:
            found += [tables["zh"][entry], entry]
    return list(dict.fromkeys(found))


@functools.cache
def _matchers(what: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    tables = MATERIALS if what == "material" else COLOURS
    english, chinese = (sorted(tables[language], key=len, reverse=True) for language in ("en", "zh"))
    return (
        re.compile(r"(?<![\w-])(?:" + "|".join(re.escape(e).replace(r"\ ", r"\s+") for e in english) + r")(?![\w-])", re.IGNORECASE),
        re.compile("|".join(re.escape(entry) for entry in chinese if len(entry) > 1)),
    )
