"""Placing rows of vector tables among products, what stands for "unrelated", and how deep a large store is searched."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mmsearch.fusion.calibration import Calibration, Pair
from mmsearch.search.background import spread, spread_by_pattern
from mmsearch.search.index import place, widening
from mmsearch.store.vectors import VectorRows


def rows(ids: list[str], parts: list[str] | None = None) -> VectorRows:
    return VectorRows(pa.array(ids, pa.string()), pa.array(parts or [""] * len(ids), pa.string()), np.zeros((len(ids), 2), np.float32))


def test_each_row_falls_to_its_product_and_the_best_photo_counts() -> None:
    placed = place(rows(["b", "a", "b", "x"], ["1", "2", "3", "4"]), pa.array(["a", "b", "c"]))
    assert placed.place.tolist() == [1, 0, 1, -1]
    assert not placed.single
    np.testing.assert_array_equal(placed.best(np.array([0.2, 0.5, 0.9, 1.0], np.float32)).round(6), [0.5, 0.9, np.nan])
    assert placed.parts().tolist() == ["2", "3", ""]


def test_one_row_a_product() -> None:
    placed = place(rows(["c", "a"]), pa.array(["a", "b", "c"]))
    assert placed.single
    np.testing.assert_array_equal(placed.best(np.array([0.25, 0.5], np.float32)), [0.5, np.nan, 0.25])


def test_nothing_to_place() -> None:
    assert np.isnan(place(rows([]), pa.array(["a"])).best(np.empty(0, np.float32))).all()
    assert place(rows(["a"]), pa.array([], pa.string())).best(np.ones(1, np.float32)).shape == (0,)


def test_widening_ends_with_everything() -> None:
    assert list(widening(10, 10_000)) == [200, 800, 3200, 10_000]
    assert list(widening(10_000, 20_000)) == [10_000, 20_000]
    assert list(widening(10, 5)) == [5]


def test_spread_over_the_store() -> None:
    similarity = np.array([0.1, 0.3] * 5 + [np.nan])
    assert spread(similarity, Pair(9, 9)) == (np.mean([0.1, 0.3]), np.std([0.1, 0.3]))


def test_too_few_or_all_alike_take_what_was_measured_before() -> None:
    assert spread(np.array([0.1, 0.9, np.nan]), Pair(0.4, 0.2)) == (0.4, 0.2)
    assert spread(np.full(20, 0.7), Pair(0.4, 0.2)) == (0.4, 0.2)


def test_spread_by_what_a_fused_vector_is_made_of() -> None:
    similarity = np.array([0.0, 2.0] * 8 + [5.0, 7.0] * 8 + [9.0])
    made_of = np.array(["text"] * 16 + ["image+text"] * 16 + ["image"])
    calibration = Calibration({"text>fused:image": Pair(3.0, 0.5), "text>image": Pair(0, 1, 0.4)})
    candidates = np.array(["image", "text", "image+text", "audio", ""])
    mean, std, reliability = spread_by_pattern(similarity, made_of, candidates, "text>fused", calibration, ("text>image",))
    np.testing.assert_allclose(mean[:3], [3, 1, 6])
    np.testing.assert_allclose(std[:3], [0.5, 1, 1])
    # A photo alone is cross-modal evidence for a text; audio is none at all.
    np.testing.assert_array_equal(reliability, [0.4, 1, 1, np.nan, np.nan])
