"""Vectors of several tables, side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mmsearch.fusion.batch import load_batch, mean_by_product, sample_batch
from mmsearch.store import Store
from mmsearch.store.vectors import VectorRows, write_vectors

TABLES = {"text": "vectors_text", "image": "vectors_image"}


def unit(*rows: list[float]) -> np.ndarray:
    X = np.array(rows, np.float32)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store.lancedb")
    write_vectors(made, "vectors_text", ["a", "b"], ["", ""], ["1", "2"], unit([1, 0, 0], [0, 1, 0]))
    write_vectors(made, "vectors_image", ["b", "c", "b"], ["1", "1", "2"], ["3", "4", "5"], unit([1, 0], [0, 1], [0, 1]))
    return made


def test_every_product_with_any_vector(store: Store) -> None:
    ids, batch = load_batch(store, TABLES)
    assert sorted(ids) == ["a", "b", "c"]
    assert len(batch) == 3
    order = [ids.index(id) for id in "abc"]
    assert batch.present["text"][order].tolist() == [True, True, False]
    assert batch.present["image"][order].tolist() == [False, True, True]
    np.testing.assert_allclose(batch.vectors["text"][order], [[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    half = np.sqrt(0.5)
    np.testing.assert_allclose(batch.vectors["image"][order], [[0, 0], [half, half], [0, 1]], atol=1e-6)


def test_the_given_products_in_the_order_given(store: Store) -> None:
    ids, batch = load_batch(store, TABLES, ["c", "nobody", "a"])
    assert ids == ["c", "nobody", "a"]
    assert batch.present["text"].tolist() == [False, False, True]
    assert batch.present["image"].tolist() == [True, False, False]


def test_many_products_read_the_whole_table(store: Store) -> None:
    """More ids than are named one by one in a filter give the same."""
    many = [f"n{i}" for i in range(6_000)]
    ids, batch = load_batch(store, TABLES, [*many, "b"])
    assert len(ids) == len(batch) == 6_001
    assert batch.present["image"].sum() == batch.present["text"].sum() == 1
    np.testing.assert_allclose(batch.vectors["text"][-1], [0, 1, 0])


def test_tables_that_are_not_there(store: Store) -> None:
    ids, batch = load_batch(store, {"text": "vectors_text", "audio": "vectors_audio"})
    assert sorted(ids) == ["a", "b"]
    assert list(batch.vectors) == ["text"]
    ids, batch = load_batch(store, {})
    assert ids == []
    assert len(batch) == 0


def test_photos_that_cancel_out_are_no_vector() -> None:
    rows = VectorRows(pa.array(["a", "a", "b"]), pa.array(["1", "2", "1"]), unit([1, 0], [-1, 0], [0, 1]))
    vectors, present = mean_by_product(rows, pa.array(["b", "a", "c"]), 2)
    assert present.tolist() == [True, False, False]
    np.testing.assert_allclose(vectors, [[0, 1], [0, 0], [0, 0]])


def test_taking_rows(store: Store) -> None:
    _, batch = load_batch(store, TABLES, ["a", "b", "c"])
    taken = batch.take(np.array([2, 1]))
    assert len(taken) == 2
    assert taken.present["text"].tolist() == [False, True]
    np.testing.assert_array_equal(taken.vectors["image"], batch.vectors["image"][[2, 1]])


def test_a_sample_is_that_of_the_products_however_they_were_written(tmp_path: Path) -> None:
    """An embed that was interrupted writes in another order and ends equal."""
    X = unit(*np.random.default_rng(0).normal(size=(50, 3)).tolist())
    ids = [f"p{n:02}" for n in range(50)]
    samples = []
    for name, order in (("one", np.arange(50)), ("other", np.random.default_rng(1).permutation(50))):
        made = Store(tmp_path / name)
        for piece in np.array_split(order, 3):
            write_vectors(made, "vectors_text", [ids[i] for i in piece], [""] * len(piece), ["h"] * len(piece), X[piece])
        samples.append(sample_batch(made, {"text": "vectors_text", "image": "none"}, 20))
    (chosen, one, products), (again, other, _) = samples
    assert chosen == again
    assert (len(one), products) == (20, 50)
    np.testing.assert_array_equal(one.vectors["text"], other.vectors["text"])
    assert sample_batch(Store(tmp_path / "one"), {}, 20)[2] == 0
