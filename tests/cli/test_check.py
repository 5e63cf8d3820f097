"""`mmsearch check consistency`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_shop

from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_GATE, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_formats(store: str, mm: Mm) -> None:
    expected = Shop(store).check_consistency(k=3).rows()
    ran = mm("check", "consistency", "-k", "3")
    assert (ran.code, [json.loads(line) for line in ran.lines]) == (EXIT_DONE, expected)
    assert json.loads(mm("check", "consistency", "-k", "3", "--format", "json").out) == expected
    rows = list(csv.DictReader(io.StringIO(mm("check", "consistency", "-k", "3", "--format", "csv").out)))
    assert [row["id"] for row in rows] == [row["id"] for row in expected]
    assert "35 products with text and photo disagree, by the profile fake-fuser" in ran.err
    assert "3 repeat another, in 3 groups; 1 have nothing to fuse (2 no text, 4 no image vector)" in ran.err
    assert mm("check", "consistency", "--quiet").err == ""


def test_the_table(store: str, mm: Mm) -> None:
    out = mm("check", "consistency", "--format", "table", "-k", "3").out
    for text in ("photo and text disagree", "there more than once", "nothing to fuse, and why", "twin-a", "same words", "no photo", "%"):
        assert text in out
    out = mm("check", "consistency", "--format", "table", "--find", "duplicates").out
    assert "there more than once" in out and "disagree" not in out and "nothing to fuse" not in out


def test_find_where_and_profile(store: str, mm: Mm) -> None:
    ran = mm("check", "consistency", "--find", "nothing", "--find", "duplicates", "--where", "price < 7")
    assert [json.loads(line)["id"] for line in ran.lines] == ["empty"]
    assert "0 repeat another, in 0 groups; 1 have nothing to fuse" in ran.err
    assert "disagree" not in ran.err
    ran = mm("check", "consistency", "--profile", "fake-fuser", "--find", "disagreements", "-k", "2")
    assert len(ran.lines) == 2


def test_the_page(store: str, mm: Mm, tmp_path: Path) -> None:
    page = tmp_path / "check.html"
    page.write_text("an earlier one")
    ran = mm("check", "consistency", "--html", str(page))
    assert (ran.code, ran.err.splitlines()[-1]) == (EXIT_DONE, f"the page is {page}")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "data:image/jpeg;base64," in text and text.endswith("</html>\n")
    assert [p.name for p in tmp_path.iterdir()] == ["check.html"]


def test_a_page_that_cannot_be_written_costs_no_work(store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Shop, "check_consistency", lambda *_, **__: pytest.fail("it was looked for first"))
    for path in (tmp_path, tmp_path / "no" / "check.html"):
        ran = mm("check", "consistency", "--html", str(path))
        assert ran.code == EXIT_FAILED
        assert ran.err.startswith(f"error: cannot write the page {path}: ") and "choose another with --html FILE" in ran.err


def test_the_gate(store: str, mm: Mm) -> None:
    problems = Shop(store).check_consistency().problems
    ran = mm("check", "consistency", "--fail-over", str(problems - 1), "--quiet")
    assert ran.code == EXIT_GATE
    assert ran.err.startswith(
        f"error: {problems} products disagree, repeat others or have nothing to fuse; --fail-over allows {problems - 1}"
    )
    assert ran.lines, "what was found is still said"
    assert mm("check", "consistency", "--fail-over", str(problems)).code == EXIT_DONE
    assert mm("check", "consistency", "--fail-over", "0", "--find", "nothing", "--where", "colour = 'red'").code == EXIT_DONE
    assert mm("check", "consistency", "--fail-over", "-1").code == EXIT_USAGE


def test_errors(store: str, mm: Mm, tmp_path: Path) -> None:
    assert mm("check").code == EXIT_USAGE
    ran = mm("check", "consistency", "--find", "duplicate")
    assert ran.code == EXIT_USAGE and "did you mean duplicates" in ran.err
    ran = mm("check", "consistency", "--profile", "fake-fusr")
    assert ran.code == EXIT_USAGE and "did you mean fake-fuser" in ran.err
    assert mm("check", "consistency", "-k", "0").code == EXIT_USAGE
    assert mm("check", "consistency", "--format", "trec").code == EXIT_USAGE
    ran = mm("check", "consistency", "--store", str(tmp_path / "none"))
    assert ran.code == EXIT_FAILED and "there is no store" in ran.err


def test_a_store_without_vectors(mm: Mm, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "a", "title": "x"}]))
    ran = mm("check", "consistency", "--store", shop.store.path)
    assert ran.code == EXIT_FAILED
    assert ran.err == "error: the store has no vectors to check\n  make them: mmsearch embed\n"
