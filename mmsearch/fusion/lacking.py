"""Catalogues without any photo, or without any text: what to say of them, and which methods do without."""

from __future__ import annotations

from mmsearch.encoders.sources import MEDIA_COLUMNS
from mmsearch.store import PRODUCTS, Store

#: Modality → what products have of it, for people: one, several.
NAMES = {"text": ("text", "texts"), "image": ("photo", "photos")}

_COLUMNS = {"text": ["title", "description"]} | {m: [column] for m, column in MEDIA_COLUMNS.items()}
_ALONE = "mmsearch fuse --method concat (or weighted; gated, where there are categories or events; knowledge(base=concat))"


def brings(store: Store | None, modality: str) -> bool:
    """Whether any product of the catalogue has a text, a photo …, embedded or not; where there is no store to ask, it may be so."""
    opened = store.dataset(PRODUCTS) if store is not None else None
    if store is None or opened is None:
        return True
    columns = [name for name in _COLUMNS[modality] if name in opened.schema.names]
    return bool(columns) and any(any(any(column.to_pylist()) for column in batch.columns) for batch in store.batches(PRODUCTS, columns))


def told(store: Store | None, modality: str, *, by_names: bool = False) -> tuple[str, str]:
    """What is wrong where no product has a vector of `modality`, text or image, but a method needs it; and what to do.

    Parameters
    ----------
    by_names : whether ConSE can read photos alone, by the names of what they show.
    """
    one, several = NAMES[modality]
    other = "text" if modality == "image" else "image"
    alone = f"mmsearch fuse --method conse, so that texts find them; or {_ALONE}" if modality == "text" and by_names else _ALONE
    instead = f"{NAMES[other][1]} alone can be fused by {alone}"
    if brings(store, modality):
        return f"no product has a vector of {several}", f"make vectors: mmsearch embed; {instead}"
    return f"no product of the catalogue has a {one}", instead
