"""Category cells of any make → one form of path: `A > B > C`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

SEPARATOR = " > "

# Ordered: the first that a value has splits it. The last three can also be part of a name, so they must look like a path.
_SEPARATORS = tuple(re.compile(separator) for separator in (r"->|=>|[→＞>›»]", r"\|", r"\\", "::", r"\s/\s"))
_COMMA = re.compile(r",(?=[^\s\d])")
_DIGITS_APART = re.compile(r"\d/\d")


def category_path(value: str | Sequence[str]) -> str:
    """A category as a path `A > B > C`; empty levels and levels that repeat the one before are dropped. '' for no category.

    - Separators are `>`, `›`, `»`, `->`, `→`, `＞`, `|`, `\\`, `::` and ` / ` with spaces; a list (also one written as JSON) gives
      its items as levels.
    - `/` without spaces separates only from three levels on or where it leads (`Food/Drinks` is one category,
      `Home/Kitchen/Knives` and `/Home/Kitchen` are paths), and never between digits.
    - `,` without a space after it separates from two levels on where nothing else does (`Scientific,Tapes, Glues & Sealants`
      has two levels), as in flattened exports of big shops; a comma with a space is part of a name.

    >>> category_path("Home›Kitchen | Knives"), category_path("Home/Kitchen/Knives"), category_path("Food/Drinks")
    ('Home > Kitchen | Knives', 'Home > Kitchen > Knives', 'Food/Drinks')
    """
    if not isinstance(value, str):
        return _joined([str(level) for level in value if level is not None])
    text = value.strip()
    return text if text.isalnum() else _joined(_levels(text))


def _levels(text: str) -> list[str]:
    if text.startswith("[") and text.endswith("]"):
        try:
            items = json.loads(text)
        except ValueError:
            items = None
        if isinstance(items, list) and all(isinstance(item, str | int | float) for item in items):
            return [str(item) for item in items]
    for separator in _SEPARATORS:
        if separator.search(text):
            return separator.split(text)
    if "/" in text and not _DIGITS_APART.search(text) and (text[0] == "/" or text.count("/") > 1):
        return text.split("/")
    return _COMMA.split(text)


def _joined(levels: Sequence[str]) -> str:
    kept: list[str] = []
    for level in levels:
        # A level must hold no separator of ours, or the path would read back as other levels than it has.
        name = " ".join(level.replace(">", " ").split())
        if name and (not kept or kept[-1].casefold() != name.casefold()):
            kept.append(name)
    path = SEPARATOR.join(kept)
    if len(kept) == 1 or path.startswith("["):  # a list of one path, `| A/B/C`, `[]|`: what would read back as other levels is read again
        again = _levels(path)
        if [level.strip() for level in again] != kept:
            return _joined(again)
    return path
