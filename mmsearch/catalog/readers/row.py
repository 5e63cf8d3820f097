"""What a reader gives: rows, and the source that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mmsearch.catalog.problems import Problem

MAX_CELL = 1_000_000  # characters of one cell: ten times what a field may keep
MAX_LINE = 8_000_000  # characters of one line, or of one object of a JSON document: what one row may cost in memory
_SHOWN = 10_000  # characters that are kept of a row that is rejected for its length


class Row(NamedTuple):
    """One row as it stands in the file, or why it could not be read.

    `line` counts from 1: the line in a text file, the row in a Parquet file, the photo in a folder. `values` of a row with a
    problem hold it as it was: `_text` (the line) or `_cells`; bytes that could not be decoded stand as `\\xNN`.
    """

    line: int
    values: dict[str, Any]
    problem: Problem | None = None


@dataclass
class Told:
    """What is known of an input only as it is read; complete once its rows are."""

    encoding: str | None = None  # of text; until something beyond ASCII has been read it may still change
    incomplete: str | None = None  # why rows are missing: nothing may be deleted because this file lacks it
    notes: list[str] = field(default_factory=list)  # what a user should be told of the file as a whole


@dataclass(frozen=True)
class Source:
    """An open input: its rows come lazily, so a file of any size takes little memory."""

    name: str
    columns: list[str] | None  # None where rows name their own (JSON)
    typed: bool  # JSON and Parquet values have types; CSV cells are all text
    rows: Iterator[Row]
    folder: Path  # where relative media paths are looked for
    format: str  # csv, tsv, json, jsonl, parquet, folder
    gzip: bool = False
    delimiter: str | None = None
    told: Told = field(default_factory=Told)

    @property
    def encoding(self) -> str | None:
        """What the text is decoded as so far; None where there is no text."""
        return self.told.encoding

    @property
    def notes(self) -> list[str]:
        """What a user should be told of the file as a whole; complete once the rows are read."""
        return self.told.notes

    @property
    def incomplete(self) -> str | None:
        """Why rows are missing (a file that breaks off), once the rows are read: what this file lacks may not be deleted then."""
        return self.told.incomplete


def too_long(line: int, start: str, characters: int) -> Row:
    """A row that is too long to be read, with its beginning."""
    return Row(line, {"_text": readable(start[:_SHOWN]) + "…"}, Problem("too long", f"{characters:,} characters, {MAX_LINE:,} are read"))


def long_cell(line: int, text: str) -> Row:
    """A row with a cell that is longer than any field."""
    return Row(line, {"_text": readable(text[:_SHOWN]) + "…"}, Problem("too long", f"a cell of more than {MAX_CELL:,} characters"))


def breaks_off(line: int, rest: str, why: str) -> Row:
    """The row in which a file ends too early, with what is there of it."""
    return Row(line, {"_text": readable(rest[:_SHOWN])}, Problem("the file breaks off", why))


def readable(text: str) -> str:
    """Text with the marks of undecodable bytes (see `encoding.py`) written as `\\xNN`, which any file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(
            f"\\x{ord(c) - 0xDC00:02x}" if "\udc00" <= c <= "\udcff" else "\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text
        )
    return text


def line_ends(text: str) -> int:
    """How many lines end in a text."""
    return text.count("\n") + (text.count("\r") - text.count("\r\n") if "\r" in text else 0)
