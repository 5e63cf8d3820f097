"""Indexes over large vector tables: made where they are needed, kept up to date, and as good as comparing everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmsearch.store import Store
from mmsearch.store.vector_index import drop_index, has_index, index_vectors
from mmsearch.store.vectors import append_vectors, nearest, read_ids, take_some

DIMS = (32, 33)  # of a multiple of eight, and not


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clusters(n: int, seed: int, dim: int) -> np.ndarray:
    centres = np.random.default_rng(0).standard_normal((20, dim))
    rng = np.random.default_rng(seed)
    return unit(centres[rng.integers(20, size=n)] + 0.5 * rng.standard_normal((n, dim)))


def add(store: Store, start: int, vectors: np.ndarray) -> None:
    ids = [f"p{i}" for i in range(start, start + len(vectors))]
    append_vectors(store, "vectors_test", ids, [""] * len(ids), ["h"] * len(ids), vectors)


@pytest.fixture(params=DIMS)
def dim(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def store(tmp_path: Path, dim: int) -> Store:
    made = Store(tmp_path / "store.lancedb")
    made.create()
    add(made, 0, clusters(1_500, 1, dim))
    return made


def test_a_small_table_needs_none(store: Store) -> None:
    assert not index_vectors(store, "vectors_test")
    assert not index_vectors(store, "vectors_none")
    assert not has_index(store.dataset("vectors_test"))


def test_an_index_finds_what_comparing_everything_finds_also_of_new_rows(store: Store, dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "1000")
    assert index_vectors(store, "vectors_test")
    add(store, 1_500, clusters(500, 2, dim))
    for taken_in in (False, True):  # rows that no index has are compared beside it
        if taken_in:
            assert index_vectors(store, "vectors_test")
        row_ids, ids = read_ids(store, "vectors_test")
        everything = take_some(store, "vectors_test", np.arange(len(ids))).vectors
        recall = []
        for query in clusters(20, 3, dim):
            found = set(nearest(store, "vectors_test", query, 50).tolist())
            best = row_ids[np.argsort(-(everything @ query))[:10]]
            recall.append(np.mean([row in found for row in best.tolist()]))
        assert np.mean(recall) > 0.99
    drop_index(store, "vectors_test")
    drop_index(store, "vectors_test")
    assert not has_index(store.dataset("vectors_test"))
