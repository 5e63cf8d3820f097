"""One spelling for queries and products: folded text, and the pieces that words alone would miss (codes, single Chinese characters)."""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_SOME_HAN = re.compile(f"[{_HAN}]")
_HAN_RUN = re.compile(f"[{_HAN}]+")
_CHUNK = re.compile(rf"[^\s{_HAN}]+")
_OTHER = re.compile(r"[\W_]+")
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
_LATIN_WORD = re.compile(rf"[^\W\d_{_HAN}]{{3,}}")
_SAYS_SOMETHING = 3  # words of letters; fewer are a brand and a model beside a Chinese title
_JOINED = 3  # words that a code may be written as: WH 1000 XM4
_LONGEST = 30  # characters of a code
_NUMBER = 4  # digits from which on a number alone may be a code


def folded(text: str) -> str:
    """A text in one spelling: compatibility forms composed (NFKC), Chinese in simplified characters (OpenCC). Case is left.

    >>> folded("紅色跑步鞋 ＡＢＣ")
    '红色跑步鞋 ABC'
    """
    plain = unicodedata.normalize("NFKC", text).encode("utf-8", "replace").decode()  # half a surrogate pair is no character
    return _simplified().convert(plain) if _SOME_HAN.search(plain) else plain


def folded_in_place(text: str) -> str:
    """`folded`, character by character: each stands where it stood, so that a place in the one text is that place in the other.

    What several characters become, or one becomes several of (ﬁ, e and its accent), is left: `folded` of both texts is the same.

    >>> folded_in_place("５００元以內 ﬁt")
    '500元以内 ﬁt'
    """
    if text.isascii():
        return text
    plain = "".join(one if len(to := unicodedata.normalize("NFKC", one)) != 1 else to for one in text)
    if not _SOME_HAN.search(plain):
        return plain
    simplified: str = _simplified().convert(plain.encode("utf-8", "replace").decode())
    return simplified if len(simplified) == len(plain) else plain


def is_chinese(text: str) -> bool:
    """Whether a text has a Chinese character, in whichever script."""
    return _SOME_HAN.search(text) is not None


def typed(text: str) -> str:
    """A text as it may be typed: folded, in small letters, without spaces and marks between them.

    >>> typed("Over-Ear  Headphones"), typed("紅色 跑步鞋")
    ('overearheadphones', '红色跑步鞋')
    """
    return _OTHER.sub("", folded(text).casefold())


def codes(text: str, *, alone: bool = False) -> list[str]:
    """What may be a model code, a size or an article number in a folded text, each in one spelling: lower case, nothing between.

    Words that stand beside each other are joined where a letter meets a digit, so that `iPhone 15`, `iphone15` and `IPHONE-15` find each
    other; what is joined wrongly (`2110toner`) nobody looks for. Shorter ones first, without repeats.

    Parameters
    ----------
    alone : a number of at least four digits is a code, too: in a query, where it may be an article number.

    >>> codes("Brother TN-2110 toner"), codes("wh 1000 xm4")[-1], codes("4006381333931", alone=True)
    (['tn2110', 'tn2110toner'], 'wh1000xm4', ['4006381333931'])
    """
    chunks = [joined for chunk in _CHUNK.findall(text) if (joined := _OTHER.sub("", chunk).casefold())]
    found: dict[str, None] = {}
    for length in range(1, _JOINED + 1):
        for start in range(len(chunks) - length + 1):
            some = chunks[start : start + length]
            code = "".join(some)
            if len(code) <= _LONGEST and _DIGIT.search(code) and all(itertools.starmap(_changes, itertools.pairwise(some))):
                mixed = _LETTER.search(code) is not None
                if mixed or (alone and length == 1 and len(code) >= _NUMBER):
                    found[code] = None
    return list(found)


def characters(text: str) -> list[str]:
    """The Chinese characters of a folded text, and its pairs of neighbours: a word of two finds one of three that has both (跑鞋, 跑步鞋).

    >>> characters("跑步鞋 XL")
    ['跑', '步', '鞋', '跑步', '步鞋']
    """
    runs = _HAN_RUN.findall(text)
    return [*itertools.chain.from_iterable(runs), *itertools.chain.from_iterable(map(_pairs, runs))]


def _changes(left: str, right: str) -> bool:
    """Whether a letter meets a digit where two words would be joined."""
    return left[-1].isdigit() != right[0].isdigit()


def _pairs(run: str) -> Iterator[str]:
    return map("".join, itertools.pairwise(run))


def scripts(text: str) -> str:
    """In which scripts a folded text says something: 'han', 'latin' (three words at least, or no Chinese at all) or 'han latin'.

    >>> scripts("云迈 Aero 跑步鞋"), scripts("Trail running shoes 越野跑鞋"), scripts("Mug")
    ('han', 'han latin', 'latin')
    """
    han = _SOME_HAN.search(text) is not None
    latin = not han or len(_LATIN_WORD.findall(text)) >= _SAYS_SOMETHING
    return " ".join(name for name, there in (("han", han), ("latin", latin)) if there)


def script_of(query: str) -> str:
    """The script in which a product must say something to share words with a folded query: Chinese where there is any; '' where it is
    codes alone, which every language writes alike.

    >>> script_of("红色跑鞋"), script_of("red shoe A2220"), script_of("A2220 4006381333931")
    ('han', 'latin', '')
    """
    if _SOME_HAN.search(query):
        return "han"
    return "" if all(codes(word, alone=True) for word in query.split()) else "latin"


@functools.cache
def _simplified() -> Any:
    import opencc

    return opencc.OpenCC("t2s")
