"""`mmsearch search --relax`, `--no-relax`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmsearch.errors import EXIT_DONE, EXIT_USAGE

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]
TOLD = "nothing matches all that is asked for; relaxed: brand:nike (as ordinary words)\n"


def test_what_gave_way_is_marked_and_told(store: str, mm: Mm) -> None:
    ran = mm("search", "brand:nike red shoe", "-k", 2, "--no-understand")
    assert (ran.code, ran.err) == (EXIT_DONE, TOLD)
    assert [json.loads(line)["relaxed"] for line in ran.lines] == [["brand:nike"]] * 2
    header, *rows = mm("search", "brand:nike red shoe", "-k", 2, "--format", "csv", "--no-understand").lines
    assert header == "rank,id,score,title,matched,relaxed" and all(row.endswith('"[""brand:nike""]"') for row in rows)
    table = mm("search", "brand:nike red shoe", "--format", "table", "-k", 1, "--no-understand")
    assert "red-shoe" in table.out and table.err == TOLD
    assert "relaxed" not in mm("search", "brand:kandel red shoe", "-k", 1).out


def test_no_relax(store: str, mm: Mm) -> None:
    ran = mm("search", "brand:nike red shoe", "--no-relax")
    assert (ran.code, ran.out) == (EXIT_DONE, "")
    assert ran.err == "no product matches brand:nike\n"


@pytest.mark.parametrize("how", ["ids", "trec"])
def test_where_nothing_says_so_nothing_is_relaxed(store: str, mm: Mm, how: str) -> None:
    assert mm("search", "brand:nike red shoe", "--format", how).out == ""


def test_relax_where_it_is_asked_for(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe", "--where", "price > 1000 and colour = 'red'", "--relax", "-k", 1)
    assert json.loads(ran.out)["relaxed"] == ["price > 1000"]
    ran = mm("search", "brand:nike red shoe", "--relax", "--format", "ids", "-k", 1, "--no-understand")
    assert (ran.out, ran.err) == ("red-shoe\n", TOLD)
    assert mm("search", "brand:nike", "--relax", "--format", "trec").code == EXIT_USAGE


def test_a_filter_stays_and_what_would_help_is_told(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe", "--where", "price > 1000 and colour = 'red'")
    assert ran.out == ""
    assert ran.err.startswith("no product matches price > 1000 and")
    assert ran.err.endswith("\n--relax would show 6 products: price > 1000 (left out)\n")


def test_an_evaluation_relaxes_nothing(store: str, mm: Mm, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("q1\tbrand:nike red shoe\nq2\tred hat\n")
    (tmp_path / "r.txt").write_text("q1 0 red-shoe 1\nq2 0 red-hat 1\n")
    ran = mm("eval", "search", "--queries", tmp_path / "q.tsv", "--qrels", tmp_path / "r.txt", "--metric", "RR@10", "--format", "json")
    assert ran.code == EXIT_DONE
    assert '"RR@10": 0.5' in ran.out
