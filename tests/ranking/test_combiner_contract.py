"""What every combiner must do with any pattern of evidence: contributions add up, nothing is invented, order says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Combiner, Evidence, Joint, together

KINDS = ("text>text", "text>image", "image>image", "image>text")
VARIANTS = ["rrf(k=0)", "wsum(norm=zscore)", "wsum(norm=atan, words=.5)"]


@pytest.fixture(scope="module", params=sorted({*COMBINERS.names(), *VARIANTS}))
def combiner(request: pytest.FixtureRequest) -> Combiner:
    return COMBINERS.create(request.param)


similarities = st.one_of(st.just(np.nan), st.floats(-1, 1, width=32))


@st.composite
def evidences(draw: st.DrawFn) -> list[Evidence]:
    """One to three parts, of which the first looks for something; each with one to three kinds of evidence over the same products."""
    n = draw(st.integers(1, 6))
    shares = [draw(st.floats(0.01, 1)), *draw(st.lists(st.floats(-1, 1).filter(lambda s: abs(s) > 1e-3), max_size=2))]
    found = []
    for part, share in enumerate(shares):
        for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True)):
            similarity = np.array(draw(st.lists(similarities, min_size=n, max_size=n)))
            mean, std, reliability = draw(st.floats(-0.5, 0.5)), draw(st.floats(0.01, 1)), draw(st.floats(0.05, 1))
            weight = draw(st.sampled_from([1.0, 1.0, 0.05, 0.3, 4.0]))
            found.append(Evidence(part, share, kind, similarity, mean, std, reliability, weight))
        if draw(st.booleans()):  # BM25: never below 0, and the best of the store may be among these products
            similarity = np.array(draw(st.lists(st.one_of(st.just(np.nan), st.floats(0, 20, width=32)), min_size=n, max_size=n)))
            best = max(float(np.nan_to_num(similarity).max()), draw(st.floats(0.1, 20)))
            elsewhere = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))) if draw(st.booleans()) else None
            words = Evidence(part, share, "text>words", similarity, 0.05 * best, 0.2 * best, 1.0, best=best, elsewhere=elsewhere)
            found.append(words)
    return found


pairs = st.sampled_from([together((a, b)) for i, a in enumerate(KINDS) for b in KINDS[i + 1 :]])
joints = st.builds(Joint, st.dictionaries(pairs, st.floats(-0.3, 0.9)), st.dictionaries(pairs, st.floats(0.5, 1.5)))
many = settings(max_examples=60, deadline=None)


@many
@given(evidence=evidences(), measured=joints)
def test_contributions_add_up(combiner: Combiner, evidence: list[Evidence], measured: Joint) -> None:
    before = [e.similarity.copy() for e in evidence]
    combined = combiner.combine(evidence, measured)
    looked_for = np.any([~np.isnan(e.similarity) for e in evidence if e.share > 0], axis=0)
    np.testing.assert_array_equal(~np.isnan(combined.total), looked_for)
    np.testing.assert_allclose(combined.contributions.sum(axis=0)[looked_for], combined.total[looked_for], rtol=0, atol=1e-9)
    assert np.isfinite(combined.contributions).all()
    for e, row, was in zip(evidence, combined.contributions, before, strict=True):
        assert (row[np.isnan(e.similarity)] == 0).all()
        np.testing.assert_array_equal(e.similarity, was)


@many
@given(evidence=evidences(), measured=joints, seed=st.integers(0, 99))
def test_the_order_of_parts_and_evidence_says_nothing(combiner: Combiner, evidence: list[Evidence], measured: Joint, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(evidence))
    straight, shuffled = combiner.combine(evidence, measured), combiner.combine([evidence[i] for i in order], measured)
    np.testing.assert_allclose(shuffled.total, straight.total, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(shuffled.contributions, straight.contributions[order], rtol=1e-9, atol=1e-9)


@many
@given(evidence=evidences(), measured=joints, seed=st.integers(0, 99))
def test_a_product_is_scored_wherever_it_stands(combiner: Combiner, evidence: list[Evidence], measured: Joint, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(evidence[0].similarity))
    moved = [replace(e, similarity=e.similarity[order], elsewhere=None if e.elsewhere is None else e.elsewhere[order]) for e in evidence]
    np.testing.assert_allclose(
        combiner.combine(moved, measured).total, combiner.combine(evidence, measured).total[order], rtol=1e-9, atol=1e-9
    )


@many
@given(evidence=evidences(), measured=joints)
def test_parts_that_lower_never_lift_and_never_exclude(combiner: Combiner, evidence: list[Evidence], measured: Joint) -> None:
    without = combiner.combine([e for e in evidence if e.share > 0], measured).total
    total = combiner.combine(evidence, measured).total
    np.testing.assert_array_equal(np.isnan(total), np.isnan(without))
    known = ~np.isnan(total)
    assert (total[known] <= without[known] + 1e-9).all()


@many
@given(evidence=evidences(), measured=joints)
def test_one_product_alone_changes_only_itself_when_it_fits_better(combiner: Combiner, evidence: list[Evidence], measured: Joint) -> None:
    if np.isnan(evidence[0].similarity[0]):
        return
    better = replace(evidence[0], similarity=np.concatenate([[2.0], evidence[0].similarity[1:]]))
    after = combiner.combine([better, *evidence[1:]], measured).total[0]
    assert after >= combiner.combine(evidence, measured).total[0] - 1e-9


def test_the_best_of_known_products_is_first(combiner: Combiner) -> None:
    evidence = [
        Evidence(0, 0.5, "text>text", np.array([0.9, 0.1, 0.8, np.nan]), 0.2, 0.2),
        Evidence(1, 0.5, "image>image", np.array([0.9, 0.95, 0.2, np.nan]), 0.2, 0.2),
    ]
    total = combiner.combine(evidence, Joint()).total
    assert int(np.nanargmax(total)) == 0
    assert np.isnan(total[3])


def test_no_candidates(combiner: Combiner) -> None:
    combined = combiner.combine([Evidence(0, 1.0, "text>text", np.empty(0))], Joint())
    assert combined.total.shape == (0,)
    assert combined.contributions.shape == (1, 0)
