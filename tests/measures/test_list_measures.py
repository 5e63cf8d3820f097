"""The contract of measures of lists, and each on lists whose value is known."""

from __future__ import annotations

from math import log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import InputError, ParseError
from mmsearch.measures import LIST_MEASURES, ListMeasure, Lists, parse_any_measure, parse_measure
from mmsearch.measures.calibration import Calibration
from mmsearch.measures.coverage import Coverage
from mmsearch.measures.diversity import Diversity
from mmsearch.measures.gini import Gini
from mmsearch.measures.ndcg import NDCG
from mmsearch.measures.novelty import Novelty
from mmsearch.measures.popularity_lift import PopularityLift

OWN = {
    "calibration": Calibration,
    "coverage": Coverage,
    "novelty": Novelty,
    "diversity": Diversity,
    "gini": Gini,
    "popularity-lift": PopularityLift,
}
X = np.array([[1, 0], [1, 0], [0, 1], [-1, 0], [0, 0]], np.float32)


def kl(p: float, q: float) -> float:
    """Of two values, p and 1 − p, from q and 1 − q."""
    return sum(a * log(a / (0.99 * b + 0.01 * a)) for a, b in ((p, q), (1 - p, 1 - q)) if a)


def lists(*ranked: list[int], had: list[list[int]] | None = None, candidates: list[bool] | None = None) -> Lists:
    histories = had or [[0]] * len(ranked)
    return Lists(
        [np.array(r, np.int64) for r in ranked],
        [np.array(h, np.int64) for h in histories],
        np.array([8, 4, 2, 1, 0]),
        16,
        None if candidates is None else np.array(candidates),
        X,
        {"category": [("a",), ("a", "b"), ("b",), (), ("c",)]},
    )


@pytest.mark.parametrize(
    ("text", "given", "value"),
    [
        ("coverage@2", lists([0, 1, 2], [1, 0]), 2 / 5),
        ("coverage@3", lists([0, 1, 2], [1, 0]), 3 / 5),
        ("coverage@3", lists([3], [], candidates=[False, False, False, True, True]), 1 / 2),
        ("novelty@2", lists([0, 1], [2]), (1 + 2 + 3) / 3),
        ("novelty@9", lists([4]), log2(16)),  # nobody took it: as if one had
        ("diversity@2", lists([0, 1], [0, 2]), (0 + 1) / 2),
        ("diversity@3", lists([0, 2, 3]), 1 - (0 - 1 + 0) / 3),
        ("diversity@3", lists([0, 4, 1], [4, 2]), 0.0),  # one without a vector is left out; one alone has no pair
        ("gini@1", lists([0], [1], [2], [3], [4]), 0.0),
        ("gini@1", lists([0], [0]), 4 / 5),
        ("gini@2", lists([0, 1], [0], candidates=[True, True, False, False, False]), 1 / 6),
        ("popularity-lift@2", lists([0, 1], [2], had=[[2], [1, 3]]), (6 + 2) / (2 + 2.5)),
        ("calibration@2", lists([0], [1, 2], [1], had=[[0], [0, 2], [0]]), (0 + kl(0.5, 0.25) + kl(1, 0.5)) / 3),
        ("calibration@1", lists([3], [0], [], [0], had=[[0], [3], [0], [0]]), 0.0),  # of whose history or list nothing is known is left out
        ("calibration@2", lists([3, 4], had=[[0]]), log(100)),
        ("lift@1", lists([0], [], [1], had=[[1], [0], []]), 2.0),
    ],
)
def test_known_values(text: str, given: Lists, value: float) -> None:
    assert parse_any_measure(text).compute(given) == pytest.approx(value)  # type: ignore[call-arg, arg-type]


def every(k: int) -> list[ListMeasure]:
    return [made(k=k) for made in OWN.values()]


def has_value(measure: ListMeasure, shown: list[list[int]]) -> bool:
    if measure.name == "diversity":
        return any(len(set(ranking) - {4}) > 1 for ranking in shown)
    if measure.name == "calibration":
        return any(set(ranking) - {3} for ranking in shown)
    return measure.name == "coverage" or any(shown)


def test_all_registered_are_tested() -> None:
    assert set(LIST_MEASURES.names()) == set(OWN)


@given(st.lists(st.lists(st.integers(0, 4), max_size=5, unique=True), max_size=6), st.integers(1, 6))
def test_finite_whatever_was_shown_and_what_stands_behind_the_cutoff_does_not_count(ranked: list[list[int]], k: int) -> None:
    for measure in every(k):
        value = measure.compute(lists(*ranked))
        assert (value >= -1e-9 and np.isfinite(value)) if has_value(measure, [r[:k] for r in ranked]) else np.isnan(value)
        assert value == pytest.approx(measure.compute(lists(*(r[:k] for r in ranked))), abs=0, nan_ok=True)
        if measure.name in ("coverage", "gini"):
            assert np.isnan(value) or value <= 1


def test_nothing_shown_has_no_value_but_covers_nothing() -> None:
    for measure in every(3):
        found = [measure.compute(lists([], [])), measure.compute(lists())]
        assert found == [0, 0] if measure.name == "coverage" else np.isnan(found).all()


def test_without_a_history_there_is_nothing_to_compare_with() -> None:
    shown = lists([0, 1], [2], had=[[], []])
    assert np.isnan(Calibration(3).compute(shown)) and np.isnan(PopularityLift(3).compute(shown)) and Gini(3).compute(shown) > 0


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("coverage@20", Coverage(20)),
        ("Gini@5", Gini(5)),
        ("lift@2", PopularityLift(2)),
        ("ILD@7", Diversity(7)),
        ("calibration(by=genre)@3", Calibration(3, by="genre")),
        ("nDCG@3", NDCG(3)),
    ],
)
def test_the_text_is_the_measure(text: str, measure: ListMeasure) -> None:
    assert parse_any_measure(text) == measure and str(parse_any_measure(text)) == text
    assert parse_any_measure(str(measure)) == measure


def test_what_is_wrong_is_told() -> None:
    with pytest.raises(ParseError, match="coverage needs a cut-off"):
        parse_any_measure("coverage")
    with pytest.raises(ParseError, match="did you mean coverage") as told:
        parse_any_measure("coverge@3")
    assert "gini" in str(told.value.hint) and "ndcg" in str(told.value.hint)
    with pytest.raises(ParseError, match="there is no measure 'coverage'"):
        parse_measure("coverage@3")  # rankings of one query have none
    with pytest.raises(InputError, match="mmsearch embed"):
        Diversity(3).compute(Lists([], [], np.zeros(2, np.int64), 0))
    with pytest.raises(InputError, match="values of genre, which are not known"):
        Calibration(3, by="genre").compute(lists([0]))
    for k in (0, None):
        with pytest.raises(ValueError, match="cut-off"):
            Gini(k)
