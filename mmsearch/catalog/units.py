"""Quantities in text (`1.5 kg`, `12.9"`, `500克`) → a number in one unit a kind, so that they compare."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from mmsearch.catalog.decimals import decimal

_LONGEST = 40  # characters of a cell that is one quantity

# What each unit counts in its kind's base unit. Letters count: mW is no MW, and Mb (bits? bytes?), M, G and K alone (5G, 3M, 4K are
# names) are none. American sizes of ounce and gallon. 英寸 is an inch; 寸 is not read: on a screen an inch, on cloth a third of a foot.
_TABLE: dict[str, dict[float, str]] = {
    "g": {
        0.001: "mg|毫克|мг|milligram|milligrams",
        1: "g|gr|gm|gms|gram|grams|gramme|grammes|Gramm|克|г|гр|グラム",
        1000: "kg|Kg|KG|kgs|Kgs|KGS|kilo|kilos|kilogram|kilograms|kilogramm|公斤|千克|кг|キログラム",
        500: "斤|市斤",
        1_000_000: "tonne|tonnes|吨|тонн",
        28.349523125: "oz|OZ|oz.|Oz|ounce|ounces|盎司",
        453.59237: "lb|lbs|lb.|lbs.|LB|LBS|Lb|Lbs|pound|pounds|磅",
    },
    "ml": {
        1: "ml|mL|ML|Ml|cc|milliliter|milliliters|millilitre|millilitres|毫升|мл|ミリリットル",
        10: "cl|cL",
        100: "dl|dL",
        1000: "l|L|ltr|ltrs|liter|liters|litre|litres|Liter|升|公升|л|リットル",
        29.5735295625: "fl oz|fl. oz.|fl. oz|fl.oz.|fl.oz|Fl Oz|FL OZ|fluid ounce|fluid ounces",
        3785.411784: "gal|gallon|gallons|加仑",
    },
    "mm": {
        0.001: "μm|um|micron|microns|微米",
        1: "mm|MM|Mm|millimeter|millimeters|millimetre|millimetres|毫米|мм|ミリ",
        10: "cm|CM|Cm|centimeter|centimeters|centimetre|centimetres|厘米|公分|см|センチ",
        100: "dm|decimeter|decimetre|分米",
        1000: "m|mtr|mtrs|meter|meters|metre|metres|米|公尺|метр|метров|メートル",
        1_000_000: "km|kilometer|kilometers|kilometre|kilometres|公里|千米|км",
        25.4: "\"|''|″|”|in|in.|inch|inches|Inch|Inches|INCH|英寸|吋|インチ|Zoll|дюймов",
        304.8: "ft|ft.|foot|feet|′|英尺",
        914.4: "yd|yds|yard|yards|码",
    },
    "m2": {1: "m2|sqm|sq m|sq. m|㎡|平方米|平米|м2", 0.0001: "cm2|sq cm|平方厘米", 0.09290304: "sq ft|sq. ft.|ft2|sqft"},
    "W": {0.001: "mW", 1: "W|w|watt|watts|Watt|瓦|瓦特|Вт", 1000: "kW|KW|Kw|kw|kilowatt|kilowatts|千瓦|кВт", 1_000_000: "MW"},
    "Wh": {1: "Wh|瓦时", 1000: "kWh|KWh|kwh|千瓦时"},
    "V": {0.001: "mV", 1: "V|v|volt|volts|Volt|伏|伏特|В", 1000: "kV|KV|千伏"},
    "A": {0.001: "mA|milliamp|milliamps|毫安", 1: "A|amp|amps|Amp|Amps|ampere|amperes|安培"},
    "mAh": {1: "mAh|mah|MAH|mAH|毫安时|мАч", 1000: "Ah|安时"},
    "Hz": {1: "Hz|hz|HZ|赫兹|Гц", 1000: "kHz|khz|KHz|KHZ|кГц", 1_000_000: "MHz|mhz|Mhz|MHZ|МГц", 1_000_000_000: "GHz|ghz|Ghz|GHZ|ГГц"},
    # As makers of drives count, 1 GB = 1000 MB; KiB, MiB … are the powers of 1024.
    "GB": {
        1e-6: "KB|kB|kb|килобайт",
        1e-3: "MB|mb|megabyte|megabytes|МБ",
        1: "GB|gb|Gb|gigabyte|gigabytes|ГБ",
        1e3: "TB|tb|Tb|terabyte|terabytes|ТБ",
        1e6: "PB",
        1024 / 1e9: "KiB",
        1024**2 / 1e9: "MiB",
        1024**3 / 1e9: "GiB",
        1024**4 / 1e9: "TiB",
    },
    "Mbps": {
        0.001: "kbps|Kbps|kbit/s|kb/s",
        1: "Mbps|mbps|Mbit/s|Mb/s|Mbits/s",
        1000: "Gbps|gbps|Gbit/s|Gb/s|Gbits/s",
        8: "MB/s|MBps",
        8000: "GB/s",
    },
    "s": {
        0.001: "ms|msec|毫秒",
        1: "s|sec|secs|sec.|second|seconds|秒|秒钟|с|сек",
        60: "min|mins|min.|minute|minutes|分钟|мин",
        3600: "h|hr|hrs|hour|hours|小时|ч|Stunden",
        86_400: "day|days|天|Tage|дней",
    },
    "months": {1: "month|months|mo|个月|個月|Monate|месяцев", 12: "year|years|yr|yrs|Jahre"},
    "dB": {1: "dB|dB(A)|dBA|db|分贝|дБ"},
    "lm": {1: "lm|lumen|lumens|流明"},
    "rpm": {1: "rpm|RPM|r/min|转/分"},
    "dpi": {1: "dpi|DPI"},
    "MP": {1: "MP|megapixel|megapixels|百万像素", 0.01: "万像素"},
    "bar": {1: "bar", 0.0689475729: "psi|PSI"},
    "N": {1: "newton|newtons"},
}
_UNITS = {
    word: (base, factor) for base, factors in _TABLE.items() for factor, words in factors.items() for word in words.split("|") if word
}
# '5A', '5s', '3h' and '200m' glued together are as often codes or names as quantities: these need a space or a decimal fraction.
_NEED_SPACE = frozenset(("A", "s", "h", "с", "ч", "mo", "v", "w", "В"))

_QUANTITY = re.compile(
    r"(?:约|≈|~|ca\.? |approx\.? |about )?\s*"
    r"(?:(?P<whole>[0-9]{1,4})[ -])?(?P<top>[0-9]{1,4})\s?[/⁄]\s?(?P<bottom>[0-9]{1,4})(?P<gap1>\s*)-?(?P<unit1>[^\s\d].{0,12})"
    r"|(?:约|≈|~|ca\.? |approx\.? |about )?\s*(?P<number>[0-9][0-9.,' ]{0,18})-?(?P<unit>[^\s\d.,'-].{0,15}|'')",
    re.IGNORECASE,
)
# Names of attributes whose values only look like quantities.
_NAMES = re.compile(
    r"model|type|version|network|generation|grade|series|code|sku|number|standard|名称|型号|款式|版本|网络|制式|等级|系列", re.IGNORECASE
)


_PARTS = frozenset((2, 3, 4, 5, 8, 10, 16, 32, 64))  # of an inch, a litre, a pound; 50/60 Hz is no fraction


class Quantity(NamedTuple):
    """A number and the base unit that it counts."""

    value: float  # ≥ 0
    unit: str  # g, ml, mm, m2, W, Wh, V, A, mAh, Hz, GB, Mbps, s, months, dB, lm, rpm, dpi, MP, bar, N


def parse_quantity(text: str) -> Quantity | None:
    """The quantity that a text is as a whole, in its base unit; None where it is anything else.

    >>> parse_quantity("1.5 kg"), parse_quantity('12.9"'), parse_quantity("1 1/2 inch"), parse_quantity("500克")
    (Quantity(value=1500.0, unit='g'), Quantity(value=327.66, unit='mm'), Quantity(value=38.1, unit='mm'), Quantity(value=500.0, unit='g'))
    >>> [parse_quantity(text) for text in ("5G", "3M", "4K", "A4", "100% cotton", "10 x 20 cm", "007", "1-2 kg")] == [None] * 8
    True
    """
    if len(text) > _LONGEST or not (text[:1].isnumeric() or text[:1] in "约≈~caA "):
        return None
    text = unicodedata.normalize("NFKC", text).strip()
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    if found["top"] is not None:
        number, gap, word = _fraction(found), found["gap1"], found["unit1"]
    else:
        digits = found["number"].rstrip(" ")
        number, gap, word = _number(digits), found["number"][len(digits) :], found["unit"]
    if word not in _UNITS or number is None:
        return None
    if found["top"] is not None and _UNITS[word][0] not in ("mm", "ml", "g"):
        return None
    if word in _NEED_SPACE and not gap and number == int(number):
        return None
    base, factor = _UNITS[word]
    # 12.9 × 25.4 is 327.66000000000003: what is stored is what a person would write in a filter.
    return Quantity(float(f"{number * factor:.12g}"), base)


def quantity_attribute(name: str, text: str) -> tuple[str, float] | None:
    """A further number attribute for a text attribute that is wholly one quantity: `weight: '1.5 kg'` → `('weight_g', 1500.0)`.

    None where the text is none, and for names under which such texts are names (`network: 5g`, `model: 10 W`).

    >>> quantity_attribute("weight", "1.5 kg"), quantity_attribute("network", "4g")
    (('weight_g', 1500.0), None)
    """
    quantity = parse_quantity(text)
    if quantity is None or _NAMES.search(name):
        return None
    return f"{name}_{quantity.unit}", quantity.value


def _number(digits: str) -> float | None:
    if digits[0] == "0" and digits[1:2].isdigit():  # a code
        return None
    try:
        return decimal(digits)
    except ValueError:
        return None


def _fraction(found: re.Match[str]) -> float | None:
    top, bottom = int(found["top"]), int(found["bottom"])
    return int(found["whole"] or 0) + top / bottom if 0 < top < bottom and bottom in _PARTS else None
