"""EASE against the normal equations solved product by product, and SLIST against the least squares it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import InputError, UsageError
from mmsearch.recommend import RECOMMENDERS, pairs
from mmsearch.recommend.base import History, Interactions, Products
from mmsearch.recommend.ease import EASE
from mmsearch.recommend.interactions import build, histories, strongest

N = 12


def events(seed: int = 5, count: int = 300) -> Interactions:
    rng = np.random.default_rng(seed)
    users, products = rng.integers(0, 25, count), np.minimum(rng.geometric(0.2, count) - 1, N - 1)
    names = [f"p{i:02}" for i in range(N)]
    return build([f"u{u:02}" for u in users], [names[p] for p in products], rng.choice([0.2, 1.0], count), product_ids=names).interactions


def learned(interactions: Interactions, **parameters: object) -> np.ndarray:
    """B (n, n): row j what a history of j alone says."""
    made = EASE(**parameters)  # type: ignore[arg-type]
    made.fit(interactions, Products(interactions.product_ids))
    return made.score([History(np.array([j]), np.ones(1), np.zeros(1)) for j in range(len(interactions.product_ids))])


def ridge(A: np.ndarray, T: np.ndarray, reg: float, sources: list[int] | None = None) -> np.ndarray:
    """Each column alone: (A + reg·I)·b = t over the other products (or some of them)."""
    B = np.zeros_like(T)
    for i in range(len(T)):
        rest = [j for j in (range(len(T)) if sources is None else sources) if j != i]
        B[rest, i] = np.linalg.solve(A[np.ix_(rest, rest)] + reg * np.eye(len(rest)), T[rest, i])
    return B


def sequences(interactions: Interactions, fade: float) -> tuple[np.ndarray, np.ndarray]:
    """XᵀX and XᵀY, event by event."""
    XX, XY = np.zeros((N, N)), np.zeros((N, N))
    for history in histories(interactions):
        x = np.zeros(N)
        for product, value in zip(history.products, history.values, strict=True):
            XX += np.outer(x, x)
            XY[:, product] += x * value
            x *= fade
            x[product] += value
    return XX, XY


def test_undirected_is_the_ridge_regression_of_every_product_on_all_others() -> None:
    R = strongest(events(), N).toarray()
    np.testing.assert_allclose(learned(events(), reg=3.0, directed=False), ridge(R.T @ R, R.T @ R, 3.0), atol=2e-5)


@pytest.mark.parametrize(("fade", "together"), [(0.5, 0.0), (0.5, 0.7), (0.8, 0.3)])
def test_directed_is_the_ridge_regression_on_what_came_before(fade: float, together: float) -> None:
    R = strongest(events(), N).toarray()
    XX, XY = sequences(events(), fade)
    expected = ridge(XX + together * R.T @ R, XY + together * R.T @ R, 3.0)
    # What is forgotten (a thousandth of an event) is left out of the counts.
    np.testing.assert_allclose(learned(events(), reg=3.0, directed=True, fade=fade, together=together), expected, atol=2e-3)


def test_rarer_products_are_foretold_by_the_frequent_ones_alone() -> None:
    R = strongest(events(), N).toarray()
    core = sorted(np.argsort(-np.bincount(events().products, minlength=N), kind="stable")[:5].tolist())
    rare = [i for i in range(N) if i not in core]
    B = learned(events(), reg=3.0, directed=False, dense=5)
    expected = ridge(R.T @ R, R.T @ R, 3.0, core)
    np.testing.assert_allclose(B[core], expected[core], atol=2e-5)
    left = R.T @ R - R.T @ R[:, core] @ expected[core]
    left /= np.diag(R.T @ R)[:, None] + 3.0
    left[(left < 0) | (R.T @ R == 0) | np.eye(N, dtype=bool)] = 0.0
    np.testing.assert_allclose(B[rare], left[rare], atol=2e-5)


@pytest.mark.parametrize(
    "parameters", [{"directed": False}, {"directed": True}, {"directed": True, "dense": 5}, {"directed": False, "dense": 5}]
)
def test_blocks_do_not_change_the_result(parameters: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learned(events(), **parameters)
    monkeypatch.setattr(pairs, "_CELLS", 1)
    np.testing.assert_allclose(learned(events(), **parameters), whole, atol=1e-6)


def test_the_largest_weights_are_kept() -> None:
    whole, few = learned(events(), reg=3.0, directed=False), learned(events(), reg=3.0, directed=False, k=4)
    for i in range(N):
        kept = np.argsort(-np.abs(whole[:, i]))[:4]
        np.testing.assert_allclose(few[kept, i], whole[kept, i])
        assert np.count_nonzero(few[:, i]) == 4


def test_more_products_than_users_need_a_larger_reg_where_32_bits_end() -> None:
    same = build(["u"] * 3, ["a", "b", "c"], [1e6] * 3).interactions
    with pytest.raises(InputError, match="raise reg"):
        EASE(reg=1e-6, directed=False).fit(same, Products(same.product_ids))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("ease(reg=0)", "reg must be above 0"),
        ("ease(fade=1)", "at most .95"),
        ("ease(together=-1)", "together must be 0 or more"),
        ("ease(dense=0)", "dense must be at least 1"),
        ("ease(directed=perhaps)", "true, false or auto"),
        ("ease(decay=0)", "decay must be above 0"),
    ],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
