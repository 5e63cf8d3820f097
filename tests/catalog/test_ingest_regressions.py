"""What a hostile reading of ingest found, each with the file that showed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ingest_shop import IngestShop, counts
from PIL import Image

from mmsearch.catalog import feed
from mmsearch.catalog.ingest import unfinished
from mmsearch.store import INTERACTIONS, REVIEWS


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_a_late_column_takes_no_field_from_its_own(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plainer name of the photos, or of the title, far down in a JSON feed."""
    monkeypatch.setattr(feed, "CHUNK_ROWS", 4)
    monkeypatch.setattr(feed, "_PEEK", 2)
    Image.new("RGB", (3, 3)).save(shop.folder / "a.png")
    rows: list[dict[str, Any]] = [{"id": str(n), "photo": "a.png", "title_en": f"shoe {n}"} for n in range(11)]
    rows.insert(5, {"id": "late", "image": "a.png", "title": "Late"})
    report = shop.bring(lines(rows), "feed.jsonl")
    assert counts(report) == {"rows": 12, "new": 12}
    assert all(product["images"] == ["a.png"] for product in shop.products().values())
    assert {id: p["title"] for id, p in shop.products().items()} == {str(n): f"shoe {n}" for n in range(11)} | {"late": "Late"}
    assert counts(shop.bring(lines(rows), "feed.jsonl")) == {"rows": 12, "unchanged": 12}


def test_a_separator_inside_a_cell_is_content(shop: IngestShop) -> None:
    shop.bring("id,x,y\n1,a\x1fb,c\n")
    assert counts(shop.bring("id,x,y\n1,a,b\x1fc\n")) == {"rows": 1, "changed": 1}


def test_repeated_rows_do_not_make_the_store_look_smaller(shop: IngestShop) -> None:
    shop.bring("user,product,time\n" + "".join(f"u,p{n},{n}\n" for n in range(10)), "events.csv")
    report = shop.bring("user,product,time\n" + "u,p1,1\n" * 40, "events.csv", sync=True)
    assert report.sync is not None
    assert (report.sync.deleted, report.exit_code) == (0, 1)
    assert shop.store.count(INTERACTIONS) == 10


HEAD = "id,title,description\n"
SAME = "Trail running shoes AB1234"


def test_a_product_that_was_renamed_stays_in_the_store(shop: IngestShop) -> None:
    for mode in ("merge", "skip"):
        shop.bring(f"{HEAD}a,{SAME},\nb,Kettle XY9876 steel,\n", dedupe=mode)
        shop.bring(f"{HEAD}n,{SAME},new words\nb,Kettle XY9876 steel,\n", dedupe=mode, sync=True)
        assert SAME in {product["title"] for product in shop.products().values()}, mode


def test_what_a_product_said_once_makes_no_duplicate(shop: IngestShop) -> None:
    shop.bring(f"{HEAD}a,{SAME},\nb,Kettle XY9876 steel,\n", dedupe="report")
    shop.bring(f"{HEAD}a,Blue desk lamp QQ1000,\n", "changed.csv")
    shop.bring("id,title\na,Blue desk lamp QQ1000\n", "gone.csv", sync=True, force=True)
    for id, title in (("n", SAME), ("k", "Kettle XY9876 steel")):
        report = shop.bring(f"{HEAD}{id},{title},\n", f"{id}.csv", dedupe="merge")
        assert (report.new, report.merged) == (1, 0)


def test_a_keeper_that_changes_further_down_keeps_nothing(shop: IngestShop) -> None:
    shop.bring(f"{HEAD}k,{SAME},\n", dedupe="merge")
    report = shop.bring(f"{HEAD}n,{SAME},\nk,Kettle XY9876 steel,\n", dedupe="merge")
    assert (report.new, report.changed, report.merged) == (1, 1, 0)
    assert {id: p["title"] for id, p in shop.products().items()} == {"n": SAME, "k": "Kettle XY9876 steel"}


def test_a_dry_run_that_would_merge(shop: IngestShop) -> None:
    report = shop.bring(f"{HEAD}a,{SAME},\nb,{SAME},\n", dedupe="merge", dry_run=True)
    assert (report.new, report.merged) == (1, 1)


