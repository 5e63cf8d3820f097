"""Concepts of the given triples: found in texts of two languages, and what each leads to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from product_shelf import new_store

from mmsearch.fusion.concepts import Concepts, canonical, read_triples

SHOES = Concepts(
    [
        ("跑步鞋", "synonym", "running shoe"),
        ("trainers", "synonym", "running shoe"),
        ("running shoe", "broader", "shoe"),
        ("鞋", "synonym", "shoe"),
        ("sole", "part-of", "running shoe"),
        ("running shoe", "goes-with", "sock"),
        ("T恤", "synonym", "t-shirt"),
    ]
)


def spotted(text: str, concepts: Concepts = SHOES) -> list[tuple[str, str]]:
    return [(text[one.start : one.end], concepts.labels[one.concept]) for one in concepts.spot(text)]


def reached(label: str, concepts: Concepts = SHOES, **how: float) -> dict[str, float]:
    at = concepts.find(label)
    assert at is not None
    return {one.label: round(one.strength, 3) for one in concepts.reach(at, **how)}  # type: ignore[arg-type]


def test_the_longest_label_wins_whatever_case_and_plural() -> None:
    assert spotted("Red RUNNING-Shoes, size 42") == [("RUNNING-Shoes", "running shoe")]
    assert spotted("shoes for running") == [("shoes", "shoe")]
    assert spotted("nothing here") == []
    assert spotted("") == []


def test_chinese_is_found_inside_longer_words() -> None:
    assert spotted("红色跑步鞋男款") == [("跑步鞋", "跑步鞋")]
    assert spotted("速干T恤 2件") == [("T恤", "T恤")]


def test_a_single_character_counts_only_where_it_ends_a_run() -> None:
    assert spotted("男鞋 透气") == [("鞋", "鞋")]
    assert spotted("鞋柜") == []
    assert spotted("皮鞋shoe") == [("鞋", "鞋"), ("shoe", "shoe")]


@pytest.mark.parametrize(
    ("many", "one"), [("boxes", "box"), ("watches", "watch"), ("batteries", "battery"), ("glasses", "glass"), ("shoes", "shoe")]
)
def test_english_plurals(many: str, one: str) -> None:
    concepts = Concepts([(one, "broader", "thing")])
    assert spotted(many, concepts) == [(many, one)]


def test_words_that_only_look_like_plurals_stay() -> None:
    for word in ("glass", "bus", "tennis", "gas"):
        assert Concepts([(word, "broader", "thing")]).find(word) == 0
    assert Concepts([("glass", "broader", "thing")]).find("glas") is None


def test_relations_are_followed_both_ways_with_their_own_names_and_strengths() -> None:
    assert reached("shoe", steps=1) == {"鞋": 0.8, "running shoe": 0.5}
    assert reached("running shoe", steps=1) == {"跑步鞋": 0.8, "trainers": 0.8, "shoe": 0.3, "sole": 0.15, "sock": 0.15}
    at = SHOES.find("sole")
    assert at is not None
    found = SHOES.reach(at, steps=2, least=0.2)
    assert [one.label for one in found] == ["running shoe", "跑步鞋", "trainers"]
    assert [str(step) for step in found[2].path] == ["part of: running shoe (×0.4)", "synonym: trainers (×0.8)"]


def test_weak_paths_and_long_ones_end() -> None:
    assert "shoe" not in reached("跑步鞋", steps=1)
    assert reached("跑步鞋")["shoe"] == 0.24
    assert "sock" not in reached("跑步鞋")


labels = st.sampled_from(["a", "b", "c", "d", "e", "f"])
triples = st.lists(st.tuples(labels, st.sampled_from(["synonym", "broader", "part-of", "narrower", "likes"]), labels), max_size=15)


@given(triples, st.integers(0, 6))
def test_any_triples_end_and_no_concept_comes_twice_or_leads_to_itself(given_triples: list[tuple[str, str, str]], steps: int) -> None:
    concepts = Concepts(given_triples)
    for start in range(len(concepts)):
        found = concepts.reach(start, steps, 0.01)
        assert len({one.concept for one in found}) == len(found) and start not in {one.concept for one in found}
        for one in found:
            assert 0 < len(one.path) <= max(steps, 1) and 0.01 - 1e-9 <= one.strength <= 1
        assert [one.strength for one in found] == sorted((one.strength for one in found), reverse=True)
        if not steps:
            assert not found


@given(triples)
def test_the_order_of_triples_decides_no_strength(given_triples: list[tuple[str, str, str]]) -> None:
    one, other = Concepts(given_triples), Concepts(given_triples[::-1])
    for label in one.labels:
        assert reached(label, one) == reached(label, other)


def test_loops_are_told() -> None:
    assert SHOES.loops() == []
    assert Concepts([("a", "synonym", "b"), ("b", "synonym", "a")]).loops() == []
    looped = Concepts([("a", "broader", "b"), ("b", "broader", "c"), ("a", "narrower", "c"), ("d", "part-of", "d")])
    assert looped.loops() == [["d"], ["a", "b", "c"]]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("isA", "broader"),
        ("is_a", "broader"),
        ("属于", "broader"),
        ("Same As", "synonym"),
        ("partOf", "part-of"),
        ("goes-with", "goes-with"),
    ],
)
def test_relations_by_other_names(written: str, meant: str) -> None:
    assert canonical(written) == meant


def test_ends_of_marks_alone_are_nothing() -> None:
    assert len(Concepts([("!!", "synonym", "a")])) == 0


def test_a_store_without_triples_has_none(tmp_path: Path) -> None:
    assert read_triples(new_store(tmp_path / "store")) == ([], [], [])
