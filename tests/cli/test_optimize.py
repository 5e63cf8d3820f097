"""`mmsearch optimize` as a user sees it."""

from __future__ import annotations

import json

import pytest

from mmsearch.cli import run
from mmsearch.shop import Shop


def test_optimize(own: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    before = [(hit.id, round(hit.score, 6)) for hit in own.search("red shoe").hits]
    assert run(["optimize", "--keep", "0", "--format", "jsonl"]) == 0
    tables = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"products", "mmsearch_record"} <= {t["table"] for t in tables}
    assert all(t["files_after"] <= t["files_before"] for t in tables)
    assert next(t["rows"] for t in tables if t["table"] == "products") == own.info()["products"]
    assert [(hit.id, round(hit.score, 6)) for hit in Shop(own.store.path).search("red shoe").hits] == before


@pytest.mark.parametrize("age", ["", "soon", "1w", "-1h", "1 h 2 m"])
def test_an_age_that_is_none(own: Shop, age: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["optimize", f"--keep={age}"]) == 2
    assert "write: 30s, 10m, 1h, 2d or 0" in capsys.readouterr().err


@pytest.mark.parametrize("age", ["0", "30s", "10m", "1.5h", "2d"])
def test_ages(own: Shop, age: str) -> None:
    assert run(["--quiet", "optimize", "--keep", age]) == 0
