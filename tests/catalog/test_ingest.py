"""Files → the store, as `mmsearch ingest` does it."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_shop import IngestShop, counts
from PIL import Image

from mmsearch.catalog.feed import Digested, Feed
from mmsearch.catalog.ingest import ingest
from mmsearch.catalog.product_table import ProductTable
from mmsearch.catalog.report import IngestReport
from mmsearch.errors import InputError, MMSearchError, StoreError
from mmsearch.store import INTERACTIONS, PRODUCTS, Store
from mmsearch.store.attributes import CORE, load_attributes


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


# -- products ----------------------------------------------------------------------------------------------------------


def test_csv(shop: IngestShop) -> None:
    report = shop.bring("\ufeffSKU;商品名称;价格;Size\nA1;Red <b>shoe</b>;9,50 €;42\n\nA2;跑鞋;;M\n")
    assert counts(report) == {"rows": 2, "new": 2}
    assert report.to_json()["mapping"] == {"id": "SKU", "title": "商品名称", "price": "价格"}
    assert (report.kind, report.exit_code, report.reject_file, report.notes) == ("products", 0, None, [])
    assert shop.products() == {
        "A1": {"title": "Red shoe", "price": 9.5, "currency": "EUR", "Size": 42.0, "title_language": "en"},
        "A2": {"title": "跑鞋", "Size": "M", "title_language": "zh"},
    }
    assert shop.where("Size = 42") == "A1"
    assert shop.where("Size = 'M'") == "A2"
    assert set(load_attributes(shop.store).names()) == {*CORE, "Size", "title_language"}


def test_json_lines(shop: IngestShop) -> None:
    rows = [
        {"id": 1, "title": "a", "spec": {"w": 5, "on": True}, "tags": ["x", "y"], "a.b`c": 1},
        {"id": "2", "spec": {"w": "wide"}, "tags": []},
    ]
    report = shop.bring("\n".join(map(json.dumps, rows)), "feed.jsonl")
    assert counts(report) == {"rows": 2, "new": 2}
    assert shop.products() == {
        "1": {"title": "a", "spec.w": 5.0, "spec.on": True, "tags": ["x", "y"], "a.b`c": 1.0},
        "2": {"spec.w": "wide"},
    }
    assert (shop.where("`spec.w` = 5"), shop.where("`spec.w` = 'wide'"), shop.where("`a.b``c` > 0")) == ("1", "2", "1")
    assert (shop.where("tags has 'x'"), shop.where("`spec.on` = true"), shop.where("tags is null")) == ("1", "1", "2")


def test_standard_input(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (3, 3)).save(shop.folder / "a.png")
    monkeypatch.chdir(shop.folder)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"id,image\n1,a.png\n1,a.png\n")))
    report = ingest(shop.store, "-")
    assert (report.source, counts(report)) == ("standard input", {"rows": 2, "new": 1, "rejected": 1})
    assert report.reject_file == str(shop.folder / "store" / "rejects" / "stdin.jsonl")
    assert shop.products() == {"1": {"images": ["a.png"]}}


def test_the_same_file_twice_changes_nothing(shop: IngestShop) -> None:
    content = "id,title,price,size,tags,image\n1,a,$5,42,x;y,no.png\n2,b,,M,,\n"
    first = shop.bring(content)
    before, written = shop.products(), sorted(shop.folder.joinpath("store", "products.lance").rglob("*"))
    again = shop.bring(content)
    assert counts(first) == {"rows": 2, "new": 2, "problems": 1}
    assert counts(again) == {"rows": 2, "unchanged": 2, "problems": 1}
    assert shop.products() == before
    assert sorted(shop.folder.joinpath("store", "products.lance").rglob("*")) == written


def test_a_changed_row_replaces_the_old_one(shop: IngestShop) -> None:
    shop.bring("id,title,size\n1,a,5\n2,b,6\n3,c,7\n")
    report = shop.bring("id,title,size\n1,a,5\n2,B,M\n4,d,8\n")
    assert counts(report) == {"rows": 3, "new": 1, "changed": 1, "unchanged": 1}
    assert shop.products() == {
        "1": {"title": "a", "size": 5.0},
        "2": {"title": "B", "size": "M"},
        "3": {"title": "c", "size": 7.0},
        "4": {"title": "d", "size": 8.0},
    }


def test_an_absent_column_keeps_and_an_empty_cell_clears(shop: IngestShop) -> None:
    shop.bring("id,title,brand,size,tags\n1,a,Nike,5,x;y\n2,b,Puma,6,\n")
    assert counts(shop.bring("id,price\n1,9\n2,8\n", "prices.csv")) == {"rows": 2, "changed": 2}
    assert shop.products()["1"] == {"title": "a", "brand": "Nike", "size": 5.0, "tags": ["x", "y"], "price": 9.0}
    shop.bring("id,brand,size,tags,price\n1,,,,\n", "clear.csv")
    assert shop.products() == {"1": {"title": "a"}, "2": {"title": "b", "brand": "Puma", "size": 6.0, "price": 8.0}}
    # The first row is the one that the store was made from at first, and must be told from what it has become since.
    assert counts(shop.bring("id,title,brand,size,tags\n1,a,Nike,5,x;y\n2,b,Puma,6,\n")) == {"rows": 2, "changed": 1, "unchanged": 1}
    assert shop.products()["1"] == {"title": "a", "brand": "Nike", "size": 5.0, "tags": ["x", "y"]}


def test_json_rows_of_one_file_may_have_different_fields(shop: IngestShop) -> None:
    shop.bring('{"id": 1, "title": "a", "size": 5}\n{"id": 2, "brand": "B"}\n', "a.jsonl")
    shop.bring('{"id": 1, "brand": "A"}\n{"id": 2, "size": null, "title": "b"}\n', "b.jsonl")
    assert shop.products() == {"1": {"title": "a", "brand": "A", "size": 5.0}, "2": {"title": "b", "brand": "B"}}


def test_a_field_that_only_a_late_json_row_has(shop: IngestShop) -> None:
    """The columns are learnt from the first thousand rows; a later one must not become an attribute of another name."""
    rows = [{"id": n, "name": "x"} for n in range(1001)] + [{"id": "late", "name": "y", "brand": "B", "title": "z", "size": 1}]
    report = shop.bring("\n".join(map(json.dumps, rows)), "feed.jsonl")
    assert report.to_json()["mapping"] == {"id": "id", "title": "name", "brand": "brand"}
    assert shop.products()["late"] == {"title": "y", "brand": "B", "original_title": "z", "size": 1.0}


def test_rows_beyond_one_chunk(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.catalog.feed.CHUNK_ROWS", 3)
    content = "id,title,size\n" + "".join(f"{n},t{n},{n if n < 6 else 'XL'}\n" for n in range(8)) + "0,again,1\n"
    report = shop.bring(content)
    assert counts(report) == {"rows": 9, "new": 8, "rejected": 1}
    assert shop.products() == {str(n): {"title": f"t{n}", "size": float(n) if n < 6 else "XL"} for n in range(8)}
    assert counts(shop.bring(content.replace("t7", "T7"))) == {"rows": 9, "changed": 1, "unchanged": 7, "rejected": 1}


def test_map(shop: IngestShop) -> None:
    report = shop.bring("ean,label,price,sale\n1,a,9,8\n", mapping={"id": "ean", "title": "label", "price": "sale"})
    assert report.to_json()["mapping"] == {"id": "ean", "title": "label", "price": "sale"}
    assert shop.products() == {"1": {"title": "a", "price": 8.0, "original_price": 9.0}}


def test_an_attribute_that_was_never_stored_is_no_attribute(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails must not leave its new attributes in the open store's record."""
    shop.bring("id,a\n1,x\n")

    def fail(*_: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "open_table", fail)
        with pytest.raises(StoreError, match="disk full"):
            shop.bring("id,b\n1,x\n")
    assert load_attributes(shop.store).names() == [*CORE, "a"]


