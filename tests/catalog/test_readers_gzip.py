"""Packed files, standard input, and files that are handed over by mistake."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmsearch.catalog.readers import Row, Source, open_lines, read_rows
from mmsearch.errors import InputError, UsageError

CSV = "id,标题\n" + "".join(f"{n},红色跑步鞋 {n}\n" for n in range(30_000))


def opened(tmp_path: Path, content: bytes, name: str = "f") -> tuple[Source, list[Row]]:
    (tmp_path / name).write_bytes(content)
    source = read_rows(str(tmp_path / name))
    return source, list(source.rows)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_a_packed_file_is_told_by_its_content(tmp_path: Path, encoding: str) -> None:
    source, rows = opened(tmp_path, gzip.compress(CSV.encode(encoding)), "no_suffix")
    assert (source.gzip, source.format, source.encoding, len(rows), source.incomplete) == (True, "csv", encoding, 30_000, None)
    assert rows[-1] == Row(30_001, {"id": "29999", "标题": "红色跑步鞋 29999"})


def test_a_plain_file_named_gz(tmp_path: Path) -> None:
    source, rows = opened(tmp_path, b"id\n1\n", "f.csv.gz")
    assert (source.gzip, len(rows)) == (False, 1)


@pytest.mark.parametrize("content", ['{"id": 1}\n{"id": 2}\n', '[{"id": 1}, {"id": 2}]'])
def test_packed_json(tmp_path: Path, content: str) -> None:
    source, rows = opened(tmp_path, gzip.compress(content[:10].encode()) + gzip.compress(content[10:].encode()))  # two members
    assert (source.gzip, source.typed, [row.values["id"] for row in rows]) == (True, True, [1, 2])


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_packed_file_that_breaks_off(tmp_path: Path, kind: str) -> None:
    """Its last line may be cut inside a cell: it must not pass for a row, and nobody must take the rest for deleted."""
    line = {"csv": "{n},price {n}00\n", "jsonl": '{{"id": {n}, "a": "{n}"}}\n', "json": ',\n{{"id": {n}, "a": "{n}"}}'}[kind]
    start = {"csv": "id,a\n", "jsonl": "", "json": '[{"id": 0}'}[kind]
    packed = gzip.compress((start + "".join(line.format(n=n) for n in range(1, 100_000))).encode())
    source, rows = opened(tmp_path, packed[: len(packed) // 2])
    broken = [row for row in rows if row.problem]
    assert len(rows) > 10_000
    assert rows[: -len(broken)] == [row for row in rows if not row.problem]
    assert "the file breaks off" in {row.problem.kind for row in broken if row.problem}
    assert "ends too early" in str(source.incomplete)
    numbers = [int(row.values["id"]) for row in rows if not row.problem]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    if kind == "csv":
        assert all(row.values["a"] == f"price {row.values['id']}00" for row in rows if not row.problem)


def test_packed_data_that_is_damaged(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(CSV.encode()))
    packed[-6] ^= 0xFF  # the checksum
    source, rows = opened(tmp_path, bytes(packed))
    assert len([row for row in rows if not row.problem]) == 30_000
    assert source.incomplete
    for content in (b"\x1f\x8b\x08", b"\x1f\x8b\x08" + b"\xff" * 50, gzip.compress(b"")[:-3]):
        with pytest.raises(InputError, match=r"gzip data is damaged or ends too early|is empty"):
            opened(tmp_path, content)


def test_gzip_inside_gzip(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is gzip inside gzip"):
        opened(tmp_path, gzip.compress(gzip.compress(b"id\n1\n")))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
def test_a_bomb_takes_bounded_memory(tmp_path: Path) -> None:
    """300 MB of one letter in 300 kB: the row is rejected, and the one behind it is read, within a small address space."""
    with gzip.open(tmp_path / "bomb.csv.gz", "wb", compresslevel=9) as file:
        file.write(b"id,a\n1,")
        for _ in range(300):
            file.write(b"x" * 1_000_000)
        file.write(b"\n2,b\n")
    code = (
        "from mmsearch.catalog.readers import read_rows\n"
        f"rows = list(read_rows({str(tmp_path / 'bomb.csv.gz')!r}).rows)\n"
        "print([(r.line, r.problem and r.problem.kind) for r in rows], open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rows, _, peak = ran.stdout.strip().rpartition(" ")
    assert rows == "[(2, 'too long'), (3, None)]"
    assert int(peak) < 150_000  # kB; not ru_maxrss, which begins with that of the process that forked this one


def standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))


def parquet(rows: int = 3) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [str(n) for n in range(rows)]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"id\n0\n1\n2\n", b'[{"id": "0"}, {"id": "1"}, {"id": "2"}]', parquet()])
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, packed: bool) -> None:
    monkeypatch.chdir(tmp_path)
    standard_input(monkeypatch, gzip.compress(content) if packed else content)
    source = read_rows("-")
    assert (source.name, source.gzip, source.folder) == ("standard input", packed, tmp_path)
    assert [row.values for row in source.rows] == [{"id": "0"}, {"id": "1"}, {"id": "2"}]
    assert not sys.stdin.buffer.closed  # a question to the user may still have to be answered there


def test_a_pipe_that_gives_a_byte_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.RawIOBase):
        def __init__(self, content: bytes) -> None:
            self.content = content

        def read(self, size: int = -1) -> bytes:
            first, self.content = self.content[:1], self.content[1:]
            return first

    for content in ("id,标题\r\n1,鞋\r\n".encode(), gzip.compress("id,标题\r\n1,鞋\r\n".encode())):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=Slow(content)))
        assert [(row.line, row.values) for row in read_rows("-").rows] == [(2, {"id": "1", "标题": "鞋"})]


def test_packed_parquet(tmp_path: Path) -> None:
    source, rows = opened(tmp_path, gzip.compress(parquet(1000)))
    assert (source.gzip, source.format, len(rows)) == (True, "parquet", 1000)
    with pytest.raises(InputError, match="ends too early"):
        opened(tmp_path, gzip.compress(parquet(100_000))[:-100])


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"SQLite format 3\x00", b"BZh9", b"%PDF-1.4", b"<!DOCTYPE html>", b"\xff\xd8\xff"]
)
def test_what_is_handed_over_by_mistake(tmp_path: Path, content: bytes) -> None:
    for raw in (content + b"....", gzip.compress(content + b"....")):
        with pytest.raises(InputError, match=r"f is .*, which is not read") as caught:
            opened(tmp_path, raw)
        assert caught.value.hint


def test_options_that_do_not_apply(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(parquet())
    for path, what in ((tmp_path / "p", "Parquet"), (tmp_path, "a folder")):
        with pytest.raises(UsageError, match=f"is {what}: --encoding and --delimiter cannot apply"):
            read_rows(str(path), encoding="utf-8", delimiter=",")
    with pytest.raises(InputError, match="is Parquet, not text"):
        open_lines(str(tmp_path / "p"))


def test_what_is_neither_a_file_nor_a_pipe() -> None:
    with pytest.raises(InputError, match="is neither a file nor a pipe"):
        read_rows("/dev/zero")
