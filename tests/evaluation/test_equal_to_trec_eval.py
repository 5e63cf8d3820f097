"""Our numbers are trec_eval's: checked against pytrec_eval (trec_eval's own C code) and ir_measures on random runs."""

from __future__ import annotations

from collections.abc import Mapping

import ir_measures
import pytest
import pytrec_eval
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmsearch.evaluation.evaluate import evaluate
from mmsearch.evaluation.trec import Qrels, Run, rank
from mmsearch.measures import Measure, parse_measure

CUTOFFS = (1, 2, 3, 5, 10, 50)
#: Ours by trec_eval's name for the same thing. `@k` measures have the cut-off behind an underscore there.
PLAIN = {"nDCG": "ndcg", "AP": "map", "RR": "recip_rank"}
CUT = {"nDCG": "ndcg_cut", "AP": "map_cut", "P": "P", "R": "recall", "Hit": "success"}

# Ids that sort differently as numbers, as bytes and without case; few enough that runs and qrels overlap.
products = st.sampled_from(["9", "10", "d", "d1", "d10", "D1", "é", "z", "商品", "品", "😀", "\uffff"])
queries = st.sampled_from(["q1", "q2", "q3", "q4", "q5"])
#: Mostly ties: exact ones, ones in single precision only, values beyond its range, and some that are no tie by a hair.
scores = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.5]),
    st.sampled_from([1 + 1e-12, 1 + 5e-8, 1 + 7e-8, 1 + 1.2e-7, 0.97202774, 0.97202775, 16777216.0, 16777217.0]),
    st.sampled_from([1e300, 2e300, -1e300, 1e-50, -1e-50, 1e-45]),
    st.floats(allow_nan=False, allow_infinity=False),
)
runs = st.dictionaries(queries, st.dictionaries(products, scores, min_size=1))
all_qrels = st.dictionaries(queries, st.dictionaries(products, st.integers(-2, 4), min_size=1), min_size=1)


def trec_eval(run: Run, qrels: Qrels, rel: int) -> dict[str, Mapping[str, float]]:
    """Query → measure → value; only for queries that are in the run."""
    # Judgments that are all negative make trec_eval 9 read uninitialised memory. One more irrelevant product, which no run
    # has, changes none of these measures.
    padded = {query: {**judged, "never found": 0} for query, judged in qrels.items()}
    names = {*PLAIN.values(), *(f"{name}.{','.join(map(str, CUTOFFS))}" for name in CUT.values())}
    found: dict[str, Mapping[str, float]] = pytrec_eval.RelevanceEvaluator(padded, names, relevance_level=rel).evaluate(run)
    return found


@settings(max_examples=200, deadline=None)
@given(runs, all_qrels, st.sampled_from([1, 2, 3]))
@example({"q1": {"d": 1.0, "d1": 1 + 1e-12}}, {"q1": {"d1": 1}}, 1)  # tied in trec_eval, and "d1" is the higher id
@example({"q1": {"d1": 1.0, "d": 1 + 1e-12}}, {"q1": {"d": 1}}, 1)  # tied, and "d" is the lower one
def test_every_query_equals_pytrec_eval(run: Run, qrels: Qrels, rel: int) -> None:
    theirs = trec_eval(run, qrels, rel)
    named: dict[str, Measure] = {}
    for ours, name in PLAIN.items():
        named[name] = parse_measure(ours if ours == "nDCG" else f"{ours}(rel={rel})")
    for ours, name in CUT.items():
        for k in CUTOFFS:
            named[f"{name}_{k}"] = parse_measure(f"{ours}@{k}" if ours == "nDCG" else f"{ours}(rel={rel})@{k}")
    found = evaluate(run, qrels, named.values())
    assert set(found.per_query) == set(qrels)
    for query, values in found.per_query.items():
        for name, measure in named.items():
            expected = theirs[query][name] if query in run else 0.0
            assert values[str(measure)] == pytest.approx(expected, abs=1e-6), (query, name)


# The same texts in both libraries: ir_measures' notation is ours.
SHARED = [
    "nDCG",
    "nDCG@3",
    "AP",
    "MAP@2",
    "AP(rel=2)@5",
    "RR",
    "MRR@2",
    "RR(rel=2)@3",
    "P@3",
    "P(rel=2)@50",
    "R@3",
    "Success@2",
    "Success(rel=3)@5",
]


@settings(max_examples=100, deadline=None)
@given(runs, all_qrels)
def test_means_equal_ir_measures(run: Run, qrels: Qrels) -> None:
    # Its RR@k and Judged come from other programs than trec_eval, with ties in another order: the scores given to it are
    # our ranks. The order of ties itself is compared with trec_eval above.
    ranked = {query: {product: -place for place, product in enumerate(rank(scored))} for query, scored in run.items()}
    padded = {query: {**judged, "never found": 0} for query, judged in qrels.items()}
    theirs = ir_measures.calc_aggregate([ir_measures.parse_measure(text) for text in SHARED], padded, ranked)
    means = evaluate(run, qrels, [parse_measure(text) for text in SHARED]).means
    for text in SHARED:
        assert means[text] == pytest.approx(theirs[ir_measures.parse_measure(text)], abs=1e-6), text


@settings(max_examples=100, deadline=None)
@given(runs, all_qrels)
def test_judged_equals_ir_measures(run: Run, qrels: Qrels) -> None:
    ranked = {query: {product: -place for place, product in enumerate(rank(scored))} for query, scored in run.items()}
    texts = ["Judged", "Judged@1", "Judged@3", "Judged@50"]
    ours = evaluate(run, qrels, [parse_measure(text) for text in texts]).per_query
    for found in ir_measures.iter_calc([ir_measures.parse_measure(text) for text in texts], qrels, ranked):
        assert ours[found.query_id][str(found.measure)] == pytest.approx(found.value, abs=1e-6)
