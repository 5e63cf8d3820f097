"""A JSON document → rows, one object at a time: an array of objects, an object that holds one (`{"products": […]}`), or
objects one after the other over several lines. Only the present object is in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mmsearch.catalog.problems import Problem
from mmsearch.catalog.readers.json_values import DECODER, as_row, why
from mmsearch.catalog.readers.lines import Text
from mmsearch.catalog.readers.row import MAX_CELL, MAX_LINE, Row, breaks_off, line_ends, readable, too_long

#: What the array in an object is called, for it to be the rows: a product may well hold a list of objects itself.
WRAPPERS = (
    *("products", "items", "data", "rows", "records", "results", "entries", "goods", "docs", "catalog", "catalogue", "offers"),
    *("interactions", "events", "reviews", "searches", "queries", "users", "triples", "商品", "数据", "列表"),
)
_SPACE = re.compile(r"[ \t\r\n\ufeff]*+")
_BETWEEN = re.compile(r"[ \t\r\n\ufeff,]*+")
_ARRAY = re.compile(r"\[\s*+(?:[\]{\[\"\d-]|true|false|null|$)")  # a CSV header may begin with '[' too: [id],[name]
_STRUCTURE = re.compile(r'["{}\[\]]')
_STRING = re.compile(r'(?:[^"\\\n]++|\\.)*+')
_OTHER_ROWS = re.compile(rf'(?i)"({"|".join(WRAPPERS)})"\s*:\s*\[\s*\{{')
_SCALAR = re.compile(r"[^,\]}\n]*+")


def json_shape(start: str) -> str | None:
    """What the beginning of a text shows: 'array', 'wrapped' (an object that holds it), 'stream' (objects over several lines), or None."""
    start = start.lstrip("\ufeff \t\r\n")
    if _ARRAY.match(start):
        return "array"
    if not start.startswith("{"):
        return None
    try:
        end = DECODER.raw_decode(start)[1]
    except (ValueError, RecursionError):
        end = 0
    if not (end and start[end:].lstrip().startswith("{")) and _rows_at(start) is not None:
        return "wrapped"
    return "stream" if "\n" in start[:end].strip() or start.partition("\n")[0].strip() == "{" else None


def _rows_at(start: str) -> int | None:
    """Where the array of rows begins in an object, if its beginning shows one."""

    def after_space(at: int) -> int:
        found = _SPACE.match(start, at)
        return found.end() if found else at

    at = 1
    try:
        while True:
            key, at = DECODER.raw_decode(start, after_space(at))
            at = after_space(at)
            if not isinstance(key, str) or start[at] != ":":
                return None
            at = after_space(at + 1)
            if start[at] == "[" and key.lower() in WRAPPERS and start[after_space(at + 1)] in "{]":
                return at
            at = after_space(DECODER.raw_decode(start, at)[1])
            if start[at] != ",":
                return None
            at += 1
    except (ValueError, IndexError, RecursionError):
        return None


def json_document(text: Text, shape: str) -> Iterator[Row]:
    """One row an object; `line` is the one on which it begins. Raises InputError where the file cannot be read on."""
    cursor = _Cursor(text)
    cursor.skip(_SPACE)
    if shape != "stream":
        start = 0 if shape == "array" else _rows_at(cursor.rest()) or 0
        cursor.move(start + 1)
    while cursor.skip(_BETWEEN):
        if cursor.here == "]" and shape != "stream":
            yield from _tail(cursor, shape)
            return
        yield cursor.row()
    if shape != "stream" or cursor.cut:
        text.told.incomplete = text.told.incomplete or cursor.cut or "the array is not closed: the end of the file is missing"
    if text.told.incomplete and not cursor.cut:
        yield breaks_off(cursor.line, "", text.told.incomplete)


def _tail(cursor: _Cursor, shape: str) -> Iterator[Row]:
    """What comes behind the array: nothing, or more of the object that holds it."""
    cursor.move(1)
    if cursor.skip(_SPACE) and not (shape == "wrapped" and cursor.here in ",}"):
        yield Row(cursor.line, {"_text": readable(cursor.rest()[:1000])}, Problem("not JSON", "text behind the end of the array"))
    others: dict[str, None] = {}
    while piece := cursor.drop():  # to the end, to learn whether the file is whole
        others |= dict.fromkeys(found[1] for found in _OTHER_ROWS.finditer(piece))
    if others and shape == "wrapped":
        cursor.text.told.notes.append(
            f"only the first array of objects is read, not {', '.join(others)}: ingest those from files of their own"
        )
    if cursor.text.told.incomplete:
        yield breaks_off(cursor.line, "", cursor.text.told.incomplete)


class _Scan:
    """Finds where a value ends by its brackets and quotes alone, for values that are broken or not all there yet."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._in_string = False
        self.wrong = False  # a bracket was closed that was not open

    def end(self, text: str, at: int) -> tuple[int, bool]:
        """(where the value ends, True), or (up to where it was looked at, False) when more text is needed or `wrong`."""
        while at < len(text):
            if self._in_string:
                found = _STRING.match(text, at)
                at = found.end() if found else at
                if at >= len(text) or (text[at] == "\\" and at == len(text) - 1):
                    return at, False
                at += text[at] != "\n"  # JSON has no line break in a string: it ends there, and what follows keeps its own quotes
                self._in_string = False
            elif not (found := _STRUCTURE.search(text, at)):
                return len(text), False
            else:
                at = found.end()
                mark = found.group()
                if mark == '"':
                    self._in_string = True
                    continue
                if mark in "{[":
                    self._open.append("}" if mark == "{" else "]")
                if (mark in "}]" and (not self._open or self._open.pop() != mark)) or len(self._open) > 100_000:
                    self.wrong = True
                    return at - 1, False
            if not self._open:
                return at, True
        return at, False


