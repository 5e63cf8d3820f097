"""What ingest cannot use: rows, media and whole files, and the reject file that takes the rows."""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from pathlib import Path

import pytest
from ingest_shop import IngestShop, counts
from PIL import Image

from mmsearch.catalog.ingest import ingest
from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.store import PRODUCTS
from mmsearch.store.attributes import load_attributes


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


# -- what cannot be used -----------------------------------------------------------------------------------------------


def test_bad_rows_cost_only_themselves(shop: IngestShop) -> None:
    report = shop.bring('id,title,price\n1,"a\nb",5\n,no id,5\n2,short\n3,c,cheap\n1,again,5\n4,"open,5\n5,e,6\n')
    assert counts(report) == {"rows": 7, "new": 3, "rejected": 4, "problems": 1}
    assert report.exit_code == 3
    assert report.reasons == {"no id": 1, "wrong number of cells": 1, "price: not usable": 1, "duplicate id": 1, "not CSV": 1}
    assert shop.products() == {"1": {"title": "a b", "price": 5.0}, "3": {"title": "c"}, "5": {"title": "e", "price": 6.0}}
    context = {"_folder": str(shop.folder), "_typed": False}
    assert shop.rejects(report) == [
        {"id": "", "title": "no id", "price": "5", **context, "_line": 4, "_reason": "no id (column id)", "_kept": False},
        {"_cells": ["2", "short"], "_line": 5, "_reason": "wrong number of cells (2 cells, the header names 3 columns)", "_kept": False},
        {
            "id": "3",
            "title": "c",
            "price": "cheap",
            **context,
            "_line": 6,
            "_reason": "price: not usable ('cheap' is not a price)",
            "_kept": True,
        },
        {
            "id": "1",
            "title": "again",
            "price": "5",
            **context,
            "_line": 7,
            "_reason": "duplicate id (1, given on line 2 already)",
            "_kept": False,
        },
        {"_text": '4,"open,5', "_line": 8, "_reason": "not CSV (a quote is not closed)", "_kept": False},
    ]
    json.dumps(report.to_json())


def test_many_reasons_are_few_kinds(shop: IngestShop) -> None:
    content = "id,price\n" + "".join(f"{n},cheap{'!' * n}\n{n},1\n" for n in range(50))
    report = shop.bring(content)
    assert report.reasons == {"price: not usable": 50, "duplicate id": 50}


def test_several_problems_of_one_row_are_one_line(shop: IngestShop) -> None:
    report = shop.bring("id,price,images\n1,cheap,no.png;no2.png\n")
    assert counts(report) == {"rows": 1, "new": 1, "problems": 1}
    assert report.reasons == {"price: not usable": 1, "images: missing": 2}
    (line,) = shop.rejects(report)
    assert line["_reason"] == "price: not usable ('cheap' is not a price); images: missing (no.png); images: missing (no2.png)"


def test_rejects_can_be_ingested_again(shop: IngestShop) -> None:
    (shop.folder / "photos").mkdir()
    Image.new("RGB", (3, 3)).save(shop.folder / "photos" / "a.png")
    report = shop.bring(
        "id,title,size,images,price\n1,a,42,photos/a.png,5\n1,b,43,photos/a.png,cheap\n3,c,M,photos/no.png,x\n", "feed/../products.csv"
    )
    assert counts(report) == {"rows": 3, "new": 2, "rejected": 1, "problems": 1}
    path = Path(str(report.reject_file))
    assert path.parent == shop.folder / "store" / "rejects"
    assert re.fullmatch(r"products\.csv\.[0-9a-f]{8}\.jsonl", path.name)
    untouched = shop.products()
    again = ingest(shop.store, str(path))
    # The duplicate is a row of its own now and replaces the first, except for its price; the other is as it was.
    assert counts(again) == {"rows": 2, "changed": 1, "unchanged": 1, "problems": 2}
    assert shop.products() == {"1": {"title": "b", "size": 43.0, "images": ["photos/a.png"]}, "3": untouched["3"]}
    assert again.reasons == {"price: not usable": 2, "images: missing": 1}
    path.write_text(path.read_text().replace('"cheap"', '"6"').replace("photos/no.png", "photos/a.png").replace('"x"', '"7"'))
    fixed = ingest(shop.store, str(path))
    assert (counts(fixed), fixed.exit_code, fixed.reject_file) == ({"rows": 2, "changed": 2}, 0, None)
    assert shop.products() == {
        "1": {"title": "b", "size": 43.0, "images": ["photos/a.png"], "price": 6.0},
        "3": {"title": "c", "size": "M", "images": ["photos/a.png"], "price": 7.0},
    }
    assert load_attributes(shop.store).columns["size"] == {"number": "size", "text": "size__text"}


