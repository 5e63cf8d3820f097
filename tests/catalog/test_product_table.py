"""The writer of products: what a row says lands, what it does not say stays, wherever attributes are kept and whenever the process dies."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from filter_trees import Row
from hypothesis import given, settings
from hypothesis import strategies as st
from product_shelf import bring, contents, new_store, passing, product, with_columns

from mmsearch.catalog.product_table import ProductTable
from mmsearch.catalog.records import Product
from mmsearch.errors import StoreError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, HIDDEN, load_attributes
from mmsearch.store.layout import MAX_COLUMNS, choose
from mmsearch.store.sparse import count_names
from mmsearch.store.store import ATTRIBUTES, FORMAT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "store")


def fresh(store: Store) -> Store:
    """The store as another process opens it."""
    return Store(store.path)


def columns(store: Store) -> set[str]:
    """The shop's own attributes that have columns."""
    return set(load_attributes(store).columns) - set(CORE)


def check_tidy(store: Store) -> None:
    """Nothing lies where the record does not see it."""
    names = load_attributes(store)
    opened = store.dataset(PRODUCTS)
    assert opened is not None
    assert set(opened.schema.names) == {c for kinds in names.columns.values() for c in kinds.values()} | set(HIDDEN)
    assert set(count_names(store)) == set(names.sparse)
    if store.has(ATTRIBUTES):
        assert set(store.read(ATTRIBUTES, ["id"]).column("id").to_pylist()) <= set(store.read(PRODUCTS, ["id"]).column("id").to_pylist())


# -- which attributes have columns -------------------------------------------------------------------------------------


def test_frequent_attributes_have_columns_and_rare_ones_do_not(store: Store) -> None:
    bring(
        store, [product(str(i), {"often": 1.0} | ({"rare": "x"} if i < 4 else {}) | ({"edge": True} if i < 5 else {})) for i in range(100)]
    )
    assert columns(store) == {"often", "edge"}
    assert load_attributes(store).sparse == {"rare": ("text",)}
    assert store.count(ATTRIBUTES) == 4


def test_the_first_chunk_decides_and_the_end_puts_it_right(store: Store) -> None:
    first = [product(str(i), {f"early{i % 40}": 1.0}) for i in range(100)]  # each 2 or 3 %
    rest = [product(str(i), {"late": 2.0, "early0": 1.0, f"early{i % 40}": "x"}) for i in range(100, 400)]
    bring(store, first + rest, chunk=100)
    assert columns(store) == {"late", "early0"}
    assert contents(store) == {p.id: {n: (kind, value) for n, (kind, value) in p.attributes.items()} for p in [*first, *rest]}
    check_tidy(store)


def test_an_attribute_that_becomes_rare_goes_back_below_half(store: Store) -> None:
    bring(store, [product(str(i), {"size": 1.0, "other": "x"}) for i in range(10)])
    assert columns(store) == {"size", "other"}
    bring(store, [product(str(i), {"other": "x"}) for i in range(10, 300)])
    assert columns(store) == {"size", "other"}, "3.3 % is rare, yet no reason to move"
    bring(store, [product(str(i), {"other": "x"}) for i in range(300, 500)])
    assert columns(store) == {"other"}
    assert passing(store, "size = 1 and other = 'x'") == {str(i) for i in range(10)}
    check_tidy(store)


def test_an_attribute_that_nobody_has_any_more_is_no_attribute(store: Store) -> None:
    bring(store, [product(str(i), {"size": 1.0} | ({"rare": 1.0} if not i else {})) for i in range(30)])
    bring(store, [product(str(i), {}, cleared=["size", "rare"]) for i in range(30)])
    assert load_attributes(store).names() == list(CORE)
    check_tidy(store)


def test_columns_are_capped(store: Store) -> None:
    rows = [product(str(i), {f"a{j}": 1.0 for j in range(i * 500, i * 500 + 500)} | {"shared": 1.0}) for i in range(6)]
    bring(store, rows)
    assert len(columns(store)) == MAX_COLUMNS
    assert "shared" in columns(store), "the most filled come first"
    assert len(load_attributes(store).sparse) == 3001 - MAX_COLUMNS
    assert passing(store, "a2999 = 1") == {"5"}
    check_tidy(store)


