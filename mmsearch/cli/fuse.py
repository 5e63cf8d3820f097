"""`mmsearch fuse`."""

from __future__ import annotations

import json

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table


@global_options
def command(
    method: str | None = typer.Option(
        None, "--method", metavar="SPEC", help="Fusion method: aligned, conse, concat (default: aligned where there are texts and photos)."
    ),
    name: str | None = typer.Option(None, "--name", metavar="NAME", help="Name of the profile (default: the method's name)."),
    seed: int = typer.Option(0, "--seed", help="Seed of what is random in fitting."),
    default: bool = typer.Option(True, "--default/--no-default", help="Whether queries are mapped by this profile from now on."),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Learn one space from the vectors of all modalities, as a named profile.

    'aligned' learns from the shop's own (title, photo) pairs, so that a text finds photos and a photo finds texts.

    \b
    mmsearch fuse
    mmsearch fuse --name half --method 'concat(text=1, image=.5)'
    """
    how = chosen_format(format, ROW_FORMATS[:3])
    profile = shop().fuse(method, name=name, seed=seed, default=default)
    if how == "table":
        row = {
            "profile": profile.name,
            "version": profile.version,
            "method": profile.spec,
            "products": profile.products,
            "dim": profile.dim,
        }
        table([row | {"modalities": profile.modalities}], title="fused")
    else:
        shown = {k: v for k, v in vars(profile).items() if k != "calibration"}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2 if how == "json" else None))
    note(profile.summary)
    return 0
