"""Queries files: TSV without a header (`id<TAB>text`), or CSV / JSON Lines with the columns
`id, text, image, audio, video, speech, like, not, where, user, session` (paths relative to the file)."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmsearch.catalog.readers import open_lines, read_rows
from mmsearch.errors import InputError, MMSearchError
from mmsearch.ranking.shopper import Shopper
from mmsearch.search.query import Query, make_query
from mmsearch.store.where import parse_where

_ASKS = ("user", "session")  # who asks: they make no query by themselves
_COLUMNS = ("id", "text", "image", "audio", "video", "speech", "like", "not", "where", *_ASKS)
_PARTS = set(_COLUMNS) - {"id", *_ASKS}
_FORMAT = f"a queries file is TSV without a header (id<TAB>text), or CSV or JSON Lines with the columns {', '.join(_COLUMNS)}"


def read_queries(path: str, notes: list[str] | None = None) -> dict[str, Query]:
    """Query id → query, in the order of the file. `-` reads standard input.

    Columns that are not a query's (a label beside the photo) are left alone; `notes` takes a line that names them.

    Raises InputError for a file without queries, and with `file:line` for a bad line: a batch with a hole in it would
    measure something else.
    """
    name = "standard input" if path == "-" else path
    folder = Path.cwd() if path == "-" else Path(path).resolve().parent
    queries: dict[str, Query] = {}

    def add(line: int, id: str, values: Mapping[str, Any]) -> None:
        if not id:
            raise InputError(f"{name}:{line}: the query has no id")
        if id in queries:
            raise InputError(f"{name}:{line}: the query id {id} is given twice")
        origin = f"{name}:{line}: query {id}"
        try:
            queries[id] = replace(_query(values, folder), origin=origin)
        except MMSearchError as error:
            raise InputError(f"{origin}: {error.message}", hint=error.hint) from error

    first, lines = _opened(path)
    if _has_no_header(first):
        for line, text in lines:
            if not text.strip():
                continue
            id, tab, content = text.rstrip("\r\n").partition("\t")
            if not tab or "\t" in content.strip():  # more fields: a file of another kind, such as qrels
                raise InputError(f"{name}:{line}: expected id<TAB>text", hint=_FORMAT)
            add(line, id.strip(), {"text": content})
        return queries
    source = read_rows(path, opened=(first, lines))
    others: dict[str, None] = {}
    for row in source.rows:
        if row.problem:
            raise InputError(f"{name}:{row.line}: {row.problem}")
        columns = source.columns or list(row.values)
        if not set(columns) & _PARTS:
            raise InputError(f"{name}:{row.line}: no column of a query; its columns: {', '.join(columns)}", hint=_FORMAT)
        others |= dict.fromkeys(c for c in row.values if c not in _COLUMNS)
        add(row.line, _cell(row.values.get("id")), row.values)
    if not queries:
        raise InputError(f"{name} holds no queries", hint=_FORMAT)
    if others and notes is not None:
        notes.append(f"{name}: columns that are not part of a query are left alone: {', '.join(others)}")
    return queries


def _opened(path: str) -> tuple[str, Any]:
    """The first line of a file, and all. Raises InputError: of a file of queries nobody can say the encoding."""
    try:
        return open_lines(path)
    except InputError as error:
        hint = "save it as UTF-8" if error.hint and "--encoding" in error.hint else error.hint
        raise InputError(error.message, hint=hint) from error


def _has_no_header(first: str) -> bool:
    """TSV without a header: a TAB in the first line, which is neither JSON nor a header naming the columns."""
    if "\t" not in first or first.lstrip().startswith("{"):
        return False
    cells = next(csv.reader([first], delimiter="\t"))
    return not ("id" in cells and set(cells) & _PARTS)


def _query(values: Mapping[str, Any], folder: Path) -> Query:
    where = _cell(values.get("where"))
    if where:
        parse_where(where)  # here the file and the line are known
    beside = Path(str(folder).replace("^", r"\^"))  # a caret in the folder's name is no weight
    return make_query(
        _cells(values.get("text")),
        image=[str(beside / image) for image in _cells(values.get("image"))],
        audio=[str(beside / sound) for sound in _cells(values.get("audio"))],
        speech=[str(beside / spoken) for spoken in _cells(values.get("speech"))],
        video=[str(beside / clip) for clip in _cells(values.get("video"))],
        like=_cells(values.get("like")),
        not_text=_cells(values.get("not")),
        where=where or None,
        browse=bool(where),
        shopper=Shopper(_cell(values.get("user")) or None, _session(values.get("session"))),
    )


def _session(value: Any) -> tuple[str, ...]:
    return tuple(id.strip() for cell in _cells(value) for id in cell.split(",") if id.strip())


def _cells(value: Any) -> list[str]:
    return [_cell(v) for v in value if _cell(v)] if isinstance(value, list) else [text] if (text := _cell(value)) else []


def _cell(value: Any) -> str:
    return "" if value is None else str(value).strip()
