"""Facets beside the products of a search: what values there are, how many products have each, and the filter that keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmsearch.web.page import spoken_as, text


def facets_html(facets: Sequence[Mapping[str, Any]], level: int) -> str:
    """The facets of `Result.facets`, each under a heading of this level; '' where there are none."""
    parts = [_facet(facet, level) for facet in facets]
    return f"<aside class=facets aria-label=Facets>{''.join(parts)}</aside>" if parts else ""


def _facet(facet: Mapping[str, Any], level: int) -> str:
    values = facet.get("values") or []
    most = max((value["count"] for value in values), default=0)
    rows, filters = [], []
    for value in values:
        shown = _value(value["value"])
        width = 100 * value["count"] / most if most else 0
        rows.append(
            f"<li><span dir=auto{spoken_as(shown)}>{text(shown)}</span><b>{value['count']:,}</b>"
            f'<div class=bar><i style="width:{width:.0f}%"></i></div></li>'
        )
        if value.get("where"):
            filters.append(f"<li><code><bdi>{text(str(value['where']))}</bdi></code></li>")
    if more := facet.get("more"):
        rows.append(f"<li class=lacking><span>and {more:,} more</span></li>")
    if missing := facet.get("missing"):
        rows.append(f"<li class=lacking><span>not given</span><b>{missing:,}</b></li>")
    as_filters = f"<details><summary>as filters</summary><ul>{''.join(filters)}</ul></details>" if filters else ""
    empty = "" if rows else "<p class=none>no product has it</p>"
    return f"<section><h{level} dir=auto>{text(str(facet['facet']))}</h{level}>{empty}<ul>{''.join(rows)}</ul>{as_filters}</section>"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


STYLE = """
.facets { font-size: .85rem } .facets section { border-top: 1px solid var(--line); padding: 10px 0 14px }
.facets :is(h3, h4) { margin: 0 0 6px; font-size: .88rem; overflow-wrap: anywhere } .facets ul { list-style: none; margin: 0; padding: 0 }
.facets li { display: grid; grid-template-columns: 1fr auto; gap: 0 8px; padding: 2px 0; overflow-wrap: anywhere }
.facets b { font-weight: 400; color: var(--soft); font-variant-numeric: tabular-nums }
.facets .bar { grid-column: 1 / -1; margin: 1px 0 0; height: 3px } .facets .lacking { color: var(--soft) }
"""
