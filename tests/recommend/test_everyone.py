"""Recommendations for everybody into a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import small_shop

from mmsearch.errors import InputError, UsageError
from mmsearch.recommend import everyone
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """With a user of whom nothing is known but an attribute."""
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_catalogue(folder))
    shop.ingest(small_shop.write_events(folder))
    shop.ingest(small_shop.write_jsonl(folder / "users.jsonl", [{"id": "stranger", "city": "Ulm"}]), kind="users")
    return shop


def rows_of(path: Path) -> list[dict[str, Any]]:
    return pq.read_table(path).to_pylist()  # type: ignore[no-any-return]


def test_everybody_gets_what_they_would_get_alone(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_AT_ONCE", 4)
    told: list[tuple[int, int]] = []
    done = shop.recommend_everyone(tmp_path / "recs.parquet", k=4, told=lambda *now: told.append(now))
    rows = rows_of(done.path)
    assert (done.users, done.strangers, done.resumed, done.rows) == (25, 1, 0, len(rows))
    assert told[-1] == (25, 25)
    for user in ("red-fan0", "red-fan1", "stranger"):
        alone = shop.recommend(user, k=4)
        mine = [row for row in rows if row["user"] == user]
        assert [(row["rank"], row["product"]) for row in mine] == [(item.rank, item.id) for item in alone.items]
        assert mine[0]["method"] == alone.method
    assert list(tmp_path.iterdir()) == [tmp_path / "recs.parquet"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_other_formats_say_the_same(shop: Shop, tmp_path: Path, ending: str) -> None:
    shop.recommend_everyone(tmp_path / "recs.parquet", k=2)
    path = shop.recommend_everyone(tmp_path / f"recs.{ending}", k=2).path
    text = path.read_text(encoding="utf-8")
    found = list(csv.DictReader(text.splitlines())) if ending == "csv" else [json.loads(line) for line in text.splitlines()]
    wanted = rows_of(tmp_path / "recs.parquet")
    assert [(row["user"], int(row["rank"]), row["product"], float(row["score"])) for row in found] == [
        (row["user"], row["rank"], row["product"], row["score"]) for row in wanted
    ]


def test_who_is_interrupted_goes_on(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_AT_ONCE", 5)
    monkeypatch.setenv("MMSEARCH_THREADS", "1")
    write, made = everyone._write_part, []

    def stops(folder: Path, start: int, *rest: Any) -> None:
        if start >= 15:
            raise KeyboardInterrupt
        made.append(start)
        write(folder, start, *rest)

    path = tmp_path / "recs.parquet"
    path.write_text("an earlier one")
    monkeypatch.setattr(everyone, "_write_part", stops)
    with pytest.raises(KeyboardInterrupt):
        shop.recommend_everyone(path)
    assert path.read_text() == "an earlier one"
    assert made == [0, 5, 10]
    monkeypatch.setattr(everyone, "_write_part", write)
    assert shop.recommend_everyone(path).resumed == 15
    fresh = shop.recommend_everyone(tmp_path / "fresh.parquet")
    assert rows_of(path) == rows_of(fresh.path)


def test_parts_of_another_question_are_not_taken(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(everyone, "_join", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(InputError, match="No space left on device"):
        shop.recommend_everyone(tmp_path / "recs.parquet", k=3)
    monkeypatch.undo()
    assert shop.recommend_everyone(tmp_path / "recs.parquet", k=2).resumed == 0


def test_policies_hold(shop: Shop, tmp_path: Path) -> None:
    rows = rows_of(shop.recommend_everyone(tmp_path / "a.parquet", where="colour = 'red'", sold_out=True, k=20).path)
    assert {row["product"] for row in rows} <= {f"red-{kind}" for kind in small_shop.KINDS}
    assert [row["product"] for row in rows if row["user"] == "red-fan0"] == ["red-chair"]
    again = rows_of(shop.recommend_everyone(tmp_path / "b.parquet", already="only", sold_out=True, k=20).path)
    assert {row["product"] for row in again if row["user"] == "red-fan0"} == {f"red-{kind}" for kind in small_shop.KINDS[:5]}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("recs.xlsx", {}, "must end in .parquet, .csv, .jsonl"),
        ("recs.csv", {"explore": 0.1}, "--explore does not go"),
        ("r.csv", {"k": 0}, "-k"),
    ],
)
def test_wrong_requests(shop: Shop, tmp_path: Path, name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shop.recommend_everyone(tmp_path / name, **options)


def test_a_folder_that_is_not_there(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        shop.recommend_everyone(tmp_path / "nowhere" / "recs.csv")
