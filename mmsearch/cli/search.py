"""`mmsearch search`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from mmsearch.cli.common import global_options, note, shop
from mmsearch.cli.hit_pictures import hit_pictures, thumbnail_kind
from mmsearch.cli.output import HIT_FORMATS, chosen_format, format_option, table, write_ids, write_rows, write_trec
from mmsearch.cli.whole_file import WholeFile, whole_page
from mmsearch.errors import InputError, UsageError
from mmsearch.ranking.shopper import NOBODY, Shopper
from mmsearch.search.hits import Hit, Result
from mmsearch.search.query import Query, make_query
from mmsearch.search.weights import parse_weights

if TYPE_CHECKING:
    from mmsearch.search.facets import Facet
    from mmsearch.search.relax import Relax
    from mmsearch.search.why_not import WhyNot
    from mmsearch.shop import Shop

_NOTES = 100  # lines of what a person should know of many queries
FACET_FORMATS = ("table", "json", "jsonl")
WEIGHTS = typer.Option(
    None,
    "--weights",
    metavar="NAME=N,…",
    help="How much the products' text, image, audio, video or words on photos count, or a kind ('image>text=.2'); 0 leaves it out.",
)


@global_options
def command(
    query: list[str] | None = typer.Argument(None, metavar="TEXT", help="What to look for; - reads it from standard input."),
    text: list[str] = typer.Option([], "--text", metavar="TEXT", help="A further text part."),
    image: list[str] = typer.Option([], "--image", metavar="FILE", help="A photo to look for."),
    audio: list[str] = typer.Option([], "--audio", metavar="FILE", help="A sound to look for: products that sound like it."),
    speech: list[str] = typer.Option([], "--speech", metavar="FILE", help="A recording of what to look for, in spoken words."),
    video: list[str] = typer.Option([], "--video", metavar="FILE", help="A clip to look for: what is seen in it, scene by scene."),
    like: list[str] = typer.Option([], "--like", metavar="ID", help="A product to look like."),
    not_text: list[str] = typer.Option([], "--not", metavar="TEXT", help="Lowers products that fit this text (weight .5)."),
    not_image: list[str] = typer.Option([], "--not-image", metavar="FILE", help="Lowers products that look like this photo."),
    not_video: list[str] = typer.Option([], "--not-video", metavar="FILE", help="Lowers products that look like this clip."),
    unlike: list[str] = typer.Option([], "--unlike", metavar="ID", help="Lowers products that are like this one."),
    within: str | None = typer.Option(
        None, "--in", metavar="text|image|audio|video|PROFILE", help="Compare with this evidence of the products alone."
    ),
    weights: str | None = WEIGHTS,
    where: list[str] = typer.Option([], "--where", metavar="FILTER", help="Only products that pass: \"price < 80 and colour = 'red'\"."),
    expand: bool = typer.Option(False, "--expand", help="Also look for what the store's triples join the words of the query to."),
    k: int = typer.Option(10, "-k", metavar="N", help="How many hits."),
    page: int | None = typer.Option(None, "--page", metavar="N", help="Which -k hits, counted from 1."),
    sort: list[str] = typer.Option(
        [],
        "--sort",
        metavar="'NAME [desc]'",
        help="Order the hits by an attribute; several: give it several times.",
    ),
    facet: list[str] = typer.Option(
        [], "--facet", metavar="'NAME[(N)]'", help="Count the values of an attribute, numbers and times in N ranges, over all that matches."
    ),
    relax: bool | None = typer.Option(
        None,
        "--relax/--no-relax",
        help="Where nothing has all that is asked for: also leave out filters, or keep phrases and fields, too (default: they give way).",
    ),
    user: str | None = typer.Option(None, "--user", metavar="ID", help="Raise what fits this shopper's taste and history."),
    session: list[str] = typer.Option([], "--session", metavar="ID,ID…", help="Raise what fits products looked at just now, newest last."),
    season: str | None = typer.Option(None, "--season", metavar="MONTH|SEASON|DATE|now", help="Raise what sells at this time of the year."),
    mood: str | None = typer.Option(
        None, "--mood", metavar="WORD|heard", help="Raise what reviews speak of so: joyful, calm …; heard: as a --speech query sounds."
    ),
    rerank: str | None = typer.Option(
        None,
        "--rerank",
        metavar="'SPEC | SPEC …'",
        help="Put the best into another order: mmr, collapse, dedupe, boost, stock, pin, bury, cross, personal, session, season, mood.",
    ),
    understand: bool = typer.Option(
        True, "--understand/--no-understand", help="Lift products with the brand, colour, price … that the query names; use its synonyms."
    ),
    explain: bool = typer.Option(False, "--explain", help="Show what each score is made of."),
    why_not: str | None = typer.Option(None, "--why-not", metavar="ID", help="Say why this product is not in the list."),
    queries: str | None = typer.Option(
        None, "--queries", metavar="FILE", help="Answer many queries: TSV id<TAB>text, or CSV/JSONL with columns."
    ),
    combine: str = typer.Option("calibrated", "--combine", metavar="SPEC", help="How scores are combined: calibrated, wsum, rrf, borda."),
    tag: str = typer.Option("mmsearch", "--tag", help="Name of the run in --format trec."),
    html: str | None = typer.Option(None, "--html", metavar="FILE", help="Also write a page with pictures, which needs no network."),
    thumbnails: str = typer.Option(
        "auto", "--thumbnails", metavar="auto|none|kitty|iterm|sixel|blocks", help="Pictures in the table on a terminal."
    ),
    format: str | None = format_option(HIT_FORMATS),
) -> int:
    """Find products by text, photo, sound, spoken words, clip, another product, or any weighted mix.

    A final ^number is a part's weight (\\^ is a literal caret); parts that lower a product never exclude it.

    \b
    mmsearch search "red running shoes" --where "price < 80"
    mmsearch search --image shoe.jpg --text "in blue^0.5" --not leather --explain
    mmsearch search "striped" --in image
    mmsearch search --image shoe.jpg --weights text=.3
    mmsearch search --audio bell.wav --text "alarm clock^0.5"
    mmsearch search --speech question.m4a --where "price < 80"
    mmsearch search --video clip.mp4
    mmsearch search "sneaker" --expand --explain
    mmsearch search --queries queries.tsv --format trec > run.txt
    mmsearch search "shoes" --facet brand --facet 'price(5)' -k 20 --page 2
    mmsearch search --where "brand = 'HP'" --sort 'price desc' --facet category
    mmsearch search "shoes" --rerank 'mmr | collapse(by=brand) | boost(rating=.2)' --explain
    mmsearch search "shoes" --user u42 --session SHOE-03,TOP-05 --season now
    mmsearch search --image shoe.jpg --html found.html
    """
    how = chosen_format(format, HIT_FORMATS)
    browse = not (query or text or image or audio or speech or video or like or queries)
    _check_format(how, facet if html is None else [], sort, browse)
    if why_not is not None and how not in FACET_FORMATS:
        raise UsageError(f"--format {how} has no place for --why-not", hint=f"formats with it: {', '.join(FACET_FORMATS)}")
    if why_not is not None and not why_not.strip():
        raise UsageError("--why-not names no product", hint="for example: --why-not SHOE-03")
    give_way = _give_way(how, relax)
    looked_at = tuple(id.strip() for ids in session for id in ids.split(",") if id.strip())
    if session and not looked_at:
        raise UsageError("--session names no product", hint="for example: --session SHOE-03,TOP-05")
    shopper = Shopper(user, looked_at, season, mood)
    sheet, kind = whole_page(html), thumbnail_kind(thumbnails, how, single=queries is None)
    if queries is not None:
        if query or text or image or audio or speech or video or like or not_text or not_image or not_video or unlike:
            raise UsageError("--queries brings its own parts: give either it or a query")
        from mmsearch.search.asked import check_filters
        from mmsearch.search.queries import read_queries

        notes: list[str] = []
        batch = {id: restricted(q, where, within, weights, expand, shopper) for id, q in read_queries(queries, notes).items()}
        check_filters(shop().store, where)
        for line in notes:
            note(line)
    else:
        words = [_standard_input() if query == ["-"] else " ".join(query)] if query else []
        parts = make_query(
            [*words, *text],
            image=image,
            audio=audio,
            speech=speech,
            video=video,
            like=like,
            not_text=not_text,
            not_image=not_image,
            not_video=not_video,
            unlike=unlike,
            browse=bool(where or sort or facet or rerank or shopper),
        )
        batch = {"": restricted(parts, where, within, weights, expand, shopper)}
    here = shop()
    results = here.search_many(
        batch,
        k=k,
        combine=combine,
        page=page,
        sort=sort,
        facets=facet,
        explain=explain,
        relax=give_way,
        rerank=rerank,
        understand=understand,
        why_not=why_not,
    )
    if sheet is not None:  # before the hits, which a reader such as head may cut off
        _write_page(sheet, here, batch, results, explain)
    drawn = hit_pictures(here.store, [hit for result in results.values() for hit in result], kind)
    write_hits(results, how, explain=explain, tag=tag, single=queries is None, browse=browse, pictures=drawn, queries=batch)
    lines = [f"{id}: {line}" if id else line for id, result in results.items() for line in result.notes]
    for line in lines[:_NOTES]:
        note(line)
    if len(lines) > _NOTES:
        note(f"… and {len(lines) - _NOTES:,} more of these lines; --format jsonl has with each hit what was understood and relaxed")
    return 0


def _check_format(how: str, facet: list[str], sort: list[str], browse: bool) -> None:
    """Raise UsageError for a format that cannot hold what is asked for."""
    if facet and how not in FACET_FORMATS:
        raise UsageError(f"--format {how} has no place for facets", hint=f"formats with facets: {', '.join(FACET_FORMATS)}")
    if how == "trec" and (sort or browse):
        reason = "--sort orders the hits by something else" if sort else "without a query there are none"
        raise UsageError(f"a TREC run is ranked by its scores, and {reason}", hint="choose another --format")


def _give_way(how: str, relax: bool | None) -> Relax:
    """What may be relaxed: by default where the output says of each hit that it was (a table has notes). Raises UsageError."""
    if how == "trec" and relax:
        raise UsageError("a TREC run is measured: in it nothing is relaxed", hint="choose another --format, or leave --relax out")
    if relax is None:
        return "no" if how in ("trec", "ids") else "words"
    return "all" if relax else "no"


def _write_page(sheet: WholeFile, here: Shop, batch: dict[str, Query], results: dict[str, Result], explain: bool) -> None:
    from mmsearch.web.search_page import search_page

    page = search_page(here, batch, results, explain=explain)
    sheet.write(page.html)
    for line in page.left_out:
        note(f"the page: {line}")
    note(f"the page is {sheet.path}")


def _standard_input() -> str:
    from mmsearch.catalog.readers import standard_input

    try:
        return standard_input().read().decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 text ({error.reason})") from error


def restricted(
    query: Query, where: list[str], within: str | None, weights: str | None, expand: bool = False, shopper: Shopper = NOBODY
) -> Query:
    """A query with the filters, the evidence, the weights, the widening and the shopper that the command line adds."""
    weighed = tuple(parse_weights(weights).items()) if weights is not None else query.weights
    filters, asks = (*query.where, *where), query.shopper.filled(shopper)
    return dataclasses.replace(
        query, where=filters, within=within or query.within, weights=weighed, expand=expand or query.expand, shopper=asks
    )


def write_hits(
    results: dict[str, Result],
    how: str,
    *,
    explain: bool,
    tag: str,
    single: bool,
    browse: bool = False,
    pictures: Sequence[object] = (),
    queries: Mapping[str, Query] | None = None,
) -> None:
    """The hits of all queries, and their facets. `pictures`: those of a table's rows, in their order. `queries` mark titles."""
    pairs: list[tuple[str, Hit]] = [(id, hit) for id, result in results.items() for hit in result]
    if how == "trec":
        write_trec(((id or "query", hit.id, hit.rank, hit.score) for id, hit in pairs), tag)
    elif how == "ids":
        write_ids(hit.id if single else f"{id}\t{hit.id}" for id, hit in pairs)
    elif how == "table":
        rows = [({} if single else {"query": id}) | _row(hit, browse, (queries or {}).get(id), results[id]) for id, hit in pairs]
        table([{"": picture} | row for picture, row in zip(pictures, rows, strict=True)] if pictures else rows)
        if explain:
            for id, hit in pairs:
                query = "" if single else f"{id}: "
                table([vars(c) for c in hit.explain], title=f"{query}{hit.rank}. {hit.id} {hit.title or ''}: {hit.score:.4f} =")
        for id, result in results.items():
            for facet in result.facets:
                table(_facet_rows(facet), title=_facet_title(facet, "" if single else f"{id}: "))
            if result.why_not is not None:
                _write_why_not(result.why_not, "" if single else f"{id}: ")
    else:
        lines: list[dict[str, object]] = []
        for id, result in results.items():
            lines += [hit.to_json(None if single else id, explain=explain, of=result) for hit in result]
            lines += [({} if single else {"query": id}) | facet for facet in result.facets]
            lines += [result.why_not.to_json(None if single else id)] if result.why_not is not None else []
        write_rows(lines, how)


