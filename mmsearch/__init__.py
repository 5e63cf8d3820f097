"""mmsearch: multimodal product search and recommendation over an embedded LanceDB store.

import mmsearch
shop = mmsearch.open("shop.lancedb")
shop.search("red shoes", image="shoe.jpg", k=10)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mmsearch.shop import Shop

__version__ = "0.1.0"
__all__ = ["__version__", "open"]


def open(store: str | Path | None = None) -> Shop:
    """Open a store (a folder; default `MMSEARCH_STORE`, else `./mmsearch.lancedb`) as a `Shop`. It is created by the first `ingest`."""
    from mmsearch.shop import Shop

    return Shop(store)
