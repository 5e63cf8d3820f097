"""`mmsearch info`."""

from __future__ import annotations

import json

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table

_SHOWN = 40  # attributes in the table


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
    kinds = ("products", "interactions", "reviews", "searches", "users", "triples")
    table([{"store": info["store"], **{kind: info[kind] for kind in kinds if info[kind] or kind == "products"}}])
    if begun := info["unfinished"]:
        note(f"an ingest of {begun['source']} ({begun['kind']}) was interrupted, or is going on: if it is not, run it again")
    table([{"modality": m, **e} for m, e in info["encoders"].items()], title="encoders")
    facts = [
        {"feature": name, "facts": ", ".join(f"{fact} ({count:,})" for fact, count in one["facts"].items())}
        for name, one in info["features"].items()
    ]
    table(facts, title="features, and how many products have each fact")
    table([{"profile": n, **p} for n, p in info["profiles"].items()], title="fusion profiles")
    attributes = {name: a for name, a in info["attributes"].items() if a["filled"]}
    sparse = sum(a["sparse"] for a in attributes.values())
    rows = [
        {"attribute": name, "filled": f"{a['share']:.1%}", "types": ", ".join(a["types"]), "kept": "sparse" if a["sparse"] else "column"}
        for name, a in list(attributes.items())[:_SHOWN]
    ]
    table(rows, title=f"{len(attributes):,} attributes, {sparse:,} of them sparse" if sparse else f"{len(attributes):,} attributes")
    if len(attributes) > _SHOWN:
        note(f"{len(attributes) - _SHOWN:,} attributes that fewer products have are not shown; all of them: mmsearch info --format json")
    return 0
