"""What was encoded, for the methods that read it themselves (`Fuser.reads`): texts as they are, media by their paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmsearch.encoders.sources import items
from mmsearch.store import Store


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
