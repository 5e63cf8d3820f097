"""What people and scripts give to `search` that nobody meant: it answers, or says what is wrong, where, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_shop

from mmsearch.cli import search
from mmsearch.errors import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, UsageError
from mmsearch.lexical.fields import RECORD, TABLE
from mmsearch.search.query import make_query
from mmsearch.shop import Shop

if TYPE_CHECKING:
    from conftest import Ran

Mm = Callable[..., "Ran"]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_marks_alone_are_answered_and_doubted(mm: Mm, tmp_path: Path) -> None:
    plain = small_shop.make(tmp_path, fuse=False, events=False)
    plain.embed(text="usem")
    ran = mm("search", "?!", "-k", 1, "--format", "ids", "--store", plain.store.path)
    assert ran.code == EXIT_DONE and len(ran.lines) == 1
    assert ran.err == "'?!' has neither letters nor numbers: whatever is shown is near it by chance\n"


def test_a_store_that_an_older_version_made_says_what_it_lacks(own: Shop, mm: Mm) -> None:
    own.store.drop(TABLE)
    assert not mm("search", "hat", "-k", 1, "--store", own.store.path, "--no-understand").err, "no product says anything"
    own.store.record.delete(RECORD)
    for options, told in (((), True), (("--in", "image"), False), (("--image", Path(own.store.path).parent / "photos/red-hat.png"), True)):
        err = mm("search", "hat", *options, "-k", 1, "--store", own.store.path, "--no-understand").err
        assert ("the store has no table of words" in err and "mmsearch embed" in err) is told
    assert mm("search", "--like", "red-hat", "-k", 1, "--store", own.store.path).err == ""


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("search", "hat", "--session", ",, "), "--session names no product"),
        (("search", "hat", "--store", ""), "--store names nothing"),
        (("suggest", "hat", "--store", " "), "--store names nothing"),
    ],
)
def test_what_is_given_and_empty(store: str, mm: Mm, args: tuple[str, ...], said: str) -> None:
    ran = mm(*args)
    assert ran.code == EXIT_USAGE and said in ran.err and not ran.out


def test_an_error_in_a_batch_names_the_query(store: str, mm: Mm, tmp_path: Path) -> None:
    broken = written(tmp_path, "broken.png", "no photo")
    photo = written(tmp_path, "photo.jsonl", '{"id": "a", "text": "hat"}\n{"id": "b", "image": "broken.png"}\n')
    like = written(tmp_path, "like.jsonl", '{"id": "a", "text": "hat"}\n{"id": "b", "like": "red-hut"}\n')
    ran = mm("search", "--queries", photo)
    assert ran.code == EXIT_FAILED and f"{photo}:2: query b: the query image {broken} cannot be used" in ran.err
    ran = mm("search", "--queries", like)
    assert ran.code == EXIT_FAILED and f"{like}:2: query b: there is no product red-hut" in ran.err
    assert "error: there is no product red-hut" in mm("search", "--like", "red-hut").err, "alone it is the only one"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"where": "nope = 1"}, "--where: no product has an attribute 'nope'"),
        ({"where": "price = 'red'"}, "--where: price holds numbers, which 'red' is not"),
        ({"where": "colour ="}, "bad filter: expected a number"),
        ({"session": "gone-1"}, "of the session nothing is there: there is no product gone-1"),
        ({"session": ["gone-1", "red-ht"]}, "there is no product red-ht; did you mean red-hat?"),
        ({"text": "", "not": "hat"}, "only negative parts"),
    ],
)
def test_a_line_that_cannot_be_answered_is_named(store: str, mm: Mm, tmp_path: Path, line: dict[str, object], said: str) -> None:
    queries = written(
        tmp_path, "q.jsonl", "".join(json.dumps({"id": id, "text": "hat"} | more) + "\n" for id, more in (("a", {}), ("b", line)))
    )
    (tmp_path / "qrels").write_text("a 0 red-hat 1\nb 0 red-hat 1\n")
    for command in (("search", "--queries", queries), ("eval", "search", "--queries", queries, "--qrels", tmp_path / "qrels")):
        ran = mm(*command)
        assert (ran.code, ran.out) == (EXIT_FAILED, "")
        assert ran.err.startswith(f"error: {queries}:2: query b: ") and said in ran.err


def test_a_filter_of_the_command_line_is_of_no_query(store: str, mm: Mm, tmp_path: Path) -> None:
    queries = written(tmp_path, "q.tsv", "a\thut\n")
    (tmp_path / "qrels").write_text("a 0 red-hat 1\n")
    for command in (("search", "--queries", queries), ("eval", "search", "--queries", queries, "--qrels", tmp_path / "qrels")):
        ran = mm(*command, "--where", "nope = 1")
        assert ran.code == EXIT_USAGE and ran.err.startswith("error: --where: no product has an attribute 'nope'")


def test_in_python_the_error_of_one_of_many_names_it_too(store: str) -> None:
    with pytest.raises(UsageError, match="query b: --where: no product has an attribute 'nope'"):
        Shop(store).search_many({"a": make_query(["hat"]), "b": make_query(["hat"], where="nope = 1")})


def test_a_product_of_a_session_that_is_gone_is_left_out_and_said(store: str, mm: Mm, tmp_path: Path) -> None:
    queries = written(
        tmp_path, "q.jsonl", '{"id": "a", "text": "chair"}\n{"id": "b", "text": "chair", "session": "gone-1,red-hat,blue-bag"}\n'
    )
    ran = mm("search", "--queries", queries, "-k", 3, "--format", "ids")
    assert ran.code == EXIT_DONE
    assert "b: session: there is no product gone-1; the rest of the session counts" in ran.err.splitlines()
    alone = mm("search", "chair", "--session", "red-hat,blue-bag", "-k", 3, "--format", "ids")
    with_gone = mm("search", "chair", "--session", "red-hat,gone-1,blue-bag,gone-1", "-k", 3, "--format", "ids")
    assert with_gone.lines == alone.lines == [line.partition("\t")[2] for line in ran.lines if line.startswith("b\t")]
    assert with_gone.err.startswith("session: there is no product gone-1; the rest") and "gone-1" not in alone.err
    ran = mm("search", "chair", "--session", "gone-1,red-ht")
    assert ran.code == EXIT_USAGE and "of the session nothing is there: there is no product gone-1\n" in ran.err


def test_a_query_of_a_file_may_be_a_filter_alone(store: str, mm: Mm, tmp_path: Path) -> None:
    queries = written(tmp_path, "q.jsonl", '{"id": "cheap", "where": "price < 12"}\n{"id": "hat", "text": "red hat"}\n')
    ran = mm("search", "--queries", queries, "-k", 2, "--format", "ids")
    assert ran.lines[:2] == [f"cheap\t{id}" for id in [hit.id for hit in Shop(store).search(where="price < 12", k=2)]]


def test_a_queries_file_in_another_encoding(store: str, mm: Mm, tmp_path: Path) -> None:
    ran = mm("search", "--queries", written(tmp_path, "q.tsv", b"1\t\xff\xfehat\n"))
    assert ran.code == EXIT_FAILED and "not UTF-8 on line 1" in ran.err and "save it as UTF-8" in ran.err and "--encoding" not in ran.err


def test_many_queries_do_not_flood_the_terminal(store: str, mm: Mm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_NOTES", 3)
    queries = written(tmp_path, "q.tsv", "".join(f"q{n}\tred hat\n" for n in range(10)))
    told = mm("search", "--queries", queries, "-k", 1, "--format", "trec").err.splitlines()
    assert len(told) == 4 and told[0].startswith("q0: understood") and told[3].startswith("… and 7 more of these lines")


def test_no_text_reaches_a_terminal_as_a_command(store: str, mm: Mm) -> None:
    ran = mm("search", '"red \x1b[2J\x07hat\x9b"', "-k", 1, "--format", "table")
    assert ran.err and not any(c in ran.err for c in "\x1b\x07\x9b") and "\\x1b" in ran.err
    assert "紅色\u3000😀" in mm("search", "--like", "紅色\u3000😀").err, "what is no command stays as it is"


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_closed_stream_is_no_bug_and_nothing_goes_into_the_other(store: str, closed: str) -> None:
    command = f'"{sys.executable}" -m mmsearch --store "{store}" suggest kettel {closed}>&-'
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.returncode == EXIT_DONE
    assert bool(ran.stdout) is (closed == "2") and bool(ran.stderr) is (closed == "1")
    assert "nothing begins" not in ran.stdout and "{" not in ran.stderr


def test_two_stores_in_one_process_keep_apart(store: str, mm: Mm, tmp_path: Path) -> None:
    other = Shop(tmp_path / "other.lancedb")
    other.ingest(
        small_shop.write_csv(tmp_path / "p.csv", ("id", "title"), [{"id": "红", "title": "红色帽子"}, {"id": "跑", "title": "跑步鞋"}])
    )
    other.embed(text="fake-text")
    for _ in range(2):
        assert mm("search", "red hat", "-k", 1, "--format", "ids").lines == ["red-hat"]
        assert mm("search", "紅色", "-k", 1, "--format", "ids", "--store", other.store.path).lines == ["红"]
