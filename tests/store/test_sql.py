"""Compiled filters against LanceDB itself: a small evaluator in Python says what each row should answer."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import ParseError, UsageError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import TYPES, Attributes
from mmsearch.store.sql import compile_where
from mmsearch.store.where import And, Between, Compare, In, IsNull, Literal, Name, Node, Not, Or, parse_where, text_literal, written

Cell = float | str | bool | list[str] | None
Row = dict[str, Cell]


def kind_of(value: Cell) -> str:
    return {bool: "bool", float: "number", str: "text", list: "list"}[type(value)]


class Shelf:
    """Rows in a real store, asked by a filter."""

    def __init__(self, path: Path, rows: Sequence[Row]):
        self.rows = {str(number): row for number, row in enumerate(rows)}
        self.attributes = Attributes()
        columns: dict[str, pa.Field] = {"id": pa.field("id", pa.string(), nullable=False)}
        physical = []
        for id, row in self.rows.items():
            out: Row = {"id": id}
            for name, value in row.items():
                if value is not None:
                    column = self.attributes.column(name, kind_of(value))
                    columns[column] = pa.field(column, TYPES[kind_of(value)])
                    out[column] = value
            physical.append(out)
        self.store = Store(path)
        self.store.create()
        schema = pa.schema(list(columns.values()))
        arrays = [pa.array([row.get(f.name) for row in physical], f.type) for f in schema]
        self.store.upsert(PRODUCTS, pa.Table.from_arrays(arrays, schema=schema), "id")

    def ask(self, where: str) -> set[str]:
        """Ids of the rows that match a filter as a user writes it."""
        found = self.store.read(PRODUCTS, ["id"], where=compile_where(parse_where(where), self.attributes))
        return set(found.column("id").to_pylist())

    def expect(self, node: Node) -> set[str]:
        """Ids of the rows for which the filter is true: neither false nor unknown."""
        return {id for id, row in self.rows.items() if truth(node, row) is True}


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
    other: Literal | None = None
    if isinstance(value, bool):
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

_TEXTS = ["", "M", "XL", "it's", "42", "42.0", "true", "红色", "100%", "a_b", "' or 1=1 --", "50"]
_NUMBERS = [0.0, -1.0, 1.0, 42.0, 50.0, 0.1, 1e300, 1e-7, -1e-320]
_POOLS: dict[str, list[Cell]] = {
    "price": [*_NUMBERS],
    "title": [*_TEXTS],
    "size": [*_TEXTS, *_NUMBERS],
    "mixed": [*_TEXTS, *_NUMBERS, True, False, ["M", "42"]],
    "new": [True, False],
    "标签": [["红色", "true"], ["42", "M"], [], ["0.1", "it's"]],
    "screen size": [1.0, "1"],
}
_OPERATORS = {"price": "= != < <= > >=", "title": "= != < <= > >= like", "size": "= != < <= > >= like", "mixed": "= != < like has"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    chance = random.Random(7)
    rows = [{name: chance.choice(pool) for name, pool in _POOLS.items() if chance.random() < 0.7} for _ in range(150)]
    return Shelf(tmp_path_factory.mktemp("shelf") / "store", rows)


_names = st.sampled_from(list(_POOLS)).map(lambda n: Name(n, 0))
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


_trees: st.SearchStrategy[Node] = st.recursive(_leaves(), _branches, max_leaves=6)


@settings(max_examples=600, derandomize=True, deadline=None)
@given(tree=_trees, seed=st.integers(0, 1000))
def test_lance_answers_as_the_evaluator(shelf: Shelf, tree: Node, seed: int) -> None:
    text = write(tree, random.Random(seed))
    try:
        found = shelf.ask(text)
    except UsageError as error:  # only where an attribute never holds a value of the literal's type
        assert not isinstance(error, ParseError)
        assert re.match(r"--where: .* (holds|is a list|is not a list)", error.message)
        return
    assert found == shelf.expect(tree), text


def test_the_property_test_asks_enough(shelf: Shelf) -> None:
    """Most of a shelf's questions are neither empty nor everything: else the property above would prove little."""
    sizes = [len(shelf.ask(f"{written(n)} is not null")) for n in _POOLS]
    assert all(50 < size < 145 for size in sizes)
    assert len(shelf.rows) == 150


# -- hand cases --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    rows: list[Row] = [
        {"size": 42.0, "colour": "red", "tags": ["new", "1"], "hot": True, "words": ["x"]},
        {"size": "M", "colour": "Red", "tags": [], "hot": False},
        {"size": "42", "colour": "a\\b"},
        {"colour": "100%", "year": 2009.0, "tags": "one"},
        {},
    ]
    return Shelf(tmp_path_factory.mktemp("small") / "store", rows)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("size = 42", "0"),
        ("size = 'M'", "1"),
        ("size = '42'", "02"),  # CSV cannot tell a number from a text
        ("not size = 42", ""),  # the others have no number: missing, even under not
        ("size != 'M'", "2"),
        ("not size = '42'", "1"),
        ("size in (42, 'M')", "01"),
        ("size not in ('x')", "12"),
        ("size is null", "34"),
        ("size is not null", "012"),
        ("tags is null", "24"),
        ("tags has 'new'", "0"),
        ("tags has 1", "0"),
        ("tags not has 'new'", "13"),
        ("tags has 'one'", "3"),
        ("hot = true", "0"),
        ("hot = 'TRUE'", "0"),
        ("hot != true", "1"),
        ("hot in (true, false)", "01"),
        ("year in (2009, 1, true)", "3"),
        ("colour = 'red'", "0"),
        ("colour like '_ed'", "01"),
        ("colour like '100\\%'", "3"),
        ("colour like 'a\\\\b'", "2"),
        ("colour = 'a\\b'", "2"),
        ("colour like '\\'", ""),
        ("year between 2009 and 2009", "3"),
        ("year between '2000' and '2010'", "3"),
        ("year between 2010 and 2000", ""),
        ("year > 2008 and year < 2010 or hot = true", "03"),
        ("year > 2008 and (year < 2000 or hot = true)", ""),
        ("not (size = 42 and year = 1)", "3"),  # unknown and false is false
        ("id = '0' or id = '4'", "04"),
        ("id = 0", ""),
    ],
)
def test_answers(small: Shelf, where: str, ids: str) -> None:
    if where == "id = 0":
        with pytest.raises(UsageError, match="id holds text, which 0 is not") as caught:
            small.ask(where)
        assert caught.value.hint == "quote the value: '0'"
        return
    assert small.ask(where) == set(ids)


