"""Compiled filters against LanceDB itself: a small evaluator in Python says what each row should answer."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from filter_trees import POOLS, Row, kind_of, stored, trees, truth, write
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import ParseError, UsageError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, TYPES, Attributes
from mmsearch.store.sql import compile_where
from mmsearch.store.where import Node, parse_where, text_literal, written


class Shelf:
    """Rows in a real store, asked by a filter."""

    def __init__(self, path: Path, rows: Sequence[Row]):
        self.rows = {str(number): row for number, row in enumerate(rows)}
        self.attributes = Attributes()
        # As ingest makes the table: with the fields that every product may have, whatever the rows say.
        columns: dict[str, pa.Field] = {name: pa.field(name, TYPES[kind], nullable=name != "id") for name, kind in CORE.items()}
        physical = []
        for id, row in self.rows.items():
            out: Row = {"id": id}
            for name, value in row.items():
                if value is not None:
                    column = self.attributes.column(name, kind_of(value))
                    columns[column] = pa.field(column, TYPES[kind_of(value)])
                    out[column] = stored(value)
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


# -- the property ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    chance = random.Random(7)
    rows = [{name: chance.choice(pool) for name, pool in POOLS.items() if chance.random() < 0.7} for _ in range(150)]
    return Shelf(tmp_path_factory.mktemp("shelf") / "store", rows)


@settings(max_examples=600, derandomize=True, deadline=None)
@given(tree=trees, seed=st.integers(0, 1000))
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
    sizes = [len(shelf.ask(f"{written(n)} is not null")) for n in POOLS]
    assert all(50 < size < 145 for size in sizes)
    assert len(shelf.rows) == 150


# -- hand cases --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    rows: list[Row] = [
        {"size": 42.0, "colour": "red", "tags": ["new", "1"], "hot": True, "words": ["x"]},
        {"size": "M", "colour": "Red", "tags": [], "hot": False, "born": datetime(2010, 1, 1, tzinfo=UTC)},
        {"size": "42", "colour": "a\\b", "born": datetime(1969, 7, 20, tzinfo=UTC)},
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
        ("born >= '2010-01-01'", "1"),
        ("born = '2009-12-31T23:30:00-00:30'", "1"),
        ("born between '1960-01-01' and '1970-01-01'", "2"),
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
        ("born = 5", "--where: born holds dates, which 5 is not", "compare it with a date: born >= '2024-05-31'"),
        ("born > '2009'", "--where: born holds dates, which '2009' is not", "compare it with a date"),
        ("born like '20%'", "--where: born holds dates, which '20%' is not", "compare it with a date"),
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
    assert str(caught.value.hint).endswith(" and 82 more (all of them: mmsearch info; of one product: mmsearch show ID)")


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
