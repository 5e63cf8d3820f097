"""`mmsearch search --user, --session, --season, --mood`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mmsearch.errors import EXIT_DONE, EXIT_USAGE
from mmsearch.search.queries import read_queries
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def test_a_user(store: str, mm: Mm) -> None:
    ran = mm("search", "chair", "--user", "red-fan0", "-k", 3, "--explain")
    assert (ran.code, ran.err) == (EXIT_DONE, "language of the query: en\n")
    hits = [json.loads(line) for line in ran.lines]
    assert hits[0]["id"] == "red-chair"
    for hit in hits:
        assert abs(sum(one["contribution"] for one in hit["explain"]) - hit["score"]) < 1e-9
    assert {"personal taste", "personal history"} <= {one["evidence"].partition(":")[0] for one in hits[0]["explain"]}


def test_somebody_unknown_is_told_and_served(store: str, mm: Mm) -> None:
    ran = mm("search", "chair", "--user", "nobody", "--format", "ids", "-k", 3)
    assert (ran.code, ran.lines) == (EXIT_DONE, mm("search", "chair", "--format", "ids", "-k", 3).lines)
    assert "the store knows no user nobody" in ran.err


def test_a_session_and_all_at_once(store: str, mm: Mm) -> None:
    assert mm("search", "chair", "--session", "red-hat, blue-hat,blue-bag", "-k", 1, "--format", "ids").lines == ["blue-chair"]
    several = mm("search", "chair", "--session", "red-hat", "--session", "blue-hat", "--session", "blue-bag", "-k", 1, "--format", "ids")
    assert several.lines == ["blue-chair"]
    ran = mm(
        "search", "chair", "--user", "red-fan0", "--session", "red-hat", "--season", "november", "-k", 1, "--format", "table", "--explain"
    )
    assert ran.code == EXIT_DONE and "session taste" in ran.out and "5 days, less than a year" in ran.err


def test_without_a_query_everything_is_in_their_order(store: str, mm: Mm) -> None:
    ran = mm("search", "--user", "red-fan0", "-k", 1, "--format", "ids")
    assert ran.lines == ["red-chair"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--session", "red-ht"), "there is no product red-ht; did you mean red-hat?"),
        (("--season", "wintr"), "no time of the year; did you mean winter?"),
        (("--mood", "grumpyish"), "moods: joyful, excited, surprised, calm, sad, afraid, angry, disgusted"),
        (("--mood", "joyful"), "mmsearch embed --features emotion"),
        (("--mood", "heard"), "--mood heard listens to a spoken query"),
        (("--user", "u", "--sort", "price"), "--sort and --rerank (or --user"),
    ],
)
def test_what_is_wrong_is_said(store: str, mm: Mm, options: tuple[str, ...], said: str) -> None:
    ran = mm("search", "chair", *options)
    assert (ran.code, ran.out) == (EXIT_USAGE, "")
    assert said in ran.err


def test_a_queries_file_says_who_asks(own: Shop, mm: Mm, tmp_path: Path) -> None:
    file = tmp_path / "queries.jsonl"
    lines = [
        {"id": "one", "text": "chair", "user": "red-fan0"},
        {"id": "two", "text": "chair", "session": ["green-hat", "green-bag"]},
        {"id": "three", "text": "chair", "session": "red-hat,blue-hat"},
        {"id": "four", "text": "chair", "user": None},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = read_queries(str(file))
    assert [(query.shopper.user, query.shopper.session) for query in read.values()] == [
        ("red-fan0", ()),
        (None, ("green-hat", "green-bag")),
        (None, ("red-hat", "blue-hat")),
        (None, ()),
    ]
    ran = mm("search", "--queries", file, "-k", 1, "--user", "black-fan0", "--format", "ids")
    assert ran.lines[0] == "one\tred-chair" and ran.lines[3] == "four\tblack-chair", "--user is for those that name none"
    nobody = tmp_path / "who.jsonl"
    nobody.write_text('{"id": "one", "user": "u"}\n')
    assert "no column of a query" in mm("search", "--queries", nobody).err
