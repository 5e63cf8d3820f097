"""What features found in items → what follows for each product: the facts that filters ask and `show` prints."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from mmsearch.errors import StoreError
from mmsearch.features.base import Fact, Found
from mmsearch.features.chosen import On
from mmsearch.store import FACTS, Store
from mmsearch.store.facts import FactRow, fact_names, facts_table, read_rows, replace_facts
from mmsearch.store.sparse import ids_with

_AT_ONCE = 1_000  # products


def facts_of(on: On, found: Sequence[Fact]) -> list[dict[str, Any]]:
    """Facts as they are kept: what is not known of one is left out. Raises ValueError for one that is none."""
    kept = []
    for fact in found:
        values = {name: getattr(fact, name) for name in ("name", "value", "score", "second", "end", "box")}
        numbers = [v for v in (values["value"], values["score"], values["second"], values["end"]) if isinstance(v, float)]
        if not isinstance(fact.value, str | int | float) or not all(map(math.isfinite, numbers)):
            raise ValueError(f"the feature {on.name} found {fact}, which is neither a text nor a finite number")
        kept.append({name: value for name, value in values.items() if value is not None})
    return kept


def as_fact(kept: dict[str, Any]) -> Fact:
    """What `facts_of` made of a fact → the fact."""
    box = kept.get("box")
    return Fact(**{**kept, "box": None if box is None else tuple(box)})


def roll_up(store: Store, on: On, products: Collection[str] | None) -> None:
    """Make a feature's facts of some products, or of all (None), of what its table says now."""
    ids: Iterator[str] = iter(sorted(products)) if products is not None else iter(_all_products(store, on.name))
    while some := list(itertools.islice(ids, _AT_ONCE)):
        found: dict[str, list[FactRow]] = defaultdict(list)
        for row in read_rows(store, on.name, some):
            found[row.id].append(row)
        values = {id: _values(on, sorted(found[id], key=lambda row: row.part)) if id in found else {} for id in some}
        with store.writing("embed", patience=math.inf):
            replace_facts(store, on.name, values)


def _all_products(store: Store, name: str) -> list[str]:
    """Also those that have facts of the feature but nothing that it looked at any more."""
    mine = [fact for fact, (owner, _) in fact_names(store).items() if owner == name]
    there = {id for batch in store.batches(facts_table(name), ["id"]) for id in batch.column("id").to_pylist()}
    return sorted(there | ids_with(store, mine, FACTS))


def _values(on: On, rows: Sequence[FactRow]) -> dict[str, tuple[str, Any]]:
    """name → (type, value) of one product. Raises StoreError for what does not keep the contract: nothing of it is written."""
    rolled = on.feature.roll_up([Found(row.part, tuple(map(as_fact, row.facts))) for row in rows])
    values = {}
    for name, value in rolled.items():
        kind = _kind(on, name)
        if kind is None or not _fits(kind, value):
            raise StoreError(
                f"internal error: the feature {on.name} says {name} = {value!r} of {rows[0].id}; its names: {dict(on.feature.names)}"
            )
        values[name] = kind, float(value) if kind == "number" else value
    return values


def _kind(on: On, name: str) -> str | None:
    names = on.feature.names
    return names.get(name) or next((kind for one, kind in names.items() if one.endswith("*") and name.startswith(one[:-1])), None)


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "text":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case _:
            return kind == "list" and isinstance(value, list) and all(isinstance(item, str) for item in value)
