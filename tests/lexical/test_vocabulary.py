"""Typing errors and the words that may be meant."""

from __future__ import annotations

from pathlib import Path

import small_shop
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.lexical.vocabulary import Vocabulary

KNOWN = Vocabulary(["bluetooth", "headphones", "headphone", "toner", "tower", "tour"], [40, 30, 10, 90, 50, 7])


def test_the_nearest_words_come_first_and_of_these_the_most_usual() -> None:
    assert KNOWN.near("hedphones") == ["headphones"]
    assert KNOWN.near("Bluetoth") == ["bluetooth"]
    assert KNOWN.near("tonr") == ["toner", "tour"]
    assert KNOWN.near("tonre") == ["toner"], "two letters that changed places are one error"
    assert KNOWN.near("xylophone") == []
    assert Vocabulary([], []).near("toner") == []


@given(st.sampled_from(["bluetooth", "headphones"]), st.integers(0, 8), st.sampled_from("abcxyz"))
def test_one_wrong_letter_is_forgiven(word: str, at: int, letter: str) -> None:
    assert word in KNOWN.near(word[:at] + letter + word[at + 1 :])


def test_the_words_of_a_store(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    known = Vocabulary.read(shop.store)
    assert {"shoe", "yellow", "kandel", "kettle"} <= set(known.words)
    assert dict(zip(known.words, known.products, strict=True))["shoe"] == 6
    assert not {"every", "red"} & set(known.words), "of descriptions and of short words nothing is kept"
