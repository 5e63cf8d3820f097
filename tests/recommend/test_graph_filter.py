"""Graph against the filter written out with an exact decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import UsageError
from mmsearch.recommend import RECOMMENDERS, graph
from mmsearch.recommend.base import History, Products
from mmsearch.recommend.graph import Graph
from mmsearch.recommend.interactions import build, strongest

N = 12


def test_the_filter_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(5)
    users, products = rng.integers(0, 25, 300), np.minimum(rng.geometric(0.2, 300) - 1, N - 1)
    names = [f"p{i:02}" for i in range(N)]
    events = build([f"u{u:02}" for u in users], [names[p] for p in products], rng.choice([0.2, 1.0], 300), product_ids=names).interactions
    made = Graph(factors=3, smooth=0.7, users=0.5, items=0.5, k=N)
    made.fit(events, Products(names))

    R = strongest(events, N).toarray()
    D = R.sum(axis=0)
    assert (D > 0).all()
    normal = R / np.sqrt(R.sum(axis=1))[:, None] / np.sqrt(D)
    V = np.linalg.svd(normal)[2][:3].T
    expected = normal.T @ normal + 0.7 * (V / np.sqrt(D)[:, None]) @ (V * np.sqrt(D)[:, None]).T
    np.fill_diagonal(expected, 0)
    got = made.score([History(np.array([j]), np.ones(1), np.zeros(1)) for j in range(N)])
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_of_products_that_nobody_took_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = graph._singular
    # Large matrices leave rounding where there should be zeros, as among the cold products of the scientific shop.
    monkeypatch.setattr(graph, "_singular", lambda *given: exact(*given) + np.float32(1e-16))
    rng = np.random.default_rng(0)
    users, products = [f"u{u}" for u in rng.integers(0, 40, 240)], [f"p{p}" for p in rng.integers(0, 15, 240)]
    ids = [f"p{p}" for p in range(20)]  # the last five are new
    made = RECOMMENDERS.create("graph(factors=6)")
    made.fit(build(users, products, product_ids=ids).interactions, Products(ids))
    scores = made.score([History(np.array([j]), np.ones(1), np.zeros(1)) for j in range(20)])
    assert scores[:15, :15].any() and not scores[:, 15:].any() and not scores[15:].any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("graph(factors=0)", "factors must be at least 1"),
        ("graph(smooth=-1)", "smooth must be 0 or more"),
        ("graph(users=2)", "users must be 0 to 1"),
        ("graph(seed=-1)", "seed must be 0 to"),
        ("graph(decay=0)", "decay must be above 0"),
    ],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
