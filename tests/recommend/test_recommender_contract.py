"""What every recommender must do, on a checkerboard whose right answer is known (after benfred/implicit's contract tests).

Even users take even products, odd users odd ones, in a rotated order that starts after their own; user i has everything of theirs but
product i. So the one right answer for user i is product i.
"""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from mmsearch.errors import InputError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import BASE, History, Interactions, Products, Recommender
from mmsearch.recommend.interactions import build, histories

N = 16
VARIANTS = [
    "popular(half_life=3)",
    "itemcf(k=3, shrink=0, decay=1)",
    "itemcf(similarity=jaccard)",
    "itemcf(similarity=conditional)",
    "itemcf(directed=true)",
    "itemcf(directed=false)",
    "usercf(similarity=conditional, neighbour_decay=1)",
    "als(factors=4, reg=1)",
    "bpr(factors=8, iterations=300)",
    "ease(directed=true)",
    "ease(dense=5)",
    "graph(factors=2, users=.5)",
    "content(similarity=dot)",
    "content(similarity=euclidean)",
    "blend(itemcf=.6, content=.4)",
    "blend(itemcf(directed=true)=.6, content(similarity=dot)=.3, popular=.1)",
    "cold(base=content)",
    "cold(base=blend(itemcf=.6, content=.4), k=3)",
]
WITH_PARAMETERS_ONLY = {"blend"}
# Euclidean similarity subtracts nearly equal numbers and takes the root: half the digits are left for identical products.
EXACT = {"content(similarity=euclidean)": 1e-7}

NOTHING = History(np.empty(0, np.int64), np.empty(0), np.empty(0))


def checkerboard() -> Interactions:
    taken = [(u, (u + step) % N) for u in range(N) for step in range(2, N, 2)]
    names = [f"p{i:02}" for i in range(N)]
    return build([f"u{u:02}" for u, _ in taken], [names[p] for _, p in taken], product_ids=names).interactions