def test_rejects_of_rejects_carry_the_newest_reason(shop: IngestShop) -> None:
    report = shop.bring("id,title\n,a\n")
    path = Path(str(report.reject_file))
    path.write_text('\n\n{"id": [1], ' + path.read_text().split(",", 1)[1])
    again = ingest(shop.store, str(path))
    (line,) = shop.rejects(again)
    assert (line["_line"], line["_reason"], line["_folder"], line["_typed"]) == (
        3,
        "bad id ([1] is neither text nor a number)",
        str(shop.folder),
        False,
    )


def test_a_foreign_feed_cannot_choose_its_folder(shop: IngestShop) -> None:
    secret = shop.folder / "secret"
    secret.mkdir()
    Image.new("RGB", (3, 3)).save(secret / "a.png")
    row = json.dumps({"id": 1, "images": ["a.png"], "_folder": str(secret)})
    report = shop.bring(row, "feed/a.jsonl")
    assert report.reasons == {"images: missing": 1}
    assert shop.bring(row, "feed/a.jsonl", allow_outside=True).exit_code == 0


def test_the_reject_file_of_a_clean_run_is_removed(shop: IngestShop) -> None:
    bad = shop.bring("id,title\n,a\n1,b\n")
    assert Path(str(bad.reject_file)).exists()
    good = shop.bring("id,title\n1,b\n")
    assert good.reject_file is None
    assert not Path(str(bad.reject_file)).exists()


def test_a_chosen_reject_file(shop: IngestShop) -> None:
    report = shop.bring("id,title\n,bro\u200bken\n", rejects=str(shop.folder / "deep" / "r.jsonl"))
    assert report.reject_file == str(shop.folder / "deep" / "r.jsonl")
    assert shop.rejects(report)[0]["title"] == "bro\u200bken"
    with pytest.raises(InputError, match="cannot write the reject file") as caught:
        shop.bring("id,title\n,a\n", rejects=str(shop.folder))
    assert "--rejects" in str(caught.value.hint)
    with pytest.raises(InputError, match="cannot write the reject file"):
        shop.bring("id,title\n,a\n", rejects=str(shop.folder / "products.csv" / "r"))


@pytest.mark.parametrize("where", ["products.csv/r.jsonl", "folder", "/proc/none/r.jsonl"])
def test_a_reject_file_that_cannot_be_written_is_told_before_the_work(shop: IngestShop, where: str) -> None:
    (shop.folder / "folder").mkdir()
    with pytest.raises(InputError, match="cannot write the reject file") as caught:
        shop.bring("id,title\n1,a\n", rejects=str(shop.folder / where))
    assert "--rejects" in str(caught.value.hint)
    assert shop.store.count(PRODUCTS) == 0


def test_a_reject_file_that_is_not_needed_leaves_nothing(shop: IngestShop) -> None:
    shop.bring("id,title\n1,a\n", rejects=str(shop.folder / "deep" / "deeper" / "r.jsonl"))
    assert sorted(p.name for p in shop.folder.iterdir()) == ["products.csv", "store"]
    (shop.folder / "deep").mkdir()
    (shop.folder / "deep" / "mine").touch()
    shop.bring("id,title\n2,a\n", rejects=str(shop.folder / "deep" / "r.jsonl"))
    assert [p.name for p in (shop.folder / "deep").iterdir()] == ["mine"]


