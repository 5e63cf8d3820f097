"""What was asked for, in words and pictures: the parts of a query and what restricts its answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmsearch.search.query import NEGATIVE_WEIGHT, Part, Query
from mmsearch.web.card import picture_html
from mmsearch.web.page import spoken_as, text
from mmsearch.web.photos import Photos
from mmsearch.web.thumbnails import Thumbnails

_NAMES = {"image": "photo", "audio": "sound", "speech": "speech", "video": "clip", "like": "like"}
_LONG, _SHORT = 400, 80  # characters of a text that are shown, as a part and in a heading or label


def heading(query: Query) -> str:
    """A query in one line: what it looks for, without what lowers products. A query without parts looks for all that pass its filters."""
    wanted = [part for part in query.parts if not part.negative and not part.path] or list(query.parts)
    return shortened(" + ".join(content(part) for part in wanted) or "All products", _SHORT)


def labels(query: Query) -> dict[str, str]:
    """A part as explanations name it → as people are to read it, without folders."""
    return {str(part): shortened(f"{'not ' if part.negative else ''}{content(part)}", _SHORT) for part in query.parts}


def content(part: Part) -> str:
    """What a part looks for. A file is named without its folder.

    >>> content(Part("text", "red shoes")), content(Part("image", "photos/a.jpg")), content(Part("like", "P1"))
    ('red shoes', 'photo a.jpg', 'like P1')
    """
    if part.kind == "text":
        return part.content
    return f"{_NAMES.get(part.kind, part.kind)} {part.content if part.kind == 'like' else Path(part.content).name}"


def shortened(value: str, most: int) -> str:
    """A text of `most` characters at most, the rest counted."""
    return value if len(value) <= most else f"{value[:most].rstrip()} … ({len(value):,} characters)"


def parts_html(query: Query, photos: Photos, made: Thumbnails) -> str:
    """The parts as a list: texts, photos as pictures, what lowers a product marked as such."""
    weighty = len(query.parts) > 1
    if not query.parts:
        return ""
    return f"<ul class=parts>{''.join(_part(part, weighty, photos, made) for part in query.parts)}</ul>"


def _part(part: Part, weighty: bool, photos: Photos, made: Thumbnails) -> str:
    picture = ""
    if part.kind in ("image", "video"):
        uri, missing = made.of(Path(part.content), clip=part.kind == "video")
        picture = picture_html(uri, f"the {_NAMES[part.kind]} of the query") or f"<small>{text(missing)}</small>"
    elif part.kind == "like":
        uri, _ = photos.thumbnail(made, part.content)
        picture = picture_html(uri, f"the product {part.content}")
    said = shortened(content(part), _LONG)
    sign = "<b>not</b> " if part.negative else ""
    usual = NEGATIVE_WEIGHT if part.negative else 1.0
    weight = f" <small>weight {part.weight:g}</small>" if weighty and part.weight != usual else ""
    words = f"<span>{sign}<span dir=auto{spoken_as(said)}>{text(said)}</span>{weight}</span>"
    return f'<li class="{"against" if part.negative else "for"}">{picture}{words}</li>'


def restrictions(query: Query) -> list[str]:
    """What else decides the answer, a line each."""
    lines = [f"Only where {clause}" for clause in query.where]
    if query.within:
        lines.append(f"Compared with {query.within} alone")
    if query.weights:
        lines.append(f"Weights {', '.join(f'{name} = {value:g}' for name, value in query.weights)}")
    if query.expand:
        lines.append("Widened by what the store's triples say")
    return lines


def likes(queries: Sequence[Query]) -> set[str]:
    """The products that queries name."""
    return {part.content for query in queries for part in query.parts if part.kind == "like"}


STYLE = """
.parts { list-style: none; display: flex; flex-wrap: wrap; gap: 8px; margin: .6rem 0; padding: 0 }
.parts li { display: flex; align-items: center; gap: 10px; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
.parts li { padding: 6px 12px; max-width: 100%; overflow-wrap: anywhere; min-width: 0 }
.parts img { width: 72px; height: 72px; object-fit: contain; background: #fff; border-radius: 4px; margin-left: -4px }
.parts .against { border-style: dashed } .parts b { color: var(--mark) } .parts small { color: var(--soft); font-size: .8rem }
.notes { list-style: none; margin: .3rem 0; padding: 0; color: var(--soft); max-width: 90ch; overflow-wrap: anywhere }
"""
