"""JSON Lines → rows: one object a line."""

from __future__ import annotations

from collections.abc import Iterator

from mmsearch.catalog.readers.json_values import DECODER, as_row, why
from mmsearch.catalog.readers.lines import Lines
from mmsearch.catalog.readers.row import Row, readable


def json_lines(lines: Lines) -> Iterator[Row]:
    """One row a line that is not blank. Raises InputError where the file cannot be read on."""
    decode = DECODER.decode
    while block := lines.next_block():
        if isinstance(block, Row):
            yield block
            continue
        for number, line in enumerate(block.lines, block.first):
            text = line.strip(" \t\r\n\ufeff")
            if not text:
                continue
            if block.dirty and (bad := lines.text.bad_bytes(text)):
                yield Row(number, {"_text": readable(text)}, bad)
                continue
            try:
                value = decode(text)
            except (ValueError, RecursionError) as error:
                yield Row(number, {"_text": text}, why(error))
                continue
            yield Row(number, *as_row(value, text))
