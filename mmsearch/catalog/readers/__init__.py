"""Files → rows with their line numbers: CSV, TSV and other delimited text, JSON, JSON Lines, Parquet, gzip of each, a folder of
photos; `-` is standard input. What a file is is told by its content, never by its name.
"""

from __future__ import annotations

from pathlib import Path

from mmsearch.catalog.readers.delimited import open_delimited
from mmsearch.catalog.readers.json_document import json_document, json_shape
from mmsearch.catalog.readers.json_lines import json_lines
from mmsearch.catalog.readers.lines import Lines, Text
from mmsearch.catalog.readers.opened import Opened, standard_input
from mmsearch.catalog.readers.row import Row, Source
from mmsearch.errors import InputError, UsageError

__all__ = ["Lines", "Row", "Source", "open_lines", "read_rows", "standard_input"]


def open_lines(path: str, *, encoding: str | None = None) -> tuple[str, Lines]:
    """The first line of a text file that is not blank, and its lines (pairs of number and text), none of them taken yet.

    `-` is standard input. Raises InputError: missing, a folder, empty, not text; while reading, a line that cannot be decoded.
    """
    opened = Opened(path)
    if opened.is_parquet:
        raise InputError(f"{opened.name} is Parquet, not text")
    text = Text(opened, encoding)
    return text.first_line, Lines(text)


def read_rows(path: str, *, encoding: str | None = None, delimiter: str | None = None, opened: tuple[str, Lines] | None = None) -> Source:
    """Open a file of rows, or a folder of photos.

    Parameters
    ----------
    path : a file, a folder, or '-' for standard input.
    encoding : of a text; told by a byte order mark or the bytes themselves if None.
    delimiter : of the cells of a line; told by the lines if None.
    opened : what `open_lines` gave for this path, to go on with it.

    Raises
    ------
    InputError : missing, empty, of a kind that is not read, not decodable, or without a usable header. UsageError : an encoding
        that does not exist, or an option that the file cannot use. Both also while the rows are read (a disk that fails); bad rows
        come as rows with a problem.
    """
    folder = Path.cwd() if path == "-" else Path(path)
    if opened is None and path != "-" and _is_folder(folder):
        from mmsearch.catalog.readers.folder import open_folder

        _refuse(path, "a folder", encoding=encoding, delimiter=delimiter)
        return open_folder(folder)
    file = opened[1].text.opened if opened else Opened(path)
    folder = folder.resolve() if path == "-" else folder.resolve().parent
    if opened is None:
        if file.is_parquet:
            from mmsearch.catalog.readers.parquet import open_parquet

            _refuse(file.name, "Parquet", encoding=encoding, delimiter=delimiter)
            return open_parquet(file, folder)
        lines = Lines(Text(file, encoding))
    else:
        lines = opened[1]
    text, gzip = lines.text, file.gzip
    if shape := json_shape(text.peek) if delimiter is None else None:
        rows = json_document(text, shape)
        return Source(text.name, None, True, rows, folder, "json", gzip, told=text.told)
    if delimiter is None and text.first_line.lstrip().startswith("{"):
        return Source(text.name, None, True, json_lines(lines), folder, "jsonl", gzip, told=text.told)
    columns, delimiter, rows = open_delimited(lines, delimiter)
    return Source(text.name, columns, False, rows, folder, "tsv" if delimiter == "\t" else "csv", gzip, delimiter, text.told)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # ValueError: a NUL in the name; opening it says what is wrong
        return False


def _refuse(name: str, what: str, **options: str | None) -> None:
    if given := [f"--{option}" for option, value in options.items() if value is not None]:
        raise UsageError(f"{name} is {what}: {' and '.join(given)} cannot apply", hint="they are for text files")
