"""The filter language of `--where`: what it reads, and where its errors point."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import ParseError
from mmsearch.store.where import (
    And,
    Between,
    Compare,
    In,
    IsNull,
    Literal,
    Name,
    Node,
    Not,
    Or,
    id_list,
    parse_where,
    text_literal,
    written,
)


def show(node: Node) -> str:
    """A tree as a text with all its brackets, to compare trees without the places of their names."""
    match node:
        case And(parts):
            return "(" + " and ".join(map(show, parts)) + ")"
        case Or(parts):
            return "(" + " or ".join(map(show, parts)) + ")"
        case Not(part):
            return f"!{show(part)}"
        case IsNull(name):
            return f"{name.name} null"
        case Between(name, low, high):
            return f"{name.name} {low!r}..{high!r}"
        case In(name, values):
            return f"{name.name} in {list(values)!r}"
        case Compare(name, op, value):
            return f"{name.name} {op} {value!r}"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 1", "a = 1.0"),
        ("  a=1  ", "a = 1.0"),
        ("a = 1 or b = 2 and not c = 3", "(a = 1.0 or (b = 2.0 and !c = 3.0))"),
        ("not a = 1 and b = 2 or c = 3", "((!a = 1.0 and b = 2.0) or c = 3.0)"),
        ("(a = 1 or b = 2) and c = 3", "((a = 1.0 or b = 2.0) and c = 3.0)"),
        ("not (a = 1 or b = 2)", "!(a = 1.0 or b = 2.0)"),
        ("not not a = 1", "!!a = 1.0"),
        ("a = 1 or b = 2 or c = 3", "(a = 1.0 or b = 2.0 or c = 3.0)"),
        ("((a = 1))", "a = 1.0"),
        ("a != 1 and b < 2 and c <= 3 and d > 4 and e >= 5", "(a != 1.0 and b < 2.0 and c <= 3.0 and d > 4.0 and e >= 5.0)"),
        ("a<-1", "a < -1.0"),
        ("a = +.5e-3", "a = 0.0005"),
        ("a = 5.", "a = 5.0"),
        ("a in (1, 'x', true)", "a in [1.0, 'x', True]"),
        ("a not in (1)", "!a in [1.0]"),
        ("a between 1 and 2 and b = 3", "(a 1.0..2.0 and b = 3.0)"),
        ("a not between 'x' and 'y'", "!a 'x'..'y'"),
        ("a like 'x%' or a not like '_y'", "(a like 'x%' or !a like '_y')"),
        ("tags has 'red' and tags not has 5", "(tags has 'red' and !tags has 5.0)"),
        ("a is null and b is not null", "(a null and !b null)"),
        ("NOT a IS NULL Or A bETWEEN 1 aND 2", "(!a null or A 1.0..2.0)"),
        ("new = true and old != FALSE", "(new = True and old != False)"),
        ("a = ''", "a = ''"),
        ("a = 'it''s'", 'a = "it\'s"'),
        ("a = ''''", 'a = "\'"'),
        ("a = 'x or b = 2'", "a = 'x or b = 2'"),
        ("价格 < 80 and 颜色='红色'", "(价格 < 80.0 and 颜色 = '红色')"),
        ("`screen size` > 5 and `a``b` = 1 and `in` = 2", "(screen size > 5.0 and a`b = 1.0 and in = 2.0)"),
        ("`a' or 'b` = 1", "a' or 'b = 1.0"),
        ("_x1 = 1", "_x1 = 1.0"),
        ("a = 1\n\tand\u3000b = 2", "(a = 1.0 and b = 2.0)"),
    ],
)
def test_parse(text: str, tree: str) -> None:
    assert show(parse_where(text)) == tree


def test_types_of_literals() -> None:
    def literal(text: str) -> Literal:
        node = parse_where(f"a = {text}")
        assert isinstance(node, Compare)
        return node.value

    assert [type(literal(t)) for t in ("1", "'1'", "true", "'true'")] == [float, str, bool, str]


def test_names_know_their_place() -> None:
    node = parse_where("a = 1 and `b c` = 2")
    assert isinstance(node, And)
    assert [p.name for p in node.parts if isinstance(p, Compare)] == [Name("a", 0), Name("b c", 10)]


@pytest.mark.parametrize(
    ("text", "pointed_at", "reason"),
    [
        ("", "", "it is empty"),
        ("  ", "  ", "it is empty"),
        ("a", "", "expected a comparison"),
        ("a =", "", "expected a number"),
        ("a = b", "b", "expected a number"),
        ("a = `b`", "`b`", "expected a number"),
        ('a = "b"', '"b"', "unexpected '\"'"),
        ("a = 'b", "'b", 'unexpected "\'"'),
        ("a = 'it''s", "'it''s", 'unexpected "\'"'),
        ("`a = 1", "`a = 1", "unexpected '`'"),
        ("`` = 1", "`` = 1", "unexpected '`'"),
        ("a == 1", "= 1", "unexpected '=' after '='"),
        ("a <> 1", "> 1", "unexpected '>' after '<'"),
        ("a = 1 b = 2", "b = 2", "expected 'and', 'or' or the end"),
        ("a = 1)", ")", "expected 'and', 'or' or the end"),
        ("(a = 1", "", "expected ')'"),
        ("a = 1 and", "", "expected an attribute name"),
        ("and a = 1", "and a = 1", "expected an attribute name"),
        ("5 < a", "5 < a", "expected an attribute name"),
        ("a = 1 && b = 2", "&& b = 2", "unexpected '&'"),
        ("a = 1 | b = 2", "| b = 2", "unexpected '|'"),
        ("a ! 1", "! 1", "unexpected '!'"),
        ("a not = 1", "= 1", "expected a comparison"),
        ("a is 1", "1", "expected 'null' after 'is'"),
        ("a is not 1", "1", "expected 'null' after 'is' not"),
        ("a in 1", "1", "expected '(' and a list of values"),
        ("a in ()", ")", "expected a number"),
        ("a in (1 2)", "2)", "expected ',' or ')'"),
        ("a in (1,", "", "expected a number"),
        ("a between 1", "", "expected 'and' and the upper end"),
        ("a between 1 and 'x'", "'x'", "both ends of 'between' must be numbers"),
        ("a between false and true", "true", "both ends of 'between' must be numbers"),
        ("a like 5", "5", "'like' takes text"),
        ("a < true", "true", "true and false compare with = and != only"),
        ("a = 1.2.3", "1.2.3", "'1.2.3' is neither a number nor a name"),
        ("a < 80元", "80元", "'80元' is neither a number nor a name"),
        ("2a = 1", "2a = 1", "'2a' is neither a number nor a name"),
        ("a = 1e999", "1e999", "expected a number"),
        ("a = null", "null", "expected a number"),
        ("a; drop", "; drop", "unexpected ';'"),
        ("a = 'x\udcff'", "\udcff'", "not UTF-8 text"),
        ("(" * 40 + "a = 1" + ")" * 40, "(" * 24 + "a = 1" + ")" * 40, "nested too deeply"),
        ("not " * 40 + "a = 1", "not " * 23 + "a = 1", "nested too deeply"),
        ("a=1 or " * 1000 + "a=2", "a=2", "more than 1,000 comparisons"),
    ],
)
def test_errors_point_at_the_place(text: str, pointed_at: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_where(text)
    assert text[caught.value.position :] == pointed_at
    assert reason in caught.value.reason
    assert caught.value.message.startswith("bad filter: ")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a = b", "text stands in single quotes: 'b'"),
        ('a = "b"', "text stands in single quotes: 'like this'"),
        ("a = 'b", "the text has no closing quote"),
        ("`a", "the name has no closing backtick"),
        ("a & b", "write 'and'"),
        ("a == 1", "equal is =, unequal is !="),
        ("", "for example: --where \"price < 80 and colour = 'red'\""),
    ],
)
def test_hints(text: str, hint: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_where(text)
    assert caught.value.hint == hint


@settings(max_examples=500, derandomize=True)
@given(
    st.one_of(
        st.text(),
        st.text("ab'`()=<>!,.5 -", max_size=20),
        st.lists(
            st.sampled_from(
                ["a", "b", "and", "or", "not", "in", "between", "like", "has", "is", "null", "(", ")", ",", "=", "<", "1", "'x'", "true"]
            ),
            max_size=12,
        ).map(" ".join),
    )
)
def test_any_text_parses_or_is_a_parse_error(text: str) -> None:
    try:
        parse_where(text)
    except ParseError as error:
        assert 0 <= error.position <= len(text)


@settings(derandomize=True)
@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_name_and_any_text_can_be_written(name: str, value: str) -> None:
    node = parse_where(f"{written(name)} = {text_literal(value)}")
    assert node == Compare(Name(name, 0), "=", value)


def test_id_list() -> None:
    assert id_list("id", ["a", "it's"]) == "id in ('a', 'it''s')"
    assert id_list("id", []) == "false"
