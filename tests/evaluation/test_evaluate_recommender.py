from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.evaluation.recommend import evaluate_recommender
from mmsearch.evaluation.splits import LeaveLastOut, Split, Splitter
from mmsearch.measures import parse_any_measure, parse_measure
from mmsearch.recommend.base import History, Interactions, Products, Recommended, Recommender
from mmsearch.recommend.interactions import build
from mmsearch.recommend.popular import Popular

IDS = list("abcd")


def events(baskets: dict[str, str]) -> Interactions:
    pairs = [(user, product) for user, basket in baskets.items() for product in basket]
    return build([u for u, _ in pairs], [p for _, p in pairs], product_ids=IDS).interactions


class Fixed(Recommender):
    """Always d, c, b, a; remembers what it was shown."""

    def fit(self, interactions: Interactions, products: Products) -> None:
        self.learned = interactions
        self.asked: list[History] = []

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        self.asked += histories
        return np.tile(np.array([1.0, 2.0, 3.0, 4.0]), (len(histories), 1))

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        raise NotImplementedError

    def why(self, history: History, product: int) -> list[tuple[int, float]]:
        raise NotImplementedError

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        raise NotImplementedError

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        raise NotImplementedError


# held out: u d, v b, w a (which w had before); x is never asked
BASKETS = {"u": "cd", "v": "db", "w": "aca", "x": "c"}


def run(*measures: str, **options: Any) -> tuple[Any, Fixed]:
    recommender = Fixed()
    parsed = [parse_any_measure(m) for m in measures]
    return evaluate_recommender(recommender, events(BASKETS), Products(IDS), LeaveLastOut(), parsed, **options), recommender


def test_ranks_all_products_without_the_history() -> None:
    result, _ = run("Hit@1", "RR", "Hit@4")
    # u: d b a → rank 1; v: c b a → rank 2; w: d b → a was had before
    assert result.run == {"u": {"d": 4, "b": 2, "a": 1}, "v": {"c": 3, "b": 2, "a": 1}, "w": {"d": 4, "b": 2}}
    assert result.qrels == {"u": {"d": 1}, "v": {"b": 1}, "w": {"a": 1}}
    assert result.evaluation.means == pytest.approx({"Hit@1": 1 / 3, "RR": (1 + 1 / 2) / 3, "Hit@4": 2 / 3})
    assert result.repeated == 1
    assert result.split == "leave-last-out(part=test)"


def test_history_may_be_recommended_again() -> None:
    result, _ = run("RR", exclude_history=False)
    # d c b a for all: ranks 1, 3, 4
    assert result.evaluation.means == pytest.approx({"RR": (1 + 1 / 3 + 1 / 4) / 3})


def test_the_held_out_events_are_not_learned_from() -> None:
    _, recommender = run("RR")
    learned = recommender.learned
    assert [(learned.user_ids[u], IDS[p]) for u, p in zip(learned.users, learned.products, strict=True)] == [
        ("u", "c"),
        ("v", "d"),
        ("w", "a"),
        ("w", "c"),
        ("x", "c"),
    ]
    assert [[IDS[p] for p in h.products] for h in recommender.asked] == [["c"], ["d"], ["a", "c"]]


def test_the_run_is_as_deep_as_the_measures_look() -> None:
    result, _ = run("Hit@1", "P@2")
    assert {user: list(best) for user, best in result.run.items()} == {"u": ["d", "b"], "v": ["c", "b"], "w": ["d", "b"]}


@pytest.mark.parametrize("batch", [1, 2, 256])
def test_batches_do_not_change_the_result(batch: int) -> None:
    assert run("RR", batch=batch)[0] == run("RR")[0]


def test_popularity_counts_training_events_only() -> None:
    result = evaluate_recommender(Popular(), events(BASKETS), Products(IDS), LeaveLastOut(), [parse_measure("Hit@4")])
    assert result.run["u"] == {"d": 1, "a": 1}  # b is only in v's held-out event


def test_needs_a_measure() -> None:
    with pytest.raises(UsageError, match="nothing to measure"):
        run()


def test_measures_of_rankings_and_of_lists_in_the_order_given() -> None:
    result, _ = run("coverage@1", "RR", "lift@1")
    # first places: d, c (v had d), d (w had a and c)
    assert list(result.evaluation.means) == ["coverage@1", "RR", "lift@1"]
    assert result.evaluation.means["coverage@1"] == pytest.approx(2 / 4)
    # taken in training by: a 1, b 0, c 3, d 1; shown 1, 3, 1; had c, d, a c
    assert result.evaluation.means["lift@1"] == pytest.approx((5 / 3) / ((3 + 1 + 2) / 3))
    assert all(list(values) == ["RR"] for values in result.evaluation.per_query.values())


def test_measures_of_lists_alone() -> None:
    result, _ = run("gini@4")
    assert list(result.evaluation.means) == ["gini@4"] and result.evaluation.queries == 3


class Half(Splitter):
    """u, of whom a is known, is asked for d among c and d."""

    spec = "half"

    def split(self, interactions: Interactions) -> Split:
        known = build(["u"], ["a"], product_ids=IDS).interactions
        return Split(interactions, np.array([0]), np.array([3]), known, np.array([False, False, True, True]))


def test_only_candidates_are_ranked_and_histories_are_what_is_known() -> None:
    recommender = Fixed()
    result = evaluate_recommender(
        recommender, events({"u": "b"}), Products(IDS), Half(), [parse_any_measure(m) for m in ("RR", "coverage@9")]
    )
    assert result.run == {"u": {"d": 4, "c": 3}} and result.evaluation.means == {"RR": 1.0, "coverage@9": 1.0}
    assert recommender.asked[0].products.tolist() == [0] and recommender.learned.products.tolist() == [1]