def test_our_own_columns_are_no_fields(shop: IngestShop) -> None:
    report = shop.bring('{"user": "u", "product": "p", "text": ""}\n{broken\n', "reviews.jsonl", kind="reviews")
    path = Path(str(report.reject_file))
    path.write_text(path.read_text().replace('"text": ""', '"text": "fine"'))
    assert counts(shop.bring(path.read_bytes(), "fixed.jsonl", kind="reviews")) == {"rows": 2, "new": 1, "rejected": 1}
    assert shop.store.read(REVIEWS, ["text"]).column(0).to_pylist() == ["fine"]


def test_one_cell_clears_and_another_sets(shop: IngestShop) -> None:
    content = "id,weight,weight_g\n1,1.5 kg,\n"
    shop.bring(content)
    assert shop.products()["1"] == {"weight": "1.5 kg", "weight_g": 1500.0}
    assert counts(shop.bring(content.replace("id,", "id,x,").replace("1,1", "1,,1"))) == {"rows": 1, "unchanged": 1}


def test_clipping_makes_no_second_event(shop: IngestShop) -> None:
    rows = "user,product,rating,time\n" + "".join(f"u{n},p{n},{n % 5 + 1},{1_600_000_000 + 1000 * n}\n" for n in range(200))
    odd = "v,p,50,1600000000\n"
    shop.bring(rows + odd, "a.csv", kind="interactions", outliers="clip")
    for outliers in ("clip", "report"):
        assert counts(shop.bring("user,product,rating,time\n" + odd, "b.csv", kind="interactions", outliers=outliers)) == {
            "rows": 1,
            "unchanged": 1,
        }
    assert shop.store.count(INTERACTIONS) == 201


def test_the_last_of_two_words_is_known_next_time(shop: IngestShop) -> None:
    content = "id,product,text\nr1,p,fine\nr1,p,bad\n"
    shop.bring(content, "reviews.csv", kind="reviews")
    assert counts(shop.bring(content, "reviews.csv", kind="reviews")) == {"rows": 2, "unchanged": 2}


def test_long_rows_are_written_before_there_are_many(shop: IngestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "CHUNK_CHARACTERS", 1_000)
    sizes: list[int] = []
    from mmsearch.catalog.product_table import ProductTable

    write = ProductTable.write

    def told(self: ProductTable, products: Any, *args: Any, **options: Any) -> Any:
        sizes.append(len(products))
        return write(self, products, *args, **options)

    monkeypatch.setattr(ProductTable, "write", told)
    shop.bring("id,description\n" + "".join(f"{n},{'x' * 400}\n" for n in range(9)))
    assert (max(sizes), sum(sizes)) == (3, 9)


def test_another_file_does_not_end_an_interrupted_one(shop: IngestShop) -> None:
    shop.bring("id\nx\n", "small.csv")
    shop.store.record.put("unfinished/ingest", [{"source": "big.csv", "kind": "products", "process": 1, "since": 0.0}])
    shop.bring("id\ny\n", "small.csv")
    assert (unfinished(shop.store) or {})["source"] == "big.csv"


@pytest.mark.parametrize("weight", ["", "heavy", "2 l"])
def test_a_number_goes_with_the_text_that_it_was_read_from(shop: IngestShop, weight: str) -> None:
    many = "".join(f"{n},1 kg\n" for n in range(2, 30))
    shop.bring("id,weight\n1,1.5 kg\n" + many)
    assert shop.products()["1"]["weight_g"] == 1500.0
    assert counts(shop.bring(f"id,weight\n1,{weight}\n", "b.csv")) == {"rows": 1, "changed": 1}
    assert shop.products()["1"] == {"": {}, "heavy": {"weight": "heavy"}, "2 l": {"weight": "2 l", "weight_ml": 2000.0}}[weight]
    assert counts(shop.bring(f"id,weight,x\n1,{weight},\n", "c.csv")) == {"rows": 1, "unchanged": 1}


def test_an_object_that_is_empty_clears_what_it_held(shop: IngestShop) -> None:
    shop.bring(lines([{"id": "1", "dims": {"w": 5, "deep": {"h": 6}}}]), "a.jsonl")
    assert counts(shop.bring(lines([{"id": "1", "dims": None}]), "b.jsonl")) == {"rows": 1, "changed": 1}
    assert shop.products() == {"1": {}}
