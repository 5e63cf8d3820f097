"""Queries files: three formats, and errors that name the file and the line."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from mmsearch.errors import InputError
from mmsearch.search.queries import read_queries
from mmsearch.search.query import Part, make_query


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_tsv_without_a_header(tmp_path: Path) -> None:
    path = written(tmp_path, "q.tsv", "q1\tred shoes\n\nq 2\t红色^0.5\r\n")
    assert read_queries(path) == {"q1": make_query(["red shoes"]), "q 2": make_query(["红色^0.5"])}


def test_csv_with_every_column(tmp_path: Path) -> None:
    path = written(tmp_path, "q.csv", "id,text,image,like,not,where\n7,red^2,a/b.jpg^.5,P1,leather,price < 80\n8,,c.jpg,,,\n")
    parts = (
        Part("text", "red", 2.0),
        Part("image", str(tmp_path / "a/b.jpg"), 0.5),
        Part("like", "P1"),
        Part("text", "leather", 0.5, negative=True),
    )
    queries = read_queries(path)
    assert queries["7"].parts == parts
    assert queries["7"].where == ("price < 80",)
    assert queries["8"].parts == (Part("image", str(tmp_path / "c.jpg")),)


def test_tsv_with_a_header(tmp_path: Path) -> None:
    notes: list[str] = []
    path = written(tmp_path, "q.tsv", "id\ttext\tlabel\nq1\tred shoes\tshoes\n")
    assert read_queries(path, notes) == {"q1": make_query(["red shoes"])}
    assert notes == [f"{path}: columns that are not part of a query are left alone: label"]


def test_json_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path, "q.jsonl", '{"id": 1, "text": ["red", "shoe^2"], "like": ["P1", "P2"]}\n\n{"id": "b", "image": "x.jpg", "note": 3}\n'
    )
    notes: list[str] = []
    assert read_queries(path, notes) == {
        "1": make_query(["red", "shoe^2"], like=["P1", "P2"]),
        "b": make_query(image=[str(tmp_path / "x.jpg")]),
    }
    assert "note" in notes[0]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"id,image\nq1,a.jpg\n")))
    assert read_queries("-") == {"q1": make_query(image=[str(tmp_path / "a.jpg")])}


def test_a_caret_in_the_folders_name_is_no_weight(tmp_path: Path) -> None:
    folder = tmp_path / "x^2"
    folder.mkdir()
    queries = read_queries(written(folder, "q.csv", "id,image\n1,a.jpg\n2,b.jpg^.5\n"))
    assert queries["1"].parts == (Part("image", str(folder / "a.jpg")),)
    assert queries["2"].parts == (Part("image", str(folder / "b.jpg"), 0.5),)


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    queries = read_queries(written(tmp_path, "q.csv", "id,image\n1,/photos/a.jpg\n"))
    assert queries["1"].parts == (Part("image", "/photos/a.jpg"),)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("q1\tred\nq2 blue\n", ":2", "expected id<TAB>text"),
        ("q1\t0\tP1\t1\n", ":1", "expected id<TAB>text"),
        ("q1\tred\n\nq1\tblue\n", ":3", "given twice"),
        ("\tred\n", ":1", "no id"),
        ("q1\tred\nq2\t\n", ":2", "query q2: the query is empty"),
        ("q1\tred^x\n", ":1", "query q1: bad weight"),
        ("id,text\nq1,red\n,blue\n", ":3", "no id"),
        ("id,not\nq1,red\n", ":2", "only negative parts"),
        ("id,text,where\nq1,red,price <\n", ":2", "query q1: bad filter"),
        ("query,words\nq1,red\n", ":2", "no column of a query; its columns: query, words"),
        ('{"id": "q1", "text": "red"}\n{"id": \n', ":2", "not JSON"),
        ('{"id": "q1", "title": "red"}\n', ":1", "no column of a query"),
        ("id,text\n", "", "holds no queries"),
        ("q1,red shoes\n", "", "holds no queries"),
        ("", "", "is empty"),
        ('[{"id": "q1", "text": "red"},\n{"id": "q2", "title": "red"}]\n', ":2", "no column of a query"),
    ],
)
def test_errors_name_the_file_and_the_line(tmp_path: Path, text: str, place: str, message: str) -> None:
    path = written(tmp_path, "q.txt", text)
    with pytest.raises(InputError) as raised:
        read_queries(path)
    assert raised.value.message.startswith(path + place)
    assert message in raised.value.message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        read_queries(str(tmp_path / "none.tsv"))
    with pytest.raises(InputError, match="folder"):
        read_queries(str(tmp_path))
    (tmp_path / "gb.tsv").write_bytes("q1\t红色\n".encode("gb18030"))
    with pytest.raises(InputError, match="UTF-8"):
        read_queries(str(tmp_path / "gb.tsv"))
