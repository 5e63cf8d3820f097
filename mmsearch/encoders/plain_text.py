"""What every text encoder does with a text before its own tokeniser sees it."""

from __future__ import annotations

from typing import Any

from mmsearch.media import MediaError


def readable(item: Any, characters: int) -> str:
    """A text cut to so many characters. Raises MediaError for what is no text or shows nothing when printed.

    >>> readable("red shoe", 3)
    'red'
    """
    if not isinstance(item, str):
        raise MediaError(f"not a text but {type(item).__name__}")
    text = item[:characters].encode("utf-8", "ignore").decode("utf-8")  # half a surrogate pair cannot be encoded
    if not any(c.isprintable() and not c.isspace() for c in text):
        raise MediaError("empty text")
    return text
