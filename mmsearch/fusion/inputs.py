"""What a profile was fitted on, so that a later look can tell what has changed: digests, 16 bytes a vector."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.store import Store
from mmsearch.store.vectors import source_hashes

Digests = NDArray[np.uint64]  # (m, 2): of a vector's key, of what it was made of; sorted by the key's


@dataclass(frozen=True)
class Inputs:
    """What there was to learn from.

    `identities` name the content of a table as it lies on disk: where one is the same, nothing needs to be compared. `counts` are of the
    vectors of every modality, `rows` of the further tables that a method reads (`Fuser.learns_from`), with a digest of their content.
    """

    vectors: dict[str, Digests]  # the modalities that it was fitted on
    counts: dict[str, int]  # every modality that had vectors
    identities: dict[str, str | None]
    rows: dict[str, tuple[int, str]] = field(default_factory=dict)

    def to_blob(self) -> tuple[dict[str, Any], bytes]:
        """JSON values and a binary part for the store's record."""
        from safetensors import numpy as safe

        values = {"counts": self.counts, "identities": self.identities, "rows": {t: list(found) for t, found in self.rows.items()}}
        return values, safe.save({m: np.ascontiguousarray(found) for m, found in self.vectors.items()})

    @staticmethod
    def from_record(store: Store, name: str) -> Inputs | None:
        """Those of a profile; None for one that was fitted before they were recorded."""
        from safetensors import numpy as safe

        values = store.record.get(f"inputs/{name}")
        if values is None:
            return None
        rows = {table: (int(count), str(digest)) for table, (count, digest) in values["rows"].items()}
        return Inputs(safe.load(store.record.blob(f"inputs/{name}")), values["counts"], values["identities"], rows)


def look(store: Store, tables: Mapping[str, str], fitted: Collection[str], learns_from: Collection[str] = ()) -> Inputs:
    """The inputs as they are now.

    Parameters
    ----------
    tables : modality → table of its vectors, of every modality that has any.
    fitted : the modalities that a method was fitted on. learns_from : further tables of the store that it reads.
    """
    read = [*(tables[m] for m in fitted if m in tables), *learns_from]
    return Inputs(
        {m: _digests(store, tables[m]) for m in fitted if m in tables},
        {m: store.count(table) for m, table in tables.items()},
        {table: store.identity(table) for table in read},
        {table: _content(store, table) for table in learns_from},
    )


def changes(store: Store, before: Inputs, tables: Mapping[str, str], fitted: Collection[str]) -> list[str]:
    """What has changed since, one line each, for people: '12 text vectors are new, 3 changed, 1 is gone'."""
    lines = []
    for modality in fitted:
        table = tables.get(modality)
        if table is not None and before.identities.get(table) is not None and store.identity(table) == before.identities[table]:
            continue
        now = _digests(store, table) if table is not None else np.empty((0, 2), np.uint64)
        lines += _compared(f"{modality} vectors", before.vectors.get(modality, np.empty((0, 2), np.uint64)), now)
    for modality, table in tables.items():
        if modality not in before.counts and modality not in fitted:
            lines.append(f"there are {modality} vectors now ({store.count(table):,})")
    for table, (count, digest) in before.rows.items():
        if before.identities.get(table) is not None and store.identity(table) == before.identities[table]:
            continue
        now_count, now_digest = _content(store, table)
        if now_count != count:
            lines.append(f"{table}: {now_count:,} rows instead of {count:,}")
        elif now_digest != digest:
            lines.append(f"{table}: other rows")
    return lines


def _digests(store: Store, table: str) -> Digests:
    found = source_hashes(store, table)
    out = np.array([[_eight(key), _eight(made_of)] for key, made_of in found.items()], np.uint64).reshape(-1, 2)
    return out[np.argsort(out[:, 0], kind="stable")]


def _eight(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _compared(what: str, before: Digests, now: Digests) -> list[str]:
    """Counts of what is new, changed and gone."""
    _, old, new = np.intersect1d(before[:, 0], now[:, 0], assume_unique=True, return_indices=True)
    fresh, gone = len(now) - len(new), len(before) - len(old)
    changed = int((before[old, 1] != now[new, 1]).sum())
    parts = [text for count, text in ((fresh, f"{fresh:,} new"), (changed, f"{changed:,} changed"), (gone, f"{gone:,} gone")) if count]
    return [f"{what}: {', '.join(parts)}"] if parts else []


def _content(store: Store, table: str) -> tuple[int, str]:
    """How many rows a table has and a digest of them, whatever their order; (0, '') where there is none."""
    opened = store.dataset(table)
    if opened is None:
        return 0, ""
    count, total = 0, 0
    columns = sorted(opened.schema.names)
    for batch in store.batches(table, columns):
        for row in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
            total += _eight(repr(row))
        count += len(batch)
    return count, f"{total % 2**64:016x}"
