"""Files → rows with their line numbers. CSV, TSV (any single-character delimiter), JSON Lines; `-` is standard input."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mmsearch.catalog.problems import Problem
from mmsearch.errors import InputError

# What is read of one cell before its opening quote counts as a mistake; a cell may hold ten times what a field may.
csv.field_size_limit(1_000_000)
_DELIMITERS = "\t,;|"
_MAX_NESTING = 50
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # what stands for bytes that could not be decoded


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file, or why it could not be read."""

    line: int
    values: dict[str, Any]
    problem: Problem | None = None


@dataclass(frozen=True)
class Source:
    """An open input: its rows come lazily, so a file of any size takes little memory."""

    name: str
    columns: list[str] | None  # None where rows name their own (JSON Lines)
    typed: bool  # JSON values have types; CSV cells are all text
    rows: Iterator[Row]


def open_lines(path: str) -> tuple[str, Iterator[tuple[int, str]]]:
    """The first line that is not blank, and every line from it on with its number. `-` is standard input.

    Raises InputError: missing, a folder, or empty; while reading, a line that is not UTF-8.
    """
    name = "standard input" if path == "-" else path
    lines = _lines(_open(path, name), name)
    for number, first in lines:
        if first.strip("\ufeff \t\r\n,;"):
            first = first.lstrip("\ufeff")
            return first, itertools.chain([(number, first)], lines)
    raise InputError(f"{name} is empty")


def read_rows(path: str, *, opened: tuple[str, Iterator[tuple[int, str]]] | None = None) -> Source:
    """Open a file of rows (or go on with one that `open_lines` opened).

    Raises
    ------
    InputError : missing, a folder, empty, not UTF-8, or without a usable header.
    """
    name = "standard input" if path == "-" else path
    first, lines = opened or open_lines(path)
    if first.lstrip().startswith("{"):
        return Source(name, None, True, _json_lines(lines))
    if first.lstrip().startswith("["):
        raise InputError(f"{name} holds a JSON array", hint="write one object a line (JSON Lines): jq -c '.[]' file.json > file.jsonl")
    return _delimited(lines, first, name)


def _open(path: str, name: str) -> IO[str]:
    if path == "-":
        return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape", newline="")
    where = Path(path)
    if where.is_dir():
        raise InputError(f"{name} is a folder, not a file")
    try:
        return where.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except FileNotFoundError:
        raise InputError(f"there is no file {name}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}") from error


def _lines(stream: IO[str], name: str) -> Iterator[tuple[int, str]]:
    with stream:
        for number, line in enumerate(stream, 1):
            if not line.isascii() and (bad := _NOT_UTF8.search(line)):
                byte = ord(bad.group()) - 0xDC00
                hint = "convert it: iconv -f GB18030 -t UTF-8 old.csv > new.csv"
                raise InputError(f"{name}: not UTF-8 on line {number} (byte 0x{byte:02x})", hint=hint)
            yield number, line


def _json_lines(lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    for number, line in lines:
        text = line.strip()
        if not text:
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:  # ValueError: no JSON, or a number of thousands of digits
            yield Row(number, {"_text": text}, Problem("not JSON", str(error)))
            continue
        if not isinstance(value, dict):
            yield Row(number, {"_text": text}, Problem("not a JSON object"))
        elif _too_deep(value):
            yield Row(number, {"_text": text}, Problem("not usable", f"nested over {_MAX_NESTING} levels deep"))
        else:
            yield Row(number, value)


def _too_deep(value: dict[str, Any]) -> bool:
    level: list[Any] = [value]
    for _ in range(_MAX_NESTING):
        level = [v for inner in level for v in (inner.values() if isinstance(inner, dict) else inner) if isinstance(v, dict | list)]
        if not level:
            return False
    return True


def _delimited(lines: Iterator[tuple[int, str]], header: str, name: str) -> Source:
    delimiter = max(_DELIMITERS, key=lambda d: (header.count(d), -_DELIMITERS.index(d)))
    numbered = _Numbered(lines)
    reader = csv.reader(numbered, delimiter=delimiter if delimiter in header else ",", strict=True)
    try:
        columns = [_column(c) for c in next(reader)]
    except csv.Error as error:
        raise InputError(f"{name}: the header cannot be read: {error}") from error
    if twice := sorted({c for c in columns if c and columns.count(c) > 1}):
        raise InputError(f"{name}: the header names {', '.join(twice)} more than once")
    return Source(name, columns, False, _csv_rows(reader, numbered, columns))


class _Numbered:
    """Lines for csv, which joins those inside quotes: remembers those of the present row, and can give them out again."""

    def __init__(self, lines: Iterator[tuple[int, str]]):
        self.lines = lines
        self.row: list[tuple[int, str]] = []

    def __iter__(self) -> _Numbered:
        return self

    def __next__(self) -> str:
        self.row.append(next(self.lines))
        return self.row[-1][1]

    def again(self) -> None:
        """Give out the lines of the present row behind its first one once more."""
        self.lines = itertools.chain(self.row[1:], self.lines)


def _csv_rows(reader: Any, numbered: _Numbered, columns: list[str]) -> Iterator[Row]:
    while True:
        numbered.row = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a quote that is never closed must cost its own line, not all that follow
            numbered.again()
            line, text = numbered.row[0]
            yield Row(line, {"_text": text.rstrip("\r\n")}, Problem("not CSV", str(error)))
            continue
        if not cells or cells == [""]:
            continue
        line = numbered.row[0][0]
        if len(cells) != len(columns):
            reason = f"{len(cells)} cells, the header names {len(columns)} columns"
            yield Row(line, {"_cells": cells}, Problem("wrong number of cells", reason))
            continue
        yield Row(line, {c: cell for c, cell in zip(columns, cells, strict=True) if c})


def _column(name: str) -> str:
    """A header cell; the types that RecBole files write behind a name ('user_id:token') are dropped."""
    return re.sub(r":(token|float)(_seq)?$", "", name.strip().lstrip("\ufeff"))
