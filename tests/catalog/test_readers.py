"""Files → rows with their line numbers."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.readers import Row, open_lines, read_rows
from mmsearch.catalog.readers.delimited import sniff
from mmsearch.errors import InputError, UsageError


def read(tmp_path: Path, content: str | bytes, name: str = "f.csv") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_rows(str(path)).rows)


def good(rows: list[Row]) -> list[tuple[int, dict[str, Any]]]:
    return [(row.line, row.values) for row in rows if row.problem is None]


def bad(rows: list[Row]) -> list[tuple[int, str]]:
    return [(row.line, row.problem.kind) for row in rows if row.problem is not None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_delimiters_and_line_ends(tmp_path: Path, delimiter: str, newline: str, bom: str) -> None:
    lines = [delimiter.join(cells) for cells in (("id", "商品 名"), ("1", "a b"), ("2", f'"x{delimiter}""y"""'))]
    rows = read(tmp_path, bom + newline.join(lines) + newline)
    assert good(rows) == [(2, {"id": "1", "商品 名": "a b"}), (3, {"id": "2", "商品 名": f'x{delimiter}"y"'})]
    assert bad(rows) == []


def test_lines_are_counted_through_quoted_line_breaks_and_empty_lines(tmp_path: Path) -> None:
    rows = read(tmp_path, '\n\n,,\nid,text\n1,"a\nb\n\nc"\n\n2,x\n3\n4,y\n"5","\r\n"\n6,z')
    assert good(rows) == [
        (5, {"id": "1", "text": "a\nb\n\nc"}),
        (10, {"id": "2", "text": "x"}),
        (12, {"id": "4", "text": "y"}),
        (13, {"id": "5", "text": "\r\n"}),
        (15, {"id": "6", "text": "z"}),
    ]
    assert bad(rows) == [(11, "wrong number of cells")]


def test_ragged_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, "id,a,b\n1,2\n1,2,3\n1,2,3,4\n")
    assert good(rows) == [(3, {"id": "1", "a": "2", "b": "3"})]
    assert [str(row.problem) for row in rows if row.problem] == [
        "wrong number of cells (2 cells, the header names 3 columns)",
        "wrong number of cells (4 cells, the header names 3 columns)",
    ]
    assert rows[0].values == {"_cells": ["1", "2"]}


@pytest.mark.parametrize(
    ("content", "lines", "refused"),
    [
        ('id,a\n1,"open\n2,x\n3,y\n', [3, 4], [2]),  # to the end of the file
        ('id,a\n1,"open\n2,x\n3,"y"\n4,z\n', [3, 4, 5], [2]),  # to the next quote
        ('id,a\n1,"in "the" middle"\n2,x\n', [3], [2]),
        ('id,a\n1,"open\n2,"open\n3,x\n', [4], [2, 3]),
        ('id,a\n1,"good\nquoted"\n2,"bad" x\n3,"fine\n"\n', [2, 5], [4]),
    ],
)
def test_a_broken_quote_costs_its_line_and_no_other(tmp_path: Path, content: str, lines: list[int], refused: list[int]) -> None:
    rows = read(tmp_path, content)
    assert [line for line, _ in good(rows)] == lines
    assert bad(rows) == [(line, "not CSV") for line in refused]
    assert rows[[row.line for row in rows].index(refused[0])].values == {"_text": content.split("\n")[refused[0] - 1]}


@pytest.mark.parametrize("length", [2_000_000, 50_000_000])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_very_long_cell(tmp_path: Path, length: int, quote: str) -> None:
    rows = read(tmp_path, f"id,a\n0,{quote}a{quote}\n1,{quote}{'x' * length}{quote}\n2,{'y' * 500_000}\n")
    assert bad(rows) == [(3, "too long")]
    assert [line for line, _ in good(rows)] == [2, 4]
    assert len(rows[1].values["_text"]) < 20_000


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_are_counted_behind_a_long_one(tmp_path: Path, end: str) -> None:
    """Wherever the blocks that are read end, inside a line end too."""
    for more in range(4):
        rows = read(tmp_path, f"id{end}{'x' * (9_000_000 + (1 << 18) + more)}{end}a{end}{end}b{end}")
        assert [(row.line, row.problem is None) for row in rows] == [(2, False), (3, True), (5, True)]


