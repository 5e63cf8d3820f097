"""Products that the same people bought."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import small_shop
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion.bought import Purchases, among, bought_together, read_purchases, rows_of
from mmsearch.shop import Shop


def bought_by(*bought: str) -> Purchases:
    """One word a person, one letter a product."""
    ids = sorted(set("".join(bought)))
    users = [u for u, word in enumerate(bought) for _ in word]
    return Purchases(np.array(users, np.int64), np.array([ids.index(c) for word in bought for c in word], np.int64), ids)


def test_counts_by_hand() -> None:
    found = bought_together(bought_by("ab", "abc", "c")).toarray()
    one, two = 1 / np.log(3), 1 / np.log(4)
    np.testing.assert_allclose(found[0, 1], (one + two) / 2, rtol=1e-5)  # both have two buyers
    np.testing.assert_allclose(found[0, 2], two / 2, rtol=1e-5)
    assert not found.diagonal().any()


def test_what_everybody_buys_is_nobodys_first_neighbour() -> None:
    found = bought_together(bought_by("xa", "xa b".replace(" ", ""), "xb", "xc", "xd", "xe", "xf", "ab"))
    ids = list("abcdefx")
    assert ids[int(found.toarray()[0].argmax())] == "b"


@given(
    st.lists(st.text("abcdef", min_size=1, max_size=6).map(lambda t: "".join(dict.fromkeys(t))), min_size=1, max_size=8), st.integers(1, 4)
)
def test_symmetric_until_only_the_strongest_are_kept(words: list[str], most: int) -> None:
    full = bought_together(bought_by(*words), most=99).toarray()
    np.testing.assert_allclose(full, full.T, atol=1e-6)
    few = bought_together(bought_by(*words), most=most).toarray()
    assert ((few > 0).sum(axis=1) <= most).all()
    np.testing.assert_allclose(few.max(axis=1), full.max(axis=1), atol=1e-6)


def test_blocks_are_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    made = Purchases(np.repeat(np.arange(60), 5), rng.integers(0, 40, 300), [str(i) for i in range(40)])
    whole = bought_together(made)
    monkeypatch.setattr("mmsearch.fusion.bought._AT_ONCE", 7)
    np.testing.assert_array_equal(bought_together(made).toarray(), whole.toarray())


def test_rows_and_squares_by_id_without_strangers() -> None:
    found = bought_together(bought_by("ab", "abc"))
    whole, place = found.toarray(), {"a": 0, "b": 1, "c": 2}
    np.testing.assert_allclose(rows_of(found, place, ["c", "?", "a"]).toarray(), [whole[2], [0, 0, 0], whole[0]])
    np.testing.assert_allclose(among(found, place, ["c", "?", "a"]).toarray(), [[0, 0, whole[2, 0]], [0, 0, 0], [whole[0, 2], 0, 0]])
    nobody = Purchases(np.zeros(0, np.int64), np.zeros(0, np.int64), [])
    assert among(bought_together(nobody), {}, ["a"]).toarray().tolist() == [[0]]


def write(folder: Path, rows: list[tuple[str, str, str, int]]) -> Path:
    path = folder / "more.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("user", "product", "event", "time"), *rows])
    return path


def bought(shop: Shop) -> dict[int, list[str]]:
    found = read_purchases(shop.store)
    return {u: [found.ids[p] for p in found.products[found.users == u].tolist()] for u in set(found.users.tolist())}


def test_purchases_come_before_looks_each_product_once_in_order(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    assert read_purchases(shop.store).ids == []
    looks = [("u", "red-hat", "view", 1), ("u", "red-bag", "view", 2), ("u", "red-shoe", "remove_from_cart", 3)]
    shop.ingest(write(tmp_path, looks))
    assert bought(shop) == {0: ["red-hat", "red-bag"]}
    shop.ingest(write(tmp_path, [("u", "red-cup", "buy", 3), ("u", "red-bag", "Purchase", 4), ("u", "red-cup", "buy", 5)]))
    assert bought(shop) == {0: ["red-bag", "red-cup"]}


def test_a_table_without_rows_is_as_none(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False)
    with shop.store.writing("test"):
        shop.store.delete("interactions", "user is not null")
    assert read_purchases(shop.store).ids == []


def test_only_the_newest_of_a_long_history_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.fusion.bought._HISTORY", 2)
    shop = small_shop.make(tmp_path, fuse=False)
    assert all(len(products) <= 2 for products in bought(shop).values())
    assert ["red-cup", "red-chair"] in bought(shop).values()
