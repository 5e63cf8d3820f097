"""Reviews, searches, users and triples through ingest; events keep what no field holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ingest_shop import IngestShop, counts

from mmsearch.store import INTERACTIONS, REVIEWS, SEARCHES, TRIPLES, USERS

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


def rows(shop: IngestShop, table: str, *names: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.values()) for row in shop.store.read(table, list(names)).to_pylist()), key=str)


@pytest.mark.parametrize(
    ("name", "kind", "table", "count"),
    [
        ("events.csv", "interactions", INTERACTIONS, 2113),
        ("reviews.csv", "reviews", REVIEWS, 200),
        ("searches.csv", "searches", SEARCHES, 224),
        ("users.csv", "users", USERS, 80),
        ("knowledge.csv", "triples", TRIPLES, 242),
    ],
)
def test_the_sample_shop(shop: IngestShop, name: str, kind: str, table: str, count: int) -> None:
    report = shop.bring((SAMPLE / name).read_bytes(), name)
    assert (report.kind, counts(report)) == (kind, {"rows": count, "new": count})
    assert shop.store.count(table) == count
    assert counts(shop.bring((SAMPLE / name).read_bytes(), name)) == {"rows": count, "unchanged": count}
    assert shop.store.count(table) == count


def test_a_corrected_review_replaces_the_old_one(shop: IngestShop) -> None:
    shop.bring("user,product,text,rating,time\nu,p,fine,4,5\nv,p,bad,1,5\n", "reviews.csv")
    report = shop.bring("user,product,text,rating,time\nu,p,not so fine,2,5\nv,p,bad,1,5\n", "reviews.csv")
    assert counts(report) == {"rows": 2, "changed": 1, "unchanged": 1}
    assert rows(shop, REVIEWS, "user", "text", "rating") == [("u", "not so fine", 2.0), ("v", "bad", 1.0)]


def test_the_later_of_two_words_in_one_file_counts(shop: IngestShop) -> None:
    report = shop.bring("user,product,text,time\nu,p,fine,5\nu,p,bad,5\nu,p,bad,5\n", "reviews.csv")
    assert counts(report) == {"rows": 3, "new": 1, "unchanged": 2}
    assert rows(shop, REVIEWS, "text") == [("bad",)]
    assert any("say again" in note for note in report.notes)


def test_what_no_field_holds_is_kept(shop: IngestShop) -> None:
    shop.bring("user,product,time,device,empty\nu,p,5,phone,\n", "events.csv")
    assert [json.loads(extra) for (extra,) in rows(shop, INTERACTIONS, "extra")] == [{"device": "phone"}]


def test_users_are_merged(shop: IngestShop) -> None:
    shop.bring("id,age,city,since\nu1,30,Leeds,2024-02-20\nu2,,Xi'an,\n", "users.csv", kind="users")
    report = shop.bring("id,city,vip\nu1,,true\nu3,Ulm,false\n", "users.csv", kind="users")
    assert counts(report) == {"rows": 2, "new": 1, "changed": 1}
    assert [(id, json.loads(text)) for id, text in rows(shop, USERS, "id", "attributes")] == [
        ("u1", {"age": ["number", 30.0], "since": ["time", 1_708_387_200.0], "vip": ["bool", True]}),
        ("u2", {"city": ["text", "Xi'an"]}),
        ("u3", {"city": ["text", "Ulm"], "vip": ["bool", False]}),
    ]


def test_a_bad_row_of_any_kind_can_be_corrected(shop: IngestShop) -> None:
    for kind, content, broken, whole in (
        ("reviews", "user,product,text\nu,,fine\n", '"product": ""', '"product": "p"'),
        ("searches", "user,query,clicked\nu,,p\n", '"query": ""', '"query": "shoe"'),
        ("triples", "head,relation,tail\na,b,\n", '"tail": ""', '"tail": "c"'),
        ("users", "id,age\n,5\n", '"id": ""', '"id": "u"'),
    ):
        report = shop.bring(content, f"{kind}.csv", kind=kind)
        assert counts(report) == {"rows": 1, "rejected": 1}, kind
        path = Path(str(report.reject_file))
        path.write_text(path.read_text().replace(broken, whole))
        assert counts(shop.bring(path.read_bytes(), f"{kind}-fixed.jsonl", kind=kind)) == {"rows": 1, "new": 1}, kind
