"""Words and phrases of titles, and their counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mmsearch.lexical.phrases import Counted, phrases
from mmsearch.lexical.spelling import typed


def counted(titles: list[str], held: int = 1_000) -> Counted:
    all = Counted(held)
    for title in titles:
        all.add(phrases(title).items())
    return all


def test_words_that_say_nothing_neither_begin_nor_end_a_phrase() -> None:
    found = set(phrases("Shoes for men with the laces").values())
    assert "shoes for men" in found
    assert not {"for", "shoes for", "for men", "men with", "the laces"} & found


def test_nothing_goes_across_a_mark_and_a_number_alone_is_none() -> None:
    found = set(phrases("Aero 3 shoes, red. Wide / 2023 (new)").values())
    assert {"aero 3 shoes", "red", "wide"} <= found
    assert not {"3", "2023", "shoes red", "red wide", "wide 2023"} & found


def test_chinese_words_stand_without_spaces() -> None:
    assert set(phrases("男士红色跑步鞋").values()) >= {"跑步鞋", "红色跑步鞋", "男士红色跑步鞋"}


def test_a_title_counts_once_and_the_most_frequent_come_first() -> None:
    found = counted(["red lamp red lamp", "Red-lamp", "blue lamp"]).most(1, 10)
    assert found[0] == ("lamp", "lamp", 2), "Red-lamp is one word"
    assert ("redlamp", "red lamp", 2) in found
    assert counted(["red lamp", "red hat"]).most(2, 10) == [("red", "red", 2)]
    assert len(counted(["a lamp of red glass"]).most(1, 2)) == 2


def test_a_pair_that_one_word_always_follows_is_left_out() -> None:
    shown = {text for _, text, _ in counted(["over ear headphones", "over ear headphones"]).most(1, 10)}
    assert "over ear headphones" in shown or "ear headphones" in shown
    always = {text for _, text, _ in counted(["noise free headphones"] * 2).most(1, 10)}
    assert "noise free headphones" in always and "noise free" not in always
    once = {text for _, text, _ in counted(["noise free headphones", "noise free lamp"]).most(1, 10)}
    assert "noise free" in once


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60))
def test_in_bounded_memory_a_count_is_too_low_by_no_more_than_is_said(letters: list[str]) -> None:
    all = Counted(held=4)
    for letter in letters:
        all.add([(letter, letter)])
    told = {key: count for key, _, count in all.most(1, 100)}
    assert len(told) <= 4
    for letter in set(letters):
        assert letters.count(letter) - all.dropped <= told.get(letter, 0) <= letters.count(letter)


@given(st.text(max_size=80))
def test_any_title(title: str) -> None:
    for key, shown in phrases(title).items():
        assert key == typed(shown) != ""
