"""The page of `mmsearch search --html`: what was asked, and the products found, with their pictures and what their scores are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmsearch.media.moment import moment_of
from mmsearch.search.highlights import highlights
from mmsearch.search.hits import Hit, Result
from mmsearch.search.query import Query
from mmsearch.store import PRODUCTS
from mmsearch.store.where import id_list
from mmsearch.web import breakdown, card, facets, query_parts
from mmsearch.web.breakdown import breakdowns, legend_html
from mmsearch.web.card import Card, card_html
from mmsearch.web.page import document, spoken_as, store_name, text
from mmsearch.web.photos import NO_PHOTO, Photos
from mmsearch.web.query_parts import heading, labels, likes, parts_html, restrictions
from mmsearch.web.thumbnails import Thumbnails

if TYPE_CHECKING:
    from mmsearch.shop import Shop

CARDS = 500  # products on a page: more are not looked at, and a page of all answers to a large batch would not open
PICTURES = 8_000_000  # bytes of all pictures: about 500 of them
_NAMED = 5  # of the products that one stands for
_OFFER = ("brand", "price", "currency")


@dataclass(frozen=True)
class Page:
    """The page as HTML, and what it leaves out (a line each), which it also says itself."""

    html: str
    left_out: list[str]


def search_page(shop: Shop, queries: Mapping[str, Query], results: Mapping[str, Result], *, explain: bool = False) -> Page:
    """The page for the answers to queries, in their order.

    Parameters
    ----------
    queries, results : by query id; of a single query that is ''. explain : show at once the numbers that scores are made of.
    """
    shown, left_out = _shown(results)
    ids = {hit.id for hits in shown.values() for hit in hits} | likes([queries[id] for id in shown])
    photos, made, offers = Photos(shop.store, ids), Thumbnails(PICTURES), _offers(shop, ids)
    single = list(results) == [""]
    level = 2 if single else 3
    sections = []
    for number, (id, hits) in enumerate(shown.items()):
        query, result = queries[id], results[id]
        made_of, legend = breakdowns(hits, labels(query), open=explain)
        asked = _asked(query, result, photos, made)  # its pictures first: the page may get full
        scored = made_of if query.parts else [None] * len(hits)  # without anything to look for, a score says nothing
        cards = [
            _card(hit, query, result, breakdown, offers.get(hit.id, ()), photos, made) for hit, breakdown in zip(hits, scored, strict=True)
        ]
        if all(one.missing == NO_PHOTO for one in cards):  # a shop without photos needs no empty frames
            cards = [replace(one, missing="") for one in cards]
        listed = "".join(f"<li>{card_html(one, level + 1)}</li>" for one in cards)
        listed = f"<ol class=hits>{listed}</ol>" if cards else "<p class=none>No product was found.</p>"
        count = f"<h{level} class=count id=hits{number}>{_counted(hits, result)}</h{level}>"
        found = f'<section class=found aria-labelledby="hits{number}">{count}{legend_html(legend)}{listed}</section>'
        aside = facets.facets_html(_facets(result), level + 1)
        found = f"<div class=beside>{aside}{found}</div>" if aside else found
        title = heading(query)
        name = f"<h2 dir=auto{spoken_as(title)}><code dir=auto>{text(id)}</code> {text(title)}</h2>"
        sections.append(f"{asked}{found}" if single else f'<section class=one id="q{number}">{name}{asked}{found}</section>')
    if made.left_out:
        left_out.append(f"{made.left_out:,} pictures are left out, so that the page still opens")
    title = heading(queries[""]) if single else f"{len(results):,} searches"
    links = "" if single else _contents(queries, list(shown))
    skip = '<a class=skip href="#hits0">To the products</a>' if single and shown.get("") else ""
    head = f"<header>{skip}<p class=over>Product search</p><h1 dir=auto{spoken_as(title)}>{text(title)}</h1></header>"
    notes = "".join(f"<p>{text(line)}.</p>" for line in left_out)
    foot = f"<footer>{notes}<p>Store <bdi>{text(store_name(shop.store.path))}</bdi></p></footer>"
    body = f"<div class=page>{head}{links}<main>\n" + "\n".join(sections) + f"\n</main>{foot}</div>"
    return Page(document(f"{title} – product search", body, _STYLE), left_out)


def _shown(results: Mapping[str, Result]) -> tuple[dict[str, list[Hit]], list[str]]:
    """The hits that have room on a page, as many of each query, and what is left out."""
    left_out = []
    ids = list(results)[:CARDS]
    if len(ids) < len(results):
        left_out.append(f"{len(results) - len(ids):,} searches are left out: a page shows {CARDS:,}")
    most = max(1, CARDS // max(1, len(ids)))
    shown = {id: results[id].hits[:most] for id in ids}
    if longer := sum(len(results[id].hits) > most for id in ids):
        what = "products" if list(results) == [""] else f"products of {longer:,} searches"
        left_out.append(f"{what} beyond the first {most:,} are left out: a page shows {CARDS:,}")
    return shown, left_out


def _contents(queries: Mapping[str, Query], ids: Sequence[str]) -> str:
    entries = []
    for number, id in enumerate(ids):
        title = heading(queries[id])
        entries.append(f'<li><a href="#q{number}" dir=auto{spoken_as(title)}>{text(title)}</a></li>')
    return f"<nav aria-label=Searches><ol>{''.join(entries)}</ol></nav>"


def _asked(query: Query, result: Result, photos: Photos, made: Thumbnails) -> str:
    """The parts of a query, what restricts it, and what was understood."""
    alone = len(query.parts) == 1 and query.parts[0].kind == "text" and len(query.parts[0].content) < len(heading(query)) + 1
    parts = "" if alone else parts_html(query, photos, made)
    lines = [*restrictions(query), *result.notes]
    notes = f"<ul class=notes>{''.join(f'<li dir=auto>{text(line)}</li>' for line in lines)}</ul>" if lines else ""
    return f"<div class=asked>{parts}{notes}</div>" if parts or notes else ""


def _counted(hits: Sequence[Hit], result: Result) -> str:
    """
    >>> _counted([Hit(11, "a", 1.0), Hit(12, "b", 0.5)], Result([], 40))
    '11 to 12 of 40 products'
    """
    products = "product" if result.candidates == 1 else "products"
    if len(hits) >= result.candidates:
        return f"{len(hits):,} {products}"
    first = f"{hits[0].rank:,} to {hits[-1].rank:,}" if hits and hits[0].rank > 1 else f"{len(hits):,}"
    return f"{first} of {result.candidates:,} {products}"


def _facets(result: Result) -> Sequence[Mapping[str, Any]]:
    return getattr(result, "facets", None) or ()


def _offers(shop: Shop, ids: set[str]) -> dict[str, Sequence[str]]:
    """Brand and price of products."""
    rows = shop.store.read(PRODUCTS, ["id", *_OFFER], where=id_list("id", sorted(ids))).to_pylist() if ids else []
    return {row["id"]: [part for part in (row["brand"], _price(row["price"], row["currency"])) if part] for row in rows}


def _price(price: float | None, currency: str | None) -> str:
    """
    >>> _price(79.0, "USD"), _price(1299.5, None), _price(None, "USD")
    ('79 USD', '1,299.50', '')
    """
    if price is None:
        return ""
    return f"{price:,.{0 if price == int(price) else 2}f} {currency or ''}".rstrip()


def _card(
    hit: Hit, query: Query, result: Result, made_of: breakdown.Breakdown | None, offer: Sequence[str], photos: Photos, made: Thumbnails
) -> Card:
    part = hit.matched.get("image")
    picture, missing = photos.thumbnail(made, hit.id, part)
    matched = ", ".join(filter(None, (_matched(hit, kind, part, photos) for kind, part in hit.matched.items())))
    notes = [f"Fits best: {matched}"] if matched else []
    if hit.stands_for:
        more = f", and {len(hit.stands_for) - _NAMED:,} more" if len(hit.stands_for) > _NAMED else ""
        notes.append(f"Stands for {len(hit.stands_for):,} more: {', '.join(hit.stands_for[:_NAMED])}{more}")
    title = hit.title or ""
    marks = highlights(title, query, result)
    return Card(hit.id, title, picture, missing, ". ".join(notes), rank=hit.rank, offer=offer, breakdown=made_of, marks=marks)


def _matched(hit: Hit, kind: str, part: str, photos: Photos) -> str:
    """Which of several photos, or which second of a sound or clip."""
    if kind == "image":
        place = photos.place(hit.id, part)
        return f"photo {place[0]} of {place[1]}" if place and place[1] > 1 else ""
    what, second = {"audio": "sound", "video": "clip"}.get(kind), moment_of(part)[1]
    return f"{what} at {second:.1f} s" if what and second else ""


_STYLE = (
    card.STYLE
    + breakdown.STYLE
    + facets.STYLE
    + query_parts.STYLE
    + """
