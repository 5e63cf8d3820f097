"""What the mean is taken over, on a shop small enough to check by hand."""

from __future__ import annotations

import json
from math import log2

import pytest

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.evaluate import evaluate, to_json
from mmsearch.measures import parse_measure

QRELS = {
    "shoes": {"s1": 2, "s2": 1, "bag": 0},  # found at the ranks 1 and 3
    "bags": {"bag": 1},  # the run has no line for it
    "hats": {"s1": 0, "bag": -1},  # nobody judged a hat relevant
    "belts": {"belt": 1},  # asked, and nothing came back
}
RUN = {
    "shoes": {"s1": 0.9, "bag": 0.5, "s2": 0.1},
    "hats": {"s1": 1.0, "new": 0.5},
    "belts": {},
    "gloves": {"s1": 1.0},  # not in the qrels
}
MEASURES = [parse_measure(text) for text in ("nDCG@10", "MRR", "p@2", "judged@10")]
SHOES_NDCG = (2 + 1 / log2(4)) / (2 + 1 / log2(3))


def test_mean_is_over_all_queries_of_the_qrels() -> None:
    found = evaluate(RUN, QRELS, MEASURES)
    assert found.per_query == {
        "shoes": {"nDCG@10": pytest.approx(SHOES_NDCG), "MRR": 1.0, "p@2": 0.5, "judged@10": 1.0},
        "bags": {"nDCG@10": 0.0, "MRR": 0.0, "p@2": 0.0, "judged@10": 0.0},
        "hats": {"nDCG@10": 0.0, "MRR": 0.0, "p@2": 0.0, "judged@10": 0.5},
        "belts": {"nDCG@10": 0.0, "MRR": 0.0, "p@2": 0.0, "judged@10": 0.0},
    }
    assert found.queries == 4
    assert found.means == {"nDCG@10": pytest.approx(SHOES_NDCG / 4), "MRR": 0.25, "p@2": 0.125, "judged@10": 0.375}


def test_what_counted_zero_and_what_did_not_count_is_told() -> None:
    found = evaluate(RUN, QRELS, MEASURES)
    assert found.missing == ("bags", "belts")  # an empty ranking is as good as none: a file holds neither
    assert found.empty == ("hats",)
    assert found.unjudged_queries == ("gloves",)


def test_drop_empty_averages_over_queries_with_a_relevant_product() -> None:
    found = evaluate(RUN, QRELS, MEASURES, drop_empty=True)
    assert list(found.per_query) == ["shoes", "bags", "belts"]
    assert found.queries == 3
    assert found.means == {
        "nDCG@10": pytest.approx(SHOES_NDCG / 3),
        "MRR": pytest.approx(1 / 3),
        "p@2": pytest.approx(0.5 / 3),
        "judged@10": pytest.approx(1 / 3),
    }
    assert (found.missing, found.empty, found.unjudged_queries) == (("bags", "belts"), ("hats",), ("gloves",))


def test_drop_empty_asks_for_any_relevance_whatever_a_measure_asks_for() -> None:
    found = evaluate({"q": {"a": 1.0}}, {"q": {"a": 1}}, [parse_measure("P(rel=2)@1")], drop_empty=True)
    assert (found.queries, found.means) == (1, {"P(rel=2)@1": 0.0})


def test_a_run_without_any_of_the_queries_is_zero_not_an_error() -> None:
    found = evaluate({}, QRELS, MEASURES)
    assert set(found.means.values()) == {0.0}
    assert found.missing == tuple(QRELS)


def test_ties_are_broken_by_id_descending() -> None:
    assert evaluate({"q": {"a": 1.0, "b": 1.0}}, {"q": {"a": 1}}, [parse_measure("RR")]).means == {"RR": 0.5}
    assert evaluate({"q": {"a": 1.0, "b": 1.0}}, {"q": {"b": 1}}, [parse_measure("RR")]).means == {"RR": 1.0}


def test_json_for_machines() -> None:
    found = to_json(evaluate(RUN, QRELS, MEASURES), "calibrated(dense=.3)", split={"name": "test", "queries": 4})
    assert json.loads(json.dumps(found)) == {
        "method": "calibrated(dense=.3)",
        "queries": 4,
        "measures": {"nDCG@10": pytest.approx(SHOES_NDCG / 4, abs=0), "MRR": 0.25, "p@2": 0.125, "judged@10": 0.375},
        "missing": 2,
        "empty": 1,
        "unjudged_queries": 1,
        "split": {"name": "test", "queries": 4},
    }
    assert to_json(evaluate(RUN, QRELS, MEASURES), "bm25")["split"] is None


def test_nothing_to_measure_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="at least one measure"):
        evaluate(RUN, QRELS, [])


def test_nothing_to_average_over_is_an_error() -> None:
    with pytest.raises(InputError, match="no query of the qrels has a relevant product"):
        evaluate(RUN, {"hats": {"s1": 0}}, MEASURES, drop_empty=True)
    with pytest.raises(InputError, match="hold no query"):
        evaluate(RUN, {}, MEASURES)
