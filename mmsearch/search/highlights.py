"""Where a title says what a query looks for, so that people see it: words, codes in another spelling, Chinese characters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from mmsearch.fusion.concepts import plain_word
from mmsearch.lexical.spelling import codes, folded, typed
from mmsearch.search.hits import Result
from mmsearch.search.query import Query

_LONGEST = 1_000  # characters of a title and of a query that are looked at
_HAN = re.compile("[㐀-䶿一-鿿々]+")
_WORD = re.compile(r"[^\W_㐀-䶿一-鿿々]+")
_CHUNK = re.compile(r"[^\s㐀-䶿一-鿿々,;()（），；]+")


def highlights(title: str, query: Query, result: Result) -> list[tuple[int, int]]:
    """The places [start, end) of a title that say what the texts of a query look for, or a synonym, in order and apart from each other.

    Words are the same in the singular and the plural, codes with or without marks between, characters traditional or simplified.
    """
    mine = [part.content for part in query.parts if part.kind == "text" and not part.negative and part.weight > 0]
    also = [one["value"] for one in result.understood if one["kind"] == "synonym"]
    return marked(title, [text[:_LONGEST] for text in (*mine, *also)])


def marked(title: str, texts: Sequence[str]) -> list[tuple[int, int]]:
    """As `highlights`, of texts.

    >>> marked("Nike running shoe, TN-2110", ["shoes tn2110"]), marked("红色跑步鞋", ["跑步"])
    ([(13, 17), (19, 26)], [(2, 4)])
    """
    asked = [folded(text) for text in texts]
    words = {plain_word(word) for text in asked for word in _WORD.findall(text)}
    spelt = {code for text in asked for code in codes(text, alone=True)}
    runs = [run for text in asked for run in _HAN.findall(text)]
    pairs = {a + b for run in runs for a, b in itertools.pairwise(run)}
    alone = {run for run in runs if len(run) == 1}
    shown = title[:_LONGEST]
    found = [(at.start(), at.end()) for at in _WORD.finditer(shown) if plain_word(at.group()) in words]
    if spelt:
        found += [(at.start(), at.end()) for at in _CHUNK.finditer(shown) if typed(at.group()) in spelt]
    for run in _HAN.finditer(shown) if runs else ():
        characters = folded(run.group())
        if len(characters) == len(run.group()):  # a place in one spelling is that in the other
            found += [(run.start() + i, run.start() + i + 2) for i in range(len(characters) - 1) if characters[i : i + 2] in pairs]
            found += [(run.start() + i, run.start() + i + 1) for i, one in enumerate(characters) if one in alone]
    return _joined(sorted(found))


def _joined(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in places:
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out
