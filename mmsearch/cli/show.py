"""`mmsearch show`."""

from __future__ import annotations

from typing import Any

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import ROW_FORMATS, chosen_format, format_option, table, write_rows

_FOUND = 40  # things that features found in the table: a product may have hundreds of reviews


@global_options
def command(
    ids: list[str] = typer.Argument(..., metavar="ID...", help="Ids of products."),
    format: str | None = format_option(ROW_FORMATS[:3]),
) -> int:
    """Show everything that is known of products: fields, attributes, media and whether they are there, facts, vectors.

    \b
    mmsearch show SHOE-01
    mmsearch show SHOE-01 SHOE-02 --format json
    """
    how = chosen_format(format, ROW_FORMATS[:3])
    here = shop()
    found = here.show(ids)
    if how == "table":
        for known in found.values():
            _print(known)
    else:
        write_rows(found.values(), how)
    if unknown := [id for id in ids if id not in found]:
        raise here.unknown_product(unknown)
    return 0


def _print(known: dict[str, Any]) -> None:
    rows = [{"attribute": name, "value": _text(value)} for part in ("fields", "attributes") for name, value in known[part].items()]
    table([{"attribute": "id", "value": known["id"]}, *rows], title=f"product {known['id']}")
    table([{name: medium.get(name, "") for name in ("field", "path", "state")} for medium in known["media"]], title="media")
    table([{"fact": name, "value": _text(value)} for name, value in known["facts"].items()], title="facts")
    table([_place(fact) for fact in known["found"][:_FOUND]], title="found by features")
    if len(known["found"]) > _FOUND:
        note(f"{len(known['found']) - _FOUND:,} more things that features found: mmsearch show ID --format json")
    vectors = [(v.get("modality") or "fused", v.get("encoder") or v["profile"], v["part"]) for v in known["vectors"]]
    made = [{"vector": what, "made by": maker, "part": part} for what, maker, part in vectors]
    table(made, title="vectors")


def _place(fact: dict[str, Any]) -> dict[str, str]:
    second = "" if fact.get("second") is None else f"{fact['second']:.1f}"
    score = "" if fact.get("score") is None else f"{fact['score']:.2f}"
    return {
        "feature": fact["feature"],
        "in": fact["part"],
        "second": second,
        "fact": fact["name"],
        "value": _text(fact["value"]),
        "score": score,
    }


def _text(value: Any) -> str:
    """As people write it: whole numbers without a point, items of a list side by side."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15g}"
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)
