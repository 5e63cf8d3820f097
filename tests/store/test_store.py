"""Stores: what is one and what is not, writes that land whole or not at all, reads that see the newest version."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from mmsearch import __version__
from mmsearch.errors import StoreError
from mmsearch.store import Store
from mmsearch.store.store import FORMAT

_ID = pa.field("id", pa.string(), nullable=False)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.create()
    return made


def rows(ids: str, **columns: list[object]) -> pa.Table:
    fields = [
        pa.field(name, pa.float64() if any(isinstance(v, float) for v in values) else pa.string()) for name, values in columns.items()
    ]
    return pa.table({"id": list(ids), **columns}, schema=pa.schema([_ID, *fields]))


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


# -- what is a store ---------------------------------------------------------------------------------------------------


def test_create_then_check(tmp_path: Path) -> None:
    Store(tmp_path / "a" / "b").create()
    Store(tmp_path / "a" / "b").check()
    Store(tmp_path / "a" / "b").create()
    assert Store(tmp_path / "a" / "b").record.get("format") == {"version": FORMAT, "written_by": __version__}


def test_create_twice_writes_once(store: Store) -> None:
    before = tree(Path(store.path))
    Store(store.path).create()
    assert tree(Path(store.path)) == before


def test_the_default_is_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_STORE", str(tmp_path / "env"))
    assert Store().path == str(tmp_path / "env")


@pytest.mark.parametrize("exists", [False, True])
def test_no_store_there(tmp_path: Path, exists: bool) -> None:
    where = tmp_path / "none"
    if exists:
        where.mkdir()
    with pytest.raises(StoreError) as caught:
        Store(where).check()
    assert caught.value.message == f"there is no store at {where}"
    assert "mmsearch ingest products.csv" in str(caught.value.hint)
    assert where.exists() == exists


def test_an_empty_folder_becomes_one(tmp_path: Path) -> None:
    Store(tmp_path).create()
    Store(tmp_path).check()


def test_a_folder_left_by_a_killed_creation_becomes_one(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("mmsearch make the store (process 1)")
    with pytest.raises(StoreError, match="there is no store at"):
        Store(tmp_path).check()
    Store(tmp_path).create()
    Store(tmp_path / "other").connect().create_table("mmsearch_record", schema=Store(tmp_path).read("mmsearch_record").schema)
    Store(tmp_path / "other").create()  # killed between the table and its first row
    Store(tmp_path / "other").check()


@pytest.mark.parametrize("kind", ["folder", "file", "other lancedb"])
def test_what_is_not_a_store_is_refused_and_left_as_it_was(tmp_path: Path, kind: str) -> None:
    where = tmp_path / "foreign"
    if kind == "folder":
        where.mkdir()
        (where / "thesis.txt").write_text("years of work")
    elif kind == "file":
        where.write_text("years of work")
    else:
        Store(where).connect().create_table("products", pa.table({"id": ["1"]}))
    before = tree(tmp_path)
    for attempt in (Store(where).check, Store(where).create):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert caught.value.message == f"{where} is not an mmsearch store"
        assert "--store" in str(caught.value.hint)
    assert tree(tmp_path) == before


def test_a_newer_format_is_refused_and_left_as_it_was(store: Store) -> None:
    store.record.put("format", {"version": 99, "written_by": "7.3"})
    before = tree(Path(store.path))
    for attempt in (Store(store.path).check, Store(store.path).create):
        with pytest.raises(StoreError) as caught:
            attempt()
        assert caught.value.message == f"{store.path} was written by mmsearch 7.3 (store format 99); this mmsearch reads format {FORMAT}"
        assert caught.value.hint == "install a newer mmsearch: pip install --upgrade mmsearch"
    assert tree(Path(store.path)) == before


@pytest.mark.parametrize("value", [{}, {"version": "1"}, {"version": None}])
def test_a_record_without_a_format(store: Store, value: dict[str, object]) -> None:
    store.record.put("format", value)
    with pytest.raises(StoreError, match="holds no format version; it is damaged or not a store"):
        Store(store.path).check()


def test_a_store_whose_making_was_killed_is_none_yet(tmp_path: Path) -> None:
    """The record's table was made and not yet filled."""
    from mmsearch.store import record

    store = Store(tmp_path / "s")
    store.open_table(record.Record.TABLE, record._SCHEMA, "key")
    with pytest.raises(StoreError, match="there is no store"):
        Store(tmp_path / "s").check()
    Store(tmp_path / "s").create()
    Store(tmp_path / "s").check()


def test_a_record_whose_data_is_gone(store: Store) -> None:
    shutil.rmtree(Path(store.path) / "mmsearch_record.lance" / "data")
    with pytest.raises(StoreError, match="cannot read the table mmsearch_record of"):
        Store(store.path).check()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"cannot write to the store .*file/store: Not a directory"):
        Store(tmp_path / "file" / "store").create()


