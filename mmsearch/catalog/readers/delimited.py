"""CSV, TSV and other delimited text → rows. One bad row costs its own line and no other."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mmsearch.catalog.problems import Problem
from mmsearch.catalog.readers.lines import Block, Lines, Text
from mmsearch.catalog.readers.row import MAX_CELL, Row, long_cell, readable
from mmsearch.errors import InputError, UsageError

csv.field_size_limit(MAX_CELL)
_DELIMITERS = "\t,;|"  # in order of preference where two fit equally well
_SAMPLE = 50  # lines that tell the delimiter
_MAX_ROW = 4_000_000  # characters that a row may span over its lines, before a quote that stays open counts as a mistake


def open_delimited(lines: Lines, delimiter: str | None) -> tuple[list[str], str, Iterator[Row]]:
    """(columns, delimiter, rows) of delimited text, whose first line that is not blank is the header.

    Raises InputError: no usable header. UsageError: `delimiter` is not one character.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n \ufeff\x00' or "\ud800" <= delimiter <= "\udfff"):
        raise UsageError(f"--delimiter takes one character, not {delimiter!r}", hint="for example: --delimiter ';'  or  --delimiter $'\\t'")
    lines.skip_blank()
    feed = _Feed(lines)
    delimiter = delimiter or sniff(feed.sample())
    reader = csv.reader(feed.lines(), delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
    except csv.Error as error:
        raise InputError(f"{lines.name}: the header cannot be read: {_why(error)}") from error
    if feed.dirty and (bad := lines.text.first_bad(feed.row, "".join(cells))):
        raise bad
    columns = [_column(c) for c in cells]
    if len(set(columns)) < len(columns) and (twice := sorted({c for c in columns if c and columns.count(c) > 1})):
        raise InputError(f"{lines.name}: the header names {', '.join(twice)} more than once", hint="rename one of them")
    if not any(columns):
        raise InputError(f"{lines.name}: the header names no column")
    feed.row += reader.line_num
    return columns, delimiter, _rows(feed, columns, delimiter)


def sniff(sample: Sequence[str]) -> str:
    """The delimiter of some lines, the header first: what gives most lines as many cells as the header; a comma where nothing does.

    >>> sniff(["id;title;price", "1;Shoe, red;1,99"])
    ';'
    """

    def fit(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(cells) for cells in csv.reader(sample, delimiter=delimiter) if cells]
        except csv.Error:  # a cell that is too long
            widths = [line.count(delimiter) + 1 for line in sample]
        if widths[0] < 2:
            return (0.0, 0)
        same = [width == widths[0] for width in widths[1:]] or [True]
        return (round(sum(same) / len(same), 1), widths[0])

    best = max(_DELIMITERS, key=fit)
    return best if fit(best)[1] else ","


class _Feed:
    """Gives lines to csv, which joins those inside quotes; keeps those of the present row, so that they can be given once more."""

    def __init__(self, lines: Lines):
        self._lines = lines
        self.source = lines.text
        self._window: list[tuple[Block, int]] = []  # from the present row on, with their number of characters
        self.dirty = False  # whether lines of the window may hold marks of undecodable bytes
        self.row = 0
        self._load()
        self.row = self._window[0][0].first  # the number of the first line of the present row

    def sample(self) -> list[str]:
        """The first lines, before any is given."""
        return self._window[0][0].lines[:_SAMPLE]

    def lines(self) -> Iterator[str]:
        """All lines from the present row on. They end early before a line that is rejected, and in a row that spans too many."""
        self._trim()
        kept: list[Any] = [iter(block.lines) for block, _ in self._window]
        if kept:  # a file may have thousands of broken rows: going on behind one must not copy the block
            kept[0].__setstate__(self.row - self._window[0][0].first)
        return itertools.chain(*kept, itertools.chain.from_iterable(iter(self._load, None)))

    def text(self, line: int) -> str:
        """A line of the window."""
        block = next(b for b, _ in self._window if b.first <= line < b.first + len(b.lines))
        return block.lines[line - block.first]

    def rejected(self) -> Row | None:
        """The line before which the others ended between two rows; None at the end of the file."""
        block = self._lines.next_block()
        return block if isinstance(block, Row) else None

    def _load(self) -> list[str] | None:
        self._trim()
        if sum(size for _, size in self._window) > _MAX_ROW:
            return None
        block = self._lines.next_block()
        if not isinstance(block, Block):
            if block is not None:
                self._lines.put_back(block)
            return None
        self._window.append((block, sum(map(len, block.lines))))
        self.dirty = any(block.dirty for block, _ in self._window)
        return block.lines

    def _trim(self) -> None:
        while self._window and self._window[0][0].first + len(self._window[0][0].lines) <= self.row:
            del self._window[0]


def _rows(feed: _Feed, columns: list[str], delimiter: str) -> Iterator[Row]:
    width, all_named = len(columns), all(columns)
    while True:
        reader = csv.reader(feed.lines(), delimiter=delimiter, strict=True)
        before, line = feed.row - 1, feed.row
        try:
            for cells in reader:
                # This loop is what a file of a million rows costs: everything unusual is left to `_unusual`.
                start, line = line, before + reader.line_num + 1
                feed.row = line
                if len(cells) == width and all_named and not feed.dirty:
                    if any(cells):
                        yield Row(start, dict(zip(columns, cells)))  # noqa: B905 - their lengths were compared
                elif any(cells):
                    yield _unusual(start, cells, columns, feed.source if feed.dirty else None)
        except csv.Error as error:  # a quote that is never closed must cost its own line, not all that follow
            text = feed.text(line)
            if len(text) > MAX_CELL and "field larger" in str(error):
                yield long_cell(line, text)
            else:
                yield Row(line, {"_text": readable(text.rstrip("\r\n"))}, Problem("not CSV", _why(error)))
            feed.row = line + 1
            continue
        if row := feed.rejected():
            yield row
            feed.row = row.line + 1
        else:
            return


def _unusual(line: int, cells: list[str], columns: list[str], text: Text | None) -> Row:
    if text and (bad := text.bad_bytes("".join(cells))):
        return Row(line, {"_cells": [readable(cell) for cell in cells]}, bad)
    if len(cells) > len(columns) and not any(cells[len(columns) :]):
        cells = cells[: len(columns)]  # delimiters at the end of the line, as some programs write them
    if len(cells) != len(columns):
        problem = Problem("wrong number of cells", f"{len(cells)} cells, the header names {len(columns)} columns")
        return Row(line, {"_cells": cells}, problem)
    return Row(line, {c: cell for c, cell in zip(columns, cells, strict=True) if c})


def _why(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a quote is not closed within {MAX_CELL:,} characters"
    if "unexpected end" in str(error):
        return "a quote is not closed"
    return str(error)


def _column(name: str) -> str:
    """A header cell; the types that RecBole files write behind a name ('user_id:token') are dropped."""
    return re.sub(r":(token|float)(_seq)?$", "", name.strip().lstrip("\ufeff").strip())
