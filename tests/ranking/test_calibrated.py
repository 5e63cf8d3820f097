"""The default combination against its own formulas, and the equal spread that it is built for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmsearch.ranking.base import Evidence, Joint, Scores
from mmsearch.ranking.calibrated import TRUST, Calibrated

NONE = Joint()
DIRECT = Evidence(0, 1.0, "text>text", np.array([0.9, 0.3, np.nan]), mean=0.3, std=0.2)
CROSS = Evidence(0, 1.0, "text>image", np.array([0.5, np.nan, 0.5]), mean=0.1, std=0.1, reliability=0.4)


def total(*evidence: Evidence, measured: Joint = NONE) -> Scores:
    return Calibrated().combine(evidence, measured).total


def test_direct_evidence_alone_is_standardised() -> None:
    np.testing.assert_allclose(total(DIRECT), [3, 0, np.nan], atol=1e-12)


def test_cross_modal_evidence_alone_is_shrunk_by_its_reliability() -> None:
    np.testing.assert_allclose(total(CROSS), [0.4 * 4, np.nan, 0.4 * 4])


def test_both_together() -> None:
    measured = Joint({"text>image|text>text": 0.5})
    weight = 0.4**TRUST
    both = (3 + weight * 4) / np.sqrt(1 + weight**2 + 2 * weight * 0.5)
    np.testing.assert_allclose(total(DIRECT, CROSS, measured=measured), [both, 0, 0.4 * 4])


def test_the_factor_for_the_top_of_a_ranking_is_for_products_with_all_these_kinds() -> None:
    measured = Joint({}, {"text>image|text>text": 0.8})
    plain = total(DIRECT, CROSS)
    np.testing.assert_allclose(total(DIRECT, CROSS, measured=measured), plain * [0.8, 1, 1])


def test_cross_modal_evidence_never_outranks_direct_evidence_of_equal_standing() -> None:
    direct = Evidence(0, 1.0, "text>text", np.array([2.0, np.nan]))
    cross = Evidence(0, 1.0, "text>image", np.array([np.nan, 2.0]), reliability=0.95)
    scores = total(direct, cross, measured=Joint({"text>image|text>text": 0.9}))
    assert 0 < scores[1] < scores[0]


def test_shares_weigh_parts() -> None:
    one = Evidence(0, 0.75, "text>text", np.array([2.0]))
    other = Evidence(1, 0.25, "image>image", np.array([1.0]))
    np.testing.assert_allclose(total(one, other), [0.75 * 2 + 0.25 * 1])


def test_a_missing_part_is_completed_and_not_zeroed() -> None:
    one = Evidence(0, 0.75, "text>text", np.array([2.0, 2.0]))
    other = Evidence(1, 0.25, "image>image", np.array([1.0, np.nan]))
    scores = total(one, other)
    assert scores[1] == pytest.approx(0.75 * 2 * np.sqrt(0.75**2 + 0.25**2) / 0.75)
    assert scores[1] > 0.75 * 2


def test_what_lowers_speaks_only_where_it_fits() -> None:
    like = Evidence(0, 1.0, "text>text", np.array([1.0, 1.0, 1.0]))
    unlike = Evidence(1, -0.5, "text>text", np.array([2.0, -2.0, np.nan]))
    np.testing.assert_allclose(total(like, unlike), [1 - 0.5 * 2, 1, 1])


def test_statistics_may_differ_from_product_to_product() -> None:
    alone = [replace(DIRECT, similarity=np.array([0.5]), mean=m, std=s, reliability=r) for m, s, r in ((0.1, 0.2, 1.0), (0.3, 0.4, 0.5))]
    mean, std, reliability = np.array([0.1, 0.3]), np.array([0.2, 0.4]), np.array([1.0, 0.5])
    together = replace(DIRECT, similarity=np.array([0.5, 0.5]), mean=mean, std=std, reliability=reliability)
    np.testing.assert_allclose(total(together), np.concatenate([total(e) for e in alone]))
    absent = replace(DIRECT, share=1.0, part=0, kind="text>image", similarity=np.array([np.nan, np.nan]))
    np.testing.assert_allclose(total(together, absent), total(together))


@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.8])
def test_unrelated_scores_spread_equally_whatever_a_product_is_made_of(correlation: float) -> None:
    """40,000 products that have nothing to do with the query: a quarter each with a text; with a text and a photo; with a photo
    that meets both parts; with a photo that meets the second part alone."""
    rng = np.random.default_rng(11)
    n = 40_000
    text, photo = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], size=n).T
    other = rng.normal(size=n)
    pattern = np.arange(n) % 4
    gone = np.nan
    evidence = [
        Evidence(0, 0.6, "text>text", np.where(pattern == 3, gone, 0.2 + 0.1 * text), 0.2, 0.1),
        Evidence(0, 0.6, "text>image", np.where(np.isin(pattern, (1, 2)), 0.5 + 0.3 * photo, gone), 0.5, 0.3, reliability=0.5),
        Evidence(1, 0.4, "image>image", np.where(np.isin(pattern, (2, 3)), 0.7 + 0.05 * other, gone), 0.7, 0.05),
    ]
    scores = total(*evidence, measured=Joint({"text>image|text>text": correlation}))
    spreads = [scores[pattern == p].std() for p in range(4)]
    np.testing.assert_allclose(spreads, np.sqrt(0.6**2 + 0.4**2), rtol=0.03)
    np.testing.assert_allclose([scores[pattern == p].mean() for p in range(4)], 0, atol=0.03)


def test_cross_modal_evidence_alone_spreads_less_by_its_reliability() -> None:
    rng = np.random.default_rng(3)
    scores = total(Evidence(0, 1.0, "text>image", rng.normal(size=20_000), reliability=0.3))
    assert scores.std() == pytest.approx(0.3, rel=0.03)


# -- weights that are asked for --------------------------------------------------------------------------------------------------


def asked(direct: float, cross: float, measured: Joint = NONE) -> Scores:
    return total(replace(DIRECT, weight=direct), replace(CROSS, weight=cross), measured=measured)


def test_a_weight_multiplies_the_square_of_a_reliability() -> None:
    """Evidence stands as if its reliability were r √(a / max a)."""
    measured = Joint({"text>image|text>text": 0.5})
    as_if = (replace(DIRECT, reliability=np.sqrt(1 / 3)), CROSS)
    np.testing.assert_allclose(asked(1, 3, measured), total(*as_if, measured=measured))
    np.testing.assert_allclose(asked(4, 1, measured), total(DIRECT, replace(CROSS, reliability=0.4 / 2), measured=measured))


@pytest.mark.parametrize("scale", [0.01, 1, 70])
def test_only_their_proportions_count(scale: float) -> None:
    measured = Joint({"text>image|text>text": 0.5}, {"text>image|text>text": 0.8})
    np.testing.assert_allclose(asked(scale, 0.3 * scale, measured), asked(1, 0.3, measured))


def test_a_vanishing_weight_leaves_the_other_kind_alone() -> None:
    """What has nothing but the kind that does not count stands where unrelated products do."""
    measured = Joint({"text>image|text>text": 0.5}, {"text>image|text>text": 0.7})
    np.testing.assert_allclose(asked(1, 1e-12, measured), [3, 0, 0], atol=1e-5)
    np.testing.assert_allclose(asked(1e-12, 1, measured), [0.4 * 4, 0, 0.4 * 4], atol=1e-5)


def test_turning_down_what_all_have_lifts_nobody_who_has_nothing_else() -> None:
    """Titles that count less count less for products without a photo, too: their places at the top stay about what they were."""
    rng = np.random.default_rng(0)
    z = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], size=40_000).T
    photos = np.arange(40_000) < 20_000
    for a in (0.3, 1, 3):
        pair = [
            Evidence(0, 1.0, "text>text", z[0]),
            Evidence(0, 1.0, "text>image", np.where(photos, z[1], np.nan), reliability=0.5, weight=a),
        ]
        best = np.argsort(-total(*pair, measured=Joint({"text>image|text>text": 0.3})))[:1_000]
        assert photos[best].mean() == pytest.approx(0.5, abs=0.05), a


def test_the_factor_for_the_top_goes_with_how_mixed_the_evidence_is() -> None:
    """It is what was measured with the weights that it was measured with, nearer to 1 for less mixed evidence and never beyond."""
    plain, measured = Joint(), Joint({}, {"text>image|text>text": 0.8})
    factors = [float(asked(1, a, measured)[0] / asked(1, a, plain)[0]) for a in (1e-9, 0.1, 0.5, 1, 4, 6)]
    assert factors[0] == pytest.approx(1) and factors[3] == pytest.approx(0.8)
    assert factors[:4] == sorted(factors[:4], reverse=True)
    np.testing.assert_allclose(factors[3:], 0.8)


def test_unrelated_scores_spread_equally_whatever_is_asked_for() -> None:
    rng = np.random.default_rng(0)
    z = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], size=40_000).T
    for a in (0.2, 1, 5):
        pair = [Evidence(0, 1.0, "text>text", z[0]), Evidence(0, 1.0, "text>image", z[1], reliability=0.9, weight=a)]
        scores = total(*pair, measured=Joint({"text>image|text>text": 0.3}))
        assert scores.std() == pytest.approx(max(np.sqrt(1 / max(1, a)), 0.9 * np.sqrt(a / max(1, a))), rel=0.02)
