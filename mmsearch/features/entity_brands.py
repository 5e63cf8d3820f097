"""Brands in titles: those of the catalogue's own brand column, each where it is to be trusted, else words that titles begin with."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mmsearch.catalog.segment import stop_words, words
from mmsearch.features.entity_words import COLOURS, MATERIALS

ANYWHERE, FIRST = "anywhere", "first"
_TRUSTED = 0.8  # the share of titles with the word whose brand it is
_LEAST = 3  # titles that a guessed brand begins
_AT_START = 0.7  # of a guessed brand's titles, the share that it begins
_LONGER = 0.8  # a longer beginning is the brand where it makes up this share of the shorter one's titles
_MOST_WORDS = 4
_HAN = re.compile("[\u3400-\u9fff]")
_BRACKETS = re.compile(r"[【\[][^】\]]{0,30}[】\]]")  # 【二手9成新】 stands before the brand
_TOKEN = re.compile(r"[\u3400-\u9fff]+|[A-Za-zÀ-ɏ0-9&'’+!]+(?:[.-][A-Za-zÀ-ɏ0-9]+)*")
_GENERIC_TEXT = """
new original genuine mens womens men women kids boys girls baby unisex set pack pair the for with mini super ultra pro premium best hot
sale universal portable wireless adjustable professional digital electric solid printed
"""
_GENERIC = frozenset(_GENERIC_TEXT.split())


class Brands(NamedTuple):
    """What was learned: folded brand → (as the catalogue writes it, where it is trusted)."""

    known: dict[str, tuple[str, str]]
    longest: int  # tokens
    words: frozenset[str] = frozenset()  # folded brands of the column that are not trusted anywhere: ordinary words

    def find(self, title: str) -> tuple[str, float] | None:
        """The brand that a title names, and how sure that is (1 at its beginning, .8 later): the first, the longest where several begin."""
        tokens = fold(title)
        for at in range(len(tokens)):
            for length in range(min(self.longest, len(tokens) - at), 0, -1):
                name, where = self.known.get(" ".join(tokens[at : at + length]), ("", ""))
                if name and (where == ANYWHERE or at == 0):
                    return name, 1.0 if at == 0 else 0.8
        return None


def fold(text: str) -> list[str]:
    """Words of a title or a brand in small letters, what stands in square brackets left out; Chinese by jieba: 荣耀畅玩8C begins with 荣耀.

    >>> fold("【二手】Apple iPhone 8 苹果手机"), fold("StarTech.com DB9")
    (['apple', 'iphone', '8', '苹果', '手机'], ['startech.com', 'db9'])
    """
    return [token for token, _, _ in _tokens(_BRACKETS.sub(" ", text))]


def _tokens(text: str) -> list[tuple[str, int, int]]:
    """Folded words with where they begin and end."""
    found = []
    for at in _TOKEN.finditer(text):
        start = at.start()
        for word in words(at.group(), "zh") if _HAN.match(at.group()) else [at.group()]:
            found.append((word.lower(), start, start + len(word)))
            start += len(word)
    return found


def learn_brands(titles: Iterable[tuple[str, str | None]]) -> Brands:
    """Brands of (title, brand) pairs. One that is also an ordinary word ('Integral') is trusted only where it nearly always is the brand.

    Where no product has a brand, beginnings of titles that many share are taken: a guess (`guess_brands`).
    """
    pairs = list(titles)
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for _, brand in pairs:
        if brand and (folded := " ".join(fold(brand))):
            names[folded][brand] += 1
    if not names:
        return guess_brands(title for title, _ in pairs)
    longest = max(folded.count(" ") + 1 for folded in names)
    seen, right, first, first_right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for title, brand in pairs:
        if not brand:
            continue
        tokens, own = fold(title), " ".join(fold(brand))
        for at in range(len(tokens)):
            for length in range(1, min(longest, len(tokens) - at) + 1):
                phrase = " ".join(tokens[at : at + length])
                if phrase in names:
                    seen[phrase] += 1
                    right[phrase] += phrase == own
                    first[phrase] += at == 0
                    first_right[phrase] += at == 0 and phrase == own
    known = {}
    for folded, written in names.items():
        if seen[folded] == 0 or right[folded] >= _TRUSTED * seen[folded]:
            where = ANYWHERE if seen[folded] else FIRST
        elif first[folded] and first_right[folded] >= _TRUSTED * first[folded]:
            where = FIRST
        else:
            continue
        known[folded] = written.most_common(1)[0][0], where
    return Brands(known, max((folded.count(" ") + 1 for folded in known), default=0), frozenset(names.keys() - known.keys()))


def guess_brands(titles: Iterable[str]) -> Brands:
    """Beginnings that at least three titles share and that seldom stand elsewhere, as they are most often written.

    Colours, materials and ordinary words are none. Titles alone do not tell a brand from a series or a kind, so some are these.
    """
    begins: dict[str, Counter[str]] = defaultdict(Counter)
    anywhere, total = Counter[str](), 0
    for title in titles:
        plain = _BRACKETS.sub(" ", title)
        tokens = _tokens(plain)
        total += 1
        anywhere.update({token for token, _, _ in tokens})
        for length in range(1, min(_MOST_WORDS, len(tokens)) + 1):
            folded = " ".join(token for token, _, _ in tokens[:length])
            end = tokens[length - 1][2]
            end += plain[end : end + 1] in (")", "）") and tokens[0][1] <= max(plain.rfind("(", 0, end), plain.rfind("（", 0, end))
            begins[folded][plain[tokens[0][1] : end]] += 1
    counts = {folded: written.total() for folded, written in begins.items()}
    longer: dict[str, tuple[int, str]] = {}
    for folded, count in counts.items():
        shorter = folded.rpartition(" ")[0]
        if shorter:
            longer[shorter] = max(longer.get(shorter, (0, "")), (count, folded))
    known = {}
    for folded, count in counts.items():
        if " " in folded or count < _LEAST or not _may_be_brand(folded) or count < _AT_START * anywhere[folded]:
            continue
        name = folded
        while (following := longer.get(name)) and following[0] >= max(_LEAST, _LONGER * counts[name]) and total > 2 * counts[folded]:
            name = following[1]
        known[name] = begins[name].most_common(1)[0][0], FIRST
    return Brands(known, max((folded.count(" ") + 1 for folded in known), default=0))


def _may_be_brand(word: str) -> bool:
    tables: Iterable[Mapping[str, str]] = (MATERIALS["en"], MATERIALS["zh"], COLOURS["en"], COLOURS["zh"])
    return (
        len(word) > 1
        and not word.isdecimal()
        and word not in _GENERIC
        and word not in stop_words("en")
        and word not in stop_words("zh")
        and not any(word in table for table in tables)
    )