def test_a_link_is_followed_and_stays(shop: IngestShop) -> None:
    """`--rejects /dev/null` must not remove a device, nor the link that /dev/stdout is."""
    link = shop.folder / "link"
    link.symlink_to(shop.folder / "there.jsonl")
    assert shop.bring("id,title\n1,a\n", rejects=str(link)).reject_file is None
    assert link.is_symlink()
    assert not link.exists()
    shop.bring("id,title\n,a\n", rejects=str(link))
    assert link.is_symlink()
    assert "no id" in (shop.folder / "there.jsonl").read_text()


def test_a_pipe_takes_the_rejects(shop: IngestShop) -> None:
    os.mkfifo(shop.folder / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((shop.folder / "pipe").read_text()))
    reader.start()
    assert shop.bring("id,title\n,a\n", rejects=str(shop.folder / "pipe")).rejected == 1
    reader.join(10)
    assert "no id" in read[0]


def test_two_feeds_of_one_name_have_their_own_rejects(shop: IngestShop) -> None:
    one, two = (shop.bring(f"id,title\n,{folder}\n{folder},x\n", f"{folder}/products.csv") for folder in "ab")
    assert one.reject_file != two.reject_file
    assert [shop.rejects(report)[0]["title"] for report in (one, two)] == ["a", "b"]
    again = shop.bring("id,title\n,other\na,x\n", "a/products.csv")
    assert again.reject_file == one.reject_file  # the same file has the same one, however it is named
    assert shop.bring("id,title\n,other\na,x\n", "b/../a/products.csv").reject_file == one.reject_file
    shop.bring("id,title\na,x\n", "a/products.csv")
    assert not Path(str(one.reject_file)).exists()
    assert shop.rejects(two)[0]["title"] == "b"
    path = Path(str(two.reject_file))
    path.write_text(path.read_text().replace('"id": ""', '"id": "fixed"'))
    assert ingest(shop.store, str(path)).exit_code == 0
    assert shop.products()["fixed"]["title"] == "b"


def test_the_reject_file_of_a_long_name(shop: IngestShop) -> None:
    name = "商品" * 40 + ".csv"  # 244 of the 255 bytes that a name may have
    report = shop.bring("id,title\n,a\n", name)
    assert shop.rejects(report)[0]["title"] == "a"
    assert ingest(shop.store, str(report.reject_file)).reject_file != report.reject_file


def test_the_source_is_not_overwritten_by_its_rejects(shop: IngestShop) -> None:
    content = "id,title\n,a\n"
    with pytest.raises(UsageError, match="cannot be read and take the rejected rows at once"):
        shop.bring(content, rejects=f"{shop.folder}/./products.csv")
    assert (shop.folder / "products.csv").read_text() == content


def test_photos(shop: IngestShop) -> None:
    Image.new("RGB", (3, 3)).save(shop.folder / "secret.png")
    Image.new("RGB", (3, 3)).save(shop.folder / "a.png")
    (shop.folder / "feed").mkdir()
    (shop.folder / "feed" / "text.jpg").write_text("no photo")
    report = shop.bring("id,image\n1,text.jpg\n2,missing.jpg\n3,../secret.png\n4,http://x.org/a.jpg\n", "feed/p.csv")
    assert counts(report) == {"rows": 4, "new": 4, "problems": 4}
    assert report.exit_code == 3
    assert shop.products() == {
        "1": {"images": ["text.jpg"]},
        "2": {"images": ["missing.jpg"]},
        "3": {},
        "4": {"images": ["http://x.org/a.jpg"]},
    }
    allowed = shop.bring("id,image\n3,../secret.png\n", "feed/p.csv", allow_outside=True)
    assert (counts(allowed), shop.products()["3"]) == ({"rows": 1, "changed": 1}, {"images": ["../secret.png"]})


