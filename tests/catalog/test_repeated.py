"""A file that was ingested before is not read again, and is whenever that might matter."""

from __future__ import annotations

import gzip
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from ingest_shop import IngestShop, counts

from mmsearch.catalog import ingest as ingesting
from mmsearch.catalog.report import IngestReport
from mmsearch.store.maintain import optimize

HEAD = "sku;name;price\n"
FEED = HEAD + "a;Red shoe;1.00\nb;Blue shoe;2.00\n"
NOTE = "not read again"


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def passed_over(report: IngestReport) -> bool:
    return any(NOTE in note for note in report.notes)


def test_the_same_file_is_not_read(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop.bring(FEED)
    monkeypatch.setattr(ingesting, "read_rows", None)  # whatever reads a row fails
    for dry_run in (False, True):
        again = shop.bring(FEED, dry_run=dry_run)
        assert passed_over(again)
        assert counts(again) == {"rows": 2, "unchanged": 2}
        assert (again.kind, again.format, again.encoding, again.mapping) == (first.kind, first.format, first.encoding, first.mapping)
        assert (again.attributes, again.dry_run, again.exit_code) == (first.attributes, dry_run, 0)


def test_what_reading_the_file_told_is_told_again(shop: IngestShop) -> None:
    feed = (HEAD + "a;红色跑步鞋;1.00\n").encode("gb18030")
    first, again = shop.bring(feed), shop.bring(feed)
    assert first.encoding == again.encoding == "gb18030"
    assert passed_over(again)
    assert again.notes[:-1] == first.notes


def test_a_file_of_the_same_length_with_another_content_is_read(shop: IngestShop) -> None:
    shop.bring(FEED)
    report = shop.bring(FEED.replace("2.00", "3.00"))
    assert counts(report) == {"rows": 2, "changed": 1, "unchanged": 1}
    assert shop.products()["b"]["price"] == 3


def test_the_same_content_under_another_name_beside_it(shop: IngestShop) -> None:
    shop.bring(FEED, "monday.csv")
    report = shop.bring(FEED, "tuesday.csv")
    assert passed_over(report)
    assert report.source.endswith("tuesday.csv")


def test_in_another_folder_the_same_rows_mean_other_photos(shop: IngestShop) -> None:
    shop.bring(FEED, "feed.csv")
    (shop.folder / "other").mkdir()
    shutil.copy(shop.folder / "feed.csv", shop.folder / "other")
    assert not passed_over(shop.ingest("other/feed.csv"))


def test_after_another_file_changed_the_products(shop: IngestShop) -> None:
    shop.bring(FEED)
    shop.bring("sku;price\na;9.00\n", "prices.csv")
    report = shop.bring(FEED)
    assert not passed_over(report)
    assert counts(report) == {"rows": 2, "changed": 1, "unchanged": 1}
    assert shop.products()["a"]["price"] == 1


def test_files_that_say_the_same_are_all_remembered(shop: IngestShop) -> None:
    shop.bring(FEED)
    shop.bring("sku;price\na;1.00\n", "prices.csv")  # another row digest of a, but nothing new
    assert passed_over(shop.bring("sku;price\na;1.00\n", "prices.csv"))


def test_after_products_were_deleted(shop: IngestShop) -> None:
    shop.bring(FEED)
    shop.bring(HEAD + "a;Red shoe;1.00\n", "less.csv", sync=True, force=True)
    assert list(shop.products()) == ["a"]
    assert counts(shop.bring(FEED)) == {"rows": 2, "new": 1, "unchanged": 1}


def test_sync_looks_at_the_file(shop: IngestShop) -> None:
    shop.bring(FEED)
    shop.bring(HEAD + "c;Green shoe;3.00\n", "more.csv")
    shop.bring(FEED)
    report = shop.bring(FEED, sync=True)
    assert report.sync is not None
    assert report.sync.deleted == 1


def test_rejects_and_problems_are_told_every_time(shop: IngestShop) -> None:
    broken = FEED + "c;Green shoe\n"
    photos = "sku;name;image\na;Red shoe;gone.jpg\n"
    for text in (broken, photos):
        for _ in range(2):
            report = shop.bring(text)
            assert not passed_over(report)
            assert report.exit_code == 3
            assert Path(str(report.reject_file)).is_file()


def test_a_reject_file_of_an_earlier_content_goes(shop: IngestShop) -> None:
    shop.bring(FEED, "good.csv")
    left = shop.folder / "rejects.jsonl"
    left.write_text("{}\n", encoding="utf-8")
    assert passed_over(shop.bring(FEED, "good.csv", rejects=str(left)))
    assert not left.exists()


@pytest.mark.parametrize("options", [{"mapping": {"title": ("price",)}}, {"delimiter": ";"}, {"kind": "products"}, {"allow_outside": True}])
def test_other_options_read_it_again(shop: IngestShop, options: dict[str, object]) -> None:
    shop.bring(FEED)
    assert not passed_over(shop.bring(FEED, **options))
    assert passed_over(shop.bring(FEED, **options))


@pytest.mark.parametrize("options", [{"dedupe": "report"}, {"fetch": True}])
def test_options_that_look_at_more_than_rows_read_it_again(shop: IngestShop, options: dict[str, object]) -> None:
    shop.bring(FEED)
    assert not passed_over(shop.bring(FEED, **options))


def test_an_optimized_store_reads_it_once_more(shop: IngestShop) -> None:
    shop.bring(FEED)
    shop.bring(FEED + "c;Green shoe;3.00\n")
    assert passed_over(shop.bring(FEED + "c;Green shoe;3.00\n"))
    optimize(shop.store, timedelta(0))
    reports = [shop.bring(FEED + "c;Green shoe;3.00\n") for _ in range(2)]
    assert [counts(report) for report in reports] == [{"rows": 3, "unchanged": 3}] * 2
    assert passed_over(reports[1])


def test_a_file_that_changes_while_it_is_read_is_not_remembered(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ingesting._run

    def changed_behind(*args: object) -> None:
        run(*args)  # type: ignore[arg-type]
        (shop.folder / "products.csv").write_text(FEED.replace("Blue", "Cyan"), encoding="utf-8")

    monkeypatch.setattr(ingesting, "_run", changed_behind)
    shop.bring(FEED)
    monkeypatch.undo()
    report = shop.ingest("products.csv")
    assert counts(report) == {"rows": 2, "changed": 1, "unchanged": 1}
    assert shop.products()["b"]["title"] == "Cyan shoe"


def test_after_an_ingest_that_was_killed(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.bring(FEED)
    monkeypatch.setattr(ingesting, "_end", lambda *_: None)  # the note of a run that did not end stays
    shop.bring("sku;price\na;1.00\n", "prices.csv")
    monkeypatch.undo()
    assert not passed_over(shop.bring(FEED))


def test_packed_files_are_told_by_their_bytes(shop: IngestShop) -> None:
    packed = gzip.compress(FEED.encode(), mtime=0)
    assert not passed_over(shop.bring(packed, "feed.csv.gz"))
    assert passed_over(shop.bring(packed, "feed.csv.gz"))


def test_standard_input_folders_and_events_are_read(shop: IngestShop) -> None:
    for _ in range(2):
        report = shop.bring("user,product,time\nu,a,1\n", "events.csv")
        assert not passed_over(report)
