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


def read_rows(path: str) -> Source:
    """Open a file of rows.

    Raises
    ------
    InputError : missing, a folder, empty, not UTF-8, or without a header.
    """
    name = "standard input" if path == "-" else path
    lines = _lines(_open(path, name), name)
    blank = 0
    for first in lines:
        if first.strip("\ufeff \t\r\n,;"):
            break
        blank += 1
    else:
        raise InputError(f"{name} is empty")
    lines = itertools.chain([first], lines)
    start = first.lstrip("\ufeff \t")
    if start.startswith("{"):
        return Source(name, None, True, _json_lines(lines, blank))
    if start.startswith("["):
        raise InputError(f"{name} holds a JSON array", hint="write one object a line (JSON Lines): jq -c '.[]' file.json > file.jsonl")
    return _delimited(lines, start, name, blank)


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


def _lines(stream: IO[str], name: str) -> Iterator[str]:
    number = 0
    try:
        with stream:
            for line in stream:
                number += 1
                yield line
    except UnicodeDecodeError as error:
        hint = "convert it: iconv -f GB18030 -t UTF-8 old.csv > new.csv"
        raise InputError(f"{name}: not UTF-8 near line {number + 1} ({error.reason})", hint=hint) from error


def _json_lines(lines: Iterator[str], skipped: int) -> Iterator[Row]:
    for number, line in enumerate(lines, skipped + 1):
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


def _delimited(lines: Iterator[str], header: str, name: str, skipped: int) -> Source:
    delimiter = max(_DELIMITERS, key=lambda d: (header.count(d), -_DELIMITERS.index(d)))
    reader = csv.reader(lines, delimiter=delimiter if header.count(delimiter) else ",", strict=True)
    columns = [_column(c) for c in next(reader)]
    if named := [c for c in columns if c]:
        twice = sorted({c for c in named if named.count(c) > 1})
        if twice:
            raise InputError(f"{name}: the header names {', '.join(twice)} more than once")
    return Source(name, columns, False, _csv_rows(reader, columns, skipped))


def _csv_rows(reader: Any, columns: list[str], skipped: int) -> Iterator[Row]:
    end = reader.line_num
    while True:
        line = skipped + end + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            end = reader.line_num
            yield Row(line, {}, f"not CSV: {error}")
            continue
        end = reader.line_num
        if not cells or cells == [""]:
            continue
        if len(cells) != len(columns):
            yield Row(line, {"cells": cells}, f"{len(cells)} cells, but the header names {len(columns)} columns")
            continue
        yield Row(line, {c: cell for c, cell in zip(columns, cells, strict=True) if c})


def _column(name: str) -> str:
    """A header cell; the types that RecBole files write behind a name ('user_id:token') are dropped."""
    return re.sub(r":(token|float)(_seq)?$", "", name.strip().lstrip("\ufeff"))
