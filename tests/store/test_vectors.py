"""Vector tables: only finite vectors of length 1 and of one dimension get in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmsearch.errors import StoreError
from mmsearch.store import Store
from mmsearch.store.vectors import (
    Matrix,
    batches_of,
    check_vectors,
    dimension,
    key_of,
    nearest,
    read_ids,
    read_sample,
    read_vectors,
    take_some,
    write_vectors,
)


def source_hashes(store: Store, table: str) -> dict[str, str]:
    """key → source_hash of every vector, {} if there is no such table."""
    return {row["key"]: row["source_hash"] for batch in store.batches(table, ["key", "source_hash"]) for row in batch.to_pylist()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def unit(rows: int, dim: int = 8, seed: int = 0) -> Matrix:
    raw = np.random.default_rng(seed).normal(size=(rows, dim))
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


def write(store: Store, ids: str, vectors: Matrix, parts: list[str] | None = None, hash: str = "h") -> None:
    write_vectors(store, "v", list(ids), parts or [""] * len(ids), [hash] * len(ids), vectors)


def by_key(store: Store, ids: list[str] | None = None) -> dict[tuple[str, str], list[float]]:
    rows = read_vectors(store, "v", ids)
    return {(i, p): v.tolist() for i, p, v in zip(rows.ids.to_pylist(), rows.parts.to_pylist(), rows.vectors, strict=True)}


def test_write_and_read(store: Store) -> None:
    vectors = unit(3)
    write(store, "aab", vectors, ["", "photo.jpg", ""])
    assert by_key(store) == {("a", ""): vectors[0].tolist(), ("a", "photo.jpg"): vectors[1].tolist(), ("b", ""): vectors[2].tolist()}
    assert by_key(store, ["b", "it's"]) == {("b", ""): vectors[2].tolist()}
    assert by_key(store, []) == {}
    assert dimension(store, "v") == 8
    assert source_hashes(store, "v") == {key_of("a", ""): "h", key_of("a", "photo.jpg"): "h", key_of("b", ""): "h"}


def test_a_vector_of_the_same_part_is_replaced(store: Store) -> None:
    old, new = unit(2), unit(2, seed=1)
    write(store, "ab", old)
    write(store, "bc", new, hash="h2")
    assert by_key(store) == {("a", ""): old[0].tolist(), ("b", ""): new[0].tolist(), ("c", ""): new[1].tolist()}
    assert source_hashes(store, "v") == {key_of("a", ""): "h", key_of("b", ""): "h2", key_of("c", ""): "h2"}


def test_nothing_there(store: Store) -> None:
    assert dimension(store, "v") is None
    assert source_hashes(store, "v") == {}
    assert list(batches_of(store, "v")) == []
    write(store, "", np.empty((0, 8), np.float32))
    assert not store.has("v")
    for attempt in (
        lambda: read_vectors(store, "v"),
        lambda: read_sample(store, "v", 1),
        lambda: nearest(store, "v", unit(1)[0], 1),
        lambda: read_ids(store, "v"),
    ):
        with pytest.raises(StoreError, match="has no table v"):
            attempt()


def test_an_emptied_table_has_its_dimension(store: Store) -> None:
    write(store, "ab", unit(2))
    store.delete("v", "true")
    rows = read_vectors(store, "v")
    assert (len(rows), rows.vectors.shape) == (0, (0, 8))


_BAD = {
    "zero": np.zeros(8),
    "not a number": np.array([np.nan] + [0.0] * 7),
    "one value not a number": np.array([1.0] + [0.0] * 6 + [np.nan]),
    "infinite": np.array([np.inf] + [0.0] * 7),
    "minus infinite": np.array([-np.inf] + [0.0] * 7),
    "too long": np.array([1.01] + [0.0] * 7),
    "too short": np.array([0.99] + [0.0] * 7),
    "huge": np.full(8, 3e38),
}


@pytest.mark.parametrize("kind", list(_BAD))
@pytest.mark.parametrize("existing", [False, True])
def test_a_bad_vector_keeps_the_whole_write_out(store: Store, kind: str, existing: bool) -> None:
    if existing:
        write(store, "a", unit(1))
    vectors = unit(5, seed=1)
    vectors[3] = _BAD[kind]
    with pytest.raises(StoreError, match=r"vector 3 of 5 has length .*, not 1 .*nothing was written"):
        write(store, "abcde", vectors)
    assert (by_key(store) == {("a", ""): unit(1)[0].tolist()}) if existing else not store.has("v")


@pytest.mark.parametrize("shape", [(2, 7), (2, 9), (2,), (2, 2, 2), (2, 0)])
def test_another_dimension_is_kept_out(store: Store, shape: tuple[int, ...]) -> None:
    write(store, "a", unit(1))
    vectors = np.zeros(shape, np.float32)
    vectors[..., :1] = 1
    with pytest.raises(StoreError, match=r"vectors of shape \(2.*, expected \(n, 8\); nothing was written"):
        write(store, "bc", vectors)
    assert list(by_key(store)) == [("a", "")]


def test_a_row_of_numbers_is_no_matrix(store: Store) -> None:
    with pytest.raises(StoreError, match=r"vectors of shape \(8,\), expected \(n, d\)"):
        write(store, "a", unit(1)[0])
    assert not store.has("v")


def test_the_same_part_twice_in_one_write(store: Store) -> None:
    with pytest.raises(StoreError, match="duplicate values of key"):
        write(store, "aba", unit(3))
    assert not store.has("v")


def test_doubles_and_views_are_taken(store: Store) -> None:
    vectors = unit(6)
    write(store, "abc", vectors[::2].astype(np.float64))
    assert by_key(store) == {(letter, ""): v.tolist() for letter, v in zip("abc", vectors[::2], strict=True)}


@settings(max_examples=200, derandomize=True, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.floats(width=32)))
def test_what_passes_the_check_is_of_length_one(vectors: Matrix) -> None:
    with np.errstate(all="ignore"):
        lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1))
    good = bool(np.isfinite(vectors).all() and (np.abs(lengths - 1) < 1e-3).all())
    try:
        check_vectors(vectors)
    except StoreError:
        assert not good
    else:
        assert good


def test_nearest_comes_best_first(store: Store) -> None:
    vectors = unit(50, dim=16)
    write_vectors(store, "v", [str(n) for n in range(50)], [""] * 50, ["h"] * 50, vectors)
    query = unit(1, dim=16, seed=9)[0]
    row_ids, ids = read_ids(store, "v")
    rows = np.searchsorted(row_ids, nearest(store, "v", query, 10))
    assert [ids[int(row)].as_py() for row in rows] == [str(n) for n in np.argsort(-(vectors @ query))[:10]]
    found = take_some(store, "v", rows)
    assert np.array_equal(found.vectors, vectors[[int(i) for i in found.ids.to_pylist()]])
    assert len(nearest(store, "v", query, 500)) == 50
    with pytest.raises(StoreError, match="cannot search the table v"):
        nearest(store, "v", query[:5], 10)


def test_batches_and_samples(store: Store) -> None:
    vectors = unit(10)
    write(store, "abcdefghij", vectors)
    seen = list(batches_of(store, "v", rows=4))
    assert max(len(rows) for rows, _ in seen) <= 4
    assert np.array_equal(np.concatenate([rows.vectors for rows, _ in seen]), vectors)
    assert [h for _, hashes in seen for h in hashes] == ["h"] * 10
    sample = read_sample(store, "v", 4, seed=3)
    assert len(set(sample.ids.to_pylist())) == 4
    assert all(np.array_equal(v, vectors["abcdefghij".index(i)]) for i, v in zip(sample.ids.to_pylist(), sample.vectors, strict=True))
    assert sample.ids.to_pylist() == read_sample(store, "v", 4, seed=3).ids.to_pylist()
    assert len(read_sample(store, "v", 99)) == 10
