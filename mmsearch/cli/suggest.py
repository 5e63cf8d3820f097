"""`mmsearch suggest`."""

from __future__ import annotations

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, write_ids, write_rows

_FORMATS = (*ROW_FORMATS, "ids")


@global_options
def command(
    prefix: list[str] = typer.Argument(..., metavar="PREFIX", help="What has been typed; '' gives the most useful of all."),
    k: int = typer.Option(10, "-k", metavar="N", help="How many suggestions."),
    format: str | None = format_option(_FORMATS),
) -> int:
    """Complete what a shopper is typing, from past searches, brands, categories and the words of titles.

    English and Chinese, Chinese in pinyin or its first letters, too; --format ids prints the completions alone.

    \b
    mmsearch suggest "running sh"
    mmsearch suggest paobu
    mmsearch suggest 跑步x
    """
    how = chosen_format(format, _FORMATS)
    found = shop().suggest(" ".join(prefix), k=k)
    if how == "ids":
        write_ids(one.text for one in found)
    else:
        write_rows([one.to_json() for one in found], how)
    for line in found.notes:
        note(line)
    return 0
