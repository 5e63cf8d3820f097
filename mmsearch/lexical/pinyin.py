"""How Chinese is typed on a keyboard of Latin letters: its sounds, one a character."""

from __future__ import annotations

import re
from typing import Any

_SOME_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


def sounds(text: str) -> list[str] | None:
    """The sound of each character of a text, without tones (ü is v, as keyboards have it); others stand for themselves. None: no Chinese.

    A character of several sounds has the one of the word that it stands in.

    >>> sounds("nike跑步鞋")
    ['n', 'i', 'k', 'e', 'pao', 'bu', 'xie']
    """
    if not _SOME_HAN.search(text):
        return None
    from pypinyin import lazy_pinyin

    apart: Any = list  # what has no sound, character by character; the library's types know only of texts
    found = lazy_pinyin(text, errors=apart)
    if len(found) != len(text):  # a sound too many would be put to the wrong character
        found = [lazy_pinyin(character, errors=apart)[0] for character in text]
    return found
