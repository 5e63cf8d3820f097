"""The values of one attribute, wherever they are kept, beside the products that have them: for counting and sorting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.errors import MMSearchError
from mmsearch.store.attributes import FACT_PREFIX, TYPES, Attributes, load_attributes
from mmsearch.store.record import Record
from mmsearch.store.sql import unknown
from mmsearch.store.store import ATTRIBUTES, FACTS, PRODUCTS, Store
from mmsearch.store.where import text_literal

_T = TypeVar("_T")

#: Type (`mmsearch.store.attributes.TYPES`) → values beside products (n,), null where a product has none of that type.
Values = dict[str, pa.ChunkedArray]


class Place(NamedTuple):
    """Where the values of a name that has no columns are: the table, the name in it, the types."""

    table: str
    name: str
    kinds: tuple[str, ...]


def place_of(name: str, attributes: Attributes, option: str = "--where") -> Place:
    """Where the values of a name that has no columns are. `option`: where the user wrote it. Raises UsageError for an unknown name."""
    if (kinds := attributes.sparse.get(name)) is not None:
        return Place(ATTRIBUTES, name, kinds)
    for own in (name, name.removeprefix(FACT_PREFIX)):
        if (kinds := attributes.facts.get(own)) is not None:
            return Place(FACTS, own, kinds)
    raise unknown(name, attributes, option)


def read_values(store: Store, name: str, products: pa.Array, *, version: int = 0, option: str) -> Values:
    """The values of an attribute or a fact; a product has one at most, in one of the types.

    Parameters
    ----------
    name : as in a filter: a shop's own attribute comes before a fact of that name, and `fact.NAME` always means the fact.
    products : (n,) ids; the values are in their order.
    version : of the table of products of which `products` are all ids, in its order; as long as it is the present one, no ids need be read.
    option : where the user wrote the name, for the error.

    Raises UsageError for a name that no product has (names near ones).
    """
    return unmoved(store, lambda: _read(store, load_attributes(store), name, products, version, option))


def unmoved(store: Store, read: Callable[[], _T]) -> _T:
    """What `read` gives; read again where attributes moved meanwhile, as an ingest that ends may move them between columns and table."""
    for _ in range(3):
        failed = None
        with store.steady():  # anew, even within a search: what it has opened may be of before and after the move
            version = store.version(Record.TABLE)
            try:
                found = read()
            except MMSearchError as error:
                failed = error
        with store.steady():
            moved = store.version(Record.TABLE) != version
        if not moved:
            if failed is not None:
                raise failed
            return found
    return read()


def _read(store: Store, attributes: Attributes, name: str, products: pa.Array, version: int, option: str) -> Values:
    if name in attributes.columns:
        return _columns(store, attributes.columns[name], products, version)
    return _cells(store, place_of(name, attributes, option), products)


def _columns(store: Store, columns: Mapping[str, str], products: pa.Array, version: int) -> Values:
    opened = store.dataset(PRODUCTS)
    there = set(opened.schema.names) if opened is not None else set()
    wanted = [c for c in columns.values() if c in there]
    rows = store.read(PRODUCTS, wanted) if wanted and store.version(PRODUCTS) == version else None
    if rows is None or store.version(PRODUCTS) != version:  # rows may lie elsewhere
        rows = store.read(PRODUCTS, list(dict.fromkeys(["id", *wanted])))
        if not rows.column("id").equals(pa.chunked_array([products])):
            rows = rows.take(pc.index_in(products, value_set=rows.column("id")))
    return {kind: rows.column(c) if c in there else pa.chunked_array([pa.nulls(len(products), TYPES[kind])]) for kind, c in columns.items()}


def _cells(store: Store, place: Place, products: pa.Array) -> Values:
    if not store.has(place.table):
        return {kind: pa.chunked_array([pa.nulls(len(products), TYPES[kind])]) for kind in place.kinds}
    rows = store.read(place.table, ["id", *place.kinds], where=f"name = {text_literal(place.name)}")
    at = pc.index_in(products, value_set=rows.column("id"))
    return {kind: rows.column(kind).take(at) for kind in place.kinds}
