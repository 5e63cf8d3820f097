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

from mmsearch.errors import InputError

csv.field_size_limit(50_000_000)
_DELIMITERS = "\t,;|"


@dataclass(frozen=True)
class Row:
    """One row as it stands in the file, or why it could not be read."""

    line: int
    values: dict[str, Any]
    problem: str | None = None


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
        return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
    where = Path(path)
    if where.is_dir():
        raise InputError(f"{name} is a folder, not a file")
    try:
        return where.open(encoding="utf-8-sig", newline="")
    except FileNotFoundError:
        raise InputError(f"there is no file {name}") from None
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from error


def _lines(stream: IO[str], name: str) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with stream:
            for line in stream:
                number += 1
                yield number, line
    except UnicodeDecodeError as error:
        hint = "convert it: iconv -f GB18030 -t UTF-8 old.csv > new.csv"
        raise InputError(f"{name}: not UTF-8 near line {number + 1} ({error.reason})", hint=hint) from error


def _json_lines(lines: Iterator[tuple[int, str]]) -> Iterator[Row]:
    for number, line in lines:
        text = line.strip()
        if not text:
            continue
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            yield Row(number, {}, f"not JSON: {error}")
            continue
        if isinstance(value, dict):
            yield Row(number, value)
        else:
            yield Row(number, {}, "not a JSON object")


def _delimited(lines: Iterator[tuple[int, str]], header: str, name: str) -> Source:
    delimiter = max(_DELIMITERS, key=lambda d: (header.count(d), -_DELIMITERS.index(d)))
    numbered = _Numbered(lines)
    reader = csv.reader(numbered, delimiter=delimiter if delimiter in header else ",", strict=True)
    columns = [_column(c) for c in next(reader)]
    if twice := sorted({c for c in columns if c and columns.count(c) > 1}):
        raise InputError(f"{name}: the header names {', '.join(twice)} more than once")
    return Source(name, columns, False, _csv_rows(reader, numbered, columns))


class _Numbered:
    """Lines for csv, which joins those inside quotes; remembers on which line of the file it stands."""

    def __init__(self, lines: Iterator[tuple[int, str]]):
        self.lines, self.number = lines, 0

    def __iter__(self) -> _Numbered:
        return self

    def __next__(self) -> str:
        self.number, line = next(self.lines)
        return line


def _csv_rows(reader: Any, numbered: _Numbered, columns: list[str]) -> Iterator[Row]:
    while True:
        line = numbered.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, f"not CSV: {error}")
            continue
        if not cells or cells == [""]:
            continue
        if len(cells) != len(columns):
            yield Row(line, {"cells": cells}, f"{len(cells)} cells, but the header names {len(columns)} columns")
            continue
        yield Row(line, {c: cell for c, cell in zip(columns, cells, strict=True) if c})


def _column(name: str) -> str:
    """A header cell; the types that RecBole files write behind a name ('user_id:token') are dropped."""
    return re.sub(r":(token|float)(_seq)?$", "", name.strip().lstrip("\ufeff"))
