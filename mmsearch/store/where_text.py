"""A parsed filter → its text: what a person reads in a note, and what a facet gives to filter by. `parse_where` reads it back."""

from __future__ import annotations

import math
import re

from mmsearch.errors import ParseError
from mmsearch.store.where import And, Between, Compare, In, IsNull, Literal, Node, Not, Or, text_literal, written

_PLAIN = 1e15  # whole numbers up to here are written without a decimal point
_QUOTED = re.compile("`(?:[^`]|``)++`")


def where_text(node: Node) -> str:
    """A filter as text, with the brackets that keep its tree: `parse_where(where_text(node))` is `node`."""
    match node:
        case And(parts):
            return " and ".join(_inside(part, (And, Or)) for part in parts)
        case Or(parts):
            return " or ".join(_inside(part, (Or,)) for part in parts)
        case Not(IsNull(name)):
            return f"{written(name.name)} is not null"
        case Not(part):
            return f"not {_inside(part, (And, Or))}"
        case IsNull(name):
            return f"{written(name.name)} is null"
        case Between(name, low, high):
            return f"{written(name.name)} between {literal_text(low)} and {literal_text(high)}"
        case In(name, values):
            return f"{written(name.name)} in ({', '.join(map(literal_text, values))})"
        case Compare(name, op, value):
            return f"{written(name.name)} {op} {literal_text(value)}"


def _inside(part: Node, bracketed: tuple[type, ...]) -> str:
    return f"({where_text(part)})" if isinstance(part, bracketed) else where_text(part)


def literal_text(value: Literal) -> str:
    """A value as it stands in a filter."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_literal(value) if isinstance(value, str) else number_text(value)


def number_text(value: float) -> str:
    """A number that reads back as itself: 80, 0.5, 1e-07."""
    whole = value.is_integer() and abs(value) < _PLAIN and not (value == 0 and math.copysign(1, value) < 0)
    return str(int(value)) if whole else repr(value)


def attribute_name(text: str, option: str) -> str:
    """An attribute name that stands alone in an option: in backticks as in a filter, or as it is, spaces included.

    Raises ParseError for an empty name and for backticks that do not close.
    """
    name = text.strip()
    if name.startswith("`"):
        if not _QUOTED.fullmatch(name):
            raise ParseError(f"bad {option}", text, text.index("`"), "the name has no closing backtick")
        return name[1:-1].replace("``", "`")
    if not name:
        raise ParseError(f"bad {option}", text, 0, "expected an attribute name")
    return name
