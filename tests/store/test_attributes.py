"""Attributes: any name becomes a column of its own that LanceDB takes, one for each type."""

from __future__ import annotations

import lance
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.store.attributes import CORE, HIDDEN, TYPES, Attributes
from mmsearch.store.sql import compile_where
from mmsearch.store.where import parse_where, text_literal, written

_HARD = [
    "a.b",
    "a_b",
    "a`b",
    "A.B",
    "_hash",
    "_folder",
    "a_hash",
    "_rowid",
    "ID",
    "Price",
    "select",
    "尺寸",
    "a b",
    'a"b',
    "a'b",
    "\x00",
    "..",
    "é",
    "É",
]


def test_a_fresh_one_knows_the_core() -> None:
    attributes = Attributes()
    assert attributes.names() == list(CORE)
    assert {name: attributes.column(name, kind) for name, kind in CORE.items()} == {name: name for name in CORE}


def test_the_first_type_takes_the_plain_name() -> None:
    attributes = Attributes()
    assert attributes.column("size", "number") == "size"
    assert attributes.column("size", "text") == "size__text"
    assert attributes.column("size", "number") == "size"
    assert attributes.columns["size"] == {"number": "size", "text": "size__text"}
    assert attributes.names()[-1] == "size"


def test_names_that_differ_only_in_case_or_in_forbidden_characters() -> None:
    attributes = Attributes()
    assert [attributes.column(name, "text") for name in ("size", "Size", "SIZE", "a.b", "a`b", "a_b")] == [
        "size",
        "Size__2",
        "SIZE__3",
        "a_b",
        "a_b__2",
        "a_b__3",
    ]


def test_a_column_of_another_type_collides_with_no_other_attribute() -> None:
    attributes = Attributes()
    attributes.column("size__text", "text")
    attributes.column("size", "number")
    assert attributes.column("size", "text") == "size__text__2"


def test_a_shop_may_name_an_attribute_like_one_of_ours() -> None:
    attributes = Attributes()
    assert attributes.column("title", "number") == "title__number"
    assert attributes.column("_hash", "text") == "a_hash"
    assert attributes.column("_folder", "text") == "a_folder"


def test_value() -> None:
    attributes = Attributes()
    attributes.column("size", "number")
    attributes.column("size", "text")
    assert attributes.value("size", {"size": None, "size__text": "M"}) == "M"
    assert attributes.value("size", {"size": 0.0, "size__text": None}) == 0.0
    assert attributes.value("size", {}) is None
    assert attributes.value("no such", {"size": 1.0}) is None


_names = st.one_of(st.sampled_from(_HARD), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.tuples(_names, st.sampled_from(["number", "text", "bool"])), min_size=1, max_size=12, unique=True))
def test_any_name_makes_a_column_that_lance_takes_and_filters(pairs: list[tuple[str, str]]) -> None:
    attributes = Attributes()
    columns = [attributes.column(name, kind) for name, kind in pairs]
    assert len({c.lower() for c in columns} | set(HIDDEN)) == len(set(columns)) + len(HIDDEN)
    own = [(pair, column) for pair, column in zip(pairs, columns, strict=True) if column != "id"]
    samples = {"number": [1.0, None], "text": ["x", None], "bool": [True, None]}
    fields = [pa.field("id", pa.string()), *(pa.field(column, TYPES[kind]) for (_, kind), column in own)]
    rows = pa.Table.from_arrays(
        [pa.array(["0", "1"]), *(pa.array(samples[kind], TYPES[kind]) for (_, kind), _ in own)], schema=pa.schema(fields)
    )
    dataset = lance.write_dataset(rows, "memory://names")
    for (name, kind), column in own:
        literal = {"number": "1", "text": text_literal("x"), "bool": "true"}[kind]
        mine = Attributes({name: {kind: column}})
        where = compile_where(parse_where(f"{written(name)} = {literal}"), mine)
        assert dataset.to_table(columns=["id", column], filter=where).column("id").to_pylist() == ["0"]
        missing = compile_where(parse_where(f"{written(name)} is null"), mine)
        assert dataset.to_table(columns=["id"], filter=missing).column("id").to_pylist() == ["1"]