@pytest.mark.parametrize(
    ("where", "message", "hint"),
    [
        ("colr = 'x'", "--where: no product has an attribute 'colr'; did you mean colour?", "attributes: id, title, description"),
        ("`a b` = 1", "--where: no product has an attribute 'a b'", "attributes: id, title"),
        ("Size = 1", "--where: no product has an attribute 'Size'; did you mean size?", "attributes: "),
        ("colour = 5", "--where: colour holds text, which 5 is not", "quote the value: '5'"),
        ("year = 'M'", "--where: year holds numbers, which 'M' is not", "compare it with numbers"),
        ("year like '2%'", "--where: year holds numbers, which '2%' is not", "compare it with numbers"),
        ("hot = 5", "--where: hot holds true or false, which 5 is not", "compare it with true or false"),
        ("hot < 'x'", "--where: hot holds true or false, which 'x' is not", "compare it with true or false"),
        ("size = true", "--where: size holds numbers or text, which true is not", "quote the value: 'true'"),
        ("words = 'new'", "--where: words is a list", "write: words has 'new'"),
        ("colour has 'x'", "--where: colour is not a list", "compare it: colour = 'x'"),
    ],
)
def test_wrong_questions(small: Shelf, where: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        small.ask(where)
    assert caught.value.message == message
    assert str(caught.value.hint).startswith(hint)


def test_many_attributes_are_not_all_listed() -> None:
    attributes = Attributes()
    for number in range(100):
        attributes.column(f"a{number}", "text")
    with pytest.raises(UsageError) as caught:
        compile_where(parse_where("zzz = 1"), attributes)
    assert str(caught.value.hint).endswith(" and 79 more")


def test_the_deepest_and_the_longest_filter_that_parses_runs(small: Shelf) -> None:
    """LanceDB's parser breaks on deep nesting: every filter that passes ours must pass its."""
    leaf = "size not in ('42', 'M')"
    deepest = None
    for depth in range(1, 40):
        for opening, closing in (("not (", ")"), ("(colour = 'x' or (colour = 'y' and ", "))"), ("(", " or hot is null)")):
            text = opening * depth + leaf + closing * depth
            try:
                node = parse_where(text)
            except ParseError:
                continue
            small.store.read(PRODUCTS, ["id"], where=compile_where(node, small.attributes))
            deepest = depth
    assert deepest is not None
    assert deepest >= 7
    assert small.ask(" or ".join([*[f"size = '{n}'" for n in range(999)], "hot = true"])) == {"0", "2"}
    assert small.ask("not id in (" + ", ".join(f"'{n}'" for n in range(1, 20_000)) + ")") == {"0"}


# -- injection ---------------------------------------------------------------------------------------------------------

_HOSTILE = [
    "' or 1=1 --",
    "'; drop table products; --",
    "\\' or true or '",
    "x' OR 'x'='x",
    "`",
    "a` = 1 or `id",
    '"',
    "\x00",
    "%",
    "_",
    "''",
    "\\",
]
_wild = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.sampled_from(_HOSTILE), st.text("'`\\%_\" -or=1", max_size=10)
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("hostile") / "store", [{"note": text, "tags": [text]} for text in [*_HOSTILE, "plain"]])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(value=_wild)
def test_a_text_matches_itself_and_nothing_else(hostile: Shelf, value: str) -> None:
    expected = {id for id, row in hostile.rows.items() if row["note"] == value}
    assert hostile.ask(f"note = {text_literal(value)}") == expected
    assert hostile.ask(f"note in ({text_literal(value)}, 'no such')") == expected
    assert hostile.ask(f"tags has {text_literal(value)}") == expected


@settings(max_examples=200, derandomize=True, deadline=None)
@given(value=_wild)
def test_any_pattern_and_any_raw_text_is_an_answer_or_our_error(hostile: Shelf, value: str) -> None:
    assert hostile.ask(f"note like {text_literal(value)}") <= set(hostile.rows)
    for text in (f"note = '{value}'", value):
        try:
            hostile.ask(text)
        except UsageError as error:
            assert error.message.startswith(("bad filter: ", "--where: "))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(name=_wild.filter(bool))
def test_a_name_is_looked_up_and_never_pasted(hostile: Shelf, name: str) -> None:
    if name in hostile.attributes.columns:
        return
    with pytest.raises(UsageError, match="no product has an attribute"):
        hostile.ask(f"{written(name)} = 'plain'")
