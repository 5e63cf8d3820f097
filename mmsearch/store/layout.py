"""Which attributes have columns and which are sparse, and how one becomes the other without a moment at which a value is lost or doubled.

Moving an attribute takes three steps: its values are written to the new place, the record is switched (one write: see
`mmsearch.store.attributes`), the old place is cleaned. Readers go by the record alone, so before the switch they do not see the
new place and after it not the old one: a process that is killed between any two steps leaves every value readable, once. `tidy`
removes what such a process left in the place that the record does not name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.store.attributes import CORE, TYPES, Attributes, load_attributes, save_attributes
from mmsearch.store.sparse import Cell, count_names, maintain, upsert_cells
from mmsearch.store.store import ATTRIBUTES, PRODUCTS, Store
from mmsearch.store.where import id_list

COLUMN_SHARE = 0.05  # of the products: an attribute that so many fill gets columns
KEEP_SHARE = 0.025  # and loses them when it falls below this: half, so that no attribute goes back and forth
MAX_COLUMNS = 200  # attributes with columns: each costs every file of the table, and in a small store nearly every name is at 5 %

_T = TypeVar("_T")
_CELLS = 200_000  # values moved at a time
_NAMES = 20  # attributes moved at a time


def choose(filled: Mapping[str, int], products: int, have: Collection[str] = ()) -> list[str]:
    """The attributes that should have columns, the most filled first.

    Parameters
    ----------
    filled : name → products that have it. products : how many there are. have : the names that have columns now.
    """
    if not products:
        return []
    favour = COLUMN_SHARE / KEEP_SHARE
    share = {name: count / products * (favour if name in have else 1) for name, count in filled.items() if name not in CORE}
    enough = [name for name, s in share.items() if s >= COLUMN_SHARE]
    return sorted(enough, key=lambda name: -share[name])[:MAX_COLUMNS]


def fills(store: Store, attributes: Attributes) -> Counter[str]:
    """name → number of products that have a value, of every attribute. Reads every column once, in bounded memory."""
    counts = Counter(dict.fromkeys(attributes.names(), 0))
    opened = store.dataset(PRODUCTS)
    there = set(opened.schema.names) if opened is not None else set()
    owner = {c: name for name, kinds in attributes.columns.items() for c in kinds.values() if c in there}
    for batch in store.batches(PRODUCTS, list(owner)):
        for column, name in owner.items():
            values = batch.column(column)
            counts[name] += len(values) - values.null_count
    for name, count in count_names(store).items():
        if name in attributes.sparse and name not in attributes.columns:
            counts[name] += count
    return counts


def survey(store: Store) -> dict[str, dict[str, Any]]:
    """name → {filled, share, types, sparse} of every attribute, the most filled first, core attributes among them."""
    attributes = load_attributes(store)
    filled = fills(store, attributes)
    products = store.count(PRODUCTS)
    found = {}
    for name in sorted(filled, key=lambda n: -filled[n]):
        sparse = name not in attributes.columns
        types = list(attributes.sparse[name] if sparse else attributes.columns[name])
        found[name] = {"filled": filled[name], "share": filled[name] / products if products else 0.0, "types": types, "sparse": sparse}
    return found


def rebalance(store: Store) -> None:
    """Give columns to the attributes that should have them, and take them from those that should not. The caller holds `Store.writing`."""
    attributes = load_attributes(store)
    filled = fills(store, attributes)
    own = [name for name in attributes.columns if name not in CORE]
    wanted = choose(filled, store.count(PRODUCTS), own)
    for names in _portions([name for name in own if name not in set(wanted)], filled):
        _demote(store, names)
    for names in _portions([name for name in wanted if name not in attributes.columns], filled):
        _promote(store, names)
    attributes = load_attributes(store)
    if gone := [name for name in attributes.sparse if not filled[name]]:
        for name in gone:
            del attributes.sparse[name]
        save_attributes(store, attributes)
    maintain(store)


def tidy(store: Store) -> None:
    """Remove what a process that was killed left: values where the record does not see them, and those of products that never came."""
    attributes = load_attributes(store)
    products = store.dataset(PRODUCTS)
    if products is not None:
        named = {c for kinds in attributes.columns.values() for c in kinds.values()} | set(CORE)
        store.drop_columns(PRODUCTS, [c for c in products.schema.names if c not in named and not c.startswith("_")])
    if not store.has(ATTRIBUTES):
        return
    if moved := [name for name in count_names(store) if name in attributes.columns]:
        store.delete(ATTRIBUTES, id_list("name", moved))
    ids = store.read(PRODUCTS, ["id"]).column("id") if products is not None else pa.array([], pa.string())
    orphans: set[str] = set()
    for batch in store.batches(ATTRIBUTES, ["id"], 100_000):
        strange = batch.column("id").filter(pc.invert(pc.is_in(batch.column("id"), value_set=ids)))
        orphans.update(strange.unique().to_pylist())
    for some in _pieces(sorted(orphans), 5_000):
        store.delete(ATTRIBUTES, id_list("id", some))


def _promote(store: Store, names: Sequence[str]) -> None:
    """Table → columns. An update of these columns alone: no other column is rewritten."""
    attributes = load_attributes(store)
    rows = store.read(ATTRIBUTES, ["id", "name", *TYPES], where=id_list("name", list(names)))
    products = store.read(PRODUCTS, ["id"]).column("id")
    rows = rows.filter(pc.is_in(rows.column("id"), value_set=products))
    ids = pc.unique(rows.column("id"))
    fields, columns = [pa.field("id", pa.string(), nullable=False)], [ids]
    for name in names:
        mine = rows.filter(pc.equal(rows.column("name"), name))
        place = pc.index_in(ids, value_set=mine.column("id"))
        for kind in attributes.sparse[name]:
            fields.append(pa.field(attributes.column(name, kind), TYPES[kind]))
            columns.append(mine.column(kind).combine_chunks().take(place))
    store.upsert(PRODUCTS, pa.Table.from_arrays(columns, schema=pa.schema(fields)), "id")
    save_attributes(store, attributes)  # the switch
    store.delete(ATTRIBUTES, id_list("name", list(names)))


def _demote(store: Store, names: Sequence[str]) -> None:
    """Columns → table."""
    attributes = load_attributes(store)
    columns = [(name, kind, column) for name in names for kind, column in attributes.columns[name].items()]
    for name, kind, column in columns:
        rows = store.read(PRODUCTS, ["id", column], where=f"`{column}` IS NOT NULL")
        ids, values = rows.column("id").to_pylist(), rows.column(column).to_pylist()
        cells: list[Cell] = [(id, name, kind, value) for id, value in zip(ids, values, strict=True)]
        for some in _pieces(cells, _CELLS):
            upsert_cells(store, some)
    for name in names:
        attributes.sparse[name] = tuple(attributes.columns.pop(name))
    save_attributes(store, attributes)  # the switch
    store.drop_columns(PRODUCTS, [column for _, _, column in columns])


def _portions(names: Sequence[str], filled: Mapping[str, int]) -> Iterator[list[str]]:
    """Names in groups of few enough values to be moved at once."""
    group: list[str] = []
    for name in names:
        if group and (len(group) == _NAMES or sum(filled[n] for n in [*group, name]) > _CELLS):
            yield group
            group = []
        group.append(name)
    if group:
        yield group


def _pieces(items: Sequence[_T], size: int) -> Iterator[list[_T]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
