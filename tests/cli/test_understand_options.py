"""`--no-understand`, `--why-not`, marked titles, and queries that a shop should survive."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_what_was_understood_is_said_and_can_be_switched_off(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe under 15", "-k", 1)
    assert ran.err == "understood: under 15 (price, boost); colour red (boost)\n"
    assert [one["kind"] for one in json.loads(ran.out)["understood"]] == ["price", "colour"]
    off = mm("search", "red shoe", "--no-understand", "-k", 1)
    assert off.err == "" and "understood" not in json.loads(off.out)
    told = mm("search", "red shoe under 15", "-k", 1, "--explain", "--format", "table").out
    assert "understood" in told and "price under 15" in told


def test_why_not(store: str, mm: Mm) -> None:
    ran = mm("search", "red shoe", "-k", 2, "--why-not", "black-lamp", "--format", "table")
    assert ran.code == EXIT_DONE
    assert "why black-lamp is not in the list: by score it is at place " in ran.out and "beside the last one shown" in ran.out
    lines = [json.loads(line) for line in mm("search", "red shoe", "-k", 2, "--why-not", "nobody").lines]
    assert len(lines) == 3 and lines[-1]["reasons"][0].startswith("the store has no product nobody")
    refused = mm("search", "red shoe", "--why-not", "black-lamp", "--format", "ids")
    assert refused.code == EXIT_USAGE and "has no place for --why-not" in refused.err
    for nothing in ("", " "):
        refused = mm("search", "red shoe", "--why-not", nothing)
        assert refused.code == EXIT_USAGE and "--why-not names no product" in refused.err


def test_why_not_of_many(store: str, mm: Mm, tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_text("a\tred shoe\nb\tblue hat\n")
    lines = [json.loads(line) for line in mm("search", "--queries", tmp_path / "q.tsv", "-k", 1, "--why-not", "black-lamp").lines]
    assert [(line["query"], "why_not" in line) for line in lines] == [("a", False), ("a", True), ("b", False), ("b", True)]


def test_synonyms_from_a_file(own: Shop, mm: Mm, tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("stool, chair\nalone\n")
    ran = mm("ingest", tmp_path / "s.txt", "--kind", "synonyms")
    assert ran.code == 3 and "--kind synonyms" in ran.err
    assert mm("search", "stool", "-k", 1).err == "understood: stool is also chair\n"


def test_the_page_marks_words_and_names_variants(store: str, mm: Mm, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    mm("search", "shoe", "-k", 2, "--html", page, "--rerank", "collapse(by=brand)")
    html = page.read_text(encoding="utf-8")
    assert "<mark>shoe</mark>" in html
    assert "Stands for " in html


# -- what comes in from outside ----------------------------------------------------------------------------------------


def test_queries_that_look_for_nothing(store: str, mm: Mm, tmp_path: Path) -> None:
    for args, told in (
        (["search"], "the query is empty"),
        (["search", ""], "empty text part"),
        (["search", "   "], "empty text part"),
        (["search", "--not", "leather"], "only negative parts"),
        (["search", "shoe", "-k", "0"], "-k must be at least 1"),
        (["search", "x" * 20_001], "20,000 are allowed"),
    ):
        ran = mm(*args)
        assert (ran.code, ran.out) == (EXIT_USAGE, ""), args
        assert told in ran.err
    (tmp_path / "no.jpg").write_bytes(b"\xff\xd8\xff no photo")
    for photo in (tmp_path / "no.jpg", tmp_path / "missing.jpg", tmp_path):
        ran = mm("search", "--image", photo)
        assert ran.code == EXIT_FAILED and "Traceback" not in ran.err and photo.name in ran.err


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "red " * 2_500, "🟥👟 shoe" * 50, "حذاء أحمر", "‮eohs der", "red\x00shoe", "1" * 9_999, "紅色" * 3_000]
)
def test_queries_that_are_odd(store: str, mm: Mm, text: str) -> None:
    ran = mm("search", text, "-k", 3, "--why-not", "red-shoe")
    assert ran.code == EXIT_DONE and len(ran.lines) == 4


def test_emoji_alone_are_an_answer_or_a_clear_error(store: str, mm: Mm) -> None:
    ran = mm("search", "🟥👟" * 5_000)
    assert ran.code in (EXIT_DONE, EXIT_FAILED) and "Traceback" not in ran.err and len(ran.err) < 500


def test_more_hits_than_there_are_products(store: str, mm: Mm) -> None:
    assert len(mm("search", "shoe", "-k", 10_000).lines) > 30


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(
        st.text(min_size=1, max_size=30), st.sampled_from(["' or 1=1 --", "'; drop table products; --", "`id`", "id = 'x' or true"])
    )
)
def test_no_string_is_taken_for_more_than_it_is(store: str, built: Path, text: str) -> None:
    """A text of a query, an id that is asked for, a synonym: nothing of it becomes a filter or a command."""
    shop = Shop(store)
    everything = {hit.id for hit in shop.search(where="price > 0", k=1_000)}
    plain = text.replace("^", " ").replace('"', " ").replace("“", " ")
    if plain.strip():
        found = shop.search(f"red {plain} under 15", k=1_000, where="colour = 'red'", why_not=text)
        assert found.why_not is not None and (text in found.why_not.reasons[0] or text in everything)
        assert {hit.id for hit in found} <= everything and all(hit.id.startswith("red-") for hit in found)
