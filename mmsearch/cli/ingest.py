"""`mmsearch ingest`."""

from __future__ import annotations

import json

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table


@global_options
def command(
    file: str = typer.Argument(..., metavar="FILE", help="CSV, TSV or JSON Lines; - reads standard input."),
    kind: str | None = typer.Option(None, "--kind", metavar="KIND", help="products or interactions (default: told by the columns)."),
    mapping: list[str] = typer.Option(
        [], "--map", metavar="FIELD=COLUMN", help="Which column holds a field, where its name does not tell."
    ),
    rejects: str | None = typer.Option(
        None, "--rejects", metavar="FILE", help="Where rows that cannot be used go (default: inside the store)."
    ),
    allow_outside: bool = typer.Option(False, "--allow-outside", help="Accept photos, sounds and clips outside the folder of FILE."),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Bring products or interactions into the store.

    The same file twice changes nothing; a changed row replaces the old one; columns that a file does not have stay as they are.

    \b
    mmsearch ingest products.csv
    mmsearch ingest feed.jsonl --map title=name --map id=ean
    mmsearch ingest events.csv --kind interactions
    """
    from mmsearch.catalog.columns import parse_map

    how = chosen_format(format, ROW_FORMATS[:3])
    report = shop().ingest(file, kind=kind, mapping=parse_map(mapping), rejects=rejects, allow_outside=allow_outside)
    if how == "table":
        counts = ("rows", "new", "changed", "unchanged", "rejected", "problems")
        table([{"kind": report.kind, **{c: getattr(report, c) for c in counts}}], title=f"ingested {report.source}")
    else:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2 if how == "json" else None))
    for line in report.notes:
        note(line)
    for reason, count in report.reasons.most_common(10):
        note(f"{count} × {reason}")
    if report.reject_file:
        note(f"{report.rejected} rows rejected, {report.problems} problems in rows that were kept; reasons in {report.reject_file}")
    return report.exit_code
