"""Synonyms files: what a line means, what is refused, and what `ingest` makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.catalog.problems import BadRow
from mmsearch.catalog.readers.synonyms import triples_of
from mmsearch.errors import InputError, UsageError
from mmsearch.shop import Shop


def relations(shop: Shop) -> set[tuple[str, str, str]]:
    return {tuple(row.values()) for row in shop.store.read("triples", ["head", "relation", "tail"]).to_pylist()}


@pytest.mark.parametrize(
    ("line", "triples"),
    [
        ("a, b,c", [("a", "synonym", "b"), ("a", "synonym", "c"), ("b", "synonym", "c")]),
        ("tennis  shoe , 板鞋", [("tennis shoe", "synonym", "板鞋")]),
        ("跑鞋，跑步鞋", [("跑鞋", "synonym", "跑步鞋")]),
        ("i-pod, ipood => ipod", [("i-pod", "means", "ipod"), ("ipood", "means", "ipod")]),
        ("tv => tv, television", [("tv", "means", "television")]),
        (r"1\,000, thousand", [("1,000", "synonym", "thousand")]),
        (r"a\=>b, c", [("a=>b", "synonym", "c")]),
        ("A, a, b", [("A", "synonym", "b")]),
    ],
)
def test_lines(line: str, triples: list[tuple[str, str, str]]) -> None:
    assert list(triples_of(line)) == triples


@pytest.mark.parametrize("line", ["alone", "a,", "a,,b", "a => b => c", "=> b", "a =>", "a => A", "!, b", "x" * 201 + ", b", "A, a"])
def test_bad_lines(line: str) -> None:
    with pytest.raises(BadRow, match="bad synonyms"):
        list(triples_of(line))
    with pytest.raises(BadRow, match="101 words in a line"):
        list(triples_of(",".join(f"w{n}" for n in range(101))))


@given(st.text(max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    try:
        for head, relation, tail in triples_of(line):
            assert head and tail and head.casefold() != tail.casefold() and relation in ("synonym", "means")
    except BadRow:
        pass


def test_a_file_is_ingested_and_bad_lines_are_not(tmp_path: Path) -> None:
    file = tmp_path / "synonyms.txt"
    file.write_text("# shoes\n\nsneaker, tennis shoe\nalone\n  # more\ni-pod => ipod\na => b => c\n", encoding="utf-8")
    shop = Shop(tmp_path / "store.lancedb")
    report = shop.ingest(file, kind="synonyms")
    assert (report.kind, report.new, report.rejected, report.exit_code) == ("synonyms", 2, 2, 3)
    assert relations(shop) == {("sneaker", "synonym", "tennis shoe"), ("i-pod", "means", "ipod")}
    rejected = [json.loads(line) for line in Path(report.reject_file or "").read_text(encoding="utf-8").splitlines()]
    assert [(one["_line"], one["_text"]) for one in rejected] == [(4, "alone"), (7, "a => b => c")]
    again = shop.ingest(file, kind="synonyms")
    assert (again.new, again.changed) == (0, 0)
    corrected = tmp_path / "corrected.jsonl"
    corrected.write_text("".join(json.dumps({**one, "_text": "alone, lonely"}) + "\n" for one in rejected[:1]), encoding="utf-8")
    assert shop.ingest(corrected, kind="synonyms").new == 1


def test_sync_leaves_other_triples_alone_and_they_leave_synonyms_alone(tmp_path: Path) -> None:
    shop, file, known = Shop(tmp_path / "store.lancedb"), tmp_path / "s.txt", tmp_path / "knowledge.csv"
    file.write_text("a, b\nc, d\ne, f\n")
    known.write_text("head,relation,tail\nx,broader,y\nx,synonym,z\nv,synonym,w\n")
    shop.ingest(known)
    shop.ingest(file, kind="synonyms")
    file.write_text("a, b\ne, f\n")
    assert shop.ingest(file, kind="synonyms", sync=True).sync.deleted == 1  # type: ignore[union-attr]
    known.write_text("head,relation,tail\nx,broader,y\nx,synonym,z\n")
    assert shop.ingest(known, sync=True).sync.deleted == 1  # type: ignore[union-attr]
    assert relations(shop) == {("a", "synonym", "b"), ("e", "synonym", "f"), ("x", "broader", "y"), ("x", "synonym", "z")}


def test_what_does_not_apply_is_told(tmp_path: Path) -> None:
    shop, file = Shop(tmp_path / "store.lancedb"), tmp_path / "s.txt"
    file.write_text("# nothing but a comment\n")
    with pytest.raises(InputError):
        shop.ingest(file, kind="synonyms")
    with pytest.raises(UsageError, match="has no columns"):
        shop.ingest(file, kind="synonyms", delimiter=";")
    with pytest.raises(InputError, match="is empty"):
        shop.ingest(_blank(tmp_path), kind="synonyms")


def test_bytes_that_are_no_text_cost_their_line_alone(tmp_path: Path) -> None:
    shop, file = Shop(tmp_path / "store.lancedb"), tmp_path / "s.txt"
    file.write_bytes(b"a, b\nc, \xff\xfe\xfad\n" + "跑鞋, 跑步鞋\n".encode())
    report = shop.ingest(file, kind="synonyms", encoding="utf-8")
    assert (report.new, report.rejected) == (2, 1)


def _blank(folder: Path) -> Path:
    (folder / "blank.txt").write_text("\n\n")
    return folder / "blank.txt"
