from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.ranking import letters
from mmsearch.ranking.letters import Letters, plain

TITLES = ["Oatly Oat Milk", "Arla Standard Milk", "雀巢 速溶咖啡 200克", "Yoggi Vanilla Yoghurt", ""]


@pytest.mark.parametrize(
    ("read", "best"),
    [("OATLY!", 0), ("0atly", 0), ("YOGGl\nvanlla", 3), ("Yoggivanilla", 3), ("雀巢咖啡", 2), ("速溶", 2), ("ＡＲＬＡ　standard", 1)],
)
def test_misread_words_find_what_they_were(read: str, best: int) -> None:
    similarity = Letters(TITLES).compare([read])[0]
    assert int(np.nanargmax(similarity)) == best
    assert np.isnan(similarity[4]), "what says nothing is not compared"


def test_a_text_is_most_like_itself() -> None:
    similarity = Letters(TITLES).compare(TITLES)
    assert np.allclose(np.diag(similarity)[:4], 1, atol=1e-5)
    assert np.isnan(similarity[4]).all()
    assert np.nanmax(similarity - 2 * np.eye(5)) < 0.9


def test_what_all_say_tells_nothing() -> None:
    assert np.isnan(Letters(["milk", "milk"]).compare(["milk"])).all()


def test_no_run_goes_over_the_end_of_a_line_or_of_a_text() -> None:
    known = Letters(["ab", "xycd\nefzz", "other"])
    assert np.nanmax(known.compare(["de"])) == 0
    assert known.compare(["bx"])[0].max() == 0


def test_it_is_the_cosine_of_tf_idf_weights() -> None:
    known = Letters(["abab", "abc", "xyz"])
    # "abab": ab twice, ba, aba, bab; "abc": ab, bc, abc; asked: ab.
    idf = {df: np.log(4 / (1 + df)) for df in (1, 2)}
    first = np.array([(1 + np.log(2)) * idf[2], idf[1], idf[1], idf[1]])
    second = np.array([idf[2], idf[1], idf[1]])
    expected = [first[0] / np.linalg.norm(first), second[0] / np.linalg.norm(second), 0]
    assert np.allclose(known.compare(["ab"])[0], expected, atol=1e-5)


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Letters(TITLES).compare(["Arla milk"])
    monkeypatch.setattr(letters, "_AT_ONCE", 2)
    assert np.array_equal(Letters(TITLES).compare(["Arla milk"]), whole, equal_nan=True)


@given(st.lists(st.text(max_size=20), max_size=6), st.text(max_size=20))
def test_similarities_are_cosines(texts: list[str], query: str) -> None:
    similarity = Letters(texts).compare([query])
    assert similarity.shape == (1, len(texts))
    assert np.all(np.isnan(similarity) | ((similarity >= 0) & (similarity <= 1 + 1e-5)))


@given(st.text())
def test_plain_is_letters_and_digits(text: str) -> None:
    assert all(character.isalnum() for character in plain(text))
