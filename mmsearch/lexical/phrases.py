"""The words of titles and what stands beside each other in them: what a shopper may be typing, counted in bounded memory."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from mmsearch.catalog.segment import stop_words, words
from mmsearch.lexical.spelling import typed

_LONGEST = 3  # words of a phrase
_PARTS = re.compile(r"[^\s\w'’+&./-]+|(?<=\D)[./](?=\s)|\s[-–/]\s")  # what no phrase goes across: marks, the end of a sentence
_HAN = re.compile("([\u3400-\u9fff]+)")
_HELD = 1_000_000  # phrases that are counted at a time
_STOP = stop_words("en") | stop_words("zh")


def phrases(title: str) -> dict[str, str]:
    """The words of a folded title, and every two and three that stand beside each other: as they are typed → as they are shown.

    None begins or ends with a word that says nothing, a number alone is none, and nothing goes across a mark.

    >>> list(phrases("Running shoes for men, red").values())
    ['running', 'running shoes', 'shoes', 'shoes for men', 'men', 'red']
    >>> list(phrases("Nike跑步鞋").values())
    ['nike', 'nike 跑步鞋', '跑步鞋']
    """
    found: dict[str, str] = {}
    for part in _PARTS.split(title.casefold()):
        line = [(word, _HAN.search(word) is not None) for piece in _HAN.split(part) for word in words(piece)]
        for start in range(len(line)):
            for length in range(1, min(_LONGEST, len(line) - start) + 1):
                some = line[start : start + length]
                first, last = some[0][0], some[-1][0]
                if first in _STOP or last in _STOP or (length == 1 and len(typed(first)) < 2 - some[0][1]):
                    continue
                shown = first + "".join(f"{'' if left and right else ' '}{word}" for (_, left), (word, right) in itertools.pairwise(some))
                key = typed(shown)
                if key and not key.isdigit():
                    found.setdefault(key, shown)
    return found


class Counted:
    """How many titles have each phrase, of a stream of titles.

    Exact up to a million phrases; beyond, the rarest are forgotten from time to time, so that a count is too low by at most `dropped`, and
    of what is frequent by nothing (lossy counting; Manku and Motwani 2002).
    """

    def __init__(self, held: int = _HELD):
        self._counts: dict[str, tuple[str, int, int]] = {}  # as shown, titles, how many more there may have been before
        self._held = held
        self.dropped = 0

    def add(self, found: Iterable[tuple[str, str]]) -> None:
        """The phrases of one title: as they are typed, as they are shown."""
        for key, text in found:
            shown, count, before = self._counts.get(key, (text, 0, self.dropped))
            self._counts[key] = shown, count + 1, before
        while len(self._counts) > self._held:
            self.dropped += 1
            self._counts = {key: one for key, one in self._counts.items() if one[1] + one[2] > self.dropped}

    def of(self, key: str) -> int:
        """How many titles have a phrase, as it is typed."""
        return self._counts[key][1] if key in self._counts else 0

    def most(self, least: int, limit: int) -> list[tuple[str, str, int]]:
        """(as typed, as shown, titles) of at least `least` titles, the most frequent first, at most `limit`.

        A pair that is always followed by the same word is left out: the three words say it.
        """
        followed: dict[str, int] = {}
        for shown, count, _ in self._counts.values():
            if (cut := shown.rfind(" ")) > 0 and " " in (begun := shown[:cut]):
                followed[begun] = max(count, followed.get(begun, 0))
        kept = [
            (-count, key, shown) for key, (shown, count, _) in self._counts.items() if count >= least and followed.get(shown, 0) < count
        ]
        return [(key, shown, -count) for count, key, shown in sorted(kept)[:limit]]
