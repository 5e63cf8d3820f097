"""Results on stdout: a table on a terminal, JSON Lines when piped, or what `--format` says."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer

from mmsearch.errors import UsageError

HIT_FORMATS = ("table", "json", "jsonl", "csv", "ids", "trec")
ROW_FORMATS = ("table", "json", "jsonl", "csv")


def format_option(formats: Sequence[str]) -> Any:
    """The `--format` option of a command."""
    return typer.Option(None, "--format", metavar="|".join(formats), help="Output (default: table on a terminal, jsonl when piped).")


def chosen_format(given: str | None, formats: Sequence[str]) -> str:
    """The format asked for, else the one that fits stdout. Raises UsageError."""
    if given is None:
        return "table" if sys.stdout.isatty() else "jsonl"
    if given not in formats:
        raise UsageError(f"unknown format '{given}'", hint=f"formats: {', '.join(formats)}")
    return given


def write_rows(rows: Iterable[Mapping[str, Any]], how: str, *, title: str | None = None) -> None:
    """Rows with equal keys, in one of ROW_FORMATS."""
    rows = list(rows)
    if how == "json":
        _echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif how == "jsonl":
        for row in rows:
            _echo(json.dumps(row, ensure_ascii=False))
    elif how == "csv":
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.writer(sys.stdout, lineterminator="\n")
        if names:
            writer.writerow(names)
        for row in rows:
            writer.writerow([_cell(row.get(name)) for name in names])
    else:
        table(rows, title=title)


def table(rows: Sequence[Mapping[str, Any]], *, title: str | None = None) -> None:
    """Rows as a table for people: numbers to the right, four decimals, what rich can draw (`mmsearch.cli.pictures`) as it is."""
    if not rows:
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Without a terminal (a log, a pipe with --format table) nothing is cut to a width that nobody has.
    console = Console() if sys.stdout.isatty() else Console(width=200)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if title is not None:  # not rich's own title, which is broken where the table ends
        console.print(Text(title, "bold"), soft_wrap=not sys.stdout.isatty())
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        numeric = all(isinstance(row.get(name), int | float) or row.get(name) == "–" for row in rows) and bool(rows)
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(_drawn(row.get(name)) for name in names))
    console.print(drawn)


def write_trec(rows: Iterable[tuple[str, str, int, float]], tag: str) -> None:
    """(query, product, rank, score) as a TREC run, each query's lines together; see `mmsearch.evaluation.trec.untied` of scores that tie.

    Raises UsageError for a tag that a run cannot hold.
    """
    from mmsearch.evaluation.trec import untied

    if not tag.strip() or any(c in tag for c in "\t\r\n"):
        raise UsageError(f"--tag {tag!r} cannot name a run", hint="give it a name without TAB and line breaks")
    for query, group in itertools.groupby(rows, key=lambda row: row[0]):
        lines = list(group)
        for (_, product, rank, _), score in zip(lines, untied(row[3] for row in lines), strict=True):
            separator = "\t" if any(" " in field for field in (query, product, tag)) else " "
            _echo(separator.join((query, "Q0", product, str(rank), repr(score), tag)))


def write_ids(ids: Iterable[str]) -> None:
    for id in ids:
        _echo(id)


def _echo(line: str) -> None:
    sys.stdout.write(line + "\n")


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _drawn(value: Any) -> Any:
    from rich.text import Text

    return value if hasattr(value, "__rich_console__") else Text(_shown(value))


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
