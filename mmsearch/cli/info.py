"""`mmsearch info`."""

from __future__ import annotations

import json

import typer

from mmsearch.cli.common import global_options, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table


@global_options
def command(format: str | None = format_option(ROW_FORMATS[:3])) -> int:
    """Show what the store holds: products, events, attributes, encoders and fusion profiles.

    \b
    mmsearch info
    """
    how = chosen_format(format, ROW_FORMATS[:3])
    info = shop().info()
    if how != "table":
        typer.echo(json.dumps(info, ensure_ascii=False, indent=2 if how == "json" else None))
        return 0
    table([{"store": info["store"], "products": info["products"], "interactions": info["interactions"]}])
    table([{"modality": m, **e} for m, e in info["encoders"].items()], title="encoders")
    table([{"profile": n, **p} for n, p in info["profiles"].items()], title="fusion profiles")
    typer.echo("attributes: " + ", ".join(info["attributes"]))
    return 0
