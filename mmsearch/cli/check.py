"""`mmsearch check`: consistency."""

from __future__ import annotations

from typing import Any

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table, write_rows
from mmsearch.cli.whole_file import whole_page
from mmsearch.errors import GateFailed, UsageError

app = typer.Typer(help="Look for what is wrong in the catalogue.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Look for what is wrong in the catalogue."""


@app.command("consistency")
@global_options
def consistency(
    k: int = typer.Option(20, "-k", metavar="N", help="How many findings of each kind."),
    find: list[str] = typer.Option(
        [], "--find", metavar="disagreements|duplicates|nothing", help="Look for this kind alone (repeatable; default: all three)."
    ),
    where: list[str] = typer.Option([], "--where", metavar="FILTER", help="Only products that pass."),
    profile: str | None = typer.Option(
        None, "--profile", metavar="NAME", help="Compare texts and photos through this fusion profile (default: as a search does)."
    ),
    html: str | None = typer.Option(None, "--html", metavar="FILE", help="Also write a page with the photos, which needs no network."),
    fail_over: int | None = typer.Option(
        None, "--fail-over", metavar="N", help="Exit with 4 when more products than N disagree, repeat others or have nothing to fuse."
    ),
    format: str | None = format_option(ROW_FORMATS),
) -> int:
    """Find products whose photo and text disagree, products that are there twice, and products with nothing to fuse.

    The worst come first. 'better' is the share of the other products' texts that fit the photo better than its own text does;
    where it is 20 % and more, the product counts as one that disagrees.

    \b
    mmsearch check consistency
    mmsearch check consistency --find disagreements -k 50 --html check.html
    mmsearch check consistency --where "brand = 'Ulm'" --fail-over 0 --quiet
    """
    how = chosen_format(format, ROW_FORMATS)
    if fail_over is not None and fail_over < 0:
        raise UsageError(f"--fail-over must be at least 0, not {fail_over}")
    page = whole_page(html)
    here = shop()
    found = here.check_consistency(k=k, where=where, profile=profile, find=find or None)
    if how == "table":
        _print(found)
    else:
        write_rows(found.rows(), how)
    for line in found.notes:
        note(line)
    note(_summary(found, find))
    if page is not None:
        from mmsearch.web.consistency_page import consistency_page

        page.write(consistency_page(here, found))
        note(f"the page is {html}")
    if fail_over is not None and found.problems > fail_over:
        raise GateFailed(f"{found.problems:,} products disagree, repeat others or have nothing to fuse; --fail-over allows {fail_over:,}")
    return 0


def _print(found: Any) -> None:
    titles = found.titles
    rows: list[dict[str, Any]] = []
    for one in found.disagreements:
        suits = f"{one.suits}: {titles.get(one.suits) or ''}" if one.suits else ""
        row = {"gap": f"{one.gap:.2f}", "better": f"{one.better:.0%}", "id": one.id, "title": titles.get(one.id)}
        rows.append(row | {"photo": one.photo, "the photo fits rather": suits})
    table(rows, title="photo and text disagree")
    rows = []
    for number, group in enumerate(found.groups, start=1):
        for member in group.members:
            alike = {"photo": _cosine(member.image), "text": "same words" if member.words else _cosine(member.text)}
            shown = {"photo": "", "text": ""} if member is group.members[0] else alike
            rows.append({"group": number, "id": member.id, "title": titles.get(member.id), **shown, "of": group.size})
    table(rows, title="there more than once (how alike the first of the group)")
    rows = [{"id": one.id, "title": titles.get(one.id), **one.missing} for one in found.unfused]
    table(rows, title="nothing to fuse, and why")


def _cosine(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _summary(found: Any, find: list[str]) -> str:
    parts = []
    if found.space is not None:
        parts.append(f"{found.disagreeing:,} of {found.compared:,} products with text and photo disagree, by {found.space}")
    if not find or "duplicates" in find:
        parts.append(f"{found.repeats:,} repeat another, in {found.repeated:,} groups")
    if not find or "nothing" in find:
        lacking = ", ".join(f"{count:,} no {modality}" for modality, count in found.lacking.items() if count)
        parts.append(f"{found.bare:,} have nothing to fuse" + (f" ({lacking} vector)" if lacking else ""))
    return "; ".join(parts)
