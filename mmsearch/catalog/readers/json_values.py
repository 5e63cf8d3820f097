"""One JSON object → a row's values, or why it cannot be one."""

from __future__ import annotations

import json
import re
from typing import Any

from mmsearch.catalog.problems import Problem

_MAX_NESTING = 50
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_DEEP = Problem("not usable", f"nested over {_MAX_NESTING} levels deep")


class _TwiceError(ValueError):
    """An object names a key twice: whichever value were taken, the other would be lost."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))
    return values


#: NaN is how many programs write a missing number; Infinity stays, for cleaning to judge.
DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=lambda name: None if name == "NaN" else float(name))


def as_row(value: Any, text: str) -> tuple[dict[str, Any], Problem | None]:
    """The values of a decoded row, whose text this is, or `_text` and what is wrong."""
    if not isinstance(value, dict):
        return {"_text": text}, Problem("not a JSON object")
    if text.count("{") + text.count("[") > _MAX_NESTING and _too_deep(value):
        return {"_text": text}, _DEEP
    if "\\u" in text and _HALF_PAIR.search(text):
        value = _whole(value)
    return value, None


def why(error: ValueError | RecursionError, start: int = 0) -> Problem:
    """What is wrong with a value that could not be decoded, which began at `start` of the text."""
    if isinstance(error, RecursionError):
        return _DEEP
    if isinstance(error, _TwiceError):
        return Problem("not usable", f"the key {error} is given twice")
    if isinstance(error, json.JSONDecodeError):
        return Problem("not JSON", f"{error.msg}, character {error.pos - start + 1}")
    return Problem("not usable", "a number of thousands of digits")


def _too_deep(value: dict[str, Any]) -> bool:
    level: list[Any] = [value]
    for _ in range(_MAX_NESTING):
        level = [v for inner in level for v in (inner.values() if isinstance(inner, dict) else inner) if isinstance(v, dict | list)]
        if not level:
            return False
    return True


def _whole(value: Any) -> Any:
    """The value with halves of surrogate pairs, from a text that was cut inside an emoji, replaced: no file could hold them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_whole(key): _whole(inner) for key, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value