def products() -> Products:
    vectors = np.zeros((N, 3), np.float32)
    vectors[0::2, 0], vectors[1::2, 1] = 1, 1
    vectors[:, 2] = 0.01 * (-1) ** (np.arange(N) // 2)  # not all alike, and the two kinds not quite orthogonal
    return Products(checkerboard().product_ids, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def close(spec: str) -> float:
    return EXACT.get(spec, 1e-9)


def fitted(spec: str) -> Recommender:
    recommender: Recommender = RECOMMENDERS.create(spec)
    recommender.fit(checkerboard(), products())
    return recommender


@pytest.fixture(scope="module", params=sorted({*RECOMMENDERS.names(), *VARIANTS} - WITH_PARAMETERS_ONLY))
def spec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def recommender(spec: str) -> Recommender:
    return fitted(spec)


@pytest.fixture(scope="module")
def personal(recommender: Recommender) -> Recommender:
    if not recommender.personal:
        pytest.skip("gives everyone the same")
    return recommender


def random_histories(count: int) -> list[History]:
    """Products repeat, values may be negative."""
    rng = np.random.default_rng(7)
    lengths = rng.integers(1, 9, count)
    return [History(rng.integers(0, N, h), rng.choice([-0.5, 0.2, 1.0], h), np.arange(h)[::-1].astype(float)) for h in lengths]


def test_finds_the_missing_product(personal: Recommender) -> None:
    own = histories(checkerboard())
    found = personal.recommend(own, 3, [h.products.tolist() for h in own])
    assert [int(best.products[0]) for best in found] == list(range(N))


def test_excluded_products_never_come(recommender: Recommender) -> None:
    given = histories(checkerboard())
    banned = [set(range(user % 5, N, 3)) for user in range(N)]
    for best, out in zip(recommender.recommend(given, N, banned), banned, strict=True):
        assert len(best.products)
        assert not out & set(best.products.tolist())
    assert all(len(best.products) == 0 for best in recommender.recommend(given, N, [range(N)] * N))


def test_needs_one_exclusion_for_each_history(recommender: Recommender) -> None:
    with pytest.raises(ValueError, match="2 histories, not 1"):
        recommender.recommend([NOTHING, NOTHING], 3, [[1]])


@pytest.mark.parametrize("k", [0, 1, 5, N, 10 * N])
def test_at_most_k_best_first_none_twice(recommender: Recommender, k: int) -> None:
    for history, best in zip(random_histories(20), recommender.recommend(random_histories(20), k), strict=True):
        assert len(best.products) == len(best.scores) <= min(k, N)
        assert len(set(best.products.tolist())) == len(best.products)
        assert (np.diff(best.scores) <= 0).all()
        assert (best.scores > 0).all()
        scores = recommender.score([history])[0]
        assert len(best.products) == min(k, int((scores > 0).sum()))


def test_empty_history_is_no_evidence(recommender: Recommender) -> None:
    assert recommender.recommend([], 3) == []
    scores = recommender.score([NOTHING])
    assert scores.shape == (1, N)
    assert bool(scores.any()) is not recommender.personal
    if recommender.personal:
        assert recommender.why(NOTHING, 0) == []


def test_a_batch_answers_as_its_histories_alone(recommender: Recommender, spec: str) -> None:
    given = [*random_histories(9), NOTHING]
    together = recommender.score(given)
    alone = np.concatenate([recommender.score([history]) for history in given])
    np.testing.assert_allclose(together, alone, rtol=0, atol=close(spec))
    small, large = recommender.recommend(given, 4, batch=3), recommender.recommend(given, 4)
    for one, other in zip(small, large, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, rtol=0, atol=close(spec))


def test_scores_are_the_callers_to_change(recommender: Recommender) -> None:
    given = random_histories(3)
    first = recommender.score(given)
    kept = first.copy()
    first[:] = -1
    np.testing.assert_array_equal(recommender.score(given), kept)


def test_why_adds_up_to_the_score(recommender: Recommender, spec: str) -> None:
    given = random_histories(30)
    for history, scores in zip(given, recommender.score(given), strict=True):
        for product in range(N):
            parts = recommender.why(history, product)
            values = [part.value for part in parts]
            assert values == sorted(values, reverse=True)
            assert {part.product for part in parts} <= {*history.products.tolist(), BASE}
            assert len({(part.product, part.relation) for part in parts}) == len(parts)
            assert sum(values) == pytest.approx(scores[product], abs=close(spec))


def test_similar_products_are_of_the_same_kind_and_not_itself(recommender: Recommender) -> None:
    for product, best in enumerate(recommender.similar(range(N), 3)):
        assert product not in best.products
        assert (np.diff(best.scores) <= 0).all()
        assert len(best.products) == (3 if recommender.personal else 0)
        assert all(other % 2 == product % 2 for other in best.products.tolist())
    assert all(len(best.products) < N for best in recommender.similar([0, 1], 10 * N))
    assert recommender.similar([], 3) == []


def test_a_disliked_product_lowers(personal: Recommender) -> None:
    liked = History(np.array([0]), np.array([1.0]), np.zeros(1))
    mixed = History(np.array([0, 4]), np.array([1.0, -0.5]), np.zeros(2))
    before, after = personal.score([liked, mixed])
    even = np.array([i for i in range(2, N, 2) if i != 4])
    assert (after[even] < before[even]).any()
    assert (after[even] <= before[even] + 1e-12).all()


def test_state_round_trip_is_exact(recommender: Recommender, spec: str) -> None:
    arrays, values = recommender.state()
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        other: Recommender = RECOMMENDERS.create(spec)
        other.load_state(dict(read), json.loads(json.dumps(values)))
    given = [*random_histories(9), NOTHING]
    np.testing.assert_array_equal(other.score(given), recommender.score(given))
    assert other.why(given[0], 3) == recommender.why(given[0], 3)
    for one, same in zip(other.similar([0, 5], 4), recommender.similar([0, 5], 4), strict=True):
        np.testing.assert_array_equal(one.products, same.products)
        np.testing.assert_array_equal(one.scores, same.scores)


def test_fitting_twice_is_fitting_once(recommender: Recommender, spec: str) -> None:
    again: Recommender = RECOMMENDERS.create(spec)
    nobody = build(["x"], ["p00"], product_ids=checkerboard().product_ids).interactions
    again.fit(nobody, products())
    again.fit(checkerboard(), products())
    given = random_histories(5)
    np.testing.assert_array_equal(again.score(given), recommender.score(given))


def test_nothing_to_learn_from_says_what_is_missing(recommender: Recommender, spec: str) -> None:
    fresh: Recommender = RECOMMENDERS.create(spec)
    ids = checkerboard().product_ids
    with pytest.raises(InputError, match=r"mmsearch (ingest|embed)"):
        fresh.fit(build([], [], product_ids=ids).interactions, Products(ids))


ONE = Products(["only"], np.ones((1, 2), np.float32) / np.sqrt(np.float32(2)))
TWO = Products(["a", "b"], np.eye(2, dtype=np.float32))
DEGENERATE = {
    "all events equal": (build(["u"] * 9, ["a"] * 9, [1.0] * 9, [7.0] * 9, TWO.product_ids).interactions, TWO),
    "one event": (build(["u"], ["a"], product_ids=TWO.product_ids).interactions, TWO),
    "one user": (build(["u"] * 16, products().product_ids).interactions, products()),
    "one product": (build(["u", "u", "v", "w"], ["only"] * 4, product_ids=["only"]).interactions, ONE),
    "negative values": (build(["u", "u", "v", "w"], ["a", "b", "a", "b"], [-1, -0.5, -0.1, -9], product_ids=["a", "b"]).interactions, TWO),
    "values of 0": (build(["u", "u", "v"], ["a", "b", "b"], [0.0, 0.0, 0.0], product_ids=["a", "b"]).interactions, TWO),
    "huge values": (build(["u", "u", "v"], ["a", "b", "b"], [1e12, 1e-12, 1.0], product_ids=["a", "b"]).interactions, TWO),
    "a user of one product, one of none": (build(["u", "v"], ["a", "nowhere"], product_ids=["a", "b"]).interactions, TWO),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.filterwarnings("error")
def test_degenerate_events_give_finite_scores_that_add_up(spec: str, case: str) -> None:
    interactions, known = DEGENERATE[case]
    recommender: Recommender = RECOMMENDERS.create(spec)
    recommender.fit(interactions, known)
    n = len(known.product_ids)
    given = [*histories(interactions), NOTHING, History(np.array([0, n - 1]), np.array([-1.0, 0.0]), np.zeros(2))]
    scores = recommender.score(given)
    assert scores.shape == (len(given), n)
    assert np.isfinite(scores).all()
    for history, row, best in zip(given, scores, recommender.recommend(given, 3), strict=True):
        assert len(best.products) == min(3, int((row > 0).sum()))
        for product in range(n):
            parts = recommender.why(history, product)
            assert sum(part.value for part in parts) == pytest.approx(row[product], rel=1e-6, abs=close(spec))
    assert all(product not in best.products for product, best in enumerate(recommender.similar(range(n), 3)))
    arrays, values = recommender.state()
    again: Recommender = RECOMMENDERS.create(spec)
    again.load_state(arrays, json.loads(json.dumps(values)))
    np.testing.assert_array_equal(again.score(given), scores)


@pytest.mark.parametrize("case", ["negative values", "values of 0"])
def test_nobody_is_recommended_what_nobody_took(personal: Recommender, spec: str, case: str) -> None:
    interactions, known = DEGENERATE[case]
    recommender: Recommender = RECOMMENDERS.create(spec)
    recommender.fit(interactions, known)
    if not recommender.needs_vectors:
        assert not recommender.score([History(np.array([0]), np.ones(1), np.zeros(1))]).any()