def test_media_from_two_folders(shop: IngestShop) -> None:
    """A second feed with sounds must not make the first feed's photos point into its own folder."""
    for name in ("a", "b"):
        (shop.folder / name).mkdir()
    Image.new("RGB", (3, 3)).save(shop.folder / "a" / "photo.png")
    (shop.folder / "b" / "sound.mp3").write_bytes(b"ID3")
    shop.bring("id,images\n1,photo.png;http://x.org/y.png\n", "a/p.csv")
    shop.bring("id,audio\n1,sound.mp3\n", "b/p.csv")
    (row,) = shop.store.read(PRODUCTS, ["images", "audio", "_folder"]).to_pylist()
    assert [str(Path(row["_folder"]) / p) for p in row["audio"]] == [str(shop.folder / "b" / "sound.mp3")]
    assert [str(Path(row["_folder"]) / p) for p in row["images"][:1]] == [str(shop.folder / "a" / "photo.png")]
    assert row["images"][1] == "http://x.org/y.png"
    shop.bring("id,price\n1,5\n", "c/p.csv")
    assert shop.store.read(PRODUCTS, ["images", "audio", "_folder"]).to_pylist() == [row]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "p.csv", "is empty"),
        ("id,title\n", "p.csv", "has a header but no rows"),
        ("id,title\n\n\n", "p.csv", "has a header but no rows"),
        ("a,b\n1,2\n", "p.csv", "has neither a product id nor a user and a product column; its columns: a, b"),
        ("{bad\n", "p.jsonl", "no line is a JSON object"),
        ("id,title\n1,ä\n2,ö\n".encode("latin-1"), "p.csv", "not UTF-8"),
        ("id,id\n1,2\n", "p.csv", "the header names id more than once"),
    ],
)
def test_a_file_that_cannot_be_used_makes_no_store(shop: IngestShop, content: str | bytes, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        shop.bring(content, name)
    assert not Path(shop.store.path).exists()


def test_wrong_requests_make_no_store(shop: IngestShop) -> None:
    for options in ({"kind": "reviewz"}, {"mapping": {"titel": "x"}}, {"mapping": {"title": "nope"}}):
        with pytest.raises(UsageError):
            shop.bring("id,x\n1,2\n", **options)
    with pytest.raises(InputError, match="there is no file"):
        ingest(shop.store, str(shop.folder / "none.csv"))
    with pytest.raises(InputError, match="no user column"):
        shop.bring("id,x\n1,2\n", kind="interactions")
    assert not Path(shop.store.path).exists()


def test_a_foreign_folder_is_left_alone(shop: IngestShop) -> None:
    Path(shop.store.path).mkdir()
    (shop.folder / "store" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="is not an mmsearch store"):
        shop.bring("id,x\n1,2\n,\n")
    assert [p.name for p in Path(shop.store.path).iterdir()] == ["thesis.txt"]


def test_a_file_that_breaks_off_keeps_what_came_before(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.catalog.feed.CHUNK_ROWS", 2)
    cut = gzip.compress(b"id,title\n,x\n1,a\n2,b\n3,c\n4,cut in the mid")[:-8]
    report = shop.bring(cut)
    assert counts(report) == {"rows": 5, "new": 3, "rejected": 2}
    assert report.reasons == {"no id": 1, "the file breaks off": 1}
    assert set(shop.products()) == {"1", "2", "3"}
    assert any("is not whole" in note for note in report.notes)
    shop.bring("id,title\nx,y\n")
    report = shop.bring(cut, sync=True, force=True)
    assert report.sync is not None
    assert (report.sync.gone, report.sync.refused) == (1, "the file is not whole")
    assert "x" in shop.products()
    assert counts(shop.bring("id,title\n1,a\n4,b\n")) == {"rows": 2, "new": 1, "unchanged": 1}


def test_one_byte_that_is_no_text_costs_its_row(shop: IngestShop) -> None:
    report = shop.bring(b"id,title\n1,a\n2,b\n3,caf\xe9\n4,d\n")
    assert counts(report) == {"rows": 4, "new": 3, "rejected": 1}
    (line,) = shop.rejects(report)
    assert (line["_line"], line["_cells"]) == (4, ["3", "caf\\xe9"])
