"""ALS and BPR: fold-in against what the library itself gives, and the quick choice of the best against the slow one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from mmsearch.errors import UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.als import ALS
from mmsearch.recommend.base import History, Interactions, Products, top
from mmsearch.recommend.bpr import BPR
from mmsearch.recommend.factors import FactorItems
from mmsearch.recommend.interactions import build, histories, strongest

implicit = pytest.importorskip("implicit")
N = 60


def events() -> Interactions:
    """Users of two kinds, who mostly take products of their own."""
    rng = np.random.default_rng(4)
    users = rng.integers(0, 80, 1500)
    products = np.minimum(rng.geometric(0.08, 1500) - 1, N // 2 - 1) * 2 + np.where(rng.random(1500) < 0.9, users % 2, 1 - users % 2)
    names = [f"p{i:02}" for i in range(N)]
    return build([f"u{u:02}" for u in users], [names[p] for p in products], product_ids=names).interactions


def fitted(recommender: FactorItems) -> FactorItems:
    recommender.fit(events(), Products(events().product_ids))
    return recommender


def test_als_folds_in_as_implicit_does() -> None:
    from implicit.cpu.als import AlternatingLeastSquares

    ours = fitted(ALS(factors=8, reg=2.0, alpha=5.0, decay=1.0))
    model = AlternatingLeastSquares(8, 2.0)
    model.item_factors = ours.state()[0]["factors"]
    given = [
        History(np.unique(h.products), np.ones(len(np.unique(h.products))), np.zeros(len(np.unique(h.products))))
        for h in histories(events())
    ]
    C = csr_matrix(strongest(events(), N), dtype=np.float32)
    C.data[:] = 6.0
    theirs = model.recalculate_user(np.arange(len(given)), C)
    np.testing.assert_allclose(ours._users(given), theirs, rtol=1e-3, atol=1e-4)


def test_bpr_of_a_whole_history_is_near_the_users_own_factors() -> None:
    """Ranking by folded-in factors agrees with ranking by learned ones; the map's fit is what the model learned from."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    ours = fitted(BPR(factors=8, iterations=100, decay=1.0))
    model = BayesianPersonalizedRanking(8, 0.05, 0.02, iterations=100, num_threads=1, random_state=0)
    model.fit(csr_matrix(strongest(events(), N), dtype=np.float32), show_progress=False)
    given = [
        History(np.unique(h.products), np.ones(len(np.unique(h.products))), np.zeros(len(np.unique(h.products))))
        for h in histories(events())
    ]
    learned = model.user_factors @ model.item_factors.T
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(ours.score(given), learned, strict=True)]) > 0.95


def test_values_do_not_matter_to_bpr_but_their_sign() -> None:
    one = fitted(BPR(factors=4, iterations=5))
    weak = events()
    other = BPR(factors=4, iterations=5)
    other.fit(
        Interactions(weak.user_ids, weak.product_ids, weak.users, weak.products, weak.values * 0.3, weak.times), Products(weak.product_ids)
    )
    np.testing.assert_array_equal(one.state()[0]["factors"], other.state()[0]["factors"])


@pytest.mark.parametrize("made", [ALS(factors=8), BPR(factors=8, iterations=20)], ids=["als", "bpr"])
def test_the_best_are_those_of_all_scores(made: FactorItems) -> None:
    recommender = fitted(made)
    given = histories(events())
    banned = [set(range(user % 7, N, 5)) for user in range(len(given))]
    scores = recommender.score(given)
    for row, out, best in zip(scores, banned, recommender.recommend(given, 10, banned), strict=True):
        row[list(out)] = -np.inf
        expected = top(row, 10)
        np.testing.assert_array_equal(best.products, expected.products)
        np.testing.assert_allclose(best.scores, expected.scores, rtol=1e-9)


def test_one_seed_one_model() -> None:
    for spec in ("als(factors=4, seed={})", "bpr(factors=4, iterations=3, seed={})"):
        made = [fitted(RECOMMENDERS.create(spec.format(seed))).state()[0]["factors"] for seed in (1, 1, 2)]
        np.testing.assert_array_equal(made[0], made[1])
        assert (made[0] != made[2]).any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("als(factors=0)", "factors must be at least 1"),
        ("als(reg=0)", "reg must be above 0"),
        ("als(alpha=-1)", "alpha must be 0 or more"),
        ("als(decay=0)", "decay must be above 0"),
        ("bpr(iterations=0)", "iterations must be at least 1"),
        ("bpr(rate=0)", "rate must be above 0"),
        ("bpr(reg=-1)", "reg must be 0 or more"),
        ("bpr(seed=-1)", "seed must be 0 to"),
    ],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
