"""Filters at random, and a small evaluator in Python that says what each should answer."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st

from mmsearch.store.where import And, Between, Compare, In, IsNull, Literal, Name, Node, Not, Or, text_literal, written

Cell = float | str | bool | list[str] | datetime | None
Row = dict[str, Cell]


def kind_of(value: Cell) -> str:
    return {bool: "bool", float: "number", str: "text", list: "list", datetime: "time"}[type(value)]


def stored(value: Cell) -> Cell:
    """A value as the store keeps it."""
    return value.timestamp() if isinstance(value, datetime) else value


def moment(text: str) -> datetime | None:
    """A text as a moment, UTC where it has no zone."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


# -- three-valued logic: True, False, None (unknown) -------------------------------------------------------------------


def truth(node: Node, row: Row) -> bool | None:
    match node:
        case And(parts):
            return three([truth(p, row) for p in parts], decides=False)
        case Or(parts):
            return three([truth(p, row) for p in parts], decides=True)
        case Not(part):
            inner = truth(part, row)
            return None if inner is None else not inner
        case IsNull(name):
            return row.get(name.name) is None
        case Between(name, low, high):
            return three([compare(row, name, ">=", low), compare(row, name, "<=", high)], decides=False)
        case In(name, values):
            known = [t for v in values if (t := compare(row, name, "=", v)) is not None]
            return any(known) if known else None
        case Compare(name, op, value):
            return compare(row, name, op, value)


def three(values: Iterable[bool | None], *, decides: bool) -> bool | None:
    values = list(values)
    if decides in values:
        return decides
    return None if None in values else not decides


def compare(row: Row, name: Name, op: str, literal: Literal) -> bool | None:
    """Unknown unless the product has a value of the literal's type; a text that reads as a number or a truth value is one, too."""
    value = row.get(name.name)
    if value is None:
        return None
    if op == "has":
        shown = "true" if literal is True else "false" if literal is False else f"{literal:g}" if isinstance(literal, float) else literal
        return shown in value if isinstance(value, list) else compare(row, name, "=", literal)  # a single value is a list of one
    if isinstance(value, list):
        return None
    other: Literal | datetime | None = None
    if isinstance(value, datetime):
        if op == "like" or not isinstance(literal, str) or (other := moment(literal)) is None:
            return None
    elif isinstance(value, bool):
        if op in ("=", "!="):
            other = literal if isinstance(literal, bool) else {"true": True, "false": False}.get(str(literal).lower())
    elif isinstance(value, float):
        if op != "like" and not isinstance(literal, bool):
            try:
                other = float(literal)
            except ValueError:
                return None
            if not math.isfinite(other):
                return None
    elif isinstance(literal, str):
        other = literal
    if other is None:
        return None
    if op == "like":
        pattern = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in str(other))
        return re.fullmatch(pattern, str(value), re.DOTALL) is not None
    if op in ("=", "!="):
        return (value == other) is (op == "=")
    assert type(value) is type(other)
    return {"<": value < other, "<=": value <= other, ">": value > other, ">=": value >= other}[op]  # type: ignore[operator]


# -- how a tree is written ---------------------------------------------------------------------------------------------

_LEVEL = {Or: 0, And: 1, Not: 2}


def write(node: Node, chance: random.Random, level: int = 0) -> str:
    """A tree as a user might type it: no bracket that precedence spares, or now and then one too many."""
    match node:
        case And(parts):
            text = f" {_cased('and', chance)} ".join(write(p, chance, 2) for p in parts)
        case Or(parts):
            text = f" {_cased('or', chance)} ".join(write(p, chance, 1) for p in parts)
        case Not(part):
            text = f"{_cased('not', chance)} {write(part, chance, 2)}"
        case IsNull(name):
            text = f"{_named(name, chance)} is null"
        case Between(name, low, high):
            text = f"{_named(name, chance)} {_cased('between', chance)} {_literal(low)} and {_literal(high)}"
        case In(name, values):
            text = f"{_named(name, chance)} in ({', '.join(map(_literal, values))})"
        case Compare(name, op, value):
            text = f"{_named(name, chance)} {op} {_literal(value)}"
    return f"({text})" if _LEVEL.get(type(node), 3) < level or chance.random() < 0.1 else text


def _cased(word: str, chance: random.Random) -> str:
    return chance.choice([word, word.upper()])


def _named(name: Name, chance: random.Random) -> str:
    return f"`{name.name}`" if chance.random() < 0.3 else written(name.name)


def _literal(value: Literal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_literal(value) if isinstance(value, str) else repr(value)


# -- the shelf of the property test ------------------------------------------------------------------------------------

_TEXTS = [
    "",
    "M",
    "XL",
    "it's",
    "42",
    "42.0",
    "true",
    "红色",
    "100%",
    "a_b",
    "' or 1=1 --",
    "50",
    "2010-01-01",
    "2010-06-01T12:00:00+02:00",
]
_NUMBERS = [0.0, -1.0, 1.0, 42.0, 50.0, 0.1, 1e300, 1e-7, -1e-320]
POOLS: dict[str, list[Cell]] = {
    "price": [*_NUMBERS],
    "title": [*_TEXTS],
    "size": [*_TEXTS, *_NUMBERS],
    "mixed": [*_TEXTS, *_NUMBERS, True, False, ["M", "42"]],
    "new": [True, False],
    "标签": [["红色", "true"], ["42", "M"], [], ["0.1", "it's"]],
    "screen size": [1.0, "1"],
    "released": [datetime(2010, 1, 1, tzinfo=UTC), datetime(2010, 6, 1, 10, tzinfo=UTC), datetime(1969, 7, 20, 20, 17, 40, 500000, UTC)],
    "seen": [datetime(2010, 1, 1, tzinfo=UTC), "2010-01-01", "soon", 2010.0],
}


_names = st.sampled_from(list(POOLS)).map(lambda n: Name(n, 0))
_text = st.sampled_from(_TEXTS)
_number = st.one_of(st.sampled_from(_NUMBERS), st.floats(allow_nan=False, allow_infinity=False))
_any = st.one_of(_text, _number, st.booleans())


@st.composite
def _leaves(draw: st.DrawFn) -> Node:
    name = draw(_names)
    kind = draw(st.sampled_from(["compare", "in", "between", "null"]))
    if kind == "null":
        return IsNull(name)
    if kind == "in":
        return In(name, tuple(draw(st.lists(_any, min_size=1, max_size=4))))
    if kind == "between":
        ends = _text if draw(st.booleans()) else _number
        return Between(name, draw(ends), draw(ends))
    op = draw(st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "like", "has"]))
    value = draw(_text if op == "like" else _any if op in ("=", "!=", "has") else st.one_of(_text, _number))
    if op == "like" and draw(st.booleans()):
        value = draw(st.text("M42%_'红X", max_size=4))
    return Compare(name, op, value)


def _branches(node: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    many = st.lists(node, min_size=2, max_size=3).map(tuple)
    return st.one_of(many.map(And), many.map(Or), node.map(Not))


trees: st.SearchStrategy[Node] = st.recursive(_leaves(), _branches, max_leaves=6)
