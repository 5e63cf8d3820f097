"""What a score is made of, as a bar of coloured pieces, a legend, and a table of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmsearch.search.hits import Hit
from mmsearch.web.page import spoken_as, text

#: Colours of a legend, light | dark, each at 3:1 or more beside a card and the ground of a bar. What is beyond them is grey.
_COLOURS = (
    ("#2468b0", "#6aa9ea"),
    ("#c2530f", "#f0935a"),
    ("#2a7d3c", "#6cc07d"),
    ("#8a4fae", "#c195e6"),
    ("#8a6a12", "#d3b04f"),
    ("#0f7a82", "#55c2c9"),
    ("#b8336a", "#ee86ae"),
)
_GREY = ("#75746d", "#8d8c84")
_OTHERS = "everything else"
_ROUNDING = 5e-5  # what four decimals do not show


@dataclass(frozen=True)
class Piece:
    """What one kind of evidence for one query part adds. `colour`: its place in the legend, None for those beyond it."""

    label: str
    value: float
    colour: int | None


@dataclass(frozen=True)
class Breakdown:
    """The score of a hit and its pieces, which add up to it. `low` and `high` are the ends of the scale of its list."""

    score: float
    pieces: Sequence[Piece]
    low: float
    high: float
    open: bool = False  # the numbers are shown at once


@dataclass(frozen=True)
class Legend:
    """The colours of a list of hits: labels in their order, whether some pieces are beyond them, or lower a score."""

    labels: Sequence[str]
    others: bool
    lowers: bool
    alone: bool  # of one part: labels name the evidence


def breakdowns(hits: Sequence[Hit], names: Mapping[str, str], *, open: bool = False) -> tuple[list[Breakdown], Legend]:
    """What the scores of a list are made of, on one scale; what counts most in the list comes first in the legend.

    Parameters
    ----------
    names : a query part as an explanation has it → as people are to read it; where there is one part alone it goes without saying.
    open : show the numbers at once.
    """
    alone = len({one.part for hit in hits for one in hit.explain}) == 1
    made = [_pieces(hit, names, alone) for hit in hits]
    weight: dict[str, float] = {}
    for pieces in made:
        for kind, _, value in pieces:
            weight[kind] = weight.get(kind, 0.0) + abs(value)
    kinds = sorted((kind for kind, total in weight.items() if total > 0), key=lambda kind: -weight[kind])
    places = {kind: n for n, kind in enumerate(kinds[: len(_COLOURS)])}
    order = {kind: n for n, kind in enumerate(kinds)}
    low = min((sum(min(value, 0.0) for *_, value in pieces) for pieces in made), default=0.0)
    high = max((sum(max(value, 0.0) for *_, value in pieces) for pieces in made), default=0.0)
    found = []
    for hit, pieces in zip(hits, made, strict=True):
        pieces.sort(key=lambda piece: (order.get(piece[0], len(order)), -abs(piece[2])))
        found.append(Breakdown(hit.score, [Piece(label, value, places.get(kind)) for kind, label, value in pieces], low, high, open))
    return found, Legend(list(places), len(kinds) > len(places), low < -_ROUNDING, alone)


def _pieces(hit: Hit, names: Mapping[str, str], alone: bool) -> list[tuple[str, str, float]]:
    """(kind, label, value): evidence that an explanation takes apart ('words: red (title)') is of one kind, and has one colour."""
    pieces = []
    for one in hit.explain:
        part = "" if alone else f"{names.get(one.part, one.part)} → "
        pieces.append((f"{part}{one.evidence.partition(': ')[0]}", f"{part}{one.evidence}", one.contribution))
    rest = hit.score - sum(value for *_, value in pieces)
    if pieces and abs(rest) > _ROUNDING:  # an explanation that does not tell everything must not look as if it did
        pieces.append((_OTHERS, _OTHERS, rest))
    return pieces


def signed(value: float) -> str:
    """
    >>> signed(0.5), signed(-0.25), signed(-0.0)
    ('+0.5000', '\u22120.2500', '0.0000')
    """
    return ("+" if value > _ROUNDING else "") + number(value)


def number(value: float) -> str:
    """
    >>> number(-1.5), number(-0.0)
    ('\u22121.5000', '0.0000')
    """
    return f"{chr(0x2212) if value < -_ROUNDING else ''}{abs(value):.4f}"


def breakdown_html(made: Breakdown) -> str:
    """The score, the bar, and the table behind a switch. A screen reader reads the bar as numbers."""
    head = f"<p class=score><span>score</span> <b>{number(made.score)}</b></p>"
    if not made.pieces:
        return f"<div class=made>{head}</div>"
    said = "; ".join(f"{piece.label} {signed(piece.value)}" for piece in made.pieces if abs(piece.value) > _ROUNDING)
    numbers = text(f"made of {said}" if said else "nothing adds to it")
    rows = "".join(
        f"<tr><th scope=row>{_swatch(piece.colour, piece.value < -_ROUNDING)}<span dir=auto{spoken_as(piece.label)}>{text(piece.label)}"
        f"</span></th><td>{signed(piece.value)}</td></tr>"
        for piece in made.pieces
    )
    return (
        f'<div class=made>{head}<div class=stack role=img aria-label="{numbers}">{_bar(made)}</div></div>'
        f"<details{' open' if made.open else ''}><summary>what it is made of</summary><table>"
        f"<caption class=hidden>What each part of the query adds by each kind of evidence</caption><tbody>{rows}</tbody>"
        f"<tfoot><tr><th scope=row>score</th><td>{number(made.score)}</td></tr></tfoot></table></details>"
    )


def legend_html(legend: Legend) -> str:
    """The colours of a list; '' where there are none."""
    entries = [f"<li>{_swatch(n)}<span dir=auto{spoken_as(label)}>{text(label)}</span></li>" for n, label in enumerate(legend.labels)]
    if legend.others:
        entries.append(f"<li>{_swatch(None)}{_OTHERS}</li>")
    if not entries:
        return ""
    if legend.lowers:
        entries.append("<li><i class='rest less'></i>striped, left of the line: lowers the score</li>")
    what = "what the query is compared with" if legend.alone else "part of the query → what it is compared with"
    return f"<div class=legend><p>What the bars show ({what}):</p><ul>{''.join(entries)}</ul></div>"


def _swatch(colour: int | None, lowers: bool = False) -> str:
    return f'<i class="{_class(colour)}{" less" if lowers else ""}"></i>'


def _class(colour: int | None) -> str:
    return "rest" if colour is None else f"c{colour}"


def _bar(made: Breakdown) -> str:
    """Pieces that raise the score to the right of the zero line, those that lower it to the left."""
    width = made.high - made.low
    if width <= 0:
        return ""
    zero = -made.low / width
    ends = {True: zero, False: zero}
    parts = []
    for piece in made.pieces:
        size = abs(piece.value) / width
        if size < 0.002:  # not half a pixel
            continue
        lowers = piece.value < 0
        left = ends[lowers] - size if lowers else ends[lowers]
        ends[lowers] += -size if lowers else size
        less = " less" if lowers else ""
        parts.append(f'<i class="{_class(piece.colour)}{less}" style="left:{100 * left:.2f}%;width:{100 * size:.2f}%"></i>')
    if zero > 0:
        parts.append(f'<s style="left:{100 * zero:.2f}%"></s>')
    return "".join(parts)


def _colours(which: int) -> str:
    return "; ".join([*(f"--c{n}: {pair[which]}" for n, pair in enumerate(_COLOURS)), f"--rest: {_GREY[which]}"])


STYLE = (
    f":root {{ {_colours(0)} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {_colours(1)} }} }}\n"
    + "\n".join(f".c{n} {{ --mine: var(--c{n}) }}" for n in range(len(_COLOURS)))
    + """
