"""What every similarity must do, and that LanceDB orders products the same way by the metric that it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mmsearch.ranking import SIMILARITIES
from mmsearch.ranking.similarity import Similarity
from mmsearch.store import Store
from mmsearch.store.vectors import nearest, read_ids

Q = np.array([1, 0], np.float32)
X = np.array([[1, 0], [0.6, 0.8], [0, 1], [-1, 0]], np.float32)  # the query itself, near, unrelated, opposite
KNOWN = {
    "dot": [1, 0.6, 0, -1],
    "cosine": [1, 0.6, 0, -1],
    "euclidean": [1, 1 / (1 + np.sqrt(0.8)), 1 / (1 + np.sqrt(2)), 1 / 3],
}


@pytest.fixture(params=SIMILARITIES.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def similarity(name: str) -> Similarity:
    return SIMILARITIES.create(name)


def test_higher_is_nearer(similarity: Similarity) -> None:
    assert (np.diff(similarity.scores(Q, X)) < 0).all()


@pytest.mark.parametrize("known", KNOWN)
def test_known_values(known: str) -> None:
    np.testing.assert_allclose(SIMILARITIES.create(known).scores(Q, X), KNOWN[known], atol=1e-6)


def test_a_matrix_is_its_queries_one_by_one(similarity: Similarity) -> None:
    queries = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    together = similarity.matrix(queries, X)
    assert together.shape == (3, 4)
    assert together.dtype == np.float32
    for row, query in zip(together, queries, strict=True):
        np.testing.assert_allclose(similarity.scores(query, X), row, atol=1e-6)


def test_no_products_and_zero_vectors(similarity: Similarity) -> None:
    assert similarity.scores(Q, np.empty((0, 2), np.float32)).shape == (0,)
    assert np.isfinite(similarity.matrix(np.zeros((1, 2), np.float32), np.vstack([X, np.zeros((1, 2), np.float32)]))).all()


def test_cosine_forgets_lengths() -> None:
    cosine = SIMILARITIES.create("cosine")
    np.testing.assert_allclose(cosine.scores(3 * Q, 5 * X), cosine.scores(Q, X), atol=1e-6)


def test_lancedb_orders_by_the_metric_as_the_similarity_does(similarity: Similarity, tmp_path: Path) -> None:
    """Not unit vectors, so that no two metrics agree by chance; an inverted one (lancedb #3154) would come out backwards."""
    rng = np.random.default_rng(4)
    vectors = (rng.normal(size=(60, 8)) * rng.uniform(0.2, 3, size=(60, 1))).astype(np.float32)
    query = rng.normal(size=8).astype(np.float32)
    ids = [f"p{i}" for i in range(60)]
    store = Store(tmp_path / "store.lancedb")
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 8)
    store.connect().create_table("raw", pa.table({"id": ids, "part": [""] * 60, "vector": column}))

    row_ids, stored = read_ids(store, "raw")
    found = stored.take(pa.array(np.searchsorted(row_ids, nearest(store, "raw", query, 60, similarity.metric)))).to_pylist()
    assert found == [ids[i] for i in np.argsort(-similarity.scores(query, vectors), kind="stable")]


def test_the_metrics_of_that_test_disagree() -> None:
    rng = np.random.default_rng(4)
    vectors = (rng.normal(size=(60, 8)) * rng.uniform(0.2, 3, size=(60, 1))).astype(np.float32)
    query = rng.normal(size=8).astype(np.float32)
    orders = {tuple(np.argsort(-SIMILARITIES.create(name).scores(query, vectors)).tolist()) for name in KNOWN}
    assert len(orders) == 3
