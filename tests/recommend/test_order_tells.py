"""Whether order tells: on chains where each product follows from the one before, and on the same events shuffled."""

from __future__ import annotations

import numpy as np
import pytest

from mmsearch.recommend import RECOMMENDERS, order
from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.interactions import build
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.recommend.order import order_tells

N, USERS, LENGTH = 40, 120, 8


def chains(shuffled: bool = False, users: int = USERS, time: float = 1.0) -> Interactions:
    """Each user visits places of a circle of products, each time with a step to the next one: both neighbours of a product are as near to
    it, and only the order tells which one follows."""
    rng = np.random.default_rng(2)
    rows = []
    for user in range(users):
        walk = ((rng.choice(N // 2, LENGTH // 2, replace=False) * 2 + rng.integers(2))[:, None] + np.arange(2)).ravel() % N
        walk = rng.permutation(walk) if shuffled else walk
        rows += [(f"u{user:03}", f"p{product:02}", step * time) for step, product in enumerate(walk.tolist())]
    return build([r[0] for r in rows], [r[1] for r in rows], times=[r[2] for r in rows]).interactions


def tells(interactions: Interactions) -> bool:
    return order_tells(interactions, ItemCF(directed=True), ItemCF(directed=False))


def test_chains_are_in_order() -> None:
    assert tells(chains())


def test_shuffled_events_are_not() -> None:
    assert not tells(chains(shuffled=True))


def test_events_of_one_time_have_no_order_whatever_that_of_their_rows() -> None:
    assert not tells(chains(time=0.0))


def test_few_users_are_not_trusted() -> None:
    assert not tells(chains(users=49))


def test_no_events_and_single_events_have_no_order() -> None:
    assert not tells(build([], []).interactions)
    assert not tells(build(["u", "v"], ["a", "b"]).interactions)


def test_many_events_are_judged_by_a_share_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "_EVENTS", 600)
    whole = chains(users=400)
    part = order._some_users(whole)
    assert 300 < len(part) < 900
    assert set(np.bincount(part.users)) == {0, LENGTH}  # users as a whole
    assert tells(whole)


@pytest.mark.parametrize("name", ["itemcf", "ease"])
def test_auto_is_what_the_data_says_and_the_state_remembers_it(name: str) -> None:
    for interactions, relation in ((chains(), "taken after"), (chains(shuffled=True), "taken with")):
        made = RECOMMENDERS.create(name)
        made.fit(interactions, Products(interactions.product_ids))
        again = RECOMMENDERS.create(name)
        again.load_state(*made.state())
        start = order.histories(interactions)[0]
        product = int(made.recommend([start], 1)[0].products[0])
        for recommender in (made, again):
            assert {reason.relation for reason in recommender.why(start, product)} == {relation}


def test_auto_with_another_similarity_is_undirected() -> None:
    made = ItemCF(similarity="jaccard")
    made.fit(chains(), Products(chains().product_ids))
    assert made.state()[1]["directed"] is False
