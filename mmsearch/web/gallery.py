"""A page of cards in sections: pictures with titles, scores and what else is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmsearch.web import card as cards
from mmsearch.web.card import Card, card_html
from mmsearch.web.page import document, paragraphs, text


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
    """The page as HTML."""
    parts = [f"<main><h1>{text(title)}</h1>", paragraphs(list(intro), "intro")]
    if len(sections) > 1:
        links = "".join(f'<a href="#s{i}">{text(s.heading)}</a>' for i, s in enumerate(sections))
        parts.append(f"<nav>{links}</nav>")
    for i, section in enumerate(sections):
        parts.append(f'<section id="s{i}"><h2>{text(section.heading)}</h2><p class=intro>{text(section.intro)}</p>')
        if not section.rows:
            parts.append(f"<p class=none>{text(section.empty)}</p>")
        parts.append(f'<div class="{"pairs" if section.wide else "rows"}">')
        parts += [_row(row) for row in section.rows]
        parts.append("</div></section>")
    parts.append("</main>")
    return document(title, "\n".join(parts), cards.STYLE + _STYLE)


def _row(row: Row) -> str:
    heading = f"<h3>{text(row.heading)}</h3>" if row.heading else ""
    return f"<div class=row>{heading}<div class=cards>{''.join(card_html(one, 4 if heading else 3) for one in row.cards)}</div></div>"


_STYLE = """
.rows { display: flex; flex-wrap: wrap; gap: 18px 26px; margin-top: .8rem } .rows .row { max-width: 100% }
.cards { display: flex; flex-wrap: wrap; gap: 12px } .card { width: 190px }
.pairs { display: grid; gap: 14px; margin-top: .8rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)) }
.pairs .row { border: 1px solid var(--line); border-radius: 10px; padding: 10px }
.pairs .cards { display: grid; grid-template-columns: 1fr 1fr; gap: 10px } .pairs .card { border: 0; width: auto }
@media (max-width: 520px) {
  .rows .row { width: 100% } .rows .cards { display: grid; grid-template-columns: 1fr 1fr; gap: 8px } .card { width: auto }
  .picture, .picture img { height: 130px }
}
"""
