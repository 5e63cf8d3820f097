"""The algebra of propagation: what leaves vectors alone, what shifts them where, and that the order of products decides nothing."""

from __future__ import annotations

from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion.base import unit_rows
from mmsearch.fusion.propagation import Relation, directions, means, message, mixed, normalised, propagate, rarities
from mmsearch.fusion.sparse import Sparse, as_csr, csr


@st.composite
def graphs(draw: st.DrawFn) -> tuple[np.ndarray, list[Relation]]:
    """Vectors of some products, a few without any, and two relations: values, and products among themselves."""
    n, d, v = draw(st.integers(2, 9)), draw(st.integers(2, 5)), draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    H = unit_rows(rng.normal(size=(n, d)))
    H[rng.random(n) < 0.2] = 0
    has = (rng.random((n, v)) < 0.5) * rng.choice([0.5, 1.0], size=(n, v))
    beside = np.triu(rng.random((n, n)) < 0.4, 1).astype(float)
    weights = draw(st.tuples(st.floats(0.1, 4), st.floats(0.1, 4)))
    return H, [Relation(weights[0], sparse(has)), Relation(weights[1], sparse(beside + beside.T), values=False)]


def sparse(matrix: Any) -> Sparse:
    return as_csr(csr(*((m := np.asarray(matrix, np.float32))[m != 0], *np.nonzero(m)), m.shape))


@given(graphs(), st.floats(0, 0.99), st.integers(0, 3))
def test_no_hop_and_no_share_change_nothing(graph: tuple[np.ndarray, list[Relation]], alpha: float, hops: int) -> None:
    H, relations = graph
    np.testing.assert_array_equal(propagate(H, relations, alpha, 0)[0], H)
    np.testing.assert_allclose(propagate(H, relations, 0.0, hops)[0], H, atol=1e-6)


@given(graphs(), st.floats(0, 0.99), st.integers(1, 3))
def test_rows_stay_unit_or_zero_and_are_finite(graph: tuple[np.ndarray, list[Relation]], alpha: float, hops: int) -> None:
    H, relations = graph
    Z, layers = propagate(H, relations, alpha, hops)
    assert Z.dtype == np.float32 and len(layers) == hops
    np.testing.assert_allclose(np.linalg.norm(Z, axis=1), H.any(axis=1), atol=1e-5)


@given(graphs(), st.floats(0, 0.9), st.integers(1, 3), st.randoms())
def test_the_order_of_products_decides_nothing(graph: tuple[np.ndarray, list[Relation]], alpha: float, hops: int, random: Any) -> None:
    H, (values, beside) = graph
    order = np.array(random.sample(range(len(H)), len(H)))
    turned = [Relation(values.weight, values.belongs[order]), Relation(beside.weight, beside.belongs[order][:, order], values=False)]
    np.testing.assert_allclose(
        propagate(H[order], turned, alpha, hops)[0], propagate(H, [values, beside], alpha, hops)[0][order], atol=1e-4
    )


@given(graphs(), st.floats(0, 0.9))
def test_a_product_without_edges_stays_and_one_without_a_vector_gets_none(graph: tuple[np.ndarray, list[Relation]], alpha: float) -> None:
    H, (values, beside) = graph
    lonely = values.belongs.toarray(), beside.belongs.toarray()
    lonely[0][0] = 0
    lonely[1][0] = lonely[1][:, 0] = 0
    Z, _ = propagate(H, [Relation(values.weight, sparse(lonely[0])), Relation(beside.weight, sparse(lonely[1]), values=False)], alpha, 2)
    np.testing.assert_allclose(Z[0], H[0], atol=1e-6)
    assert not Z[~H.any(axis=1)].any()


@given(hnp.arrays(np.float32, (4, 3), elements=st.floats(0, 8, width=16)), hnp.arrays(np.float32, 3, elements=st.floats(0, 4, width=16)))
def test_shares_sum_to_one_or_are_none(belongs: np.ndarray, rarity: np.ndarray) -> None:
    sums = normalised(sparse(belongs), rarity).sum(axis=1)
    heard = (belongs * rarity).sum(axis=1) > 0
    np.testing.assert_allclose(sums[heard], 1, atol=1e-4)
    assert not sums[~heard].any()


def test_what_all_products_have_says_nothing_and_what_few_have_says_most() -> None:
    belongs = sparse([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 0]])
    np.testing.assert_allclose(rarities(belongs, 4), [0, np.log(2), np.log(4)], rtol=1e-6)
    assert normalised(belongs, rarities(belongs, 4)).toarray().tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_a_mean_is_weighted_and_does_not_count_who_has_no_vector() -> None:
    Z = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    np.testing.assert_allclose(means(sparse([[1, 0], [0.5, 0], [1, 1]]), Z), [[2 / 3, 1 / 3], [0, 0]], rtol=1e-6)


def test_one_hop_by_hand() -> None:
    """Two of four products share a value: each moves towards their mean, as far as that differs from the catalogue's."""
    H = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    Z, _ = propagate(H, [Relation(1.0, sparse([[1], [1], [0], [0]]))], 0.5, 1)
    np.testing.assert_allclose(Z[0], np.array([0.75, 0.25]) / np.hypot(0.75, 0.25), rtol=1e-5)
    np.testing.assert_array_equal(Z[2:], H[2:])


def test_a_hub_whose_mean_is_that_of_the_catalogue_sends_nothing() -> None:
    rng = np.random.default_rng(0)
    H = unit_rows(rng.normal(size=(400, 8)) + 1)
    hub = np.ones((400, 2))
    hub[0, 0] = 0  # all but one: rare enough to be listened to at all
    hub[:, 1] = 0
    Z, _ = propagate(H, [Relation(1.0, sparse(hub))], 0.9, 1)
    assert (Z * H).sum(axis=1).min() > 0.999


def test_types_renormalise_over_those_that_a_product_has() -> None:
    H = np.eye(3, dtype=np.float32)
    centre = np.zeros(3, np.float32)
    value = np.array([[0, 0, 1]], np.float32)
    from mmsearch.fusion.propagation import Sent

    M, reached = message([Sent(1.0, sparse([[1], [1], [0]]), value), Sent(3.0, sparse([[1], [0], [0]]), -value)], centre, 3)
    assert reached.tolist() == [True, True, False]
    np.testing.assert_allclose(M, [[0, 0, -0.5], [0, 0, 1], [0, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(mixed(H, M, reached, 0.5), [[0.5, 0, -0.25], [0, 0.5, 0.5], [0, 0, 1]], rtol=1e-6)


def test_where_vector_and_message_cancel_the_product_stays() -> None:
    H = np.array([[1, 0]], np.float32)
    np.testing.assert_array_equal(directions(np.zeros((1, 2), np.float32), H), H)
