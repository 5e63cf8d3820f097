"""Rows of a table among the products: both ways, with several rows a product, some of none, and in any order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.search.rows import rows_of

PRODUCTS = [f"p{i}" for i in range(8)]


@given(st.lists(st.sampled_from([*PRODUCTS, "gone"]), max_size=20), st.data())
def test_rows_and_places_lead_to_each_other(owners: list[str], data: st.DataObject) -> None:
    row_ids = np.array(data.draw(st.lists(st.integers(0, 2**40), min_size=len(owners), max_size=len(owners), unique=True)), np.uint64)
    rows = rows_of(row_ids, pa.array(owners, pa.string()), pa.array(PRODUCTS))
    expected = np.array([PRODUCTS.index(owner) if owner in PRODUCTS else -1 for owner in owners], np.int64)
    np.testing.assert_array_equal(rows.found(row_ids), expected)
    np.testing.assert_array_equal(row_ids[rows.numbers], rows.ids)
    asked = np.array(data.draw(st.lists(st.integers(0, 7), max_size=8, unique=True)), np.int64)
    found, which = rows.of(asked)
    assert sorted(rows.numbers[found].tolist()) == sorted(i for i, place in enumerate(expected.tolist()) if place in asked)
    np.testing.assert_array_equal(expected[rows.numbers[found]], asked[which])


def test_a_table_in_the_order_of_the_products() -> None:
    rows = rows_of(np.arange(8, dtype=np.uint64), pa.array(PRODUCTS), pa.array(PRODUCTS))
    assert rows.places.tolist() == list(range(8))
    assert rows.of(np.array([5, 2]))[0].tolist() == [5, 2]


@given(
    fragments=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=5),
    gap=st.booleans(),
    seed=st.integers(0, 99),
)
def test_row_ids_are_found_whether_fragments_have_gaps_or_not(fragments: list[tuple[int, int]], gap: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.concatenate(
        [(np.uint64(2 * f + 1) << np.uint64(32)) + np.arange(a, a + n, dtype=np.uint64) for f, (a, n) in enumerate(fragments)]
    )
    if gap and len(ids) > 2:
        ids = np.delete(ids, len(ids) // 2)
    order = rng.permutation(len(ids))
    names = pa.array([f"p{i}" for i in range(len(ids))])
    rows = rows_of(ids[order], names, names)
    asked = rng.permutation(len(ids))
    np.testing.assert_array_equal(rows.found(ids[order][asked]), asked)
