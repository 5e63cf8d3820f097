"""What Python gives for one or several texts or files → lists, as the command line has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmsearch.errors import UsageError

Texts = str | Iterable[str] | None
Files = str | Path | Iterable[str | Path] | None


def many(value: Texts) -> list[str]:
    """One text or several, as a list. Raises UsageError for what is none."""
    return [] if value is None else [_checked(one, str, "a text") for one in _each(value)]


def files(value: Files) -> list[str]:
    """One path or several as parts are typed: of a `Path` no caret is a weight. Raises UsageError for what is none."""
    given = [] if value is None else [_checked(one, (str, Path), "a path (str or Path)") for one in _each(value)]
    return [str(one).replace("^", r"\^") if isinstance(one, Path) else one for one in given]


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]


def _checked(one: Any, kinds: type | tuple[type, ...], what: str) -> Any:
    if not isinstance(one, kinds):
        raise UsageError(
            f"{type(one).__name__} given where {what} is wanted", hint="texts and product ids are str; media are given by their paths"
        )
    return one