def test_a_row_that_never_ends_takes_bounded_memory_and_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmsearch.catalog.readers.delimited._MAX_ROW", 400_000)
    rows = read(tmp_path, 'id,a\n1,"x\n' + 'y","\n' * 2 + "zz\n" * 500_000 + "2,b\n")
    assert bad(rows)[:3] == [(2, "not CSV"), (3, "not CSV"), (4, "not CSV")]
    assert good(rows) == [(500_005, {"id": "2", "a": "b"})]
    assert len(rows) == 500_004


def test_a_zero_byte_is_a_character(tmp_path: Path) -> None:
    assert good(read(tmp_path, "id,a\n1,x\x00y\n")) == [(2, {"id": "1", "a": "x\x00y"})]


def test_columns_without_a_name_are_left_out_and_types_dropped(tmp_path: Path) -> None:
    rows = read(tmp_path, " user_id:token ,item_id:token,,rating:float, :float \n1,2,x,3,y\n")
    assert good(rows) == [(2, {"user_id": "1", "item_id": "2", "rating": "3"})]


def test_delimiters_at_the_end_of_a_line_and_rows_of_nothing(tmp_path: Path) -> None:
    rows = read(tmp_path, "id,a\n1,2,,\n,\n,,,\n3,4,,5\n")
    assert good(rows) == [(2, {"id": "1", "a": "2"})]
    assert bad(rows) == [(5, "wrong number of cells")]


@pytest.mark.parametrize("name", ["__proto__", "constructor", "__class__", "=cmd()", "a b", "价格 (元)", "x" * 5000, "toString"])
def test_any_name_is_a_name(tmp_path: Path, name: str) -> None:
    assert good(read(tmp_path, f"id,{name}\n1,2\n")) == [(2, {"id": "1", name: "2"})]
    assert good(read(tmp_path, json.dumps({"id": 1, name: 2}), "f.jsonl")) == [(1, {"id": 1, name: 2})]


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        (["id;title;price", "1;Shoe, red;1,99", "2;a, b, c;2,50"], ";"),
        (["id,title;subtitle", "1,a;b", "2,c"], ","),
        (["id\ttitle, long\tx", "1\ta, b\tc"], "\t"),
        (["id|a,b|c", "1|x|y,z", "2|x|y"], "|"),
        (["id", "1", "a,b"], ","),
        (["id，title", "1，a"], ","),  # a Chinese comma separates words, not cells
        (['id,"a;b;c;d"', '1,"x;y"'], ","),
        (["id;a", '1;"x;y\n', 'z"', "2;b"], ";"),
    ],
)
def test_sniffing(tmp_path: Path, sample: list[str], delimiter: str) -> None:
    assert sniff(sample) == delimiter


def test_a_delimiter_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,a:b\n1:x,y\n")
    source = read_rows(str(tmp_path / "f.csv"), delimiter=":")
    assert (source.format, source.delimiter, [row.values for row in source.rows]) == ("csv", ":", [{"id,a": "1", "b": "x,y"}])
    (tmp_path / "j.csv").write_text('{"id"}:a\n1:2\n')
    assert [row.values for row in read_rows(str(tmp_path / "j.csv"), delimiter=":").rows] == [{'{"id"}': "1", "a": "2"}]
    for bad_one in ("", "ab", '"', "\n"):
        with pytest.raises(UsageError, match="--delimiter takes one character"):
            read_rows(str(tmp_path / "f.csv"), delimiter=bad_one)