def test_processes_that_make_the_store_at_once(tmp_path: Path) -> None:
    code = "import sys; from mmsearch.store import Store; s = Store(sys.argv[1]); s.create(); s.check()"
    made = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "store")], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in made:
        errors = process.communicate()[1]
        assert process.returncode == 0, errors
    assert Store(tmp_path / "store").count("mmsearch_record") == 1


# -- writing -----------------------------------------------------------------------------------------------------------


def test_upsert_inserts_and_replaces(store: Store) -> None:
    store.upsert("t", rows("ab", x=[1.0, 2.0]), "id")
    store.upsert("t", rows("bc", x=[20.0, 3.0]), "id")
    store.upsert("t", rows(""), "id")
    assert {r["id"]: r["x"] for r in store.read("t").to_pylist()} == {"a": 1.0, "b": 20.0, "c": 3.0}
    assert store.count("t") == 3
    assert store.count("t", where="x > 2.5") == 2
    assert store.read("t", ["x"], where="id = 'c'").to_pylist() == [{"x": 3.0}]
    assert store.read("t", ["id"], limit=2).num_rows == 2


def test_columns_that_are_not_given_are_kept_and_new_ones_are_added(store: Store) -> None:
    store.upsert("t", rows("ab", x=[1.0, 2.0], y=["p", "q"]), "id")
    store.upsert("t", rows("bc", y=["Q", None], z=["new", None]), "id")
    assert sorted(store.read("t").to_pylist(), key=lambda r: r["id"]) == [
        {"id": "a", "x": 1.0, "y": "p", "z": None},
        {"id": "b", "x": 2.0, "y": "Q", "z": "new"},
        {"id": "c", "x": None, "y": None, "z": None},
    ]


def test_a_table_that_was_emptied_takes_rows_with_fewer_columns(store: Store) -> None:
    store.upsert("t", rows("a", x=[1.0], y=["p"]), "id")
    store.delete("t", "id = 'a'")
    store.upsert("t", rows("b", y=["q"]), "id")
    assert store.read("t").to_pylist() == [{"id": "b", "x": None, "y": "q"}]


def test_a_large_write_goes_in_pieces(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.store.store._INSERT_BATCH", 3)
    store.upsert("t", rows("a", x=[0.0]), "id")
    store.upsert("t", rows("abcdefg", x=[float(n) for n in range(1, 8)]), "id")
    assert sorted(store.read("t").column("x").to_pylist()) == [1, 2, 3, 4, 5, 6, 7]


def test_duplicate_keys_in_one_write_are_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="duplicate values of id in one write to t"):
        store.upsert("t", rows("aba", x=[1.0, 2.0, 3.0]), "id")
    assert not store.has("t")


def test_a_failed_write_leaves_what_was_there(store: Store) -> None:
    store.upsert("t", rows("ab", x=[1.0, 2.0]), "id")
    with pytest.raises(StoreError, match="cannot write 2 rows to the table t of"):
        store.upsert("t", rows("bc", x=["not", "numbers"]), "id")
    assert {r["id"]: r["x"] for r in store.read("t").to_pylist()} == {"a": 1.0, "b": 2.0}


def test_delete_and_drop(store: Store) -> None:
    for attempt in (lambda: store.delete("none", "true"), lambda: store.drop("none")):
        attempt()
    for letter in "abc":
        store.upsert("t", rows(letter, x=[1.0]), "id")
    store.delete("t", "id = 'b'")
    assert store.read("t", ["id"]).column("id").to_pylist() == ["a", "c"]
    store.drop("t")
    assert (store.has("t"), store.count("t"), store.version("t"), list(store.batches("t", ["id"]))) == (False, 0, 0, [])
    with pytest.raises(StoreError, match="has no table t"):
        store.read("t")


def test_batches(store: Store) -> None:
    store.upsert("t", rows("abcdefg", x=[float(n) for n in range(7)]), "id")
    batches = list(store.batches("t", ["id"], rows=3))
    assert max(b.num_rows for b in batches) <= 3
    assert "".join(i for b in batches for i in b.column("id").to_pylist()) == "abcdefg"


# -- handles -----------------------------------------------------------------------------------------------------------


def test_a_reader_sees_what_another_handle_writes(store: Store) -> None:
    reader = Store(store.path)
    assert not reader.has("t")
    store.upsert("t", rows("a", x=[1.0]), "id")
    assert reader.count("t") == 1
    seen = reader.version("t")
    assert reader.version("t") == seen
    store.upsert("t", rows("b", y=["new column"]), "id")
    assert reader.read("t").column_names == ["id", "x", "y"]
    assert reader.version("t") != seen
    store.delete("t", "id = 'a'")
    assert reader.read("t", ["id"]).column("id").to_pylist() == ["b"]


