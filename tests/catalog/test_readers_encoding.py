"""Bytes → text: what is detected, what is asked for, and what one bad byte costs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.catalog.readers import Row, Source, open_lines, read_rows
from mmsearch.errors import InputError, UsageError

GOODS = "编号,标题,价格\n1,红色跑步鞋,99\n2,无印良品化妆水 400ml,35\n3,男士休闲外套,120\n"
GERMAN = "id,title\n1,Größe für Männer\n2,Schöne Grüße aus München\n3,Weiß-blaue Hüte\n"
FRENCH = "id,title\n1,Été à la plage\n2,Crème brûlée\n3,Élégant où là-bas\n"
KOREAN = "id,title\n1,빨간 운동화 남성용\n2,여성 겨울 코트\n3,무선 이어폰\n"
JAPANESE = "id,title\n1,赤いランニングシューズ\n2,冬のコート\n3,ワイヤレスイヤホン\n"
TAIWAN = "id,title\n1,紅色跑步鞋男款\n2,無線藍牙耳機\n3,冬季保暖外套\n"


def opened(tmp_path: Path, content: bytes, name: str = "f.csv", **options: str) -> tuple[Source, list[Row]]:
    (tmp_path / name).write_bytes(content)
    source = read_rows(str(tmp_path / name), **options)
    return source, list(source.rows)


def cells(rows: list[Row]) -> list[list[str]]:
    return [list(row.values.values()) for row in rows if row.problem is None]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "gbk", "gb2312"])
def test_what_is_detected(tmp_path: Path, encoding: str) -> None:
    source, rows = opened(tmp_path, GOODS.encode(encoding))
    assert source.columns == ["编号", "标题", "价格"]
    assert cells(rows) == [line.split(",") for line in GOODS.split()[1:2]] + [
        ["2", "无印良品化妆水 400ml", "35"],
        ["3", "男士休闲外套", "120"],
    ]
    assert source.encoding == {"utf-8-sig": "utf-8", "gbk": "gb18030", "gb2312": "gb18030"}.get(encoding, encoding)


@pytest.mark.parametrize("mark", ["fffe", "feff"])
def test_utf_16_of_both_byte_orders(tmp_path: Path, mark: str) -> None:
    codec = "utf-16-le" if mark == "fffe" else "utf-16-be"
    source, rows = opened(tmp_path, bytes.fromhex(mark) + ("id,名\r\n" + "1,ਅ\r\n2,\u0a0a\r\n" * 50_000).encode(codec))
    assert (source.encoding, len(rows), {tuple(r) for r in cells(rows)}) == ("utf-16", 100_000, {("1", "ਅ"), ("2", "\u0a0a")})


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (FRENCH, "latin-1"),
        (KOREAN, "euc_kr"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (TAIWAN, "big5"),
        ("id,title\n1,Кроссовки красные\n2,Куртка зимняя\n", "cp1251"),
        ("id,title\n1,ÀÉÈÙ ÇÂÊÎÔÛ\n2,ÖÄÜ ÀÁÂÃÄÅ\n", "latin-1"),
    ],
)
def test_other_encodings_are_never_taken_for_chinese(tmp_path: Path, text: str, encoding: str) -> None:
    with pytest.raises(InputError, match=r"f.csv: not UTF-8 on line 2 \(byte 0x[89a-f][0-9a-f]\)") as caught:
        opened(tmp_path, text.encode(encoding))
    assert "--encoding NAME" in str(caught.value.hint)
    source, rows = opened(tmp_path, text.encode(encoding), encoding=encoding)
    assert cells(rows) == [line.split(",") for line in text.splitlines()[1:]]
    assert source.encoding is not None


def test_an_encoding_that_does_not_exist(tmp_path: Path) -> None:
    for name in ("gb18003", "hex", "rot13", "undefined", "idna", "", "x\x00y"):
        with pytest.raises(UsageError, match="there is no encoding") as caught:
            opened(tmp_path, b"id\n1\n", encoding=name)
        assert "cp1252" in str(caught.value.hint)
    with pytest.raises(UsageError, match="did you mean gb18030"):
        opened(tmp_path, b"id\n1\n", encoding="gb18003")


def test_one_bad_byte_costs_its_row(tmp_path: Path) -> None:
    lines = [f"{n},name {n}\n".encode() for n in range(100_000)]
    lines[70_000] = b"70000,caf\xe9\n"
    source, rows = opened(tmp_path, b"id,title\n" + b"".join(lines))
    assert [(row.line, str(row.problem)) for row in rows if row.problem] == [
        (70_002, "not UTF-8 (byte 0xe9; if many rows are, name the encoding: --encoding)")
    ]
    assert rows[70_000].values == {"_cells": ["70000", "caf\\xe9"]}
    assert (len(rows), source.encoding) == (100_000, "utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_one_bad_byte_among_text_of_any_encoding(tmp_path: Path, encoding: str) -> None:
    good = "编号,标题\n" + "1,红色跑步鞋\n" * 5000
    bad = {"utf-8": b"2,\xff\n", "gb18030": b"2,\x81\n", "utf-16": "2,".encode("utf-16-le") + b"\x00\xdc" + "\n".encode("utf-16-le")}
    source, rows = opened(tmp_path, good.encode(encoding) + bad[encoding] + "3,新款\n".encode(encoding.replace("16", "16-le")))
    assert [(row.line, row.problem.kind) for row in rows if row.problem] == [(5002, f"not {encoding.upper()}")]
    assert cells(rows)[-1] == ["3", "新款"]
    assert source.encoding == encoding


def test_a_bad_byte_in_json(tmp_path: Path) -> None:
    lines = [b'{"id": %d}' % n for n in range(50)]
    lines[7] = b'{"id": "\xff"}'
    _, rows = opened(tmp_path, b"\n".join(lines))
    assert [(row.line, row.problem.kind, row.values) for row in rows if row.problem] == [(8, "not UTF-8", {"_text": '{"id": "\\xff"}'})]
    _, rows = opened(tmp_path, b"[" + b",\n".join(lines) + b"]")
    assert [(row.line, row.problem.kind, row.values) for row in rows if row.problem] == [(8, "not UTF-8", {"_text": '{"id": "\\xff"}'})]
    assert len(rows) == 50


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_text_that_begins_late(tmp_path: Path, encoding: str) -> None:
    """The first blocks are ASCII: what the rest is cannot be known there."""
    source, rows = opened(tmp_path, ("id,title,x\n" + "1,shoe,y\n" * 100_000 + "2,红色跑步鞋,新款男女\n" * 1000).encode(encoding))
    assert len(cells(rows)) == 101_000
    assert source.encoding == encoding


def test_a_few_undecided_rows_do_not_decide_for_the_rest(tmp_path: Path) -> None:
    _, rows = opened(
        tmp_path, ("id,title\n" + "1,shoe\n" * 50_000 + "2,红\n" + "1,shoe\n" * 50_000 + "3,红色跑步鞋男款\n" * 9000).encode("gb18030")
    )
    assert [(row.line, row.problem.kind) for row in rows if row.problem] == [(50_002, "not UTF-8")]
    assert cells(rows)[-1] == ["3", "红色跑步鞋男款"]


def test_one_line_of_text_that_is_cut_by_a_block(tmp_path: Path) -> None:
    for encoding in ("utf-8", "gb18030"):
        content = "[" + ",".join('{"id": 1, "标题": "红色跑步鞋a"}' for _ in range(30_000)) + "]"
        source, rows = opened(tmp_path, content.encode(encoding))
        assert (len(rows), source.encoding, {str(row.values) for row in rows}) == (30_000, encoding, {"{'id': 1, '标题': '红色跑步鞋a'}"})


def test_lines_name_a_bad_byte(tmp_path: Path) -> None:
    (tmp_path / "q.tsv").write_bytes(b"q1\ta\n" * 30 + b"q2\t\xff\n")
    first, lines = open_lines(str(tmp_path / "q.tsv"))
    assert first == "q1\ta\n"
    with pytest.raises(InputError, match=r"not UTF-8 on line 31 \(byte 0xff\)"):
        list(lines)
    (tmp_path / "q.tsv").write_bytes(b"\n\nq1\ta\r\nq2\tb")
    assert list(open_lines(str(tmp_path / "q.tsv"))[1]) == [(1, "\n"), (2, "\n"), (3, "q1\ta\r\n"), (4, "q2\tb")]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters='"\r\n,\ufeff'), min_size=1, max_size=20))
def test_utf_8_is_always_read_as_such(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "utf8.csv"
    path.write_bytes(f"id,a\n1,{text}\n".encode())
    assert [row.values for row in read_rows(str(path), delimiter=",").rows] == [{"id": "1", "a": text}]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(words=st.lists(st.text("aeioubcdfgäöüßéèàçñåøÄÖÜÉ", min_size=1, max_size=9), min_size=4, max_size=30))
def test_western_text_is_never_chinese(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "western.csv"
    path.write_bytes(("id,a\n" + "".join(f"1,{word}\n" for word in words)).encode("latin-1"))
    try:
        source = read_rows(str(path), delimiter=",")
        list(source.rows)
    except InputError:
        return
    assert source.encoding == "utf-8"


@pytest.mark.data
def test_a_real_catalogue_in_gb18030(data: Path, tmp_path: Path) -> None:
    for name in ("goods.csv", "reviews.csv"):
        content = (data / "chinese" / name).read_text(encoding="utf-8")
        source, rows = opened(tmp_path, content.encode("gb18030"))
        assert source.encoding == "gb18030"
        (tmp_path / "u.csv").write_text(content, encoding="utf-8")
        assert rows == list(read_rows(str(tmp_path / "u.csv")).rows)
