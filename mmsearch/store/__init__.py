"""The store: the only place that knows LanceDB. Reads go through pylance (fast to import), writes through lancedb."""

from mmsearch.store.store import ATTRIBUTES, FACTS, INTERACTIONS, PRODUCTS, REVIEWS, SEARCHES, TRIPLES, USERS, Store

__all__ = ["ATTRIBUTES", "FACTS", "INTERACTIONS", "PRODUCTS", "REVIEWS", "SEARCHES", "TRIPLES", "USERS", "Store"]