def test_a_table_is_opened_once(store: Store) -> None:
    store.upsert("t", rows("a", x=[1.0]), "id")
    assert store.dataset("t") is store.dataset("t")


def test_a_reader_notices_that_a_table_was_dropped(store: Store) -> None:
    reader = Store(store.path)
    store.upsert("t", rows("a", x=[1.0]), "id")
    assert reader.count("t") == 1
    store.drop("t")
    assert not reader.has("t")
    assert reader.count("t") == 0


def test_a_reader_notices_that_a_table_was_made_anew(store: Store) -> None:
    """The new table's versions count from 1 again: the number alone would pass for the old table's."""
    reader = Store(store.path)
    store.upsert("t", rows("a", x=[1.0]), "id")
    old = reader.version("t")
    assert reader.read("t").to_pylist() == [{"id": "a", "x": 1.0}]
    store.drop("t")
    store.upsert("t", rows("b", y=["other"]), "id")
    assert store.dataset("t").version == 3
    assert reader.read("t").to_pylist() == [{"id": "b", "y": "other"}]
    assert reader.version("t") != old


def test_a_reader_notices_that_the_whole_store_was_made_anew(store: Store) -> None:
    reader = Store(store.path)
    store.record.put("x", "old")
    assert reader.record.get("x") == "old"
    shutil.rmtree(store.path)
    with pytest.raises(StoreError, match="there is no store"):
        reader.check()
    again = Store(store.path)
    again.create()
    again.record.put("x", "new")
    assert reader.record.get("x") == "new"


def test_a_batch_reader_keeps_the_version_it_began_with(store: Store) -> None:
    store.upsert("t", rows("abc", x=[1.0, 2.0, 3.0]), "id")
    reading = store.batches("t", ["id"], rows=1)
    first = next(reading)
    store.delete("t", "true")
    assert first.num_rows + sum(b.num_rows for b in reading) == 3


@pytest.mark.parametrize("read", ["read", "count", "batches"])
def test_damaged_data_is_a_clear_error(store: Store, read: str) -> None:
    store.upsert("t", rows("abc", x=[1.0, 2.0, 3.0]), "id")
    for file in (Path(store.path) / "t.lance" / "data").iterdir():
        file.write_bytes(b"")
    attempts = {
        "read": lambda s: s.read("t"),
        "count": lambda s: s.count("t", where="x > 1"),
        "batches": lambda s: list(s.batches("t", ["id"])),
    }
    with pytest.raises(StoreError, match=f"cannot read the table t of {store.path}: ") as caught:
        attempts[read](Store(store.path))
    assert ".rs:" not in caught.value.message


def test_a_filter_that_lance_refuses_is_a_clear_error(store: Store) -> None:
    store.upsert("t", rows("a", x=[1.0]), "id")
    with pytest.raises(StoreError, match="cannot read the table t"):
        store.count("t", where="no_such_column = 1")


# -- rows that are known to be new -------------------------------------------------------------------------------------


def test_append_adds_and_takes_no_key_twice(store: Store) -> None:
    store.append("t", rows("ab", x=["1", "2"]), "id")
    store.append("t", rows("c", x=["3"]), "id")
    assert sorted(row["id"] + row["x"] for row in store.read("t").to_pylist()) == ["a1", "b2", "c3"]
    with pytest.raises(StoreError, match="duplicate values of id"):
        store.append("t", rows("dd", x=["1", "2"]), "id")
    assert store.count("t") == 3


def test_the_tables_there_are(store: Store) -> None:
    for name in ("vectors_text_1", "vectors_text_2", "vectors_image_1"):
        store.upsert(name, rows("a"), "id")
    assert store.tables("vectors_text_") == ["vectors_text_1", "vectors_text_2"]
    assert store.tables() == ["mmsearch_record", "vectors_image_1", "vectors_text_1", "vectors_text_2"]
    assert Store(Path(store.path) / "nowhere").tables() == []


def test_within_a_steady_body_a_table_stays_as_it_was(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "store.lancedb"), Store(tmp_path / "store.lancedb")
    store.create()
    row = pa.table({"id": ["a"]}, schema=pa.schema([pa.field("id", pa.string(), nullable=False)]))
    store.upsert("products", row, "id")
    with store.steady():
        version = store.version("products")
        other.upsert("products", row.set_column(0, row.schema.field(0), pa.array(["b"])), "id")
        assert (store.version("products"), store.count("products")) == (version, 1)
        with store.steady():
            assert store.count("products") == 2, "a body within begins anew"
        assert store.count("products") == 1
    assert store.count("products") == 2
