"""A page of cards: pictures with titles, scores and what else is known. One file, no script, nothing from a network.

Whatever comes from the shop (titles, ids, paths) is text, and is escaped here and nowhere else. A policy in the page's head forbids the
browser to load or run anything, should some text ever get through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Card:
    """One product, as text; nothing in it is HTML."""

    id: str
    title: str
    picture: str | None = None  # a data URI of `mmsearch.web.thumbnails`
    missing: str = ""  # why there is no picture; without a picture and a reason there is no place for one
    note: str = ""  # said below the title
    facts: Sequence[tuple[str, str]] = ()  # (name, value), shown below the title
    share: float | None = None  # 0 to 1, drawn as a bar above the facts
    alarming: bool = False  # marked


@dataclass(frozen=True)
class Row:
    """Cards that belong together, with a heading of their own where it has one."""

    cards: Sequence[Card]
    heading: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page. `empty` is said where it has no rows."""

    heading: str
    intro: str
    rows: Sequence[Row]
    empty: str = "Nothing was found."
    wide: bool = False  # each row side by side with others (pairs), not below


def gallery(title: str, intro: Sequence[str], sections: Sequence[Section]) -> str:
    """The page as HTML: readable on a phone, light or dark as the browser is set."""
    parts = [_HEAD.replace("{title}", _text(title)), f"<h1>{_text(title)}</h1>"]
    parts += [f"<p class=intro>{_text(line)}</p>" for line in intro if line]
    if len(sections) > 1:
        links = "".join(f'<a href="#s{i}">{_text(s.heading)}</a>' for i, s in enumerate(sections))
        parts.append(f"<nav>{links}</nav>")
    for i, section in enumerate(sections):
        parts.append(f'<section id="s{i}"><h2>{_text(section.heading)}</h2><p class=intro>{_text(section.intro)}</p>')
        if not section.rows:
            parts.append(f"<p class=none>{_text(section.empty)}</p>")
        parts.append(f'<div class="{"pairs" if section.wide else "rows"}">')
        parts += [_row(row) for row in section.rows]
        parts.append("</div></section>")
    parts.append("</main></body></html>\n")
    return "\n".join(parts)


def _row(row: Row) -> str:
    heading = f"<h3>{_text(row.heading)}</h3>" if row.heading else ""
    return f"<div class=row>{heading}<div class=cards>{''.join(map(_card, row.cards))}</div></div>"


def _card(card: Card) -> str:
    picture = ""
    if card.picture is not None and card.picture.startswith("data:image/jpeg;base64,"):
        picture = f'<img src="{escape(card.picture)}" alt="{_text(card.title or card.id)}" loading=lazy decoding=async>'
    elif card.missing:
        picture = f"<span>{_text(card.missing)}</span>"
    if picture:
        picture = f"<div class=picture>{picture}</div>"
    bar = ""
    if card.share is not None:
        bar = f'<div class=bar><i style="width:{100 * min(1.0, max(0.0, card.share)):.0f}%"></i></div>'
    note = f"<p class=note>{_text(card.note)}</p>" if card.note else ""
    facts = "".join(f"<dt>{_text(name)}</dt><dd><bdi>{_text(value)}</bdi></dd>" for name, value in card.facts)
    return (
        f'<article class="card{" alarming" if card.alarming else ""}">{picture}'
        f"<div class=words><h4 dir=auto>{_text(card.title) or '<em>no title</em>'}</h4><code><bdi>{_text(card.id)}</bdi></code>"
        f"{note}{bar}{f'<dl>{facts}</dl>' if facts else ''}</div></article>"
    )


def _text(value: str) -> str:
    """Text as HTML. Control characters and directions that would turn the text around them are shown as what they are."""
    return escape("".join(c if c.isprintable() or c == "\n" else f"\\u{ord(c):04x}" for c in value), quote=True)


_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root { --back: #f5f5f3; --card: #fff; --line: #dddcd7; --ink: #1d1d1b; --soft: #63625c; --mark: #b3421e; --bar: #e6e4de; --code: #efeee9 }
@media (prefers-color-scheme: dark) {
  :root { --back: #161615; --card: #21211f; --line: #3a3a36; --ink: #ecebe6; --soft: #a3a29a; --mark: #f0805a }
  :root { --bar: #38372f; --code: #2c2c28 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 15px/1.45 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif }
main { max-width: 1500px; margin: 0 auto; padding: 20px clamp(12px, 3vw, 32px) 60px }
h1 { font-size: 1.5rem; margin: 0 0 .4rem } h2 { font-size: 1.2rem; margin: 2.2rem 0 .2rem } h3 { font-size: .95rem; margin: 0 0 .5rem }
.intro, .none { color: var(--soft); margin: .2rem 0; max-width: 75ch }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; margin: .8rem 0; border-block: 1px solid var(--line); padding: .5rem 0 }
a { color: inherit }
.rows { display: flex; flex-wrap: wrap; gap: 18px 26px; margin-top: .8rem } .rows .row { max-width: 100% }
.cards { display: flex; flex-wrap: wrap; gap: 12px } .card { width: 190px }
.pairs { display: grid; gap: 14px; margin-top: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)) }
.pairs .row { border: 1px solid var(--line); border-radius: 10px; padding: 10px }
.pairs .cards { display: grid; grid-template-columns: 1fr 1fr; gap: 10px } .pairs .card { border: 0; width: auto }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; min-width: 0 }
.card.alarming h4 { color: var(--mark) } .card.alarming .bar i { background: var(--mark) }
.picture { background: #fff; height: 170px; display: grid; place-items: center; overflow: hidden }
.picture img { width: 100%; height: 170px; object-fit: contain }
.picture:not(:has(img)) { background: var(--code) }
.picture span { color: var(--soft); font-size: .8rem; padding: 12px; text-align: center; overflow-wrap: anywhere }
.words { padding: 8px 10px 10px } .words h4 { margin: 0 0 2px; font-size: .93rem; font-weight: 600; overflow-wrap: anywhere }
em { color: var(--soft); font-weight: 400 }
code { font: .78rem/1.4 ui-monospace, monospace; background: var(--code); border-radius: 4px; padding: 1px 5px; overflow-wrap: anywhere }
.bar { height: 5px; border-radius: 3px; background: var(--bar); margin: 8px 0 0; overflow: hidden }
.bar i { display: block; height: 100%; background: var(--soft) }
.note { margin: 6px 0 0; font-size: .82rem; color: var(--soft) }
dl { margin: 7px 0 0; font-size: .82rem; display: grid; grid-template-columns: auto 1fr; gap: 1px 8px }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
@media (max-width: 520px) {
  .rows .row { width: 100% } .rows .cards { display: grid; grid-template-columns: 1fr 1fr; gap: 8px } .card { width: auto }
  .picture, .picture img { height: 130px }
}
</style></head><body><main>"""
