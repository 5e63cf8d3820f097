"""Windows of what people did one after the other, and batches of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.recommend.base import History
from mmsearch.recommend.interactions import build
from mmsearch.recommend.sequences import SILENT, Windows, hold_out, liked, read, windows

lengths = st.lists(st.integers(0, 12), min_size=1, max_size=8)


def windows_of(counts: list[int], longest: int) -> Windows:
    """User i took `counts[i]` products, each another one."""
    users = [f"u{i:02}" for i, count in enumerate(counts) for _ in range(count)]
    products = [f"p{i:03}" for i in range(len(users))]
    interactions = build(users, products).interactions
    return windows(interactions, np.arange(len(products)), longest)


@given(lengths, st.integers(1, 5))
def test_every_event_but_a_users_first_is_foreseen_once_from_at_most_longest(counts: list[int], longest: int) -> None:
    found = windows_of(counts, longest)
    assert (found.stops - found.starts >= 2).all() and (found.stops - found.starts - 1 <= longest).all()
    firsts = np.cumsum(counts) - counts
    expected = np.setdiff1d(np.arange(sum(counts)), firsts)
    np.testing.assert_array_equal(np.sort(found.foreseen()), expected)


@given(lengths, st.integers(1, 4), st.integers(1, 9))
def test_an_epoch_has_every_window_once(counts: list[int], ahead: int, events: int) -> None:
    found = windows_of(counts, 6)
    batches = list(found.batches(events, ahead, np.random.default_rng(0)))
    nearest = [batch.next[batch.strength == 1] for batch in batches]
    np.testing.assert_array_equal(np.sort(np.concatenate([np.empty(0, np.int64), *nearest])), np.sort(found.foreseen()))
    assert all((np.diff(batch.at) >= 0).all() for batch in batches)


def test_what_came_after_counts_the_less_the_farther() -> None:
    found = windows_of([5], 10)
    batch = found.batch(np.array([0]), ahead=2)
    np.testing.assert_array_equal(batch.read.products, [[0, 1, 2, 3]])
    np.testing.assert_array_equal(batch.at, [0, 0, 1, 1, 2, 2, 3])
    np.testing.assert_array_equal(batch.next, [1, 2, 2, 3, 3, 4, 4])
    np.testing.assert_allclose(batch.strength, [1, 0.2, 1, 0.2, 1, 0.2, 1])


def test_events_against_a_product_and_unknown_products_are_left_out() -> None:
    interactions = build(["u"] * 4, ["a", "b", "c", "d"], values=[1, -1, 0.5, 1]).interactions
    found = windows(interactions, np.array([0, 1, 2, -1]), 10)
    batch = found.batch(np.array([0]))
    assert batch.read.products.tolist() == [[0]] and batch.next.tolist() == [2]
    np.testing.assert_allclose(batch.strength, [0.5])


def test_nothing_to_foresee() -> None:
    assert len(windows_of([1, 0, 1], 5)) == 0


def test_held_out_are_last_events_that_are_not_learned() -> None:
    whole = windows_of([5] * 100, 10)
    left, held = hold_out(whole, 0.1, 5, 50, np.random.default_rng(0))
    assert len(held) == 10 and len(left) == 100
    last = held.products[held.stops - 1]
    assert not np.isin(last, left.foreseen()).any()
    assert len(left.foreseen()) == len(whole.foreseen()) - 10
    assert len(hold_out(whole, 0.1, 5, 7, np.random.default_rng(0))[1]) == 7


def test_few_users_are_all_learned_from() -> None:
    whole = windows_of([5] * 100, 10)
    left, held = hold_out(whole, 0.1, 11, 50, np.random.default_rng(0))
    assert left is whole and len(held) == 0
    two = windows_of([2] * 100, 10)  # without the last event nothing would be left of them
    assert len(hold_out(two, 1.0, 1, 50, np.random.default_rng(0))[1]) == 0


def test_padding_is_silent() -> None:
    found = read([(np.array([3, 4]), np.array([1.0, 0.5])), (np.array([7]), np.array([1.0]))])
    assert found.products.tolist() == [[3, 4], [7, 0]]
    np.testing.assert_allclose(found.loud, [[0, np.log(0.5)], [0, SILENT]], rtol=1e-6)
    assert found.there().tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize(("sign", "expected", "strengths"), [(1.0, [2, 0], [0.2, 1.0]), (-1.0, [1], [0.5])])
def test_a_history_for_and_against(sign: float, expected: list[int], strengths: list[float]) -> None:
    history = History(np.array([5, 3, 2, 4, 0]), np.array([1.0, 1.0, 0.2, -0.5, 1.0]), np.arange(5)[::-1].astype(float))
    place = np.array([0, -1, 2, -1, 1, 5])
    products, found = liked(history, place, 2, sign)
    assert products.tolist() == expected
    np.testing.assert_allclose(found, strengths)
