"""`mmsearch embed`: the table, the report file, the progress."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_shop

from mmsearch.cli.embed import _Shown, _time
from mmsearch.encoders.report import Progress
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_the_table_and_the_reasons(mm: Mm, own: Shop, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    own.ingest(small_shop.write_jsonl(tmp_path / "more.jsonl", [{"id": "x", "title": "Red shoe", "images": ["bad.jpg"]}]))
    ran = mm("embed", "--format", "table", "--rejects", tmp_path / "bad.jsonl")
    assert ran.code == 3
    header = next(line for line in ran.lines if "modality" in line)
    assert header.split() == ["modality", "encoder", "items", "new", "unchanged", "removed", "failed", "seconds", "items/s"]
    assert next(line for line in ran.lines if " image " in line).split()[2:7] == ["38", "0", "37", "0", "1"]
    assert next(line for line in ran.lines if " text " in line).split()[2:7] == ["39", "1", "38", "0", "0"]
    assert "1 × not an image" in ran.err
    assert f"reasons in {tmp_path / 'bad.jsonl'}" in ran.err


def test_the_report_file(mm: Mm, own: Shop, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("an earlier one")
    ran = mm("embed", "--report", path, "--format", "json")
    assert ran.code == 0
    assert json.loads(path.read_text()) == json.loads(ran.out)
    assert {m["modality"]: m["unchanged"] for m in json.loads(ran.out)["modalities"]} == {"text": 38, "image": 37}
    assert [p.name for p in tmp_path.iterdir() if "report" in p.name] == ["report.json"], "no draft is left"


@pytest.mark.parametrize("where", ["nowhere/report.json", "shop"])
def test_a_report_that_cannot_be_written_is_found_before_the_work(mm: Mm, own: Shop, tmp_path: Path, where: str) -> None:
    own.ingest(small_shop.write_jsonl(tmp_path / "more.jsonl", [{"id": "x", "title": "Red shoe"}]))
    ran = mm("embed", "--report", tmp_path / where)
    assert ran.code == 1
    assert f"error: cannot write the report {tmp_path / where}: " in ran.err
    assert "--report FILE" in ran.err
    assert own.embed().modalities[0].new == 1, "nothing had been embedded"


@pytest.mark.parametrize("where", ["file/rejects.jsonl", "shop", "/proc/none/rejects.jsonl"])
def test_a_reject_file_that_cannot_be_written_is_found_before_the_work(mm: Mm, own: Shop, tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    own.ingest(small_shop.write_jsonl(tmp_path / "more.jsonl", [{"id": "x", "title": "Red shoe"}]))
    ran = mm("embed", "--rejects", tmp_path / where)
    assert ran.code == 1
    assert f"error: cannot write the reject file {tmp_path / where}: " in ran.err
    assert own.embed().modalities[0].new == 1, "nothing had been embedded"


def test_a_reject_file_that_is_not_needed_is_not_left_behind(mm: Mm, own: Shop, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    assert mm("embed", "--rejects", tmp_path / "deep" / "bad.jsonl").code == 0
    assert sorted(tmp_path.iterdir()) == before


def test_progress_tells_the_encoded_from_the_unchanged() -> None:
    shown = _Shown()
    for second in range(61):
        shown.recent.append(Progress("text", 10_000, 5_000 + 100 * second, 100 * second, 5_000, float(second)))
    while shown.recent[-1].seconds - shown.recent[0].seconds > 30:
        shown.recent.popleft()
    line = shown.line(Progress("text", 20_000, 11_000, 6_000, 5_000, 60.0))
    assert line == "embedding text: 11,000 of 20,000, 5,000 unchanged, 100/s, 90 s left"
    first = _Shown()
    first.recent.append(Progress("text", 10, 0, 0, 0, 0.0))
    assert first.line(Progress("text", 10, 0, 0, 0, 0.0)) == "embedding text: 0 of 10"


def test_times() -> None:
    assert [_time(s) for s in (0.4, 99, 150, 7_500)] == ["0 s", "99 s", "2 min", "2 h 5 min"]