def test_choose() -> None:
    filled = {"a": 50, "b": 30, "c": 5, "d": 4, "title": 100}
    assert choose(filled, 100) == ["a", "b", "c"]
    assert choose(filled, 100, ["d"]) == ["a", "b", "d", "c"]
    assert choose(filled, 0) == []


def test_small_ingests_do_not_look_at_the_layout_each_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(store, [product(str(i), {"size": 1.0}) for i in range(100)])
    looked: list[int] = []
    monkeypatch.setattr("mmsearch.catalog.product_table.rebalance", lambda _: looked.append(1))
    for i in range(5):
        bring(store, [product(str(i), {"size": 2.0})])
        assert len(looked) == (i == 4), "but once they are 5 % together"


# -- what a row says, and what it does not ------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [[], ["size", "tags"], ["size"]])
def test_partial_feeds(store: Store, layout: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with_columns(monkeypatch, layout)
    bring(store, [product("1", {"title": "a", "size": 5.0, "tags": ["x", "y"]}), product("2", {"title": "b", "size": 6.0})])
    bring(store, [product("1", {"price": 9.0}), product("2", {"price": 8.0, "size": "M", "tags": []})])
    assert contents(store) == {
        "1": {"title": ("text", "a"), "price": ("number", 9.0), "size": ("number", 5.0), "tags": ("list", ["x", "y"])},
        "2": {"title": ("text", "b"), "price": ("number", 8.0), "size": ("text", "M"), "tags": ("list", [])},
    }
    bring(store, [product("1", {"title": None}, cleared=["size", "tags", "never seen"]), product("2", {"size": True})])
    assert contents(store) == {
        "1": {"price": ("number", 9.0)},
        "2": {"title": ("text", "b"), "price": ("number", 8.0), "size": ("bool", True), "tags": ("list", [])},
    }
    assert (passing(store, "size = true"), passing(store, "tags is not null")) == ({"2"}, {"2"})


def test_media_stay_where_they_lie_when_a_feed_from_elsewhere_brings_others(store: Store) -> None:
    bring(store, [product("1", {"images": ["a.png"], "audio": ["a.wav", "https://x/y.wav"]}), product("2", {"audio": ["b.wav"]})])
    bring(store, [product("1", {"images": ["n.png"]}, folder="/new"), product("2", {"price": 5.0}, folder="/new")])
    rows = {row["id"]: row for row in store.read(PRODUCTS, ["id", "images", "audio", "_folder"]).to_pylist()}
    assert rows["1"] == {"id": "1", "images": ["n.png"], "audio": ["/shop/a.wav", "https://x/y.wav"], "_folder": "/new"}
    assert rows["2"] == {"id": "2", "images": None, "audio": ["b.wav"], "_folder": "/shop"}


def test_delete(store: Store) -> None:
    bring(store, [product(str(i), {"size": 1.0} | ({"rare": 1.0} if i < 2 else {})) for i in range(50)])
    with store.writing("test"):
        table = ProductTable(store)
        table.delete(["0", "5", "no such"])
        table.finish()
    assert set(contents(store)) == {str(i) for i in range(50)} - {"0", "5"}
    assert (passing(store, "rare = 1"), store.count(ATTRIBUTES)) == ({"1"}, 1)
    check_tidy(store)


_NAMES = ["a", "b", "c", "d"]
_VALUES: list[Any] = [1.0, "x", True, ["p", "q"], []]
_rows = st.dictionaries(st.sampled_from([*_NAMES, "title"]), st.sampled_from(_VALUES), max_size=4)
_feeds = st.lists(
    st.dictionaries(st.sampled_from("123456"), st.tuples(_rows, st.sets(st.sampled_from(_NAMES), max_size=2)), min_size=1),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(feeds=_feeds, layouts=st.lists(st.sets(st.sampled_from(_NAMES)), min_size=4, max_size=4))
def test_any_feeds_in_any_layout(tmp_path_factory: pytest.TempPathFactory, feeds: list[Any], layouts: list[set[str]]) -> None:
    store, expected = new_store(tmp_path_factory.mktemp("feeds") / "store"), dict[str, Row]()
    for feed, layout in zip(feeds, layouts, strict=False):
        products = []
        for id, (row, cleared) in feed.items():
            row = {n: ("t" if n == "title" else v) for n, v in row.items()}
            cleared = cleared - set(row)
            products.append(product(id, row, cleared=sorted(cleared)))
            expected[id] = {n: v for n, v in (expected.get(id, {}) | row).items() if n not in cleared}
        with pytest.MonkeyPatch.context() as patch:
            with_columns(patch, layout)
            bring(store, products, chunk=2)
        assert {id: {n: v for n, (_, v) in row.items()} for id, row in contents(store).items()} == expected
        check_tidy(store)


# -- a process that dies -------------------------------------------------------------------------------------------------


class Killed(BaseException):
    pass


def dying(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Every write to the disk counts; the one after `after` does not come."""
    done = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal done
            if done >= after:
                raise Killed
            out = method(*args, **options)
            done += 1
            return out

        return call

    for name in ("upsert", "append", "delete", "drop_columns", "open_table"):
        monkeypatch.setattr(Store, name, counted(getattr(Store, name)))


def test_killed_between_any_two_steps(tmp_path: Path) -> None:
    """Values move both ways and change at the same time: each is seen once, old or new, and the next ingest ends as if nothing had been."""
    chance = random.Random(3)
    before = [product(str(i), {n: chance.choice([1.0, "x"]) for n in _NAMES if chance.random() < 0.8}) for i in range(12)]
    after = [
        product(str(i), {n: chance.choice([2.0, "y", True]) for n in _NAMES if chance.random() < 0.5}, cleared=["e"]) for i in range(6, 18)
    ]
    steps = 0
    while True:
        store = new_store(tmp_path / str(steps))
        with pytest.MonkeyPatch.context() as patch:
            with_columns(patch, ["a", "b"])
            bring(store, before)
        old = contents(store)
        with pytest.MonkeyPatch.context() as patch:
            with_columns(patch, ["b", "c"])
            dying(patch, steps)
            try:
                bring(store, after, chunk=6)
                finished = True
            except Killed:
                finished = False
        seen = contents(fresh(store))
        new = _merged(old, after)
        for id, row in seen.items():
            for name in _NAMES:
                assert row.get(name) in (old.get(id, {}).get(name), new[id].get(name)), (steps, id, name)
        assert set(old) <= set(seen)
        unfinished = fresh(store)
        with pytest.MonkeyPatch.context() as patch, unfinished.writing("test"):
            with_columns(patch, ["b", "c"])
            table = ProductTable(unfinished)
            known = table.known()
            assert set(known.values()) <= {b""} or steps == 0 or finished, "no digest counts after a kill"
            table.write(after, known)
            table.finish()
        assert contents(fresh(store)) == new, steps
        assert columns(fresh(store)) == {"b", "c"}, steps
        check_tidy(fresh(store))
        if finished:
            break
        steps += 1
    assert steps > 15, "the ingest has many steps"


def _merged(old: dict[str, Any], products: list[Product]) -> dict[str, Any]:
    return old | {p.id: old.get(p.id, {}) | p.attributes for p in products}


def test_values_without_a_product_are_not_seen_and_go(store: Store) -> None:
    with pytest.MonkeyPatch.context() as patch:
        with_columns(patch, [])
        with pytest.raises(Killed), pytest.MonkeyPatch.context() as inner:
            dying(inner, 4)  # format and layout are recorded, the table and the record of names are there, and the values
            bring(store, [product("1", {"size": 1.0})])
        if store.has(ATTRIBUTES):
            assert contents(store) == {}
        bring(store, [product("1", {"colour": "red"})])
    assert contents(store) == {"1": {"colour": ("text", "red")}}
    check_tidy(store)


# -- what is known -------------------------------------------------------------------------------------------------------


def test_known(store: Store) -> None:
    assert ProductTable(store).known() == {}
    products = [product(str(i), {"title": "x"}) for i in range(5)]
    products[3].row_digest = b""
    bring(store, products)
    assert ProductTable(store).known() == {p.id: p.row_digest for p in products}


def test_known_refuses_what_is_no_digest(store: Store) -> None:
    bring(store, [product("1", {})])
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("_row", pa.string())])
    store.upsert(PRODUCTS, pa.table({"id": ["1"], "_row": ["not a digest at all"]}, schema=schema), "id")
    with pytest.raises(StoreError, match="hold a digest that is none"):
        ProductTable(store).known()


def test_what_says_nothing_new_is_not_written(store: Store) -> None:
    bring(store, [product(str(i), {"title": "x", "price": 5.0, "size": 1.0, "tags": ["a", "b"]}) for i in range(3)])
    before = store.version(PRODUCTS)
    again = [product("0", {"price": 5.0}), product("1", {"size": 1.0, "tags": ["a", "b"]}), product("2", {}, cleared=["colour"])]
    with store.writing("test"):
        table = ProductTable(store)
        assert table.write(again, table.known()) == (0, 0, 3)
        assert store.version(PRODUCTS) == before
        some = [product("0", {"price": 6.0}), product("1", {"tags": ["b", "a"]}), product("2", {}, cleared=["size"]), product("3", {})]
        assert table.write(some, table.known(), dry_run=True) == (1, 3, 0)
        assert store.version(PRODUCTS) == before
        assert table.write(some, table.known()) == (1, 3, 0)
        table.finish()
    assert contents(store) == {
        "0": {"title": ("text", "x"), "price": ("number", 6.0), "size": ("number", 1.0), "tags": ("list", ["a", "b"])},
        "1": {"title": ("text", "x"), "price": ("number", 5.0), "size": ("number", 1.0), "tags": ("list", ["b", "a"])},
        "2": {"title": ("text", "x"), "price": ("number", 5.0), "tags": ("list", ["a", "b"])},
        "3": {},
    }


def test_a_row_that_was_corrected_gets_its_digest(store: Store) -> None:
    made = product("1", {"title": "x"})
    digest, made.row_digest = made.row_digest, b""
    bring(store, [made])
    assert ProductTable(store).known() == {"1": b""}
    made.row_digest = digest
    bring(store, [made])
    assert ProductTable(store).known() == {"1": digest}


# -- stores of an older mmsearch -------------------------------------------------------------------------------------------


def test_a_store_of_the_first_format(store: Store) -> None:
    """No `_row`, no currency, parent and stock of ours, but a text attribute of the shop's that is called stock."""
    names = {n: {k: n} for n, k in CORE.items() if n not in ("currency", "parent", "stock")}
    store.record.put("format", {"version": 1, "written_by": "0.1.0"})
    store.record.put("attributes", names | {"stock": {"text": "stock"}})
    schema = pa.schema(
        [pa.field("id", pa.string(), nullable=False), *(pa.field(c, pa.string()) for c in ("title", "stock", "_folder", "_hash"))]
    )
    rows = pa.Table.from_arrays([pa.array([v], pa.string()) for v in ("1", "a", "few", "/shop", "ab" * 16)], schema=schema)
    store.upsert(PRODUCTS, rows, "id")
    assert contents(store) == {"1": {"title": ("text", "a"), "stock": ("text", "few")}}
    assert passing(store, "stock = 'few'") == {"1"}
    assert ProductTable(store).known() == {"1": b""}
    bring(store, [product("1", {"stock": 5.0, "currency": "EUR"}), product("2", {"price": 1.0})])
    assert contents(store) == {
        "1": {"title": ("text", "a"), "stock": ("number", 5.0), "currency": ("text", "EUR")},
        "2": {"price": ("number", 1.0)},
    }
    assert (store.record.get("format") or {})["version"] == FORMAT
    store.check()
