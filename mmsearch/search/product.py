"""Everything a store knows of a product: what `mmsearch show` prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.errors import InputError, did_you_mean
from mmsearch.features.chosen import recorded_features
from mmsearch.fusion import profile as profiles
from mmsearch.media.fetch import fetched_folder, fetched_path
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, load_attributes
from mmsearch.store.dates import iso_text
from mmsearch.store.facts import read_facts, read_rows
from mmsearch.store.sparse import read_cells
from mmsearch.store.where import id_list

_MEDIA = tuple(name for name, kind in CORE.items() if kind == "list")
_NAMED = 10  # ids that an error names
_COMPARED = 100_000  # ids that a near miss is looked for in


def describe(store: Store, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """id → what is known of the product, for those ids that the store has, in the order given.

    `fields` are those that every product may have, `attributes` the shop's own (by name; numbers, texts, truth values and lists as
    they are, times as ISO 8601), `media` each photo, sound and clip with its `state` (there, missing, web address), `vectors` each with
    what made it: a `modality` and an `encoder`, or a `profile`. `facts` are what features found out (by name), `found` each thing that they
    found: `feature`, `part` (the medium, the review), `name`, `value`, and `score`, `second`, `end`, `box` where known. What is missing
    is left out.
    """
    if not store.has(PRODUCTS):
        raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
    wanted = list(dict.fromkeys(ids))
    attributes = load_attributes(store)
    rows = {row["id"]: row for row in store.read(PRODUCTS, where=id_list("id", wanted)).to_pylist()}
    found = [id for id in wanted if id in rows]
    sparse = read_cells(store, found)
    vectors = _vectors(store, found)
    facts, seen = read_facts(store, found), _found(store, found)
    described = {}
    for id in found:
        known = {name: typed for name in attributes.columns if (typed := attributes.typed(name, rows[id])) is not None}
        known |= {name: typed for name, typed in sparse[id].items() if name not in attributes.columns}
        fields = {name: _shown(*known[name]) for name in CORE if name in known and name != "id" and name not in _MEDIA}
        own = {name: _shown(*known[name]) for name in sorted(known, key=lambda n: (n.casefold(), n)) if name not in CORE}
        media = [_medium(store, name, item, rows[id].get("_folder")) for name in _MEDIA if name in known for item in known[name][1]]
        described[id] = {"id": id, "fields": fields, "attributes": own, "media": media}
        described[id] |= {
            "facts": {name: value for name, (_, value) in sorted(facts[id].items())},
            "found": seen[id],
            "vectors": vectors[id],
        }
    return described


def unknown_products(store: Store, unknown: Sequence[str]) -> InputError:
    """The error for ids that the store does not have, with near misses: the same id in another case or with spaces, else a similar one."""
    ids = store.read(PRODUCTS, ["id"]).column("id")
    lines = [f"there is no product {id}{_near(id, ids)}" for id in unknown[:_NAMED]]
    more = f"\nand {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
    hint = "ids are those of the catalogue; some of them: mmsearch search TEXT --format ids"
    return InputError("\n".join(lines) + more, hint=hint)


def _near(id: str, ids: pa.ChunkedArray) -> str:
    same = ids.filter(pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(ids)), id.strip().lower()))
    if len(same):
        return f"; did you mean {same[0]}?"
    return did_you_mean(id, ids.filter(pc.starts_with(ids, id[:1])).slice(0, _COMPARED).to_pylist())


def _shown(kind: str, value: Any) -> Any:
    return iso_text(value) if kind == "time" else value


def _medium(store: Store, field: str, item: str, folder: str | None) -> dict[str, str]:
    if "://" in item:
        fetched = fetched_folder(store.path)
        file = fetched and fetched_path(item, fetched)
        state = {"file": str(file), "state": "fetched"} if file and file.is_file() else {"state": "web address"}
        return {"field": field, "path": item, **state}
    path = Path(folder or ".") / item
    try:
        there = path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    return {"field": field, "path": item, "file": str(path), "state": "there" if there else "missing"}


def _found(store: Store, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """id → what features found in each of its items."""
    found: dict[str, list[dict[str, Any]]] = {id: [] for id in ids}
    for name in recorded_features(store):
        for row in sorted(read_rows(store, name, ids)):
            found[row.id] += [{"feature": name, "part": row.part, **fact} for fact in row.facts]
    return found


def _vectors(store: Store, ids: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """id → its vectors, each as what made it and which part (photo) of the product it is of."""
    tables: list[tuple[str, dict[str, str]]] = []
    for key in store.record.keys("encoder/"):
        known = store.record.get(key) or {}
        tables.append((known["table"], {"modality": key.removeprefix("encoder/"), "encoder": known["spec"]}))
    tables += [(profiles.load(store, name).fused_table, {"profile": name}) for name in profiles.names(store)]
    found: dict[str, list[dict[str, str]]] = {id: [] for id in ids}
    for table, made_by in tables:
        if store.has(table):
            rows: pa.Table = store.read(table, ["id", "part"], where=id_list("id", list(ids)))
            for id, part in sorted(zip(rows.column("id").to_pylist(), rows.column("part").to_pylist(), strict=True)):
                found[id].append(made_by | {"part": part})
    return found
