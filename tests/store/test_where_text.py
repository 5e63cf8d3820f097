"""Filters written as text: what is written reads back as the same tree."""

from __future__ import annotations

import dataclasses
import re

import pytest
from filter_trees import trees
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import ParseError
from mmsearch.store.where import And, Between, Compare, In, IsNull, Literal, Name, Node, Not, Or, parse_where, written
from mmsearch.store.where_text import attribute_name, where_text


def placeless(node: Node) -> Node:
    """A tree whose names stand nowhere."""
    match node:
        case And(parts) | Or(parts):
            return type(node)(tuple(map(placeless, parts)))
        case Not(part):
            return Not(placeless(part))
        case IsNull(name) | Between(name) | In(name) | Compare(name):
            return dataclasses.replace(node, name=Name(name.name, 0))


@given(trees)
def test_what_is_written_reads_back(tree: Node) -> None:
    assert placeless(parse_where(where_text(tree))) == tree


_literals = st.one_of(st.text(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))


@given(st.text(min_size=1), _literals)
def test_no_name_and_no_value_breaks_out(name: str, value: Literal) -> None:
    node = Compare(Name(name, 0), "=", value)
    read = placeless(parse_where(where_text(node)))
    assert read == node
    assert isinstance(read, Compare)
    assert type(read.value) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "brand = 'HP'",
        "price >= 20 and price < 0.5",
        "(a = 1 or b = 2) and not c = 3",
        "a is not null or not (a is null and b is null)",
        "`country of origin` in ('it''s', '中国', true, -1e-07)",
        "`a``b` between '2010-01-01' and '2011-01-01'",
    ],
)
def test_as_a_person_would_write_it(text: str) -> None:
    assert where_text(parse_where(text)) == text


@given(st.text(min_size=1))
def test_an_attribute_name_alone_reads_as_in_a_filter(name: str) -> None:
    assert attribute_name(f" {written(name)} ", "--sort") == name


def test_names_with_spaces_need_no_backticks() -> None:
    assert attribute_name(" country of origin ", "--facet") == "country of origin"
    assert attribute_name("产地", "--facet") == "产地"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "expected an attribute name"), ("`a", "no closing"), ("``", "no closing"), ("`a` b", "no closing")],
)
def test_bad_names(text: str, reason: str) -> None:
    with pytest.raises(ParseError, match=re.escape("bad --facet") + ".*" + reason):
        attribute_name(text, "--facet")