.page { max-width: 1400px; margin: 0 auto; padding: clamp(16px, 3vw, 36px) clamp(12px, 3vw, 36px) 40px }
main { max-width: none; padding: 0 } .over { margin: 0; color: var(--soft); font-size: .85rem }
h1 { font-size: clamp(1.4rem, 1.1rem + 1.6vw, 2rem); line-height: 1.2; letter-spacing: -.01em; margin: 0 0 .5rem; overflow-wrap: anywhere }
h2 code { font-size: .8rem; margin-right: .3rem }
.count { font-size: 1rem; margin: 1.2rem 0 .2rem; color: var(--ink) } .one { border-top: 1px solid var(--line); margin-top: 2.4rem }
.one h2 { margin-top: 1.2rem; overflow-wrap: anywhere }
nav ol { margin: 0; padding-left: 1.6rem; columns: 20rem; width: 100%; column-gap: 2rem }
.hits { list-style: none; margin: 0; padding: 0; display: grid; gap: 14px }
.hits { grid-template-columns: repeat(auto-fill, minmax(min(100%, 225px), 1fr)) }
.hits > li, .card { display: grid } .card { border-radius: 10px; align-content: start }
@supports (grid-template-rows: subgrid) {
  .hits > li, .card { grid-row: span 4; grid-template-rows: subgrid; row-gap: 0 }
}
.words .rank { position: static; display: inline-block; margin: 0 0 6px }
.hits > li:not(:has(.picture)), li:not(:has(.picture)) .card { grid-row: span 3 }
.words :is(h3, h4) { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 6; overflow: hidden }
.count + .hits { margin-top: .7rem } .hits > li:not(:has(.made)), li:not(:has(.made)) .card { grid-row: span 2 }
li:not(:has(.made, .picture)), li:not(:has(.made, .picture)) .card { grid-row: span 1 }
.picture { height: auto; aspect-ratio: 1 } .picture img { height: 100%; min-height: 0 }
.rank { position: absolute; top: 8px; left: 8px; min-width: 26px; padding: 2px 7px; text-align: center; font-size: .8rem; z-index: 1 }
.rank { background: var(--card); color: var(--ink); border: 1px solid var(--line); border-radius: 13px; font-variant-numeric: tabular-nums }
.words { padding: 10px 12px 2px } .made, .card details { padding: 0 12px; margin: 0 } .card details { margin: 7px 0 12px }
li:not(:has(.made)) .words { padding-bottom: 12px }
.offer { margin: 0 0 5px; font-size: .85rem }
.beside { display: grid; grid-template-columns: 210px 1fr; gap: 28px; align-items: start } .beside .facets { margin-top: 1.2rem }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: .6rem; color: var(--soft); font-size: .8rem }
footer p { margin: .2rem 0; overflow-wrap: anywhere }
.skip { position: absolute; left: -999px } .skip:focus { position: static; display: inline-block; margin-bottom: .5rem }
@media (max-width: 760px) {
  .beside { grid-template-columns: 1fr; gap: 0 } .facets { display: grid; grid-template-columns: 1fr 1fr; gap: 0 16px }
}
@media (max-width: 520px) {
  .hits { grid-template-columns: 1fr 1fr; gap: 8px } .words, .made, .card details { padding-inline: 9px }
}
@media (max-width: 340px) { .hits { grid-template-columns: 1fr } }
@media print { .card { break-inside: avoid } }
"""
)
