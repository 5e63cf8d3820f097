"""`--facet`, `--sort`, `--page` and a filter without a query on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmsearch.errors import EXIT_DONE, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.tsv"
    path.write_text("q1\tred shoe\nq2\tblue hat\n", encoding="utf-8")
    return path


def test_facets_come_behind_the_hits(store: str, mm: Mm) -> None:
    expected = Shop(store).search("red shoe", k=2, facets=["brand", "price(3)"])
    lines = [hit.to_json(of=expected) for hit in expected] + [dict(facet) for facet in expected.facets]
    for how, read in (("jsonl", lambda ran: [json.loads(line) for line in ran.lines]), ("json", lambda ran: json.loads(ran.out))):
        ran = mm("search", "red shoe", "-k", 2, "--facet", "brand", "--facet", "price(3)", "--format", how)
        assert (ran.code, ran.err) == (EXIT_DONE, "".join(f"{line}\n" for line in expected.notes))
        assert read(ran) == lines
    assert list(lines[2]) == ["facet", "values", "more", "missing"]


def test_facets_of_many_queries_name_theirs(store: str, mm: Mm, queries: Path) -> None:
    lines = [json.loads(line) for line in mm("search", "--queries", queries, "-k", 1, "--facet", "colour").lines]
    assert [(line["query"], "facet" in line) for line in lines] == [("q1", False), ("q1", True), ("q2", False), ("q2", True)]
    shown = mm("search", "--queries", queries, "-k", 1, "--facet", "colour", "--format", "table").out
    assert "q1: colour" in shown
    assert "q2: colour" in shown


def test_a_table_of_each_facet(store: str, mm: Mm) -> None:
    ran = mm("search", "--where", "brand = 'Ulm'", "--facet", "colour(2)", "--facet", "stock", "-k", 1, "--format", "table")
    assert ran.code == EXIT_DONE
    assert "colour (4 more)" in ran.out
    assert "colour = 'black'" in ran.out
    assert "stock = 0" in ran.out
    assert "score" not in ran.out, "without a query there is none"
    shown = mm("search", "--where", "price < 30", "--facet", "brand", "--format", "table").out
    assert "(none)" in shown
    assert "brand is null" in shown


def test_sort_and_page(store: str, mm: Mm) -> None:
    wanted = Shop(store).search("hat", sort=["brand", "price desc"], k=3, page=2)
    options = ("--sort", "brand", "--sort", "price desc", "-k", 3, "--page", 2)
    assert mm("search", "hat", *options, "--format", "ids").lines == [hit.id for hit in wanted]
    assert [json.loads(line)["rank"] for line in mm("search", "hat", *options).lines] == [4, 5, 6]
    ran = mm("search", "hat", "-k", 30, "--page", 3)
    assert (ran.code, ran.out, ran.err) == (EXIT_DONE, "", "page 3 is beyond the last: there are 2 pages of 30\n")


def test_a_filter_alone(store: str, mm: Mm) -> None:
    ran = mm("search", "--where", "colour = 'red' and price < 13", "--format", "ids")
    assert (ran.code, ran.lines, ran.err) == (EXIT_DONE, ["red-bag", "red-lamp", "red-shoe"], "")
    ran = mm("search", "--where", "colour = 'red' and price < 1")
    assert (ran.code, ran.out) == (EXIT_DONE, "")
    assert ran.err == (
        "no product matches colour = 'red' and price < 1: by itself, price < 1 leaves none, colour = 'red' leaves 6; "
        "without price < 1 there would be 6\n--relax would show 6 products: price < 1 (left out)\n"
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["red", "--facet", "brand", "--format", "csv"], "--format csv has no place for facets"),
        (["red", "--facet", "brand", "--format", "ids"], "formats with facets: table, json, jsonl"),
        (["red", "--facet", "brand", "--format", "trec"], "--format trec has no place for facets"),
        (["red", "--sort", "price", "--format", "trec"], "a TREC run is ranked by its scores, and --sort orders"),
        (["--where", "price > 1", "--format", "trec"], "a TREC run is ranked by its scores, and without a query"),
        (["red", "--facet", "bran"], "did you mean brand?"),
        (["red", "--facet", "price(0)"], "--facet price(0): it can show from 1 to 10,000 values"),
        (["red", "--facet", "`price"], "the name has no closing backtick"),
        (["red", "--sort", "images"], "--sort: images is a list, and lists have no order"),
        (["red", "--sort", "prize desc"], "--sort: no product has an attribute 'prize'; did you mean price?"),
        (["red", "--page", "0"], "--page counts from 1, not 0"),
        (["--page", "2"], "the query is empty"),
        (["--where", "price > 1", "--in", "text"], "without a query nothing is compared"),
        (["--where", "price > 1", "--not", "red"], "only negative parts"),
    ],
)
def test_wrong_usage(store: str, mm: Mm, options: list[str], told: str) -> None:
    ran = mm("search", *options)
    assert (ran.code, ran.out) == (EXIT_USAGE, "")
    assert told in ran.err


def test_facets_on_a_page_leave_the_format_alone(store: str, mm: Mm, tmp_path: Path) -> None:
    ran = mm("search", "hat", "--facet", "colour", "--html", tmp_path / "page.html", "--format", "ids", "-k", 2)
    assert ran.code == EXIT_DONE
    assert len(ran.lines) == 2
    assert "colour = &#x27;red&#x27;" in (tmp_path / "page.html").read_text(encoding="utf-8")
    ran = mm("search", "--where", "price < 12", "--facet", "colour", "--html", tmp_path / "page.html", "--format", "ids")
    assert ran.code == EXIT_DONE
    assert "Traceback" not in ran.err
