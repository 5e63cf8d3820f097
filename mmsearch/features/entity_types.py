"""Kinds of products in titles: the names of the catalogue's own categories."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from mmsearch.catalog.segment import stop_words

_HAN = re.compile("[\u3400-\u9fff]")
_WORD = re.compile(r"[a-z0-9]+(?:['’&-][a-z0-9]+)*")
_AFTER = re.compile(r"\s(?:for|with|by|to|from|in)\s|[(\[【|,]")  # what a product is stands before, what it is for or has after
_TRUSTED = 0.5  # the share of titles with a name that are of that kind
_MOST_WORDS = 4


class Types(NamedTuple):
    """What was learned: folded name → the category's last level as the catalogue writes it."""

    known: dict[str, str]

    def find(self, title: str) -> str | None:
        """The kind that a title names: the last before 'for', 'with' or a bracket, since English titles end with what they are."""
        lower = title.lower()
        if _HAN.search(lower):
            places = [(lower.rfind(name), len(name), name) for name in self.known if _HAN.search(name) and name in lower]
            if places:
                return self.known[max(places)[2]]
        cut = _AFTER.split(lower, maxsplit=1)
        return self._last(cut[0]) or (self._last(lower) if len(cut) > 1 else None)

    def _last(self, text: str) -> str | None:
        tokens = _fold(text)
        for end in range(len(tokens), 0, -1):
            for length in range(min(_MOST_WORDS, end), 0, -1):
                if name := self.known.get(" ".join(tokens[end - length : end])):
                    return name
        return None


def learn_types(titles: Iterable[tuple[str, str | None]]) -> Types:
    """Names of the last levels of (title, category path) pairs, plurals folded ('Casual Shoes' is found in 'a casual shoe').

    A name that stands in titles of other kinds more often than in those of its own is left out ('Accessories', 'Black').
    """
    pairs = [(title, category.rpartition(">")[2].strip()) for title, category in titles if category]
    written: dict[str, Counter[str]] = defaultdict(Counter)
    for _, leaf in pairs:
        for name in _names(leaf):
            written[name][leaf] += 1
    named, right = Counter[str](), Counter[str]()
    han = [name for name in written if _HAN.search(name)]
    for title, leaf in pairs:
        tokens = _fold(title.lower())
        own = set(_names(leaf))
        phrases = {" ".join(tokens[at : at + n]) for at in range(len(tokens)) for n in range(1, _MOST_WORDS + 1)} & written.keys()
        if _HAN.search(title):
            phrases |= {name for name in han if name in title.lower()}
        named.update(phrases)
        right.update(phrases & own)
    return Types({name: leaves.most_common(1)[0][0] for name, leaves in written.items() if right[name] >= max(1, _TRUSTED * named[name])})


def _names(leaf: str) -> list[str]:
    """The names that a category's last level stands for: all of it, and the parts of 'Shirts & Tops', 'A/B', '上衣、外套'."""
    lower = leaf.lower()
    parts = [lower, *re.split(r"\s*(?:&|/|,|、|\band\b|与|和)\s*", lower)]
    if _HAN.search(lower):
        return list(dict.fromkeys(part for part in parts if len(part) > 1))
    folded = [" ".join(_fold(part)) for part in parts]
    return list(dict.fromkeys(name for name in folded if len(name) > 2 and name not in stop_words("en")))


def _fold(text: str) -> list[str]:
    return [_singular(word.replace("-", "")) for word in _WORD.findall(text)]


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
