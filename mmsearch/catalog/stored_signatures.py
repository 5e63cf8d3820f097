"""What the products of a store say, by the signatures that ingest compares products with (`mmsearch.catalog.signatures`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from mmsearch.catalog.records import Product
from mmsearch.catalog.signatures import tells_variants_apart, text_signature
from mmsearch.store import ATTRIBUTES, PRODUCTS, Store
from mmsearch.store.attributes import CORE, TYPES, load_attributes
from mmsearch.store.where import id_list

_FIELDS = ("title", "brand", "description")
_ROWS = 1_024  # products read at a time: descriptions may be long


class Said(NamedTuple):
    """What a product says; products of one `family` are declared variants of each other."""

    id: str
    words: bytes | None  # equal where the same is said, in whatever order, case or plural; None where too little is
    family: str  # the product's parent, or itself where it has none


def stored_words(store: Store) -> Iterator[Said]:
    """What every product of a store says, in the order of the table, in bounded memory."""
    opened = store.dataset(PRODUCTS)
    if opened is None:
        return
    attributes = load_attributes(store)
    columns = {
        column: (name, kind)
        for name, kinds in attributes.columns.items()
        if name not in CORE and tells_variants_apart(name)
        for kind, column in kinds.items()
    }
    sparse = _sparse(store, [name for name in attributes.sparse if name not in attributes.columns and tells_variants_apart(name)])
    fixed = [name for name in ("id", "parent", *_FIELDS) if name in opened.schema.names]  # a store of an older mmsearch may lack some
    for batch in store.batches(PRODUCTS, [*fixed, *columns], _ROWS):
        for row in batch.to_pylist():
            id = row["id"]
            own = {columns[c][0]: (columns[c][1], row[c]) for c in columns if row[c] is not None} | sparse.get(id, {})
            product = Product(id, "", {name: row.get(name) for name in _FIELDS}, dict(sorted(own.items())))
            signature = text_signature(product)
            yield Said(id, None if signature is None else signature[:8], row.get("parent") or id)


def _sparse(store: Store, names: list[str]) -> dict[str, dict[str, tuple[str, Any]]]:
    found: dict[str, dict[str, tuple[str, Any]]] = defaultdict(dict)
    if names and store.has(ATTRIBUTES):
        for row in store.read(ATTRIBUTES, ["id", "name", *TYPES], where=id_list("name", names)).to_pylist():
            for kind in TYPES:
                if row[kind] is not None:
                    found[row["id"]][row["name"]] = (kind, row[kind])
    return found
