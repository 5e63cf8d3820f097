"""`mmsearch recommend`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.output import HIT_FORMATS, chosen_format, format_option, table, write_ids, write_rows, write_trec

if TYPE_CHECKING:
    from mmsearch.recommend.serve import Why


@global_options
def command(
    user: str | None = typer.Option(None, "--user", metavar="ID", help="The shopper to recommend for."),
    like: list[str] = typer.Option([], "--like", metavar="ID", help="A product that is liked; counts as the newest event."),
    unlike: list[str] = typer.Option([], "--unlike", metavar="ID", help="A product that is not liked (weight .5)."),
    method: str | None = typer.Option(
        None, "--method", metavar="SPEC", help="itemcf, content or popular, with parameters (default: itemcf)."
    ),
    where: str | None = typer.Option(None, "--where", metavar="FILTER", help="Only products that pass."),
    k: int = typer.Option(10, "-k", metavar="N", help="How many products."),
    why: bool = typer.Option(False, "--why", help="Show which products of the history speak for each."),
    tag: str = typer.Option("mmsearch", "--tag", help="Name of the run in --format trec."),
    format: str | None = format_option(HIT_FORMATS),
) -> int:
    """Recommend products to a shopper, or from products that are liked and disliked.

    \b
    mmsearch recommend --user u42 --why
    mmsearch recommend --like P1 --unlike P2 --method content
    mmsearch recommend --user u42 --method 'itemcf(k=50, decay=.9)' --where "stock > 0"
    """
    how = chosen_format(format, HIT_FORMATS)
    found = shop().recommend(user, like=like, unlike=unlike, method=method, k=k, where=where)
    if how == "trec":
        write_trec(((user or "user", item.id, item.rank, item.score) for item in found.items), tag)
    elif how == "ids":
        write_ids(item.id for item in found.items)
    elif how == "table":
        rows = []
        for item in found.items:
            row: dict[str, object] = {"rank": item.rank, "score": item.score, "id": item.id, "title": item.title}
            rows.append(row | ({"because it": "; ".join(map(_reason, item.why[:5]))} if why else {}))
        table(rows, title=found.method)
    else:
        write_rows([item.to_json(why=why) for item in found.items], how)
    for line in found.notes:
        note(line)
    return 0


def _reason(part: Why) -> str:
    return " ".join(filter(None, (part.relation, part.id, f"{part.contribution:+.3f}")))
