from __future__ import annotations

from pathlib import Path

import numpy as np
from mm_people import write

from mmsearch.fusion.mm_words import Said, Vocabulary, learn_words, own_texts, words_of
from mmsearch.shop import Shop


def said(*texts: str) -> list[Said]:
    return [Said(words_of(text), frozenset(), 0.0) for text in texts]


def test_a_word_that_one_user_alone_wrote_is_not_kept() -> None:
    own = {"u1": said("call anna miller about anna", "anna anna"), "u2": said("sturdy"), "u3": said("sturdy"), "u4": said("sturdy shoe")}
    vocabulary = learn_words([["red", "shoe"], ["red", "lamp"]], own, least_users=3, most=100)
    assert set(vocabulary.words) == {"red", "shoe", "lamp", "sturdy"}
    assert "sturdy" not in learn_words([], own, least_users=4, most=100).words


def test_the_commonest_words_are_kept_and_ties_fall_by_the_alphabet() -> None:
    texts = [["red", "shoe"], ["red", "lamp"], ["red", "bag"]]
    assert learn_words(texts, {}, 3, 3).words == ["red", "bag", "lamp"]


def test_words_have_numbers_from_one_and_unknown_ones_none() -> None:
    vocabulary = Vocabulary(["red", "shoe"])
    np.testing.assert_array_equal(vocabulary.known(["a", "shoe", "red", "shoe"]), [2, 1, 2])
    assert len(vocabulary.known([])) == 0


def test_chinese_is_parted_into_words() -> None:
    assert words_of("红色跑步鞋 男款") == ["红色", "跑步鞋", "男款"]


def test_what_users_wrote_the_newest_first_and_what_it_is_about(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store")
    shop.ingest(write(tmp_path / "products.csv", ["id"], [["P1"], ["P2"]]))
    searches = [["u1", "red shoe", 5, "P1"], ["u2", "lamp", 6, ""], ["", "nobody's", 7, ""]]
    shop.ingest(write(tmp_path / "searches.csv", ["user", "text", "time", "clicked"], searches), kind="searches")
    shop.ingest(
        write(tmp_path / "reviews.csv", ["user", "product", "text", "rating", "time"], [["u1", "P2", "很舒服", 5, 9]]), kind="reviews"
    )
    found = own_texts(shop.store, ["u1"])
    assert list(found) == ["u1"]
    assert [(s.words, s.about) for s in found["u1"]] == [(["舒服"], {"P2"}), (["red", "shoe"], {"P1"})]
    assert own_texts(None, ["u1"]) == {}
