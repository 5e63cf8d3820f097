"""The store's record of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import StoreError
from mmsearch.store import Store
from mmsearch.store.record import Record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_an_empty_one(store: Store) -> None:
    assert store.record.get("x") is None
    assert store.record.keys() == []
    assert not Path(store.path).exists()


def test_put_replaces_and_delete_removes(store: Store) -> None:
    store.record.put("profile/b", {"v": 1})
    store.record.put("profile/a", [1, "二", None, {"x": True}])
    store.record.put("other", 0.1)
    assert store.record.keys("profile/") == ["profile/a", "profile/b"]
    assert store.record.get("profile/a") == [1, "二", None, {"x": True}]
    store.record.put("profile/b", {"v": 2})
    assert store.record.get("profile/b") == {"v": 2}
    store.record.delete("profile/b")
    store.record.delete("profile/b")
    assert store.record.keys() == ["other", "profile/a"]


def test_the_binary_part(store: Store) -> None:
    store.record.put("state", {"v": 1}, b"\x00\xff" * 1000)
    assert store.record.blob("state") == b"\x00\xff" * 1000
    store.record.put("state", {"v": 2})  # the old state does not outlive what it belonged to
    for key in ("state", "no such"):
        with pytest.raises(StoreError, match=f"the record {key} has no state; it is damaged"):
            store.record.blob(key)


def test_a_key_is_no_filter(store: Store) -> None:
    for key in ("a", "it's", "' or 'a' = 'a"):
        store.record.put(key, key, key.encode())
    store.record.delete("x' or 'a' = 'a")
    assert store.record.keys() == ["' or 'a' = 'a", "a", "it's"]
    assert store.record.blob("it's") == b"it's"
    store.record.delete("' or 'a' = 'a")
    assert store.record.keys() == ["a", "it's"]


def test_another_handle_sees_what_was_written(store: Store) -> None:
    other = Store(store.path)
    assert other.record.get("x") is None
    store.record.put("x", 1)
    assert other.record.get("x") == 1
    store.record.put("x", 2)
    assert other.record.get("x") == 2


def test_a_damaged_value(store: Store) -> None:
    rows = {"key": ["x"], "value": ["{not json"], "blob": pa.array([None], pa.large_binary())}
    store.record.put("y", 1)
    store.upsert(Record.TABLE, pa.table(rows, schema=store.read(Record.TABLE).schema), "key")
    with pytest.raises(StoreError, match="record cannot be read"):
        store.record.get("y")


_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**60), 2**60),
        st.floats(allow_nan=False),
        st.text(st.characters(exclude_categories=["Cs"])),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("record") / "store")


@settings(max_examples=15, derandomize=True, deadline=None)
@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), value=_json)
def test_any_key_and_value_come_back(shared: Store, key: str, value: Any) -> None:
    shared.record.put(key, value)
    assert Store(shared.path).record.get(key) == value
