"""What a store holds, apart from how it lies on disk: rows by key, vectors, the record. Two states can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmsearch.store import PRODUCTS, Store

_LEFT = " (left over)"  # a table of a profile's version that the record does not name
_RECORD = "mmsearch_record"
_REMEMBERED = ("_row",)  # a digest that lets an ingest pass a row over; a kill may cost it, which costs a comparison, no content
_SHOWN = 5
_NEAR = 1e-5  # the same content in a batch of another size may differ in the last bits


@dataclass
class Rows:
    """A table's rows by key. `vectors[i]` belongs to the i-th key; `twice`: keys that more than one row has."""

    values: dict[str, str] = field(default_factory=dict)
    vectors: np.ndarray | None = None
    place: dict[str, int] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    def same(self, key: str, other: Rows) -> bool:
        """Whether both have the key, with equal values and (nearly) equal vectors."""
        if self.values.get(key) != other.values.get(key) or key not in self.values:
            return False
        if self.vectors is None or other.vectors is None:
            return self.vectors is None and other.vectors is None
        mine, theirs = self.vectors[self.place[key]], other.vectors[other.place[key]]
        return mine.shape == theirs.shape and bool(np.abs(mine - theirs).max() < _NEAR)


State = dict[str, Rows]


def state_of(path: Path) -> State:
    """Every table of a store; a profile's tables without the number of its version. {} where there is no store."""
    store = Store(path)
    names = sorted(p.name.removesuffix(".lance") for p in path.glob("*.lance")) if path.is_dir() else []
    profiles = {key.removeprefix("profile/"): store.record.get(key) or {} for key in store.record.keys("profile/")}
    current = {f"{name}_v{profile['version']}" for name, profile in profiles.items()}
    state: State = {}
    for name in names:
        if not store.has(name):  # a table whose making was killed before its first version
            continue
        rows = _record(store) if name == _RECORD else _rows(store, name)
        if rows.values:
            versioned = re.fullmatch(r"(?:fused|projected)_(.+_v\d+)(?:_[a-z]+)?", name)
            state[unnumbered(name) + (_LEFT if versioned and versioned[1] not in current else "")] = rows
    return state


def _rows(store: Store, name: str) -> Rows:
    from mmsearch.store.vectors import to_rows

    table = store.read(name)
    rows = Rows()
    if "vector" in table.column_names:
        rows.vectors = to_rows(table).vectors
        table = table.drop_columns(["vector"])
    columns = sorted(c for c in table.column_names if c not in _REMEMBERED)
    key = "key" if "key" in columns else "id" if name == PRODUCTS else None
    lists = [table.column(c).to_pylist() for c in columns]
    for place, values in enumerate(zip(*lists, strict=True)):
        row = {c: v for c, v in zip(columns, values, strict=True) if v is not None}  # a column that was added is empty
        text = json.dumps(row, sort_keys=True, ensure_ascii=False, default=str)
        own = str(row[key]) if key is not None else text
        if own in rows.values:
            rows.twice.append(own)
        rows.values[own], rows.place[own] = text, place
    return rows


def _record(store: Store) -> Rows:
    """The record: keys → values, without version numbers. A fitted state is read by those who load it."""
    table = store.read(_RECORD, ["key", "value"])
    rows = Rows()
    for key, value in zip(table.column("key").to_pylist(), table.column("value").to_pylist(), strict=True):
        # The list of tables: state_of sees the tables themselves. What files were ingested: it names the products as they lie on disk.
        if key.startswith("table/") or key == "ingested":
            continue
        parsed = json.loads(value)
        if isinstance(parsed, dict) and key.startswith("profile/"):
            parsed = {k: v for k, v in parsed.items() if k != "version"}
        if isinstance(parsed, dict) and key.startswith("inputs/"):  # names of files, which are never given twice
            parsed = {k: v for k, v in parsed.items() if k != "identities"}
        if isinstance(parsed, dict) and key.startswith("feature/"):  # which files the product facts were made of: state_of sees the facts
            parsed = {k: v for k, v in parsed.items() if k != "rolled"}
        if isinstance(parsed, dict) and key in ("words", "completions"):  # the same: state_of sees what was made of them
            parsed = {k: v for k, v in parsed.items() if k != "tables"}
        if isinstance(parsed, dict) and "unfinished" in parsed:  # an ingest's note to the next one; how much it counted is no content
            parsed = {"unfinished": parsed["unfinished"]}
        if key in rows.values:
            rows.twice.append(key)
        rows.values[key] = unnumbered(json.dumps(_rounded(parsed), sort_keys=True, ensure_ascii=False))
    return rows


def _rounded(value: Any) -> Any:
    """Measured numbers to six digits: sums over rows in another order differ in the last bits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value


def unnumbered(text: str) -> str:
    """Names of a profile's tables without the number of its version."""
    return re.sub(r"((?:fused|projected)_[a-z0-9_-]+?)_v\d+", r"\1", text)


