"""The contract that every measure keeps, and values that a reader can check by hand."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.measures import MEASURES, Measure, parse_measure

# One query. Judged: a 3, b 2, c 1 are relevant, x 0 and y -1 are not; u and v nobody judged.
JUDGMENTS = {"a": 3, "b": 2, "c": 1, "x": 0, "y": -1}
RANKING = ["u", "b", "x", "a", "v", "y", "c"]  # relevant at the ranks 2, 4 and 7
IDEAL = 3 + 2 / log2(3) + 1 / log2(4)

KNOWN = {
    "nDCG": (2 / log2(3) + 3 / log2(5) + 1 / log2(8)) / IDEAL,
    "nDCG@1": 0.0,
    "nDCG@2": (2 / log2(3)) / (3 + 2 / log2(3)),
    "nDCG@4": (2 / log2(3) + 3 / log2(5)) / IDEAL,
    "nDCG@100": (2 / log2(3) + 3 / log2(5) + 1 / log2(8)) / IDEAL,
    "AP": (1 / 2 + 2 / 4 + 3 / 7) / 3,
    "AP@4": (1 / 2 + 2 / 4) / 3,
    "AP(rel=2)": (1 / 2 + 2 / 4) / 2,
    "RR": 1 / 2,
    "RR@1": 0.0,
    "RR(rel=3)": 1 / 4,
    "P@4": 2 / 4,
    "P@10": 3 / 10,
    "P(rel=3)@4": 1 / 4,
    "R@4": 2 / 3,
    "R(rel=2)@4": 1.0,
    "R(rel=2)@2": 1 / 2,
    "Hit@1": 0.0,
    "Hit@2": 1.0,
    "Hit(rel=3)@2": 0.0,
    "Judged": 5 / 7,
    "Judged@2": 1 / 2,
    "Judged@100": 5 / 7,
}


def every(k: int) -> list[Measure]:
    return [parse_measure(f"{name}@{k}") for name in MEASURES.names()]


@pytest.mark.parametrize(("text", "value"), KNOWN.items())
def test_value_computed_by_hand(text: str, value: float) -> None:
    assert parse_measure(text).compute(RANKING, JUDGMENTS) == pytest.approx(value, abs=1e-12)


def test_every_measure_has_a_value_computed_by_hand() -> None:
    assert {type(parse_measure(text)) for text in KNOWN} == {MEASURES.factory(name) for name in MEASURES.names()}


@pytest.mark.parametrize("name", MEASURES.names())
class TestContract:
    def test_perfect_ranking_is_one(self, name: str) -> None:
        assert parse_measure(f"{name}@3").compute(["a", "b", "c"], JUDGMENTS) == 1.0
        assert parse_measure(f"{name}@3").compute(["a", "b", "c", "u", "x"], JUDGMENTS) == 1.0

    def test_empty_ranking_is_zero(self, name: str) -> None:
        assert parse_measure(f"{name}@3").compute([], JUDGMENTS) == 0.0

    def test_nothing_judged_is_zero(self, name: str) -> None:
        assert parse_measure(f"{name}@3").compute(["a", "b"], {}) == 0.0

    def test_nothing_relevant_is_zero_but_for_the_share_judged(self, name: str) -> None:
        value = parse_measure(f"{name}@3").compute(["x", "y", "u", "x2"], {"x": 0, "y": -2})
        assert value == (pytest.approx(2 / 3) if name == "judged" else 0.0)

    def test_result_is_a_float(self, name: str) -> None:
        assert type(parse_measure(f"{name}@3").compute(RANKING, JUDGMENTS)) is float

    def test_prints_what_was_typed_and_parses_what_it_prints(self, name: str) -> None:
        for text in (f"{name}@7", f"{name.upper()}@7", f"  {name}@7 "):
            measure = parse_measure(text)
            assert str(measure) == text.strip()
            assert parse_measure(str(measure)) == measure

    def test_one_made_in_python_prints_text_that_parses_back(self, name: str) -> None:
        made = MEASURES.factory(name)(k=7)
        assert str(made).lower() == f"{name}@7"
        assert parse_measure(str(made)) == made

    def test_cutoff_below_one_is_refused_in_python_too(self, name: str) -> None:
        with pytest.raises(ValueError, match="at least 1"):
            MEASURES.factory(name)(k=0)


products = st.sampled_from([f"p{i}" for i in range(12)])
rankings = st.lists(products, unique=True)
judgments = st.dictionaries(products, st.integers(-2, 4))


@given(rankings, judgments, st.integers(1, 15))
def test_values_lie_between_zero_and_one(ranking: list[str], judged: dict[str, int], k: int) -> None:
    for measure in every(k):
        assert 0 <= measure.compute(ranking, judged) <= 1


@given(rankings, judgments, st.integers(1, 15))
def test_what_stands_behind_the_cutoff_does_not_count(ranking: list[str], judged: dict[str, int], k: int) -> None:
    for measure in every(k):
        assert measure.compute(ranking, judged) == measure.compute(ranking[:k], judged)


@given(rankings.filter(lambda r: len(r) > 1), judgments, st.integers(1, 15), st.data())
def test_moving_a_more_relevant_product_up_never_costs(ranking: list[str], judged: dict[str, int], k: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(ranking) - 2))
    upper, lower = ranking[place : place + 2]
    if judged.get(upper, 0) > judged.get(lower, 0):
        upper, lower = lower, upper
    worse = [*ranking[:place], upper, lower, *ranking[place + 2 :]]
    better = [*ranking[:place], lower, upper, *ranking[place + 2 :]]
    for measure in every(k):
        if measure.name != "Judged":  # not a quality: an unjudged product may stand above one that is judged bad
            assert measure.compute(better, judged) >= measure.compute(worse, judged) - 1e-12
