"""Facts: what features found. Each feature has a table of what it found in each item; the table `facts` says what follows for each product.

A feature's table: `key` (id and part, unique), `id`, `part` (the medium, the review), `source_hash` (of the content and the feature that
looked at it), `facts` (JSON: a list of objects). The table `facts` is laid out as `mmsearch.store.sparse` is, so that filters ask both
alike. The record's key `facts` says which names there are: name → [feature, type].
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from mmsearch.errors import StoreError
from mmsearch.store.sparse import Cell, delete_cells, read_cells, upsert_cells
from mmsearch.store.store import FACTS, Store
from mmsearch.store.vectors import key_of
from mmsearch.store.where import id_list

RECORD = "facts"
_SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("key", "id", "part", "source_hash", "facts")])
_AT_ONCE = 10_000  # keys in one deletion


class FactRow(NamedTuple):
    """What a feature found in one item.

    `facts` are objects of JSON: name, value, and what else is known (`mmsearch.features.base.Fact`).
    """

    id: str
    part: str
    source_hash: str
    facts: list[dict[str, Any]]


def facts_table(feature: str) -> str:
    """The name of a feature's table."""
    return f"facts_{feature}"


def write_rows(store: Store, feature: str, rows: Sequence[FactRow], *, new: bool) -> None:
    """Write what was found in some items;

    `new`: the caller knows that none of them is there yet. For a caller that holds `Store.writing`.
    """
    if not rows:
        return
    ids, parts, hashes, facts = zip(*rows, strict=True)
    columns = [list(map(key_of, ids, parts)), ids, parts, hashes, [json.dumps(one, ensure_ascii=False) for one in facts]]
    table = pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=_SCHEMA)
    (store.append if new else store.upsert)(facts_table(feature), table, "key")


def read_rows(store: Store, feature: str, ids: Sequence[str] | None = None) -> Iterator[FactRow]:
    """What a feature found in the items of some products, or of all. Nothing if it has not run. Raises StoreError for a damaged row."""
    table = facts_table(feature)
    if not store.has(table):
        return
    columns = _SCHEMA.names[1:]
    if ids is None:
        batches: Iterator[Any] = store.batches(table, columns)
    else:
        batches = iter(store.read(table, columns, where=id_list("id", list(ids))).to_batches())
    for batch in batches:
        for id, part, source_hash, facts in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            try:
                yield FactRow(id, part, source_hash, json.loads(facts))
            except ValueError as error:
                raise StoreError(f"{store.path}: the facts of {id} in {table} cannot be read: {error}") from error


def fact_names(store: Store) -> dict[str, tuple[str, str]]:
    """Name → (feature, type) of the facts that products have."""
    return {name: (feature, kind) for name, (feature, kind) in (store.record.get(RECORD) or {}).items()}


def read_facts(store: Store, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, Any]]]:
    """id → name → (type, value) of what follows for products."""
    return read_cells(store, ids, FACTS)


def replace_facts(store: Store, feature: str, values: Mapping[str, Mapping[str, tuple[str, Any]]]) -> None:
    """Set all that follows from a feature for some products: id → name → (type, value). For a caller that holds `Store.writing`.

    Names come into the record before their values, so that no value is ever there that no filter can ask.
    """
    names = fact_names(store)
    mine = {name for name, (owner, _) in names.items() if owner == feature}
    found = {name: (feature, kind) for one in values.values() for name, (kind, _) in one.items()}
    if any(names.get(name) != known for name, known in found.items()):
        store.record.put(RECORD, names | found)
    old = read_facts(store, list(values))
    gone = [key_of(id, name) for id, have in old.items() for name in have if name in mine and name not in values[id]]
    delete_cells(store, gone, FACTS)
    cells: list[Cell] = [(id, name, kind, value) for id, one in values.items() for name, (kind, value) in one.items()]
    upsert_cells(store, cells, FACTS)


def forget_feature(store: Store, feature: str) -> None:
    """Remove all that a feature found and what follows from it. For a caller that holds `Store.writing`."""
    names = fact_names(store)
    mine = [name for name, (owner, _) in names.items() if owner == feature]
    store.delete(FACTS, id_list("name", mine))
    if mine:
        store.record.put(RECORD, {name: known for name, known in names.items() if name not in mine})
    store.drop(facts_table(feature))


def passages(store: Store, feature: str, characters: int, ids: Collection[str] | None = None) -> Iterator[tuple[str, str, float, str]]:
    """The texts of a feature that have a second: (id, part, second, text), neighbours joined up to so many characters."""
    wanted = None if ids is None else set(ids)
    by_id: dict[str, list[FactRow]] = defaultdict(list)
    for row in read_rows(store, feature):
        if wanted is None or row.id in wanted:
            by_id[row.id].append(row)
    for id in sorted(by_id):
        for row in sorted(by_id[id], key=lambda one: one.part):
            spoken = [
                (float(f["second"]), str(f["value"])) for f in row.facts if f.get("second") is not None and isinstance(f["value"], str)
            ]
            yield from ((id, row.part, second, text) for second, text in _joined(sorted(spoken), characters))


def _joined(texts: Sequence[tuple[float, str]], characters: int) -> Iterator[tuple[float, str]]:
    start, joined = 0.0, ""
    for second, text in texts:
        if joined and len(joined) + len(text) >= characters:
            yield start, joined
            joined = ""
        start, joined = (start, f"{joined} {text}") if joined else (second, text)
    if joined:
        yield start, joined
