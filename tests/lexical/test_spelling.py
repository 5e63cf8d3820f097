"""One spelling for queries and products."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.lexical.spelling import characters, codes, folded, folded_in_place, script_of, scripts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("iphone15", "iPhone 15"),
        ("IPHONE-15", "iphone15"),
        ("WH-1000XM4", "wh 1000 xm4"),
        ("tn2110", "TN-2110"),
        ("256GB", "256 gb"),
        ("A4", "a-4"),
    ],
)
def test_spellings_of_a_code_share_a_piece(one: str, other: str) -> None:
    assert set(codes(one)) & set(codes(other))


def test_words_and_numbers_alone_are_no_codes() -> None:
    assert codes("red running shoes") == []
    assert codes("size 42") == ["size42"]
    assert codes("778555") == []
    assert codes("778555", alone=True) == ["778555"]
    assert codes("42", alone=True) == []


def test_traditional_and_simplified_characters_meet() -> None:
    assert folded("紅色跑步鞋") == folded("红色跑步鞋")
    assert folded("ＡＢＣ１２３") == "ABC123"
    assert folded("Crème") == "Crème", "accents are the index's to fold"


def test_a_short_word_shares_its_characters_with_a_longer_one() -> None:
    assert set(characters("跑鞋")) & set(characters("跑步鞋")) == {"跑", "鞋"}
    assert characters("running") == []


def test_the_scripts_in_which_something_is_said() -> None:
    assert scripts("云迈 Aero 3 跑步鞋") == "han", "a brand beside a Chinese title is no English text"
    assert scripts("Fleetwing Aero running shoes. 飞翼跑鞋") == "han latin"
    assert (scripts("Mug"), scripts("")) == ("latin", "latin")
    assert (script_of("红色 iPhone"), script_of("red mug")) == ("han", "latin")
    assert (script_of("a2220"), script_of("wh-1000xm4 4006381333931")) == ("", "")
    assert (script_of("a2220 case"), script_of("42")) == ("latin", "latin")


@given(st.text(max_size=60))
def test_any_text_can_be_brought_to_one_spelling(text: str) -> None:
    plain = folded(text)
    plain.encode("utf-8")
    assert folded(plain) == folded(folded(plain))
    for piece in [*codes(plain), *characters(plain)]:
        assert piece and not any(c.isspace() for c in piece)
    assert len(codes(plain)) == len(set(codes(plain)))


@given(st.text(st.characters() | st.sampled_from("紅綠乾隆燥著藉慰頭髮５Ａ　ﬁ"), max_size=60))
def test_in_place_every_character_stands_where_it_stood(text: str) -> None:
    plain = folded_in_place(text)
    assert len(plain) == len(text)
    if "薴" not in text:  # becomes 苧, and that 苎
        assert folded(plain) == folded(text)
    assert text.isascii() <= (plain == text)


def test_what_would_move_the_rest_is_left_in_place() -> None:
    assert folded_in_place("５００元以內　ＡＢ") == "500元以内 AB"
    assert folded_in_place("ﬁt 紅") == "ﬁt 红"
    assert folded_in_place("Cafe\u0301") == "Cafe\u0301"


@given(st.lists(st.from_regex(r"[a-z]{1,4}|[0-9]{1,4}", fullmatch=True), min_size=2, max_size=3))
def test_what_alternates_is_one_code_however_it_is_parted(parts: list[str]) -> None:
    if any(a[-1].isdigit() == b[0].isdigit() for a, b in itertools.pairwise(parts)):
        return
    for separator in (" ", "-", ""):
        assert "".join(parts) in codes(separator.join(parts))
