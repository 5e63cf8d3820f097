"""`mmsearch ingest`."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.memory import few_arenas
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table
from mmsearch.cli.report_file import ReportFile
from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.catalog.report import IngestReport

_PAIRS = 20  # near-duplicates in the table; the report has all


@global_options
def command(
    file: str = typer.Argument(
        ..., metavar="FILE", help="CSV, TSV, JSON, JSON Lines or Parquet, also gzipped; a folder of images; - reads standard input."
    ),
    kind: str | None = typer.Option(
        None,
        "--kind",
        metavar="KIND",
        help="products, interactions, reviews, searches, users, triples (default: told by the columns) or synonyms.",
    ),
    mapping: list[str] = typer.Option(
        [], "--map", metavar="FIELD=COLUMN", help="Which column holds a field, where its name does not tell."
    ),
    encoding: str | None = typer.Option(
        None, "--encoding", metavar="NAME", help="Of a text file (default: UTF-8, UTF-16 or GB18030, told by its bytes)."
    ),
    delimiter: str | None = typer.Option(None, "--delimiter", metavar="CHARACTER", help="Between cells (default: told by the header)."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what the columns mean, the counts and the first rejects; write nothing."),
    sync: bool = typer.Option(False, "--sync", help="Delete what the store has and FILE does not."),
    yes: bool = typer.Option(False, "--yes", help="Delete with --sync without asking."),
    force: bool = typer.Option(False, "--force", help="Let --sync delete more than half, and although rows could not be read."),
    fetch: bool = typer.Option(False, "--fetch", help="Download the web addresses in media columns into the store."),
    dedupe: str | None = typer.Option(
        None, "--dedupe", metavar="report|skip|merge", help="Look for products that say or show the same as an earlier one, and what to do."
    ),
    outliers: str = typer.Option(
        "report", "--outliers", metavar="report|clip", help="What to do with ratings and values far outside the usual."
    ),
    rejects: str | None = typer.Option(
        None, "--rejects", metavar="FILE", help="Where rows that cannot be used go (default: inside the store)."
    ),
    report_file: str | None = typer.Option(None, "--report", metavar="FILE", help="Also write what was done to FILE, as JSON."),
    allow_outside: bool = typer.Option(False, "--allow-outside", help="Accept photos, sounds and clips outside the folder of FILE."),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Bring products, or what shoppers did and said, into the store.

    The same file twice changes nothing; a changed row replaces the old one; columns that a file does not have stay as they are and an
    empty cell clears. Rows that cannot be used go to a file that can be corrected and ingested again.

    \b
    mmsearch ingest products.csv
    mmsearch ingest feed.jsonl.gz --map title=name --map id=ean
    mmsearch ingest catalogue.csv --dry-run
    mmsearch ingest catalogue.csv --sync --yes
    mmsearch ingest photos/
    mmsearch ingest ratings.csv --kind interactions
    mmsearch ingest synonyms.txt --kind synonyms
    """
    from mmsearch.catalog.columns import parse_map

    how = chosen_format(format, ROW_FORMATS[:3])
    if sync and not (yes or dry_run) and not (_asks() and file != "-"):
        raise UsageError("--sync deletes, and there is nobody to ask here", hint="add --yes; --dry-run shows how many it would delete")
    writer = ReportFile(report_file) if report_file else None
    few_arenas()
    report = shop().ingest(
        file,
        kind=kind,
        mapping=parse_map(mapping),
        encoding=encoding,
        delimiter=delimiter,
        dry_run=dry_run,
        sync=sync,
        force=force,
        confirm=None if yes else _confirm,
        fetch=fetch,
        dedupe=dedupe,
        outliers=outliers,
        rejects=rejects,
        allow_outside=allow_outside,
    )
    if writer:
        writer.write(report.to_json())
    if how == "table":
        _show(report)
    else:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2 if how == "json" else None))
        for reason, count in report.reasons.most_common(10):
            note(f"{count} × {reason}")
    options = [f"--kind {report.kind}" if kind else "", *(f"--map {shlex.quote(entry)}" for entry in mapping)]
    _notes(report, " ".join(["", *filter(None, options), *(["--allow-outside"] if allow_outside else [])]))
    return report.exit_code


def _asks() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _confirm(gone: int, total: int) -> bool:
    try:
        return typer.confirm(f"delete {gone:,} of {total:,} that the file does not have?", err=True)
    except (KeyboardInterrupt, typer.Abort):
        note("\nthe rows of the file are written; nothing is deleted")
        raise


def _show(report: IngestReport) -> None:
    counts = ("rows", "new", "changed", "unchanged", "rejected", "problems")
    row = {"kind": report.kind, **{c: getattr(report, c) for c in counts}}
    row |= {"merged": report.merged} if report.merged else {}
    row |= {"deleted": report.sync.deleted} if report.sync else {}
    done = "would ingest" if report.dry_run else "ingested"
    rate = f", {report.rows / max(report.seconds, 1e-9):,.0f} rows/s" if report.rows >= 1_000 else ""
    how = ", ".join(part for part in (report.format, report.encoding) if part)
    table([row], title=f"{done} {report.source} ({how}) in {report.seconds:.1f} s{rate}")
    if report.dry_run:
        table([{"field": field, "column": ", ".join(columns)} for field, columns in report.mapping.items()], title="what the columns mean")
        if report.attributes:
            typer.echo(f"kept as attributes: {', '.join(report.attributes[:40])}" + (" …" if len(report.attributes) > 40 else ""))
    table([{"reason": reason, "times": count} for reason, count in report.reasons.most_common(20)], title="rejected rows and problems")
    media = [{"media": name, "outcome": what, "times": n} for name, outcomes in report.media.items() for what, n in outcomes.items()]
    table(media, title="media")
    table(
        [{k: v for k, v in odd.items() if k != "examples"} | {"for example": odd["examples"]} for odd in report.outliers],
        title="odd in user data",
    )
    near = report.near_duplicates
    table(near[:_PAIRS], title=f"{len(near):,} near-duplicates" + (f", the first {_PAIRS} of them" if len(near) > _PAIRS else ""))
    table([{"rule": rule, "cells": count} for rule, count in report.cleaned.most_common()], title="cleaned")


def _notes(report: IngestReport, options: str) -> None:
    if report.dry_run:
        for line in report.first:
            note(line)
    for line in report.notes:
        note(line)
    if report.sync:
        if report.sync.refused:
            note(f"--sync deleted nothing of the {report.sync.gone:,} that the file does not have: {report.sync.refused}")
            note("--force deletes them all the same")
        elif report.dry_run:
            note(f"--sync would delete {report.sync.gone:,}" + (f": {', '.join(report.sync.examples)} …" if report.sync.gone else ""))
    if report.reject_file:
        note(f"{report.rejected} rows rejected, {report.problems} problems in rows that were kept; reasons in {report.reject_file}")
        note(f"correct them there, then: mmsearch ingest {shlex.quote(report.reject_file)}{options}")