def differences(found: State, wanted: State) -> list[str]:
    """What a state has that the wanted one has not, and the other way round: one line a table."""
    lines = []
    for name in sorted({*found, *wanted}):
        a, b = found.get(name, Rows()), wanted.get(name, Rows())
        odd = [k for k in {*a.values, *b.values} if not a.same(k, b)]
        if odd:
            first = sorted(odd)[0]
            lines.append(
                f"{name}: {len(odd)} of {len({*a.values, *b.values})} rows differ, {_some(odd)}; "
                f"{first!r} is {a.values.get(first, 'absent')[:200]} and should be {b.values.get(first, 'absent')[:200]}"
            )
        if a.twice:
            lines.append(f"{name}: {len(a.twice)} keys twice, {_some(a.twice)}")
    return lines


def neither(found: State, versions: Sequence[State]) -> list[str]:
    """Rows that are whole in none of the versions: what a kill may leave is an old row or a new one, never another."""
    lines = []
    for name, rows in found.items():
        plain = name.removesuffix(_LEFT)
        known = [v[plain] for v in versions if plain in v]
        odd = [k for k in rows.values if not (name == _RECORD and _note(k, rows.values[k])) and not any(rows.same(k, v) for v in known)]
        if odd:
            first = sorted(odd)[0]
            lines.append(f"{name}: {len(odd)} of {len(rows.values)} rows are neither old nor new, {_some(odd)}: {rows.values[first][:300]}")
        if rows.twice:
            lines.append(f"{name}: {len(rows.twice)} keys twice, {_some(rows.twice)}")
    return lines


def _note(key: str, value: str) -> bool:
    """Whether an entry of the record is a note of a running command to the one that goes on after a kill; it is gone at the end."""
    # The names of facts come in as the facts do.
    return key.startswith(("encoder-pending/", "unfinished/")) or key == "facts" or '"unfinished"' in value


def lost(found: State, base: State, final: State) -> list[str]:
    """Rows that the state before and the state after both have, and this one has not."""
    lines = []
    for name in base:
        gone = (base[name].values.keys() & final.get(name, Rows()).values.keys()) - found.get(name, Rows()).values.keys()
        if gone:
            lines.append(f"{name}: {len(gone)} rows are gone, {_some(list(gone))}")
    return lines


def broken_vectors(found: State) -> list[str]:
    """Vectors that are not finite or not of length 1, or of a product that does not exist."""
    lines = []
    products = found["products"].values if "products" in found else {}
    for name, rows in found.items():
        if rows.vectors is None:
            continue
        lengths = np.linalg.norm(rows.vectors.astype(np.float64), axis=1)
        if bad := int((~(np.abs(lengths - 1) < 1e-3)).sum()):
            lines.append(f"{name}: {bad} vectors are not finite or not of length 1")
        ids = {json.loads(text)["id"] for text in rows.values.values()}
        if strange := [id for id in ids if id not in products]:
            lines.append(f"{name}: {len(strange)} vectors of products that do not exist, {_some(strange)}")
    return lines


def unlike_source(found: State, truth: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Products whose values are not those that the file gives."""
    rows = found["products"].values if "products" in found else {}
    odd = []
    for id, values in truth.items():
        row = json.loads(rows.get(id, "{}"))
        if any((row.get(name) or None) != (value or None) for name, value in values.items()):
            odd.append(id)
    odd += [id for id in rows if id not in truth]
    return [f"products: {len(odd)} are not as the file has them, {_some(odd)}"] if odd else []


def unlike_encoder(store: Path, found: State) -> list[str]:
    """Text and photo vectors that are not what the fake encoders give for the content (every one is encoded again)."""
    from fake_encoders import FakeImage, FakeText

    from mmsearch.encoders.sources import product_text

    products = {id: json.loads(text) for id, text in found["products"].values.items()} if "products" in found else {}
    known = {k: json.loads(v) for k, v in found[_RECORD].values.items()} if _RECORD in found else {}
    lines = []
    for modality in ("text", "image"):
        entry = known.get(f"encoder/{modality}")
        rows = found.get(entry["table"]) if entry else None
        if entry is None or rows is None or rows.vectors is None:
            continue
        seed = int(re.sub(r"\D", "", entry["spec"]) or 0)
        encoder = FakeText(seed=seed) if modality == "text" else FakeImage()
        keys = list(rows.values)
        contents: list[Any] = []
        for key in keys:
            id, _, part = key.partition("\x1f")
            product = products[id]
            path = Path(product.get("_folder", ".")) / part
            contents.append(product_text(product.get("title"), product.get("description")) if modality == "text" else path)
        encoded = encoder.encode(contents)
        ours = rows.vectors[[rows.place[keys[i]] for i in encoded.kept]]
        odd = [keys[encoded.kept[i]] for i in np.flatnonzero(np.abs(ours - encoded.vectors).max(axis=1) > _NEAR)]
        odd += [keys[i] for i, _ in encoded.failures]
        if odd:
            lines.append(f"{store.name}: {len(odd)} of {len(keys)} {modality} vectors are not what the encoder gives, {_some(odd)}")
    return lines


def _some(keys: Sequence[str]) -> str:
    shown = ", ".join(repr(k) for k in sorted(keys)[:_SHOWN])
    return f"{shown} …" if len(keys) > _SHOWN else shown
