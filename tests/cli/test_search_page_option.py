"""`mmsearch search --html FILE`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_the_page_of_one_query(store: str, built: Path, mm: Mm, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    page.write_text("an earlier one")
    ran = mm("search", "red shoe", "--image", built / "photos" / "blue-bag.png", "-k", 3, "--html", page, "--no-understand")
    assert (ran.code, ran.err) == (EXIT_DONE, f"the page is {page}\n")
    assert len(ran.lines) == 3, "the hits still come"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    assert text.count("data:image/jpeg;base64,") == 4
    assert all(json.loads(line)["id"] in text for line in ran.lines)
    assert "<details open>" not in text
    assert [p.name for p in tmp_path.iterdir()] == ["found.html"]
    mm("search", "red shoe", "--explain", "--html", page)
    assert "<details open>" in page.read_text(encoding="utf-8")
    assert mm("search", "red shoe", "--html", page, "--quiet").err == ""


def test_the_page_of_a_batch(store: str, mm: Mm, tmp_path: Path) -> None:
    queries, page = tmp_path / "queries.tsv", tmp_path / "found.html"
    queries.write_text("q1\tred shoe\nq2\tblue hat\n")
    ran = mm("search", "--queries", queries, "-k", 2, "--html", page, "--format", "trec")
    assert ran.code == EXIT_DONE
    text = page.read_text(encoding="utf-8")
    assert "2 searches" in text and text.count("<article") == 4


def test_what_has_no_room_is_said(store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.web.search_page.CARDS", 2)
    ran = mm("search", "red shoe", "-k", 5, "--html", tmp_path / "found.html")
    assert ran.err.splitlines()[0] == "the page: products beyond the first 2 are left out: a page shows 2"


def test_a_page_that_cannot_be_written_costs_no_search(store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shop, "search_many", lambda *_, **__: pytest.fail("it was searched first"))
    for path in (tmp_path, tmp_path / "no" / "found.html", "", "/dev/null"):
        ran = mm("search", "red shoe", "--html", path)
        assert ran.code == EXIT_FAILED
        assert ran.err.startswith("error: cannot write the page ") and "choose another with --html FILE" in ran.err
    ran = mm("search", "red shoe", "--html", "-")
    assert ran.code == EXIT_USAGE and "standard output has the results" in ran.err and "name a file: --html FILE" in ran.err
    assert not Path("-").exists()


def test_a_search_that_fails_leaves_an_earlier_page(store: str, mm: Mm, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    page.write_text("an earlier one")
    assert mm("search", "--image", tmp_path / "none.jpg", "--html", page).code == EXIT_FAILED
    assert page.read_text() == "an earlier one"
    assert [p.name for p in tmp_path.iterdir()] == ["found.html"]
