"""What vectors were made of, as numbers: the same whatever the order of rows, and another when anything changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmsearch.fusion import digests
from mmsearch.fusion.digests import among, by_product, number, numbers, of_table, same
from mmsearch.store import Store
from mmsearch.store.vectors import write_vectors


def table(store: Store, name: str, rows: list[tuple[str, str, str]]) -> str:
    """Vectors of (id, part, source hash)."""
    ids, parts, hashes = zip(*rows, strict=True)
    write_vectors(store, name, ids, parts, hashes, np.eye(8, dtype=np.float32)[: len(rows)])
    return name


ROWS = [("a", "", "1"), ("b", "", "2"), ("b", "x.jpg", "3"), ("c", "", "4")]


def test_the_order_of_rows_and_how_many_are_read_at_a_time_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "s.lancedb")
    one, other = table(store, "one", ROWS), table(store, "other", ROWS[::-1])
    expected = of_table(store, one)
    made_of = by_product(store, {"text": one})
    monkeypatch.setattr(digests, "_ROWS", 3)
    np.testing.assert_array_equal(of_table(store, other), expected)
    np.testing.assert_array_equal(by_product(store, {"text": other}), made_of)
    assert len(expected) == 4 and sorted(made_of[:, 0].tolist()) == sorted(map(number, "abc"))


@pytest.mark.parametrize("change", [("b", "x.jpg", "9"), ("b", "y.jpg", "3")])
def test_another_content_or_another_photo_is_seen(tmp_path: Path, change: tuple[str, str, str]) -> None:
    store = Store(tmp_path / "s.lancedb")
    changed = [*ROWS[:2], change, ROWS[3]]
    before, after = (by_product(store, {"image": table(store, name, rows)}) for name, rows in (("one", ROWS), ("two", changed)))
    differs = before[:, 1] != after[:, 1]
    assert before[differs, 0].tolist() == [number("b")]
    elsewhere = by_product(store, {"text": "one"})  # the same contents as texts are something else
    assert not (elsewhere[:, 1] == before[:, 1]).any()


def test_what_is_known() -> None:
    known = np.array([[3, 30], [5, 50], [9, 90]], np.uint64)
    keys, values = np.array([5, 5, 1, 10], np.uint64), np.array([50, 51, 10, 90], np.uint64)
    assert same(known, keys, values).tolist() == [True, False, False, False]
    assert among(known[:, 0], keys).tolist() == [True, True, False, False]
    nothing = np.empty((0, 2), np.uint64)
    assert not same(nothing, keys, values).any() and not among(nothing[:, 0], keys).any()
    assert len(numbers([])) == 0