_SLOWLY = """
import sys
from mmsearch.catalog import feed, ingest
from mmsearch.store import Store
feed.CHUNK_ROWS = 50
append = Store.append
def told(self, table, rows, key):
    append(self, table, rows, key)
    print(table, flush=True)
Store.append = told
ingest.ingest(Store(sys.argv[1]), sys.argv[2])
"""


def test_a_killed_ingest_goes_on_where_it_was(shop: IngestShop) -> None:
    content = "id,title,size\n" + "".join(f"{n},t{n},{n}\n" for n in range(2000))
    (shop.folder / "products.csv").write_text(content)
    command = [sys.executable, "-c", _SLOWLY, shop.store.path, str(shop.folder / "products.csv")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in itertools.islice((line for line in process.stdout if line == "products\n"), 3):
            assert line
        process.kill()
    kept = shop.store.count(PRODUCTS)
    assert 150 <= kept < 2000
    assert kept % 50 == 0
    shop.store.check()
    assert counts(shop.bring(content)) == {"rows": 2000, "new": 2000 - kept, "unchanged": kept}
    assert shop.products() == {str(n): {"title": f"t{n}", "size": float(n)} for n in range(2000)}


# -- interactions ------------------------------------------------------------------------------------------------------


def events(shop: IngestShop) -> list[tuple[Any, ...]]:
    rows = shop.store.read(INTERACTIONS, ["user", "product", "event", "value", "time"]).to_pylist()
    return sorted((tuple(row.values()) for row in rows), key=str)


def test_interactions(shop: IngestShop) -> None:
    shop.bring("id\np1\n")
    content = "user_id,sku,action,rating,date\nu1,p1,view,,1970-01-02\nu1,p1,buy,5,1970-01-02T00:00:01Z\nu2,p9,view,,100\n"
    report = shop.bring(content, "events.csv")
    assert (report.kind, counts(report)) == ("interactions", {"rows": 3, "new": 3})
    assert events(shop) == [("u1", "p1", "buy", 5.0, 86_401.0), ("u1", "p1", "view", None, 86_400.0), ("u2", "p9", "view", None, 100.0)]
    assert report.notes == ["1 events are of products that are not in the catalogue; they are kept and count once the products are"]
    again = shop.bring(content, "events.csv")
    assert counts(again) == {"rows": 3, "unchanged": 3}
    assert shop.store.count(INTERACTIONS) == 3


def test_interactions_without_times_keep_their_order(shop: IngestShop) -> None:
    content = "user,product\nu1,p1\nu1,p2\nu1,p1\n"
    assert counts(shop.bring(content, "e.csv")) == {"rows": 3, "new": 3}
    assert events(shop) == [("u1", "p1", None, None, 2.0), ("u1", "p1", None, None, 4.0), ("u1", "p2", None, None, 3.0)]
    assert counts(shop.bring(content + "u1,p3\n", "e.csv")) == {"rows": 4, "new": 1, "unchanged": 3}


def test_bad_interactions(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.catalog.feed.CHUNK_ROWS", 2)
    report = shop.bring("user,product,value,time\nu1,p1,5,1\n,p1,5,1\nu1,,5,1\nu1,p2,many,1\nu1,p3,,soon\nu1,p4\nu1,p5,,2\n", "e.csv")
    assert counts(report) == {"rows": 7, "new": 2, "rejected": 5}
    assert report.reasons == {"no user": 1, "no product": 1, "bad value": 1, "bad time": 1, "wrong number of cells": 1}
    assert [(line["_line"], line["_kept"]) for line in shop.rejects(report)] == [(n, False) for n in (3, 4, 5, 6, 7)]


def test_a_fixed_interaction_keeps_its_place(shop: IngestShop) -> None:
    report = shop.bring("user,product,value\nu1,p1,\nu1,p2,many\nu1,p3,\n", "e.csv")
    path = Path(str(report.reject_file))
    path.write_text(path.read_text().replace('"many"', '"5"'))
    assert counts(ingest(shop.store, str(path))) == {"rows": 1, "new": 1}
    assert [(e[1], e[4]) for e in events(shop)] == [("p1", 2.0), ("p2", 3.0), ("p3", 4.0)]


def test_the_kind_can_be_said(shop: IngestShop) -> None:
    """A file with a user, a product and an id is taken for interactions unless it is said to hold products."""
    content = "id,user,product\n1,u,p\n"
    assert shop.bring(content, "a.csv").kind == "interactions"
    assert shop.bring(content, "a.csv", kind="products").kind == "products"
    assert shop.products() == {"1": {"user": "u", "product": "p"}}


# -- anything ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


def _accounted(scratch: Path, content: bytes) -> IngestReport | None:
    """Ingest into a new store: every row is in the store or counted as rejected, or the whole file is an InputError."""
    shop = IngestShop(scratch)
    shutil.rmtree(shop.store.path, ignore_errors=True)
    try:
        report = shop.bring(content)
    except InputError:
        return None
    assert report.rows == report.new + report.changed + report.unchanged + report.rejected
    assert shop.store.count(report.kind) == report.new  # a table is called as the kind of its rows
    lines = shop.rejects(report) if report.reject_file else []
    assert sum(not line["_kept"] for line in lines) == report.rejected
    assert sum(line["_kept"] for line in lines) == report.problems
    assert (report.exit_code == 3) == bool(lines)
    return report


_cells = st.text('aB1.5;"\n\r\x00,\t|$-é红', max_size=5)
_tables = st.lists(st.lists(_cells, min_size=1, max_size=4).map(",".join), max_size=6).map("\n".join)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    header=st.sampled_from(["id,title,price,x", "sku,image", "user,product,time,rating", "id;a"]),
    body=st.one_of(_tables.map(str.encode), st.binary(max_size=80)),
)
def test_any_bytes_behind_a_header(scratch: Path, header: str, body: bytes) -> None:
    _accounted(scratch, header.encode() + b"\n" + body)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes(scratch: Path, content: bytes) -> None:
    _accounted(scratch, content)


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.just("\ud800"), st.just(10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=5,
)
_names = st.one_of(st.sampled_from(["id", "title", "price", "images", "audio", "Size", "size", "a.b", "_x", "标"]), st.text(max_size=4))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(rows=st.lists(st.tuples(st.dictionaries(_names, _json, max_size=5), st.sampled_from(["1", "2", None])), min_size=1, max_size=6))
def test_any_json_rows(scratch: Path, rows: list[tuple[dict[str, Any], str | None]]) -> None:
    content = "\n".join(json.dumps(values | ({"id": id} if id else {})) for values, id in rows).encode()
    report = _accounted(scratch, content)
    if report is not None and report.new:
        again = ingest(IngestShop(scratch).store, str(scratch / "products.csv"))
        assert (again.new, again.changed, again.unchanged) == (0, 0, report.new)


@pytest.mark.parametrize(
    ("reading", "told"), [(InputError("the disk is gone", hint="mount it"), "the disk is gone"), (KeyboardInterrupt(), "interrupted")]
)
def test_a_write_that_fails_while_reading_fails_is_told_too(
    shop: IngestShop, monkeypatch: pytest.MonkeyPatch, reading: BaseException, told: str
) -> None:
    monkeypatch.setattr("mmsearch.catalog.feed.CHUNK_ROWS", 2)
    reads = threading.Event()

    def write(*_: object, **__: object) -> None:
        reads.wait(10)  # both are under way at once
        raise StoreError("the disk is full", hint="make room")

    def chunks(feed: Feed) -> Iterator[list[Digested]]:
        yield from itertools.islice(whole(feed), 1)
        reads.set()
        raise reading

    whole = Feed.chunks
    monkeypatch.setattr(Feed, "chunks", chunks)
    monkeypatch.setattr(ProductTable, "write", write)
    with pytest.raises(MMSearchError) as caught:
        shop.bring("id,title\n1,a\n2,b\n3,c\n")
    assert {*caught.value.message.split("; and: ")} == {told, "the disk is full"}
    assert "make room" in str(caught.value.hint)
    assert caught.value.__cause__ is not None


def test_a_write_that_fails_alone_is_told_once(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(ProductTable, "write", write)
    with pytest.raises(StoreError) as caught:
        shop.bring("id,title\n1,a\n")
    assert caught.value.message == "the disk is full"