def _write_why_not(told: WhyNot, query: str) -> None:
    typer.echo(f"{query}why {told.id} is not in the list: {told.reasons[0]}")
    for reason in told.reasons[1:]:
        typer.echo(f"  {reason}")
    rows = [{"part": a.part, "evidence": a.evidence, told.id: a.product, str(told.last): a.last} for a in told.against]
    rows += [{"part": "score", told.id: told.score, str(told.last): told.last_score}] if rows else []
    table(rows, title=f"{query}{told.id} (place {told.place}) beside the last one shown, {told.last} (place {told.last_place})")


def _facet_rows(facet: Facet) -> list[dict[str, object]]:
    from mmsearch.store.where import written

    rows: list[dict[str, object]] = [{"value": _value(v["value"]), "products": v["count"], "--where": v["where"]} for v in facet["values"]]
    if facet["missing"]:
        rows.append({"value": "(none)", "products": facet["missing"], "--where": f"{written(facet['facet'])} is null"})
    return rows


def _value(value: object) -> object:
    return json.dumps(value) if isinstance(value, bool | float) else value


def _facet_title(facet: Facet, query: str) -> str:
    more = f" ({facet['more']:,} more)" if facet["more"] else ""
    return f"{query}{facet['facet']}{more}"


def _row(hit: Hit, browse: bool, query: Query | None, result: Result) -> dict[str, object]:
    row: dict[str, object] = (
        {"rank": hit.rank} | ({} if browse else {"score": hit.score}) | {"id": hit.id, "title": _title(hit, query, result)}
    )
    row |= {"matched": ", ".join(hit.matched.values())} if hit.matched else {}
    return row | {"stands for": f"+{len(hit.stands_for)}"} if hit.stands_for else row


def _title(hit: Hit, query: Query | None, result: Result) -> object:
    """A title for a terminal, with what the query looks for in bold."""
    if not hit.title or query is None:
        return hit.title
    from rich.text import Text

    from mmsearch.search.highlights import highlights

    title = Text(hit.title)
    for start, end in highlights(hit.title, query, result):
        title.stylize("bold", start, end)
    return title
