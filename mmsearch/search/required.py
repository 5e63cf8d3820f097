"""What a text says that a product must have: a "phrase in quotes", or words in a field (brand:nike)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mmsearch.lexical.fields import CHINESE, FIELDS

_FIELD = "|".join(map(re.escape, (*FIELDS, *CHINESE)))
#: A quotation begins after a space or a field and ends before a space: 17" is an inch.
_REQUIRED = re.compile(
    rf'(?<!\S)(?:(?P<field>{_FIELD})[:：])?(?:["“](?P<phrase>[^"“”]+)["”](?!\w)|(?P<word>(?<=[:：])[^\s"“”]+))', re.IGNORECASE
)


@dataclass(frozen=True)
class Required:
    """Words that must stand in a field ('' for any of them), beside each other and in this order where they are a `phrase`."""

    text: str
    field: str = ""
    phrase: bool = False

    def __str__(self) -> str:
        shown = f'"{self.text}"' if self.phrase else self.text
        return f"{self.field}:{shown}" if self.field else shown


def required(text: str) -> tuple[str, tuple[Required, ...]]:
    """A text as typed → what is looked for, without quotes and fields, and what products must have.

    >>> text, musts = required('brand:nike "running shoes" 17" blue')
    >>> text, [str(one) for one in musts]
    ('nike running shoes 17" blue', ['brand:nike', '"running shoes"'])
    """
    found = []

    def plain(match: re.Match[str]) -> str:
        named = (match["field"] or "").lower()
        words = (match["phrase"] or match["word"]).strip()
        if words:
            found.append(Required(words, CHINESE.get(named, named), match["phrase"] is not None))
        return words

    looked_for = _REQUIRED.sub(plain, text)
    return (" ".join(looked_for.split()), tuple(found)) if found else (text, ())
