"""`mmsearch optimize`."""

from __future__ import annotations

import re
from datetime import timedelta

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, write_rows
from mmsearch.errors import UsageError

_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@global_options
def command(
    keep: str = typer.Option(
        "1h", "--keep", metavar="AGE", help="Keep old versions that are younger (30s, 10m, 1h, 2d), for searches that are reading them."
    ),
    format: str | None = format_option(ROW_FORMATS),
) -> int:
    """Make the store small and fast: merge small files, remove old versions and what killed runs left.

    Searches may go on meanwhile; ingest, embed and fuse wait for it, and it for them.

    \b
    mmsearch optimize
    mmsearch optimize --keep 0        # nobody is searching now
    """
    how = chosen_format(format, ROW_FORMATS)
    tables = shop().optimize(_age(keep))
    write_rows([vars(t) for t in tables], how, title="optimized")
    saved = sum((t.bytes_before or 0) - (t.bytes_after or 0) for t in tables)
    files = sum((t.files_before or 0) - (t.files_after or 0) for t in tables)
    note(f"{files} files and {saved / 1e6:.1f} MB fewer" if files >= 0 and saved >= 0 else f"old versions stay for {keep} (--keep)")
    return 0


def _age(text: str) -> timedelta:
    """'10m' → ten minutes; a bare number is seconds. Raises UsageError."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if found is None:
        raise UsageError(f"--keep {text}: not an age", hint="write: 30s, 10m, 1h, 2d or 0")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})
