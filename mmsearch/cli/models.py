"""`mmsearch models`."""

from __future__ import annotations

import json
from typing import Any

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table


@global_options
def command(format: str | None = format_option(ROW_FORMATS[:3])) -> int:
    """Show the encoders and features there are: what is installed, what would be downloaded, what the store uses.

    Nothing is loaded and nothing is downloaded. A hub model is downloaded only when an embed names it, itself or in a set.

    \b
    mmsearch models
    mmsearch models --format json
    """
    how = chosen_format(format, ROW_FORMATS[:3])
    known = shop().models()
    if how != "table":
        typer.echo(json.dumps(known, ensure_ascii=False, indent=2 if how == "json" else None))
        return 0
    rows = [
        {
            "modality": one["modality"],
            "encoder": f"{one['name']}({', '.join(one['parameters'])})" if one["parameters"] else one["name"],
            "installed": "no" if one["install"] else "yes",
            "downloads": one["download"] or "nothing",
            "learns": "yes" if one["learns"] else "",
            "the store's": "yes" if one["used"] else "begun" if one["pending"] else "",
        }
        for one in known["encoders"]
    ]
    table(rows, title="encoders")
    sets = [{"set": name, **_member(one)} for name, members in known["sets"].items() for one in members]
    table(sets, title="sets: mmsearch embed --models SET")
    features = [
        {
            "feature": f"{one['name']}({', '.join(one['parameters'])})" if one["parameters"] else one["name"],
            "looks at": ", ".join(one["sources"]),
            "installed": "no" if one["install"] else "yes",
            "downloads": one["download"] or "nothing",
            "the store's": "yes" if one["used"] else "",
        }
        for one in known["features"]
    ]
    table(features, title="features: mmsearch embed --features NAME")
    for one in known["features"]:
        if one["install"]:
            note(f"{one['name']}: {one['install']}")
    for one in known["encoders"]:
        if one["install"]:
            note(f"{one['name']}: {one['install']}")
        if one["used"]:
            note(f"the store's {one['modality']} vectors are of {one['used']}")
        if one["pending"]:
            note(f"an embed with {one['pending']} was begun; mmsearch embed goes on with it")
    note("a hub model is downloaded only when an embed names it, itself or in a set")
    return 0


def _member(one: dict[str, Any]) -> dict[str, str]:
    size = f"about {one['megabytes']} MB from the hub, once" if one["megabytes"] else "nothing"
    ready = "no such encoder here" if not one["available"] else one["install"] or "yes"
    return {"modality": one["modality"], "encoder": one["spec"], "installed": ready, "downloads": size}