class _Cursor:
    """A place in a text that comes in pieces; what lies before it is forgotten."""

    def __init__(self, text: Text):
        self.text = text
        self.line = text.line
        self._buffer, self._at = text.next(), 0
        self._dirty = text.dirty
        self.cut: str | None = None  # why nothing of the rest can be used
        self._margin: str | None = None  # what stands before the present value on its line, if it is the first there

    @property
    def here(self) -> str:
        return self._buffer[self._at]

    def rest(self) -> str:
        """What is at hand of the text from here on."""
        return self._buffer[self._at :]

    def move(self, characters: int) -> str:
        """Go on, and give what was passed."""
        passed = self._buffer[self._at : self._at + characters]
        self.line += line_ends(passed)
        self._at += characters
        return passed

    def skip(self, what: re.Pattern[str]) -> bool:
        """Go on behind what matches; whether there is anything behind it."""
        passed = ""
        while True:
            found = what.match(self._buffer, self._at)
            passed += self.move((found.end() if found else self._at) - self._at)
            if self._at < len(self._buffer):
                self._margin = passed.rpartition("\n")[2] if "\n" in passed else None
                return True
            passed = passed[-1000:]
            if not self._more():
                return False

    def drop(self) -> str:
        """Pass what is at hand, or the next piece of the text; '' at the end."""
        if self._at == len(self._buffer):
            self._more()
        return self.move(len(self._buffer) - self._at)

    def row(self) -> Row:
        """The value that begins here, as a row."""
        scan, looked = _Scan(), 0
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError) as error:
                problem, place = why(error, self._at), getattr(error, "pos", self._at)
            else:
                # A number may go on in the next piece; anything else shows its end.
                if self._buffer[end - 1] in '}]"' or end < len(self._buffer) or not self._more():
                    return self._decoded(value, end)
                continue
            if self.here not in '{["':
                found = _SCALAR.match(self._buffer, self._at)
                end = max(found.end() if found else 0, self._at + 1)
                if end < len(self._buffer) or end - self._at > MAX_CELL or not self._more():
                    return self._reject(end - self._at, problem)
                continue
            following = self._following()
            if following >= 0 and place <= following + 1 + len(self._margin or ""):  # broken before the next one: look no further
                end, closed = _Scan().end(self._buffer[self._at : following], 0)
                return self._reject(end if closed else following - self._at, problem)
            end, closed = scan.end(self._buffer, self._at + looked)
            looked = end - self._at
            if closed:
                return self._reject(looked, problem)
            size = len(self._buffer) - self._at
            # Not whole yet: twice as much next time, so that a long object is not decoded over and over.
            if scan.wrong or size > MAX_LINE or not self._more(2 * size):
                return self._resume(scan, looked, problem)

    def _decoded(self, value: Any, end: int) -> Row:
        line = self.line
        text = self.move(end - self._at)
        if len(text) > MAX_LINE:
            return too_long(line, text, len(text))
        if self._dirty and (bad := self.text.bad_bytes(text)):
            return Row(line, {"_text": readable(text)}, bad)
        return Row(line, *as_row(value, text))

    def _reject(self, size: int, problem: Problem) -> Row:
        line = self.line
        text = self.move(size)
        bad = self.text.bad_bytes(text) if self._dirty else None
        return too_long(line, text, size) if size > MAX_LINE else Row(line, {"_text": readable(text)}, bad or problem)

    def _resume(self, scan: _Scan, looked: int, problem: Problem) -> Row:
        """Reject a value whose end is not in sight: up to its end, or to what looks like the next object, or to the end of the file."""
        line, start, size = self.line, self._buffer[self._at : self._at + 20_000], 0
        while True:
            following = self._following()
            if following >= 0:
                size += following - self._at
                self.move(following - self._at)
                break
            if not scan.wrong:
                end, closed = scan.end(self._buffer, self._at + looked)
                looked = end - self._at
                if closed:
                    size += looked
                    self.move(looked)
                    break
            # Nothing of it is needed any more, but for the beginning of a line that the next object may stand on.
            passed = max(0, (looked if not scan.wrong else len(self._buffer) - self._at) - len(self._margin or "") - 2)
            size += passed
            looked -= passed
            self.move(passed)
            if not self._more():
                size += len(self._buffer) - self._at
                self.move(len(self._buffer) - self._at)
                if self.text.told.incomplete:
                    problem = Problem("the file breaks off", self.text.told.incomplete)
                self.cut = f"the object on line {line} does not end, and what follows it cannot be told apart"
                break
        return too_long(line, start, size) if size > MAX_LINE else Row(line, {"_text": readable(start)}, problem)

    def _following(self) -> int:
        """Where what looks like the next object stands on a line of its own, set in like the present one; -1 if it is not in sight."""
        return -1 if self._margin is None else self._buffer.find(f"\n{self._margin}{{", self._at + 1)

    def _more(self, wanted: int = 0) -> bool:
        """Read on, forgetting what lies behind, until `wanted` characters are at hand; whether there was anything."""
        pieces = [self._buffer[self._at :]]
        size = before = len(pieces[0])
        dirty = self._dirty and size > 0
        while size <= max(before, wanted) and (piece := self.text.next()):
            pieces.append(piece)
            size += len(piece)
            dirty = dirty or self.text.dirty
        self._buffer, self._at, self._dirty = "".join(pieces), 0, dirty
        return size > before
