"""Bytes → text → numbered lines, in blocks: a line of any length takes bounded memory, and a short one costs what C costs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

from mmsearch.catalog.problems import Problem
from mmsearch.catalog.readers.encoding import MARK, Decoder, not_decodable
from mmsearch.catalog.readers.opened import Opened
from mmsearch.catalog.readers.row import MAX_LINE, Row, Told, breaks_off, line_ends, too_long
from mmsearch.errors import InputError

_BLANK = "\ufeff \t\r\n,;"
_KEPT = 20_000  # characters that are kept of a line that is too long


class Text:
    """The text of an input, some at a time; a line end is never split."""

    def __init__(self, opened: Opened, encoding: str | None):
        """Raises InputError: blank, or not decodable. UsageError: no such encoding."""
        self.opened = opened
        self.name = opened.name
        self.told = Told()
        self.line = 1  # the line on which the next text begins
        self.dirty = False  # whether the last text may hold marks of undecodable bytes
        self._block = opened.read()
        self._decoder = Decoder(opened.name, self._block, encoding)
        self._held = ""
        self._put_back: tuple[str, bool] | None = None
        while not (start := self.next()).strip(_BLANK):
            if not start:
                raise InputError(f"{self.name} is empty")
        self.line -= line_ends(start)
        self._put_back = (start, self.dirty)

    @property
    def encoding(self) -> str:
        return self._decoder.encoding

    @property
    def peek(self) -> str:
        """The beginning of the text, from its first block that is not blank; it is still to come."""
        return self._put_back[0] if self._put_back else ""

    @property
    def first_line(self) -> str:
        """The first line that is not blank, or its beginning; it is still to come."""
        lines = io.StringIO(self.peek, newline="")
        return next(line for line in lines if line.strip(_BLANK)).lstrip("\ufeff")

    def next(self) -> str:
        """The next text, '' at the end. Raises InputError."""
        if self._put_back is not None:
            (text, self.dirty), self._put_back = self._put_back, None
        else:
            text, self.dirty = "", False
            while self._block and not text:
                following = self.opened.read()
                text = self._held + self._decoder.decode(self._block, self.line, final=not following)
                self._block = following
                if not following:
                    self.opened.close()
                self._held = "\r" if following and text.endswith("\r") else ""  # may be the first half of a line end
                text = text[: len(text) - len(self._held)]
                self.dirty = self.dirty or self._decoder.dirty
            self.told.encoding, self.told.incomplete = self.encoding, self.opened.broken
        self.line += line_ends(text)
        return text

    def first_bad(self, line: int, text: str) -> InputError | None:
        """The error for the first undecodable byte of a line, if it has one."""
        bad = MARK.search(text)
        return not_decodable(self.name, line, ord(bad.group()) - 0xDC00, self.encoding.upper()) if bad else None

    def bad_bytes(self, text: str) -> Problem | None:
        """What is wrong with a text that holds undecodable bytes."""
        bad = MARK.search(text)
        if not bad:
            return None
        return Problem(
            f"not {self.encoding.upper()}", f"byte 0x{ord(bad.group()) - 0xDC00:02x}; if many rows are, name the encoding: --encoding"
        )


class Block(NamedTuple):
    """Lines with their line ends (the last of the file may have none)."""

    first: int  # the number of the first line
    lines: list[str]
    dirty: bool  # whether a line may hold marks of undecodable bytes


class Lines:
    """The lines of a text, each given once: `next_block` gives many, iterating gives `(number, line)`.

    A line ends with \\n, \\r or \\r\\n. What cannot be given comes as a rejected `Row`: a line of over `MAX_LINE` characters, and
    the last line where packed bytes break off.
    """

    def __init__(self, text: Text):
        self.text = text
        self.name = text.name
        self._ahead: Block | Row | None = None
        self._blocks = self._split()

    def next_block(self) -> Block | Row | None:
        """The next lines, or a line that is rejected, or None at the end. Raises InputError."""
        block, self._ahead = self._ahead or next(self._blocks, None), None
        return block

    def put_back(self, block: Block | Row) -> None:
        """Let `next_block` give this once more."""
        self._ahead = block

    def skip_blank(self) -> str:
        """Skip the lines before the first that is not blank and return that one, which is still to come.

        Raises InputError: it cannot be decoded, or is too long.
        """
        while isinstance(block := self.next_block(), Block):
            for number, line in enumerate(block.lines):
                if line.strip(_BLANK):
                    lines = block.lines[number:]
                    lines[0] = line.lstrip("\ufeff")
                    if block.dirty and (error := self.text.first_bad(block.first + number, line)):
                        raise error
                    self.put_back(Block(block.first + number, lines, block.dirty))
                    return lines[0]
        raise InputError(f"{self.name}: line {block.line}: {block.problem}" if block else f"{self.name} is empty")

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Every line with its number, for callers that allow no gap. Raises InputError for one that cannot be given."""
        while block := self.next_block():
            if isinstance(block, Row):
                raise InputError(f"{self.name}: line {block.line}: {block.problem}")
            for number, line in enumerate(block.lines, block.first):
                if block.dirty and (error := self.text.first_bad(number, line)):
                    raise error
                yield number, line

    def _split(self) -> Iterator[Block | Row]:
        number, rest, rest_dirty, skipped = self.text.line, "", False, 0
        while text := self.text.next():
            if skipped:  # inside a line that is too long, whose beginning is `rest`
                lines = list(io.StringIO(text, newline=""))
                skipped += len(lines[0])
                if not lines[0].endswith(("\n", "\r")):
                    continue
                yield too_long(number, rest, skipped)
                number, rest, skipped, text = number + 1, "", 0, text[len(lines[0]) :]
            dirty = self.text.dirty or (rest_dirty and bool(rest))
            lines = list(io.StringIO(rest + text, newline=""))
            rest = lines.pop() if lines and not lines[-1].endswith(("\n", "\r")) else ""
            rest_dirty = dirty
            if lines:
                yield Block(number, lines, dirty)
                number += len(lines)
            if len(rest) > MAX_LINE:
                rest, skipped = rest[:_KEPT], len(rest)
        if skipped:
            yield too_long(number, rest, skipped)
        elif self.text.told.incomplete:
            yield breaks_off(number, rest, self.text.told.incomplete)
        elif rest:
            yield Block(number, [rest], rest_dirty)