def test_what_a_source_tells(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("id\ta\n1\t2\n")
    source = read_rows(str(tmp_path / "f.txt"))
    assert (source.format, source.delimiter, source.encoding, source.gzip, source.folder) == ("tsv", "\t", "utf-8", False, tmp_path)
    assert (source.columns, source.typed, source.notes, source.incomplete) == (["id", "a"], False, [], None)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO("\ufeffid\tname\n1\t跑鞋\n".encode())))
    source = read_rows("-")
    assert source.name == "standard input"
    assert good(list(source.rows)) == [(2, {"id": "1", "name": "跑鞋"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n \n,,;\n", "is empty"),
        ("\ufeff", "is empty"),
        ("id,a,id\n1,2,3\n", "the header names id more than once"),
        ('"id,a\n1,2\n', "the header cannot be read: a quote is not closed"),
        ("id,name\n1,好\n".encode("gb18030"), r"not UTF-8 on line 2 \(byte 0xba\)"),
        ("id,\xffname\n1,a\n2,b\n3,c\n4,d\n".encode("latin-1"), r"not UTF-8 on line 1 \(byte 0xff\)"),
        ("id,name\n1,a\n".encode("utf-16-le"), "looks like UTF-16 without a byte order mark"),
        (b"PK\x03\x04....", "is a zip archive or an Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "is a photo"),
        ('"",""\n1,2\n', "the header names no column"),
        ("x" * 9_000_000, "line 1: too long"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"f.csv:? {message}"):
        read(tmp_path, content)


def test_rows_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_bytes(b"id,name\n" + b"1,a\n" * 100_000 + b"\xff\n")
    rows = read_rows(str(tmp_path / "f.csv")).rows
    assert next(rows) == Row(2, {"id": "1", "name": "a"})


@pytest.mark.parametrize("name", ["no such.csv", "folder", "\x00"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"there is no file|holds no photos|cannot read"):
        read_rows(str(tmp_path / name))
    with pytest.raises(InputError, match=r"there is no file|is a folder, not a file|cannot read"):
        open_lines(str(tmp_path / name))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(rows=st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=3, max_size=3), max_size=5))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "written.csv"
    texts = []
    for row in [["id", "a", "b"], *rows]:
        buffer = io.StringIO(newline="")
        csv.writer(buffer, quoting=csv.QUOTE_ALL).writerow(row)
        texts.append(buffer.getvalue())
    path.write_bytes("".join(texts).encode())
    found = list(read_rows(str(path)).rows)
    assert [list(row.values.values()) for row in found] == [row for row in rows if any(row)]
    ends = [len(re.findall(r"\r\n|\r|\n", text)) for text in texts]
    assert [row.line for row in found] == [1 + sum(ends[: number + 1]) for number, row in enumerate(rows) if any(row)]


_BYTES = st.one_of(
    st.binary(max_size=60),
    st.text('id,;"\n\r\t{}[]:1a\x00\ufeff|', max_size=60).map(str.encode),
    st.text('好é,\n"a', max_size=30).map(lambda text: text.encode("gb18030")),
    st.text("aé,\n\r", max_size=30).map(lambda text: text.encode("latin-1")),
)


@settings(max_examples=500, derandomize=True, deadline=None)
@given(
    content=_BYTES,
    start=st.sampled_from([b"", b"id,a\n", b'[{"id": 1},', b'{"id": 1}\n', b'{"products": [', b"\x1f\x8b\x08", b"PAR1", b"\xff\xfe"]),
)
def test_any_bytes_are_rows_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, start: bytes, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(start + content)
    last = 0
    try:
        for row in read_rows(str(path)).rows:
            assert row.line >= last
            last = row.line
            json.dumps(row.values, ensure_ascii=False).encode()
    except InputError as error:
        assert str(path) in error.message
    assert last <= len(content) + 2


@settings(max_examples=300, derandomize=True, deadline=None)
@given(lines=st.lists(st.binary(min_size=1, max_size=12).filter(lambda b: not set(b) & set(b'\n\r"')), max_size=30))
def test_every_line_is_a_row_or_rejected_or_blank(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.csv"
    path.write_bytes(b"id,a\n" + b"1,2\n" * 600 + b"".join(line + b"\n" for line in lines))
    rows = list(read_rows(str(path), delimiter=",").rows)[600:]
    blank = [number for number, line in enumerate(lines, 602) if not line.strip(b",")]
    assert sorted([row.line for row in rows] + blank) == list(range(602, 602 + len(lines)))
