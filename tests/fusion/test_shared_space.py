"""Products as weighted means of projections, and the recall of pairs."""

from __future__ import annotations

import numpy as np
import pytest
from fake_encoders import FakeImage, FakeText

from mmsearch.fusion.base import Batch, Side, unit_rows
from mmsearch.fusion.conse import Conse
from mmsearch.fusion.shared_space import pair_recall, same_product


def test_unit_rows_leave_rounding_at_zero() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0], [1e-9, 0], [1e-3, 0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [0, 0], [1, 0]], atol=1e-7)
    assert rows.dtype == np.float32


def test_recall_of_pairs() -> None:
    """Text 0 finds its photo first, text 1 second, text 2 third; each photo: first, first, second."""
    T = np.float32([[1, 0, 0], [0.9, 0.8, 0], [0.9, 0.7, 0.6]])
    recall = pair_recall(T, np.eye(3, dtype=np.float32), np.eye(3, dtype=bool))
    assert recall["text>image"] == pytest.approx({"R@1": 1 / 3, "R@10": 1, "RR": (1 + 1 / 2 + 1 / 3) / 3})
    assert recall["image>text"] == pytest.approx({"R@1": 1.0, "R@10": 1, "RR": 1.0})


def test_a_tie_with_a_wrong_answer_counts_against() -> None:
    nothing = np.zeros((20, 3), np.float32)
    recall = pair_recall(nothing, nothing, np.eye(20, dtype=bool))
    assert recall["text>image"] == pytest.approx({"R@1": 0, "R@10": 0, "RR": 1 / 20})


def test_what_is_no_number_finds_nothing() -> None:
    nothing = np.full((20, 3), np.nan, np.float32)
    recall = pair_recall(nothing, nothing, np.eye(20, dtype=bool))
    assert recall["text>image"]["R@1"] == recall["image>text"]["R@1"] == 0


def test_either_of_two_products_with_one_title_is_right() -> None:
    T = np.float32([[1, 0], [1, 0], [0, 1]])
    G = np.float32([[0, 1], [1, 0], [0.6, 0.8]])
    same = same_product(T, G)
    assert same.tolist() == [[True, True, False], [True, True, False], [False, False, True]]
    assert pair_recall(T, G, same)["text>image"]["R@1"] == pytest.approx(2 / 3)  # the third finds photo 0 first


@pytest.mark.parametrize(("text", "image"), [(1, 1), (3, 1), (0, 1), (1, 0)])
def test_a_product_is_the_weighted_mean_of_its_projections(text: float, image: float) -> None:
    encoders = {"text": FakeText(), "image": FakeImage()}
    X, Y = (
        encoders["text"].encode(["red shoe", "blue hat"]).vectors,
        FakeImage().finish([np.full((21, 21, 3), c, np.uint8) for c in (40, 200)], [0, 1], []).vectors,
    )
    batch = Batch({"text": X, "image": Y}, {"text": np.array([True, True]), "image": np.array([True, False])})
    conse = Conse(text=text, image=image)
    conse.fit(batch, encoders, 0)
    projected = conse.project("text", Side(X)), conse.project("image", Side(Y))
    expected = text * projected[0][0] + image * projected[1][0]
    items = conse.items(batch)
    np.testing.assert_allclose(items[0], expected / np.linalg.norm(expected), atol=1e-5)
    np.testing.assert_allclose(items[1], projected[0][1] if text else np.zeros(conse.dim), atol=1e-5)
