"""`--dedupe`: products that say or show the same as an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_shop import IngestShop, counts
from PIL import Image, ImageDraw

HEAD = "id,title,brand,description,price,image\n"
FIRST = "a,Trail running shoes AB1234 red,Ulm,,,\n"
AGAIN = "b,Red trail running shoes AB1234,Ulm,Light and firm,9,\n"
OTHER = "c,Trail running shoes AB1235 red,Ulm,,,\n"


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def test_nothing_is_looked_for_unless_asked(shop: IngestShop) -> None:
    assert shop.bring(HEAD + FIRST + AGAIN).near_duplicates == []


def test_report(shop: IngestShop) -> None:
    for content in (HEAD + FIRST + AGAIN + OTHER, HEAD + FIRST + AGAIN + OTHER):  # again, of products that did not change: each pair once
        report = shop.bring(content, dedupe="report")
        assert [(pair["id"], pair["of"], pair["by"]) for pair in report.near_duplicates] == [("b", "a", "text")]
    assert len(shop.products()) == 3
    assert shop.bring(HEAD + "d" + AGAIN[1:], "more.csv", dedupe="report").near_duplicates[0]["id"] == "d"  # of one that was there before


def test_skip(shop: IngestShop) -> None:
    report = shop.bring(HEAD + FIRST + AGAIN + OTHER, dedupe="skip")
    assert counts(report) == {"rows": 3, "new": 2, "rejected": 1}
    assert report.reasons == {"near-duplicate by text": 1}
    assert set(shop.products()) == {"a", "c"}
    again = shop.bring(HEAD + FIRST + AGAIN + OTHER, dedupe="skip")
    assert counts(again) == {"rows": 3, "unchanged": 2, "rejected": 1}


@pytest.mark.parametrize(("mode", "at_once"), [("skip", False), ("merge", True)])
def test_a_product_that_changes_below_a_row_that_repeats_it(shop: IngestShop, mode: str, at_once: bool) -> None:
    """`skip` takes that row with the next ingest, `merge` with this one (docs/ingest.md)."""
    shop.bring(HEAD + FIRST, dedupe=mode)
    content = HEAD + AGAIN + "a,Blue lamp CD5678,Ulm,,,\n"
    first = shop.bring(content, dedupe=mode)
    assert (set(shop.products()) == {"a", "b"}, first.rejected) == (at_once, not at_once)
    again = shop.bring(content, dedupe=mode)
    assert (set(shop.products()), again.new, again.rejected) == ({"a", "b"}, not at_once, 0)


def test_what_is_there_is_never_skipped(shop: IngestShop) -> None:
    shop.bring(HEAD + FIRST + AGAIN)
    report = shop.bring(HEAD + FIRST + AGAIN.replace("9", "8"), dedupe="skip")
    assert counts(report) == {"rows": 2, "changed": 1, "unchanged": 1}
    assert shop.products()["b"]["price"] == 8.0


def test_merge(shop: IngestShop) -> None:
    for name in ("p.png", "q.png"):
        Image.new("RGB", (9, 9)).save(shop.folder / name)
    content = HEAD + FIRST.replace(",,,", ",,,p.png") + AGAIN.replace(",9,", ",9,q.png") + OTHER
    report = shop.bring(content, dedupe="merge")
    assert (counts(report), report.merged) == ({"rows": 3, "new": 2}, 1)
    assert report.rows == report.new + report.changed + report.unchanged + report.merged + report.rejected
    assert shop.products()["a"] == {
        "title": "Trail running shoes AB1234 red",
        "brand": "Ulm",
        "description": "Light and firm",
        "price": 9.0,
        "images": ["p.png", "q.png"],
        "merged_ids": ["b"],
        "title_language": "en",
    }
    before = shop.products()
    again = shop.bring(content, dedupe="merge")
    assert (counts(again), again.merged) == ({"rows": 3, "unchanged": 2}, 1)
    assert shop.products() == before


def test_a_photo_alone_takes_nothing_away(shop: IngestShop) -> None:
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).ellipse((8, 20, 40, 60), fill="navy")
    ImageDraw.Draw(image).rectangle((30, 4, 60, 24), fill="orange")
    image.save(shop.folder / "x.png")
    image.resize((48, 48)).save(shop.folder / "y.png")
    content = HEAD + "a,Ulm jacket WX4411 blue,Ulm,,,x.png\nb,Ulm jacket WX4411 grey,Ulm,,,y.png\n"
    report = shop.bring(content, dedupe="merge")
    assert [(pair["id"], pair["by"]) for pair in report.near_duplicates] == [("b", "photo")]
    assert (counts(report), report.merged) == ({"rows": 2, "new": 2}, 0)


def test_deleted_products_are_no_match(shop: IngestShop) -> None:
    shop.bring(HEAD + FIRST + OTHER, dedupe="report")
    shop.bring(HEAD + OTHER, dedupe="report", sync=True)
    assert shop.bring(HEAD + AGAIN, "more.csv", dedupe="skip").new == 1


def test_ids_that_are_alike_are_told(shop: IngestShop) -> None:
    report = shop.bring("id,title\nA 1,x\na1,y\nb,z\n")
    assert (counts(report), report.exit_code) == ({"rows": 3, "new": 3}, 0)
    (note,) = report.notes
    assert note == "1 × ids that differ only in case or spaces, and are products of their own: 'A 1' and 'a1'"
    assert shop.bring("id,title\nc,x\n", "other.csv").notes == []
    assert shop.bring("id,title\nA 1,x\na1,y\nb,z\n").notes == []
