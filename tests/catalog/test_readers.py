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

from mmsearch.catalog.readers import Row, read_rows
from mmsearch.errors import InputError


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


def test_a_very_long_cell(tmp_path: Path) -> None:
    rows = read(tmp_path, f"id,a\n1,{'x' * 2_000_000}\n2,{'y' * 500_000}\n")
    assert bad(rows) == [(2, "not CSV")]
    assert [line for line, _ in good(rows)] == [3]


def test_a_zero_byte_is_a_character(tmp_path: Path) -> None:
    assert good(read(tmp_path, "id,a\n1,x\x00y\n")) == [(2, {"id": "1", "a": "x\x00y"})]


def test_columns_without_a_name_are_left_out_and_types_dropped(tmp_path: Path) -> None:
    rows = read(tmp_path, " user_id:token ,item_id:token,,rating:float, :float \n1,2,x,3,y\n")
    assert good(rows) == [(2, {"user_id": "1", "item_id": "2", "rating": "3"})]


def test_json_lines(tmp_path: Path) -> None:
    content = '\ufeff{"id": 1, "a": [1, null]}\n\nnot json\n[1]\n{"id": "2"}\n"x"\n{"id": 3'
    rows = read(tmp_path, content, "f.jsonl")
    assert good(rows) == [(1, {"id": 1, "a": [1, None]}), (5, {"id": "2"})]
    assert bad(rows) == [(3, "not JSON"), (4, "not a JSON object"), (6, "not a JSON object"), (7, "not JSON")]
    assert next(row.values for row in rows if row.problem) == {"_text": "not json"}
    assert read_rows(str(tmp_path / "f.jsonl")).columns is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"id": ' + "9" * 5000 + "}", "not JSON"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "not JSON"),
        ('{"a":' * 60 + "1" + "}" * 60, "not usable"),
        ('{"a": ' + "[" * 60 + "]" * 60 + "}", "not usable"),
    ],
)
def test_hostile_json(tmp_path: Path, text: str, kind: str) -> None:
    rows = read(tmp_path, '{"id": 1}\n' + text + '\n{"id": 2}\n')
    assert [line for line, _ in good(rows)] == [1, 3]
    assert bad(rows) == [(2, kind)]


def test_json_of_some_depth_is_fine(tmp_path: Path) -> None:
    assert len(good(read(tmp_path, '{"a":' * 40 + "1" + "}" * 40))) == 1


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
        ('[{"id": 1}]', "holds a JSON array"),
        ("id,a,id\n1,2,3\n", "the header names id more than once"),
        ('"id,a\n1,2\n', "the header cannot be read: unexpected end of data"),
        ("id,name\n1,好\n".encode("gb18030"), r"not UTF-8 on line 2 \(byte 0xba\)"),
        ("id,name\n".encode("utf-16"), r"not UTF-8 on line 1 \(byte 0xff\)"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"f.csv:? {message}"):
        read(tmp_path, content)


def test_the_line_that_is_not_utf8_is_the_right_one(tmp_path: Path) -> None:
    """Decoding works in blocks of 8 kB: the line must not be the one where the block began."""
    with pytest.raises(InputError, match="not UTF-8 on line 3001 ") as caught:
        read(tmp_path, b"id,name\n" + b"1,a\n" * 2999 + b"2,\xff\n" + b"1,a\n" * 9)
    assert "iconv" in str(caught.value.hint)


def test_rows_come_before_the_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_bytes(b"id,name\n" + b"1,a\n" * 100_000 + b"\xff\n")
    rows = read_rows(str(tmp_path / "f.csv")).rows
    assert next(rows) == Row(2, {"id": "1", "name": "a"})


@pytest.mark.parametrize("name", ["no such.csv", "folder", "\x00"])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"there is no file|is a folder, not a file|cannot read"):
        read_rows(str(tmp_path / name))


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
    assert [list(row.values.values()) for row in found] == rows
    ends = [len(re.findall(r"\r\n|\r|\n", text)) for text in texts]
    assert [row.line for row in found] == [1 + sum(ends[: number + 1]) for number in range(len(rows))]


@settings(max_examples=300, derandomize=True, deadline=None)
@given(content=st.one_of(st.binary(max_size=60), st.text('id,;"\n\r\t{}[]:1a\x00\ufeff|', max_size=60).map(str.encode)))
def test_any_bytes_are_rows_or_an_input_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    last = 0
    try:
        for row in read_rows(str(path)).rows:
            assert row.line > last
            last = row.line
            json.dumps(row.values)
    except InputError as error:
        assert str(path) in error.message
    assert last <= len(content) + 1
