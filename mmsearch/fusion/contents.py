"""What was encoded, for the methods that read it themselves (`Fuser.reads`): texts as they are, media by their paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmsearch.encoders.sources import items
from mmsearch.fusion.base import Fuser, Side
from mmsearch.store import Store
from mmsearch.store.vectors import VectorRows


def contents_of(store: Store, modality: str, ids: Sequence[str]) -> dict[tuple[str, str], str | Path]:
    """(id, part) → content of everything that some products have of a modality, each product's first item first.

    A text is that of the product itself (part '') or a passage of what is said in one of its media.
    """
    return {(item.id, item.part): item.content for item in items(store, modality, ids=ids)}


def contents_by_product(store: Store, modality: str, ids: Sequence[str]) -> list[str | Path | None]:
    """The content of each product's first item (n,), None where it has none. Of texts that is the product's own, where it has one."""
    found: dict[str, str | Path] = {}
    for (id, _), content in contents_of(store, modality, ids).items():
        found.setdefault(id, content)
    return [found.get(id) for id in ids]


def side_of(store: Store, fuser: Fuser, modality: str, rows: VectorRows, by: str | None = None) -> Side:
    """Rows of a table as a method sees them; `by`: the modality in whose place they stand, if they do (they have no contents then)."""
    if modality not in fuser.reads or by not in (None, modality):
        return Side(rows.vectors, None, rows.views)
    ids = rows.ids.to_pylist()
    known = contents_of(store, modality, list(dict.fromkeys(ids)))
    return Side(rows.vectors, [known.get(key) for key in zip(ids, rows.parts.to_pylist(), strict=True)], rows.views)
