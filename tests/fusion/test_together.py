"""Which products belong together: by hand-made events and categories whose pairs can be counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from product_shelf import bring, new_store, product

from mmsearch.catalog.behaviour import RATING, Events
from mmsearch.fusion.gated_training import ndcg
from mmsearch.fusion.together import Relation, SameCategory, read_categories, read_together, same_category, taken_together

IDS = list("abcdef")


def events(*rows: tuple[str, str, float, float]) -> Events:
    """Rows of user, product, strength, time; as ratings, the best of which is 1."""
    users, products, strengths, times = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Events.of(users, products, [RATING] * len(users), strengths, times)


def weights(found: Relation) -> dict[str, float]:
    """'ab' → weight, each pair once."""
    matrix = found._weights.toarray()  # type: ignore[attr-defined]
    np.testing.assert_allclose(matrix, matrix.T)
    assert not np.diag(matrix).any()
    return {IDS[i] + IDS[j]: float(matrix[i, j]) for i in range(len(IDS)) for j in range(i + 1, len(IDS)) if matrix[i, j]}


def test_steps_apart_weigh_less_and_strengths_multiply() -> None:
    found, persons = taken_together(events(("u", "a", 1, 1), ("u", "b", 0.5, 2), ("u", "c", 1, 3)), IDS)
    assert weights(found) == pytest.approx({"ab": 0.5, "bc": 0.5, "ac": 0.8})
    assert found.pairs == 3 and persons == 1
    assert found.some().tolist() == [True, True, True, False, False, False]


def test_a_basket_is_one_step() -> None:
    found, _ = taken_together(events(("u", "a", 1, 7), ("u", "b", 1, 7), ("u", "c", 1, 7), ("u", "d", 1, 8)), IDS)
    assert weights(found) == pytest.approx({"ab": 1, "ac": 1, "bc": 1, "ad": 1, "bd": 1, "cd": 1})


def test_persons_add_up_and_are_kept_apart() -> None:
    rows = [("u", "a", 1, 1), ("v", "c", 1, 1), ("u", "b", 1, 2), ("v", "a", 1, 2), ("w", "a", 1, 3), ("w", "b", 1, 4), ("x", "d", 1, 1)]
    found, persons = taken_together(events(*rows), IDS)
    assert weights(found) == pytest.approx({"ab": 2, "ac": 1})
    assert persons == 3


def test_a_product_looked_at_and_then_bought_counts_once_when_it_was_bought() -> None:
    found, _ = taken_together(events(("u", "a", 0.2, 1), ("u", "b", 1, 2), ("u", "c", 1, 3), ("u", "a", 1, 4)), IDS)
    assert weights(found) == pytest.approx({"bc": 1, "ac": 1, "ab": 0.8})


def test_far_apart_is_not_together() -> None:
    found, _ = taken_together(events(*[("u", id, 1.0, float(i)) for i, id in enumerate("abcdef")], ("u", "g", 1.0, 9.0)), [*IDS, "g"])
    there = weights(found.take(np.arange(6)))
    assert "af" in there and found.related(np.array([0, 1]), np.array([6])).tolist() == [[False], [True]]


def test_what_says_nothing_is_left_out() -> None:
    found, persons = taken_together(events(("u", "a", 1, 1), ("u", "gone", 1, 2), ("u", "b", 0, 3), ("u", "a", 1, 4)), IDS)
    assert found.pairs == 0 and persons == 0 and not found.some().any()
    assert found.partners(np.array([0, 1]), np.random.default_rng(0)).tolist() == [-1, -1]
    found, persons = taken_together(events(), IDS)
    assert found.pairs == 0 and persons == 0


def test_likely_partners_are_drawn_more_often() -> None:
    found, _ = taken_together(
        events(("u", "a", 1, 1), ("u", "b", 1, 2), ("v", "a", 1, 1), ("v", "b", 1, 2), ("w", "c", 1, 1), ("w", "a", 1, 2)), IDS
    )
    drawn = found.partners(np.zeros(3000, np.int64), np.random.default_rng(0))
    assert set(drawn.tolist()) == {1, 2} and (drawn == 1).mean() == pytest.approx(2 / 3, abs=0.04)


labels = st.lists(st.integers(-1, 4), min_size=1, max_size=25).map(lambda known: np.array(known, np.int64))


@given(labels, st.integers(0, 5))
def test_partners_of_a_category_are_of_it_and_another_product(known: np.ndarray, seed: int) -> None:
    relation = SameCategory(known)
    rows = np.arange(len(known))
    related = relation.related(rows, rows)
    assert (related == related.T).all() and not np.diag(related).any()
    assert relation.pairs == related.sum() // 2
    assert (relation.some() == related.any(axis=1)).all()
    partners = relation.partners(rows, np.random.default_rng(seed))
    for row, partner in enumerate(partners.tolist()):
        assert related[row, partner] if partner >= 0 else not related[row].any()


@given(labels)
def test_every_other_product_of_the_category_may_be_the_partner(known: np.ndarray) -> None:
    relation = SameCategory(known)
    drawn = relation.partners(np.zeros(600, np.int64), np.random.default_rng(0))
    expected = np.flatnonzero(relation.related(np.array([0]), np.arange(len(known)))[0])
    assert set(drawn.tolist()) == (set(expected.tolist()) or {-1})


@given(labels, st.randoms(use_true_random=False))
def test_parts_of_a_relation_are_what_its_pairs_say(known: np.ndarray, random: object) -> None:
    rng = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    relation = SameCategory(known)
    every = np.arange(len(known))
    kept = rng.random(len(known)) < 0.5
    both = kept[:, None] & kept[None, :]
    np.testing.assert_array_equal(relation.among(kept).related(every, every), relation.related(every, every) & both)
    rows = rng.permutation(len(known))[: max(1, len(known) // 2)]
    inner = np.arange(len(rows))
    np.testing.assert_array_equal(relation.take(rows).related(inner, inner), relation.related(rows, rows))


def test_parts_of_what_was_taken_together() -> None:
    found, _ = taken_together(events(("u", "a", 1, 1), ("u", "b", 1, 2), ("u", "c", 1, 3)), IDS)
    assert weights(found.among(np.array([True, False, True, True, True, True]))) == pytest.approx({"ac": 0.8})
    turned = found.take(np.array([2, 0]))
    assert turned.related(np.array([0]), np.array([1])).tolist() == [[True]] and turned.pairs == 1
    assert found.strength().tolist() == pytest.approx([1.8, 2, 1.8, 0, 0, 0])


def test_a_path_of_its_own_is_cut_until_it_has_company() -> None:
    found = same_category(["A > B > C", "A > B > C", "A > B > D", "A > B", "A > E > F > G", "A", None, "Z > Y"])
    rows = np.arange(8)
    related = found.related(rows, rows)
    assert related[0].tolist() == [False, True, *[False] * 6]
    assert np.flatnonzero(related[2]).tolist() == [3] and np.flatnonzero(related[4]).tolist() == [5]
    assert not related[6].any() and not related[7].any()
    assert found.labels == 3


def test_a_store_is_read(tmp_path: Path) -> None:
    made = new_store(tmp_path / "store")
    bring(made, [product("b", {"category": "A > B"}), product("a", {"category": "A > B"}), product("c", {"title": "none"})])
    found = read_categories(made, ["a", "c", "b", "unknown"])
    assert np.argwhere(found.related(np.arange(4), np.arange(4))).tolist() == [[0, 2], [2, 0]]
    assert read_together(made, ["a", "b"])[0].pairs == 0
    assert read_categories(new_store(tmp_path / "empty"), ["a"]).pairs == 0


def test_ndcg_by_hand() -> None:
    """The query's two relatives come first and third of three: (1 + 1/2) / (1 + 1/log2(3))."""
    items = np.array([[1, 0], [0.9, 0.1], [0.8, 0.3], [0.1, 0.9], [0, 0]], np.float32)
    items /= np.maximum(np.linalg.norm(items, axis=1, keepdims=True), 1e-9)
    relation = SameCategory(np.array([0, 0, 1, 0, 0]))
    expected = (1 + 1 / 2) / (1 + 1 / np.log2(3))
    assert ndcg(items, np.array([0]), relation) == pytest.approx(expected)
    assert np.isnan(ndcg(items, np.array([2, 4]), relation))  # one has no relative, the other no vector
