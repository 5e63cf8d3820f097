"""`--sync`: what the file does not have goes, unless that looks like a mistake; `--dry-run`: nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_shop import IngestShop, counts

from mmsearch.catalog.ingest import unfinished
from mmsearch.store import INTERACTIONS, PRODUCTS

CONTENT = "id,title,size\n" + "".join(f"{n},t{n},{n}\n" for n in range(10))


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def without(*ids: int) -> str:
    return "".join(line + "\n" for line in CONTENT.splitlines() if line.partition(",")[0] not in map(str, ids))


def test_what_is_gone_is_deleted(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    report = shop.bring(without(3, 7) + "10,new,1\n", sync=True)
    assert report.sync is not None
    assert (report.sync.gone, report.sync.deleted, report.sync.refused, sorted(report.sync.examples)) == (2, 2, None, ["3", "7"])
    assert (counts(report), report.exit_code) == ({"rows": 9, "new": 1, "unchanged": 8}, 0)
    assert set(shop.products()) == {*"01245689", "10"}
    assert counts(shop.bring(CONTENT)) == {"rows": 10, "new": 2, "unchanged": 8}


def test_nothing_is_deleted_without_it(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    assert shop.bring(without(3)).sync is None
    assert "3" in shop.products()


def test_more_than_half_is_a_mistake_unless_forced(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    content = "id,title\n0,other\n1,t1\n"
    report = shop.bring(content, sync=True)
    assert report.sync is not None
    assert (report.sync.deleted, report.exit_code) == (0, 1)
    assert "more than half" in str(report.sync.refused)
    assert len(shop.products()) == 10
    assert shop.products()["0"]["title"] == "other"  # the rest is done
    assert unfinished(shop.store) is None
    assert shop.bring(content, sync=True, force=True).exit_code == 0
    assert set(shop.products()) == {"0", "1"}


def test_exactly_half_is_not_more_than_half(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    report = shop.bring(without(0, 1, 2, 3, 4), sync=True)
    assert report.sync is not None
    assert report.sync.deleted == 5


def test_a_row_that_cannot_be_read_may_be_the_one_that_is_missing(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    report = shop.bring(without(3) + "3,ragged\n", sync=True)
    assert report.sync is not None
    assert (report.sync.deleted, report.exit_code) == (0, 1)
    assert "could not be read" in str(report.sync.refused)
    assert "3" in shop.products()
    report = shop.bring(without(3) + "4,again,4\n", sync=True)  # a duplicate is in the file, whatever else it says
    assert report.sync is not None
    assert report.sync.deleted == 1


def test_it_asks(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    asked: list[tuple[int, int]] = []

    def no(gone: int, total: int) -> bool:
        asked.append((gone, total))
        return False

    report = shop.bring(without(3, 4), sync=True, confirm=no)
    assert report.sync is not None
    assert (asked, report.sync.deleted) == ([(2, 10)], 0)
    assert len(shop.products()) == 10
    shop.bring(CONTENT, sync=True, confirm=no)  # nothing to ask
    assert len(asked) == 1
    assert shop.bring(without(3, 4), sync=True, confirm=lambda *_: True).exit_code == 0
    assert len(shop.products()) == 8


def test_events_too(shop: IngestShop) -> None:
    shop.bring("user,product,time\nu,a,1\nu,b,2\nu,c,3\n", "events.csv")
    shop.bring("user,product,time\nu,a,1\nu,c,3\n", "events.csv", sync=True)
    assert sorted(shop.store.read(INTERACTIONS, ["product"]).column(0).to_pylist()) == ["a", "c"]


# -- dry run -----------------------------------------------------------------------------------------------------------


def test_a_dry_run_makes_no_store(shop: IngestShop) -> None:
    report = shop.bring("id,title,size\n1,a,5\n,b,6\n2,c\n", dry_run=True)
    assert counts(report) == {"rows": 3, "new": 1, "rejected": 2}
    assert report.first == ["line 3: no id (column id)", "line 4: wrong number of cells (2 cells, the header names 3 columns)"]
    assert (report.attributes, report.reject_file, report.dry_run) == (["size"], None, True)
    assert not Path(shop.store.path).exists()


def test_a_dry_run_writes_nothing(shop: IngestShop) -> None:
    shop.bring(CONTENT)
    folder = Path(shop.store.path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    report = shop.bring(without(3).replace("t4", "T4") + "99,x,1\n", sync=True, dry_run=True)
    assert counts(report) == {"rows": 10, "new": 1, "changed": 1, "unchanged": 8}
    assert report.sync is not None
    assert (report.sync.gone, report.sync.deleted, report.sync.refused) == (1, 0, None)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert shop.store.count(PRODUCTS) == 10