.rest { --mine: var(--rest) }
:is(.stack, .legend, table) i { background: var(--mine); forced-color-adjust: none }
:is(.stack, .legend, table) i.less { background: repeating-linear-gradient(135deg, var(--mine) 0 3px, var(--card) 3px 5px) }
.score { display: flex; justify-content: space-between; align-items: baseline; margin: 10px 0 4px; font-size: .82rem }
.score span { color: var(--soft) } .score b { font-variant-numeric: tabular-nums; font-size: .95rem }
.stack { position: relative; height: 10px; border-radius: 3px; background: var(--bar); overflow: hidden }
.stack i { position: absolute; inset-block: 0; border-right: 1px solid var(--card) }
.stack s { position: absolute; inset-block: 0; width: 2px; margin-left: -1px; background: var(--ink) }
details { margin-top: 7px; font-size: .82rem } summary { cursor: pointer; color: var(--soft) } summary:hover { color: var(--ink) }
table { border-collapse: collapse; width: 100%; margin-top: 5px; font-size: .78rem }
th { text-align: left; font-weight: 400; overflow-wrap: anywhere } th, td { padding: 2px 0; vertical-align: top }
td { text-align: right; white-space: nowrap; padding-left: 8px; font-variant-numeric: tabular-nums }
tfoot :is(th, td) { border-top: 1px solid var(--line); font-weight: 600 }
:is(.legend, table) i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px }
.legend p { margin: 0; color: var(--soft) }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; margin: .2rem 0 .9rem; font-size: .82rem }
.legend ul { display: flex; flex-wrap: wrap; gap: 2px 14px; list-style: none; margin: 0; padding: 0 } .legend li { overflow-wrap: anywhere }
"""
)
