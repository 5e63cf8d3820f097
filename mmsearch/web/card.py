"""A card: one product with its picture, its title and what else is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from mmsearch.web.breakdown import Breakdown, breakdown_html
from mmsearch.web.page import spoken_as, text


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
    rank: int | None = None  # shown on the picture
    offer: Sequence[str] = ()  # brand and price, below the title
    breakdown: Breakdown | None = None  # the score, and what it is made of
    marks: Sequence[tuple[int, int]] = ()  # places [start, end) of the title that say what was asked for


def card_html(card: Card, level: int) -> str:
    """A card, its title a heading of this level."""
    picture = picture_html(card.picture, card.title or card.id) or (f"<span>{text(card.missing)}</span>" if card.missing else "")
    rank = "" if card.rank is None else f"<b class=rank>{card.rank}</b>"
    if picture:
        picture, rank = f"<div class=picture>{rank}{picture}</div>", ""
    bar = ""
    if card.share is not None:
        bar = f'<div class=bar><i style="width:{100 * min(1.0, max(0.0, card.share)):.0f}%"></i></div>'
    offer = " · ".join(f"<bdi{spoken_as(one)}>{text(one)}</bdi>" for one in card.offer)
    offer = f"<p class=offer>{offer}</p>" if offer else ""
    note = f"<p class=note>{text(card.note)}</p>" if card.note else ""
    facts = "".join(f"<dt>{text(name)}</dt><dd><bdi>{text(value)}</bdi></dd>" for name, value in card.facts)
    return (
        f'<article class="card{" alarming" if card.alarming else ""}">{picture}'
        f"<div class=words>{rank}<h{level} dir=auto{spoken_as(card.title)}>{_title(card) or '<em>no title</em>'}</h{level}>"
        f"{offer}<code><bdi>{text(card.id)}</bdi></code>"
        f"{note}{bar}{f'<dl>{facts}</dl>' if facts else ''}</div>{breakdown_html(card.breakdown) if card.breakdown else ''}</article>"
    )


def _title(card: Card) -> str:
    """
    >>> _title(Card("a", "red <shoe>", marks=[(0, 3)]))
    '<mark>red</mark> &lt;shoe&gt;'
    """
    made, at = "", 0
    for start, end in card.marks:
        made, at = f"{made}{text(card.title[at:start])}<mark>{text(card.title[start:end])}</mark>", end
    return made + text(card.title[at:])


def picture_html(uri: str | None, alt: str) -> str:
    """A picture of `mmsearch.web.thumbnails`; '' for anything else."""
    if uri is None or not uri.startswith("data:image/jpeg;base64,"):
        return ""
    return f'<img src="{escape(uri)}" alt="{text(alt)}" loading=lazy decoding=async>'


STYLE = """
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; min-width: 0 }
.card.alarming :is(h3, h4) { color: var(--mark) } .card.alarming .bar i { background: var(--mark) }
.picture { background: #fff; height: 170px; display: grid; place-items: center; overflow: hidden; position: relative }
.picture img { width: 100%; height: 170px; object-fit: contain }
.picture:not(:has(img)) { background: var(--code) }
.picture span { color: var(--soft); font-size: .8rem; padding: 12px; text-align: center; overflow-wrap: anywhere }
.words { padding: 8px 10px 10px } .words :is(h3, h4) { margin: 0 0 2px; font-size: .93rem; font-weight: 600; overflow-wrap: anywhere }
mark { background: none; color: inherit; text-decoration: underline 2px var(--focus); text-underline-offset: 2px }
em { color: var(--soft); font-weight: 400 }
code { font: .78rem/1.4 ui-monospace, monospace; background: var(--code); border-radius: 4px; padding: 1px 5px; overflow-wrap: anywhere }
.bar { height: 5px; border-radius: 3px; background: var(--bar); margin: 8px 0 0; overflow: hidden }
.bar i { display: block; height: 100%; background: var(--soft) }
.note { margin: 6px 0 0; font-size: .82rem; color: var(--soft) }
dl { margin: 7px 0 0; font-size: .82rem; display: grid; grid-template-columns: auto 1fr; gap: 1px 8px }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere; min-width: 0 }
"""
