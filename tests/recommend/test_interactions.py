from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import InputError
from mmsearch.recommend.base import Recommended, top
from mmsearch.recommend.interactions import build, histories, history_of, weight_matrix


def test_sorts_by_user_and_time_and_keeps_the_order_of_equal_times() -> None:
    built = build(["v", "u", "v", "u", "v"], ["c", "a", "b", "b", "a"], [1, 2, 3, 4, 5], [5, 9, 1, 2, 1])
    events = built.interactions
    assert events.user_ids == ["u", "v"]
    assert events.product_ids == ["a", "b", "c"]
    assert events.users.tolist() == [0, 0, 1, 1, 1]
    assert events.products.tolist() == [1, 0, 1, 0, 2]  # v: b and a at time 1 as they came, then c
    assert events.values.tolist() == [4, 2, 3, 5, 1]
    assert events.times.tolist() == [2, 9, 1, 1, 5]
    assert built.unknown_products == 0
    assert len(events) == 5


def test_without_values_and_times_rows_count_one_in_their_order() -> None:
    events = build(["u", "u"], ["b", "a"]).interactions
    assert events.products.tolist() == [1, 0]
    assert events.values.tolist() == [1, 1]


def test_events_with_products_outside_the_catalogue_are_counted_and_left_out() -> None:
    built = build(["u", "v", "u"], ["x", "x", "a"], product_ids=["b", "a"])
    assert built.unknown_products == 2
    assert built.interactions.product_ids == ["b", "a"]
    assert built.interactions.products.tolist() == [1]
    assert built.interactions.user_ids == ["u", "v"]
    assert len(history_of(built.interactions, 1).products) == 0


def test_bad_columns_are_refused() -> None:
    with pytest.raises(InputError, match="1 of 2 interactions have a time that is not a finite number"):
        build(["u", "u"], ["a", "b"], times=[1, float("nan")])
    with pytest.raises(InputError, match="a value that is not"):
        build(["u"], ["a"], [float("inf")])
    with pytest.raises(ValueError, match="differ in length"):
        build(["u"], ["a", "b"])
    with pytest.raises(ValueError, match="twice"):
        build(["u"], ["a"], product_ids=["a", "a"])


rows = st.lists(st.tuples(st.sampled_from("uvwx"), st.sampled_from("abcd"), st.integers(0, 3)), max_size=30)


@given(rows)
def test_every_event_lands_in_its_users_history_oldest_first(events: list[tuple[str, str, int]]) -> None:
    built = build([u for u, _, _ in events], [p for _, p, _ in events], times=[t for _, _, t in events]).interactions
    found = histories(built)
    assert len(found) == len(built.user_ids)
    for user, history in enumerate(found):
        expected = [p for _, _, p in sorted((t, i, p) for i, (u, p, t) in enumerate(events) if u == built.user_ids[user])]
        assert [built.product_ids[p] for p in history.products] == expected
        assert history.ages.tolist() == list(range(len(expected)))[::-1]
        alone = history_of(built, user)
        assert alone.products.tolist() == history.products.tolist()
        assert alone.ages.tolist() == history.ages.tolist()


def test_weight_matrix_adds_up_repeated_products() -> None:
    events = build(["u", "u", "u", "v"], ["a", "b", "a", "c"], [1, 0.2, 1, -0.5]).interactions
    matrix = weight_matrix(histories(events), 3, 0.5).toarray()
    np.testing.assert_allclose(matrix, [[1 + 0.25, 0.1, 0], [0, 0, -0.5]])
    assert weight_matrix([], 3, 0.5).shape == (0, 3)


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0, -np.inf]), max_size=12), st.integers(-1, 15))
def test_top_is_a_stable_sort_of_the_positive_scores(scores: list[float], k: int) -> None:
    best = top(np.array(scores), k)
    assert isinstance(best, Recommended)
    expected = sorted((i for i, s in enumerate(scores) if s > 0), key=lambda i: (-scores[i], i))[: max(0, k)]
    assert best.products.tolist() == expected
    assert best.scores.tolist() == [scores[i] for i in expected]
