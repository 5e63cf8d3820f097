"""`mmsearch ingest` as a shell script or a person at a terminal meets it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from mmsearch.shop import Shop

Mm = Callable[..., Any]
CONTENT = "id,title,size\n" + "".join(f"{n},t{n},{n}\n" for n in range(10))
FEWER = "".join(line + "\n" for line in CONTENT.splitlines()[:-2])


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMSEARCH_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    Path("all.csv").write_text(CONTENT)
    Path("fewer.csv").write_text(FEWER)
    return tmp_path / "store"


def test_sync_needs_a_yes_where_nobody_can_be_asked(store: Path, mm: Mm) -> None:
    mm("ingest", "all.csv")
    ran = mm("ingest", "fewer.csv", "--sync")
    assert ran.code == 2
    assert "add --yes" in ran.err
    assert mm("ingest", "fewer.csv", "--sync", "--dry-run").code == 0
    ran = mm("ingest", "fewer.csv", "--sync", "--yes")
    assert (ran.code, json.loads(ran.out)["sync"]["deleted"]) == (0, 2)


def test_sync_asks_on_a_terminal(store: Path, mm: Mm, monkeypatch: pytest.MonkeyPatch) -> None:
    mm("ingest", "all.csv")
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return len(asked) > 1

    monkeypatch.setattr(typer, "confirm", answer)
    monkeypatch.setattr("mmsearch.cli.ingest._asks", lambda: True)
    ran = mm("ingest", "fewer.csv", "--sync")
    assert (ran.code, asked) == (1, ["delete 2 of 10 that the file does not have?"])
    assert "--sync deleted nothing of the 2 that the file does not have: it was not confirmed" in ran.err
    assert mm("ingest", "fewer.csv", "--sync").code == 0


def test_more_than_half(store: Path, mm: Mm) -> None:
    mm("ingest", "all.csv")
    ran = mm("ingest", "-", "--sync", "--yes", stdin="id,title\n0,t0\n")
    assert ran.code == 1
    assert "more than half of the 10 that the store has" in ran.err
    assert "--force" in ran.err


def test_a_report_as_a_file(store: Path, mm: Mm) -> None:
    ran = mm("ingest", "all.csv", "--report", "out.json")
    assert json.loads(Path("out.json").read_text()) == json.loads(ran.out)
    assert sorted(p.name for p in Path().iterdir()) == ["all.csv", "fewer.csv", "out.json", "store"]


def test_a_report_that_cannot_be_written_costs_no_ingest(store: Path, mm: Mm) -> None:
    ran = mm("ingest", "all.csv", "--report", "no/such/folder.json")
    assert ran.code == 1
    assert "cannot write the report no/such/folder.json" in ran.err
    assert not store.exists()


def test_no_report_of_a_failure_is_left_behind(store: Path, mm: Mm) -> None:
    Path("empty.csv").write_text("")
    assert mm("ingest", "empty.csv", "--report", "out.json").code == 1
    assert sorted(p.name for p in Path().iterdir()) == ["all.csv", "empty.csv", "fewer.csv"]


def test_a_dry_run_as_a_person_sees_it(store: Path, mm: Mm) -> None:
    Path("feed.csv").write_text("sku;商品名称;售价;图片1;颜色\na;鞋;¥99;x.png;红\n;灯;5;;\n")
    ran = mm("ingest", "feed.csv", "--dry-run", "--format", "table")
    assert ran.code == 3
    for part in ("would ingest feed.csv", "商品名称", "售价", "图片1", "kept as attributes: 颜色", "images: missing", "no id"):
        assert part in ran.out
    assert "line 3: no id (column sku)" in ran.err
    assert not store.exists()


def test_the_table_of_an_ingest(store: Path, mm: Mm) -> None:
    Path("feed.csv").write_text("id,title,price,image\n1,a &amp; b,$5,no.png\n2,c\n")
    ran = mm("ingest", "feed.csv", "--format", "table")
    assert ran.code == 3
    for part in (
        "ingested feed.csv (csv, utf-8)",
        "rejected rows and problems",
        "wrong number of cells",
        "media",
        "missing",
        "cleaned",
        "HTML",
    ):
        assert part in ran.out
    assert "correct them there, then: mmsearch ingest" in ran.err


def test_the_hint_for_rejects_says_all_that_is_needed(store: Path, mm: Mm) -> None:
    Path("feed.csv").write_text("id,name,sale price\n1,a,ask us\n")
    ran = mm("ingest", "feed.csv", "--map", "price=sale price", "--allow-outside", "--kind", "products")
    assert re.search(r"rejects/feed\.csv\.[0-9a-f]{8}\.jsonl --kind products --map 'price=sale price' --allow-outside$", ran.err.rstrip())


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["all.csv", "--kind", "things"], 2, "kinds: products, interactions, reviews, searches, users, triples"),
        (["all.csv", "--encoding", "klingon"], 2, "klingon"),
        (["all.csv", "--rejects", "all.csv"], 2, "cannot be read and take the rejected rows at once"),
    ],
)
def test_bad_options(store: Path, mm: Mm, args: list[str], code: int, message: str) -> None:
    ran = mm("ingest", *args)
    assert ran.code == code
    assert message in ran.err
    assert not store.exists()


def test_an_unknown_option_from_python(store: Path) -> None:
    from mmsearch.errors import UsageError

    with pytest.raises(UsageError, match="unexpected keyword argument 'alow_outside'"):
        Shop().ingest("all.csv", alow_outside=True)


@pytest.mark.parametrize("how", [KeyboardInterrupt, typer.Abort])
def test_ctrl_c_at_the_question_leaves_a_finished_store(
    store: Path, mm: Mm, monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    mm("ingest", "all.csv")

    def interrupted(*_: object, **__: object) -> bool:
        raise how

    monkeypatch.setattr(typer, "confirm", interrupted)
    monkeypatch.setattr("mmsearch.cli.ingest._asks", lambda: True)
    Path("fewer.csv").write_text(FEWER.replace("t3", "other"))
    ran = mm("ingest", "fewer.csv", "--sync")
    assert (ran.code, "nothing is deleted" in ran.err, "error: interrupted" in ran.err) == (130, True, True)
    shop = Shop(store)
    assert (shop.info()["unfinished"], shop.store.record.get("layout")["unfinished"]) == (None, False)
    assert (shop.info()["products"], shop.show(["3"])["3"]["fields"]["title"]) == (10, "other")


def test_standard_input_is_not_overwritten_by_its_rejects(store: Path, mm: Mm) -> None:
    assert mm("ingest", "-", stdin="id,title\n1,a\n,b\n").code == 3
    rejects = store / "rejects" / "stdin.jsonl"
    before = rejects.read_text()

    def ingest(*options: str) -> tuple[int, str]:
        program = [sys.executable, "-m", "mmsearch", "ingest", "-", *options]
        with rejects.open() as file:
            ran = subprocess.run(program, stdin=file, capture_output=True, text=True, env=dict(os.environ), check=False)
        return ran.returncode, ran.stderr

    code, told = ingest()
    assert (code, "standard input cannot be read and take the rejected rows at once" in told) == (2, True)
    assert rejects.read_text() == before
    assert ingest("--dry-run")[0] == 3  # which writes no reject file
    assert ingest("--rejects", "others.jsonl")[0] == 3
    assert rejects.read_text() == before
    assert mm("ingest", rejects).code == 3  # by its name
    rejects.write_text(before.replace('"id": ""', '"id": "2"'))
    assert mm("ingest", rejects).code == 0
    assert set(Shop(store).show(["1", "2"])) == {"1", "2"}
