"""The store: the only place that knows LanceDB. Reads go through pylance (fast to import), writes through lancedb."""

from mmsearch.store.store import INTERACTIONS, PRODUCTS, Store

__all__ = ["INTERACTIONS", "PRODUCTS", "Store"]
