"""`mmsearch show`, and `mmsearch info` of a shop with many attributes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_shop

from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_formats(store: str, mm: Mm) -> None:
    expected = list(Shop(store).show(["red-shoe", "green-lamp"]).values())
    assert json.loads(mm("show", "red-shoe", "green-lamp", "--format", "json").out) == expected
    assert [json.loads(line) for line in mm("show", "red-shoe", "green-lamp").lines] == expected
    shown = mm("show", "red-shoe", "--format", "table")
    assert shown.code == EXIT_DONE
    for text in ("product red-shoe", "Red shoe", "colour", "photos/second.png", "there", "fake-image", "fake-text"):
        assert text in shown.out
    assert mm("show", "red-shoe", "--format", "ids").code == EXIT_USAGE
    assert mm("show").code == EXIT_USAGE


def test_facts_are_made_shown_and_asked(own: Shop, mm: Mm) -> None:
    ran = mm("embed", "--features", "fake-shade", "--format", "table")
    assert ran.code == EXIT_DONE and "fake-shade" in ran.out
    shown = mm("show", "red-shoe", "--format", "table").out
    assert "found by features" in shown and "brightness" in shown
    shade = own.show(["red-shoe"])["red-shoe"]["facts"]["shade"]
    ran = mm("search", "red shoe", "--where", f"shade = '{shade}' and price < 80", "--format", "ids")
    assert "red-shoe" in ran.lines
    assert "fake-shade" in mm("info", "--format", "table").out
    assert json.loads(mm("info", "--format", "json").out)["features"]["fake-shade"]["facts"]["shade"] >= 1
    listed = {row["name"]: row for row in json.loads(mm("models").out)["features"]}
    assert listed["fake-shade"]["used"] == "fake-shade" and listed["fake-talk"]["used"] is None
    ran = mm("embed", "--no-features", "fake-shade")
    assert ran.code == EXIT_DONE and "the facts of fake-shade are removed" in ran.err
    ran = mm("embed", "--features", "fake-shad")
    assert ran.code == EXIT_USAGE and "did you mean" in ran.err


def test_what_is_there_is_shown_and_what_is_not_fails(store: str, mm: Mm) -> None:
    ran = mm("show", "red-shoo", "red-shoe")
    assert ran.code == EXIT_FAILED
    assert [json.loads(line)["id"] for line in ran.lines] == ["red-shoe"]
    assert ran.err.startswith("error: there is no product red-shoo; did you mean red-shoe?\n")


def test_a_photo_that_is_gone(own: Shop, mm: Mm, tmp_path: Path) -> None:
    path = small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "x", "images": "gone.png", "size": 5}])
    own.ingest(path)
    assert "missing" in mm("show", "x", "--format", "table").out


def test_wide_characters_align(own: Shop, mm: Mm, tmp_path: Path) -> None:
    own.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "鞋", "产地": "江西", "material": "皮革"}]))
    lines = mm("show", "鞋", "--format", "table").lines

    def column(text: str) -> int:
        line = next(line for line in lines if text in line)
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line[: line.index(text)])

    assert column("江西") == column("皮革") == column("value")


def test_info_of_thousands_of_attributes(own: Shop, mm: Mm, tmp_path: Path) -> None:
    rows = [{"id": f"n{i}", "common": i} | {f"attr_{i}_{j}": "x" for j in range(20)} for i in range(100)]
    own.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    ran = mm("info", "--format", "table")
    assert "2,0" in ran.out
    assert "of them sparse" in ran.out
    assert "common" in ran.out
    assert len(ran.lines) < 90
    assert "attributes that fewer products have are not shown; all of them: mmsearch info --format json" in ran.err
    known = json.loads(mm("info").out)["attributes"]
    assert known["attr_5_3"]["sparse"] is True
    assert known["common"]["filled"] == 100


@pytest.mark.parametrize("command", [["search", "red"], ["recommend", "--like", "red-shoe"]])
def test_sparse_filters_through_the_commands(own: Shop, mm: Mm, tmp_path: Path, command: list[str]) -> None:
    own.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "blue-shoe", "lining": "wool"}]))
    assert own.info()["attributes"]["lining"]["sparse"]
    ran = mm(*command, "--where", "lining = 'wool' and not colour = 'red'", "--format", "ids")
    assert (ran.code, ran.out) == (EXIT_DONE, "blue-shoe\n")
    wrong = mm(*command, "--where", "linning = 'wool'")
    assert "no product has an attribute 'linning'; did you mean lining?" in wrong.err
