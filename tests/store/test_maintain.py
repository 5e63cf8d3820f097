"""Optimising: small files merged, old versions and what killed writers left removed, nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import lance
import pyarrow as pa
import pytest

from mmsearch.errors import StoreError
from mmsearch.store import Store
from mmsearch.store.maintain import optimize, too_many_files

NOW = timedelta(0)
_SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("x", pa.float64())])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.create()
    return made


def write(store: Store, ids: str, x: float = 1.0) -> None:
    store.upsert("t", pa.table({"id": list(ids), "x": [x] * len(ids)}, schema=_SCHEMA), "id")


def content(store: Store) -> dict[str, float]:
    rows = Store(store.path).read("t").to_pylist()
    return {r["id"]: r["x"] for r in rows}


def test_files_are_merged_and_rows_stay(store: Store) -> None:
    for letter in "abcdef":
        write(store, letter)
    write(store, "c", 7.0)
    before = content(store)
    done = {t.table: t for t in optimize(store, NOW)}
    assert set(done) == {"mmsearch_record", "t"}
    assert done["t"].rows == 6
    assert (done["t"].files_after or 99) < (done["t"].files_before or 0)
    assert (done["t"].bytes_after or 1 << 60) < (done["t"].bytes_before or 0)
    assert content(store) == before
    assert len(lance.dataset(f"{store.path}/t.lance").versions()) == 1
    assert len(Store(store.path).dataset("t").get_fragments()) == 1


def test_young_versions_stay(store: Store) -> None:
    for letter in "abc":
        write(store, letter)
    table = lance.dataset(f"{store.path}/t.lance")
    reader = table.checkout_version(table.version - 1)
    optimize(store, timedelta(hours=1))
    assert sorted(reader.to_table(columns=["id"]).column("id").to_pylist()) == ["a", "b"]


def test_what_killed_writers_left_goes(store: Store) -> None:
    write(store, "abc")
    folder = Path(store.path) / "t.lance"
    real = next((folder / "data").glob("*.lance"))
    left = [
        folder / "data" / "00000000000000000000000011112222333344445555666677.lance",
        folder / "data" / ".tmpAbCdEf",
        folder / "_versions" / "18446744073709551000.manifest#1",
    ]
    for path in left:
        shutil.copy(real, path)
    (Path(store.path) / "unborn.lance" / "_transactions").mkdir(parents=True)
    optimize(store, timedelta(hours=1))
    assert [path for path in left if path.exists()] == []
    assert not (Path(store.path) / "unborn.lance").exists()
    assert content(store) == {"a": 1.0, "b": 1.0, "c": 1.0}


def test_many_small_writes_are_merged_as_they_come(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.store.maintain._SMALL_FILES", 4)
    for letter in "abcdefghijkl":
        write(store, letter)
    assert sorted(content(store)) == list("abcdefghijkl")
    assert not too_many_files(Store(store.path).dataset("t"))


def test_a_writer_that_takes_no_lock_is_given_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, "a")
    calls = []

    def conflict(*_: object) -> None:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("Retryable commit conflict for version 4")

    monkeypatch.setattr("mmsearch.store.maintain.compact", conflict)
    monkeypatch.setattr("mmsearch.store.maintain.time.sleep", lambda _: None)
    optimize(store)
    assert len(calls) > 3


def test_other_errors_are_told_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("No space left on device (os error 28)")

    monkeypatch.setattr("mmsearch.store.maintain.compact", broken)
    with pytest.raises(StoreError, match=r"cannot optimize the table mmsearch_record of .*: the disk is full") as caught:
        optimize(store)
    assert "make room" in str(caught.value.hint)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        optimize(Store(tmp_path / "none"))


# -- lost files --------------------------------------------------------------------------------------------------------


def _newest_gone(folder: Path) -> None:
    min((folder / "_versions").glob("*.manifest")).unlink()


def _versions_gone(folder: Path) -> None:
    shutil.rmtree(folder / "_versions")


def _manifests_gone(folder: Path) -> None:
    for path in (folder / "_versions").glob("*.manifest"):
        path.unlink()


@pytest.mark.parametrize("damage", [_newest_gone, _versions_gone, _manifests_gone])
def test_lost_versions_are_noticed(store: Store, damage: Callable[[Path], None]) -> None:
    for letter in "abc":
        write(store, letter)
    damage(Path(store.path) / "t.lance")
    for attempt in (lambda s: s.read("t"), lambda s: s.has("t"), lambda s: s.count("t")):
        with pytest.raises(StoreError, match=r"the table t of .* has lost files") as caught:
            attempt(Store(store.path))
        assert "from a copy" in str(caught.value.hint)


def test_a_table_whose_making_was_killed_is_none(store: Store) -> None:
    (Path(store.path) / "t.lance" / "_transactions").mkdir(parents=True)
    assert not store.has("t")
    write(store, "a")
    assert content(store) == {"a": 1.0}


def test_a_damaged_note_of_the_newest_version_tells_nothing(store: Store) -> None:
    write(store, "a")
    (Path(store.path) / "t.lance" / "_versions" / "latest_version_hint.json").write_text("{")
    assert content(store) == {"a": 1.0}


def test_a_table_that_is_gone_is_missed(store: Store) -> None:
    write(store, "a")
    reader = Store(store.path)
    assert reader.count("t") == 1
    shutil.rmtree(Path(store.path) / "t.lance")
    for seen in (reader, Store(store.path)):
        with pytest.raises(StoreError, match=r"the table t of .* is gone"):
            seen.count("t")
    with pytest.raises(StoreError, match=r"the table t of .* is gone"):
        write(Store(store.path), "b")


def test_a_table_that_was_dropped_is_not_missed(store: Store) -> None:
    write(store, "a")
    store.drop("t")
    assert not Store(store.path).has("t")
    write(store, "b")
    assert content(store) == {"b": 1.0}


def test_a_drop_that_is_killed_leaves_no_half_of_a_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, "a")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.drop("t")
    left = [p.name for p in Path(store.path).iterdir() if p.name.startswith(".dropped")]
    assert len(left) == 1
    assert "t" not in Store(store.path).tables()
    write(Store(store.path), "b")
    assert content(Store(store.path)) == {"b": 1.0}
    optimize(store)
    assert not [p.name for p in Path(store.path).iterdir() if p.name.startswith(".dropped")]


def test_a_record_that_is_gone_is_missed(store: Store) -> None:
    write(store, "a")
    shutil.rmtree(Path(store.path) / "mmsearch_record.lance")
    for attempt in (Store(store.path).check, Store(store.path).create):
        with pytest.raises(StoreError, match=r"the table mmsearch_record of .* is gone"):
            attempt()
