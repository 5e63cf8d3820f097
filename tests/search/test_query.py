"""The grammar of weights, shares, and what is no query."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import EXIT_USAGE, ParseError, UsageError
from mmsearch.search.query import MAX_CHARACTERS, NEGATIVE_WEIGHT, Part, make_query, shares, split_weight

weights = st.floats(0, 1e6, allow_nan=False)
texts = st.text(st.characters(exclude_characters="\\", exclude_categories=("Cs",))).map(str.strip)


def escaped(text: str) -> str:
    return text.replace("^", r"\^")


@given(text=texts)
def test_a_text_without_a_weight_is_itself(text: str) -> None:
    assert split_weight(escaped(text)) == (text, 1.0)
    assert split_weight(escaped(text), 0.5) == (text, 0.5)


@given(text=texts, weight=weights)
def test_a_final_number_behind_a_caret_is_the_weight(text: str, weight: float) -> None:
    assert split_weight(f"{escaped(text)}^{weight!r}") == (text, weight)


@pytest.mark.parametrize(
    ("typed", "content", "weight"),
    [
        ("shoe.jpg^0.7", "shoe.jpg", 0.7),
        ("red shoe^2", "red shoe", 2),
        ("red shoe ^2 ", "red shoe", 2),
        ("a^.5", "a", 0.5),
        ("a^5.", "a", 5),
        ("a^+1e-2", "a", 0.01),
        ("a^0", "a", 0),
        (r"x\^2", "x^2", 1),
        (r"x\^2^3", "x^2", 3),
        (r"x^\^2^3", "x^^2", 3),
        ("红色跑步鞋^0.5", "红色跑步鞋", 0.5),
        (r"C:\photos\shoe.jpg", r"C:\photos\shoe.jpg", 1),
    ],
)
def test_examples(typed: str, content: str, weight: float) -> None:
    assert split_weight(typed) == (content, weight)


@pytest.mark.parametrize("typed", ["red^", "red^x", "red^-1", "red^nan", "red^inf", "red^1e999", "red^2 shoes", "red^0.5.1", "^", "a^ b"])
def test_a_caret_without_a_weight_points_at_the_place(typed: str) -> None:
    with pytest.raises(ParseError) as raised:
        split_weight(typed)
    assert raised.value.position == typed.rindex("^") + 1
    assert raised.value.exit_code == EXIT_USAGE
    assert r"\^" in str(raised.value.hint)


def test_parts_keep_their_kind_weight_and_sign() -> None:
    query = make_query(
        ["red^2", "shoe"], image=["a.jpg"], like=["P1^.5"], not_text=["leather"], not_image=["b.jpg^1"], unlike=["P2"], where="price < 3"
    )
    assert query.parts == (
        Part("text", "red", 2.0),
        Part("text", "shoe"),
        Part("image", "a.jpg"),
        Part("like", "P1", 0.5),
        Part("text", "leather", NEGATIVE_WEIGHT, negative=True),
        Part("image", "b.jpg", 1.0, negative=True),
        Part("like", "P2", NEGATIVE_WEIGHT, negative=True),
    )
    assert query.where == ("price < 3",)
    assert [str(p) for p in query.parts[:1] + query.parts[4:5]] == ["text: red", "not text: leather"]


@given(st.lists(st.tuples(weights, st.booleans()), min_size=1, max_size=6))
def test_shares_of_what_is_looked_for_add_up_to_one(given_parts: list[tuple[float, bool]]) -> None:
    parts = [Part("text", "x", weight, negative) for weight, negative in given_parts]
    if not any(p.weight > 0 for p in parts if not p.negative):
        return
    found = shares(parts)
    assert sum(s for s, p in zip(found, parts, strict=True) if not p.negative) == pytest.approx(1)
    assert all(s <= 0 if p.negative else s >= 0 for s, p in zip(found, parts, strict=True))


def test_shares_by_hand() -> None:
    assert shares([Part("text", "a", 3), Part("image", "b", 1), Part("text", "c", 2, negative=True)]) == [0.75, 0.25, -0.5]
    assert shares([Part("text", "a", 1e308), Part("text", "b", 1e308)]) == [0.5, 0.5]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "empty"),
        ({"text": [""]}, "empty text part"),
        ({"text": ["  ^2"]}, "empty text part"),
        ({"text": ["a"], "image": ["^2"]}, "empty image part"),
        ({"not_text": ["leather"]}, "only negative parts"),
        ({"unlike": ["P1"], "not_image": ["a.jpg"]}, "only negative parts"),
        ({"text": ["red^0"]}, "weight 0"),
        ({"text": ["red^0"], "not_text": ["x"]}, "weight 0"),
        ({"text": ["x" * (MAX_CHARACTERS + 1)]}, re.escape(f"{MAX_CHARACTERS:,} are allowed")),
    ],
)
def test_what_is_no_query(parts: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        make_query(**parts)
    assert raised.value.exit_code == EXIT_USAGE


def test_one_weight_above_zero_is_enough() -> None:
    assert [p.weight for p in make_query(["a^0", "b"]).parts] == [0, 1]


def test_several_filters_all_stay() -> None:
    assert make_query(["a"], where=["price < 3", "stock > 0"]).where == ("price < 3", "stock > 0")
    assert make_query(["a"]).where == ()
