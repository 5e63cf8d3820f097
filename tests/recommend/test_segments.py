from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_shop

from mmsearch.errors import InputError, UsageError
from mmsearch.recommend.interactions import build
from mmsearch.recommend.segments import Segments, read_attributes

IDS = list("abc")
# women take a, men b; u and v are young
EVENTS = build([*"uuvwwx"], [*"aabbba"], product_ids=IDS).interactions
PEOPLE = {
    "u": {"gender": "F", "age": 20, "post": "1"},
    "v": {"gender": "M", "age": 21, "post": "2"},
    "w": {"gender": "M", "age": 50, "post": "3"},
    "x": {"gender": "F", "age": 60, "post": "4"},
}


def fitted(**given: object) -> Segments:
    made = Segments(**given)  # type: ignore[arg-type]
    made.fit(EVENTS, PEOPLE)
    return made


def total(made: Segments, attributes: dict) -> np.ndarray:
    return np.sum([scores for _, scores in made.score(attributes)], axis=0)


def test_a_segments_share_is_drawn_towards_that_of_all() -> None:
    said = fitted(by=["gender"], shrink=6.0).score({"gender": "F"})
    assert [words for words, _ in said] == ["is popular with gender F"]
    # women: a 3 of 3; all: a 3, b 3 of 6; 6 more events like all's: (3 + 3, 0 + 3) / 9, times 6
    np.testing.assert_allclose(said[0][1], [4, 2, 0])


def test_segments_are_averaged_and_add_up() -> None:
    made = fitted(by=["gender", "age"], shrink=1.0)
    both = made.score({"gender": "M", "age": 60})
    assert [words for words, _ in both] == ["is popular with age from 54", "is popular with gender M"]
    alone = total(made, {"gender": "M"}), total(made, {"age": 60})
    np.testing.assert_allclose(total(made, {"gender": "M", "age": 60}), np.mean(alone, axis=0))
    assert total(made, {"gender": "M"}).sum() == pytest.approx(6), "as many events as there are"


@pytest.mark.parametrize("attributes", [{}, {"gender": "X"}, {"gender": None}, {"shoe": 41}, {"age": "old"}])
def test_who_is_in_no_segment_gets_what_is_popular_with_all(attributes: dict) -> None:
    ((words, scores),) = fitted(by=["gender", "age"]).score(attributes)
    assert words == "is popular"
    np.testing.assert_array_equal(scores, [3, 3, 0])


def test_answers_are_the_callers_to_change() -> None:
    made = fitted(by=["gender"])
    for attributes in ({}, {"gender": "F"}):
        before = total(made, attributes)
        for _, scores in made.score(attributes):
            scores[:] = -1
        np.testing.assert_array_equal(total(made, attributes), before)


def test_values_that_nearly_everybody_has_for_oneself_join_nobody() -> None:
    people = {f"u{i}": {"post": f"p{i}"} for i in range(60)}
    events = build(list(people), ["a"] * 60, product_ids=IDS).interactions
    made = Segments()
    made.fit(events, people)
    assert [words for words, _ in made.score({"post": "p1"})] == ["is popular"]


def test_what_is_wrong_is_told() -> None:
    with pytest.raises(UsageError, match="no user has the attribute gendre; did you mean gender"):
        fitted(by=["gendre"])
    with pytest.raises(InputError, match="mmsearch ingest"):
        Segments().fit(build([], [], product_ids=IDS).interactions, PEOPLE)
    with pytest.raises(ValueError, match="shrink must be above 0"):
        Segments(shrink=0)


def test_events_that_say_nothing_for_a_product_count_nothing() -> None:
    made = Segments()
    made.fit(build(["u"], ["a"], [-1.0], product_ids=IDS).interactions, PEOPLE)
    assert not total(made, {"gender": "F"}).any()


def test_attributes_are_read_from_the_store(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False)
    assert read_attributes(shop.store) == {}
    file = tmp_path / "users.csv"
    file.write_text("user,gender,age\nu1,F,20\nu2,M,\n")
    shop.ingest(file, kind="users")
    assert read_attributes(shop.store) == {"u1": {"gender": "F", "age": 20.0}, "u2": {"gender": "M"}}
    assert read_attributes(shop.store, ["u2", "nobody"]) == {"u2": {"gender": "M"}}
