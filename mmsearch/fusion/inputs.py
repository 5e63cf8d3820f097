"""What a profile was fitted on, so that a later look can tell what has changed: digests, 16 bytes a vector."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mmsearch.fusion.base import ATTRIBUTES, EVERY
from mmsearch.fusion.digests import Digests, number, of_table
from mmsearch.store import Store
from mmsearch.store.attributes import CORE, HIDDEN


@dataclass(frozen=True)
class Inputs:
    """What there was to learn from.

    `identities` name the content of a table as it lies on disk: where one is the same, nothing needs to be compared. `counts` are of the
    vectors of every modality, `rows` of the further tables that a method reads, with a digest of what stands in the columns that it reads
    and these (`Fuser.learns_from`).
    """

    vectors: dict[str, Digests]  # the modalities that it was fitted on
    counts: dict[str, int]  # every modality that had vectors
    identities: dict[str, str | None]
    rows: dict[str, tuple[int, str, list[str]]] = dataclasses.field(default_factory=dict)

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
        # Before the columns were recorded, a digest was of all of them: what it says cannot be compared any more.
        rows = {table: (int(count), str(digest), *(columns or [[]])) for table, (count, digest, *columns) in values["rows"].items()}
        return Inputs(safe.load(store.record.blob(f"inputs/{name}")), values["counts"], values["identities"], rows)


def look(store: Store, tables: Mapping[str, str], fitted: Collection[str], learns_from: Mapping[str, Sequence[str]]) -> Inputs:
    """The inputs as they are now.

    Parameters
    ----------
    tables : modality → table of its vectors, of every modality that has any.
    fitted : the modalities that a method was fitted on. learns_from : as `Fuser.learns_from`.
    """
    read = [*(tables[m] for m in fitted if m in tables), *learns_from]
    return Inputs(
        {m: of_table(store, tables[m]) for m in fitted if m in tables},
        {m: store.count(table) for m, table in tables.items()},
        {table: store.identity(table) for table in read},
        {table: (*_content(store, table, columns), list(columns)) for table, columns in learns_from.items()},
    )


def changes(store: Store, before: Inputs, tables: Mapping[str, str], fitted: Collection[str]) -> list[str]:
    """What has changed since, one line each, for people: '12 text vectors are new, 3 changed, 1 is gone'."""
    lines = []
    for modality in fitted:
        table = tables.get(modality)
        if table is not None and before.identities.get(table) is not None and store.identity(table) == before.identities[table]:
            continue
        now = of_table(store, table) if table is not None else np.empty((0, 2), np.uint64)
        lines += _compared(f"{modality} vectors", before.vectors.get(modality, np.empty((0, 2), np.uint64)), now)
    for modality, table in tables.items():
        if modality not in before.counts and modality not in fitted:
            lines.append(f"there are {modality} vectors now ({store.count(table):,})")
    for table, (count, digest, columns) in before.rows.items():
        if before.identities.get(table) is not None and store.identity(table) == before.identities[table]:
            continue
        now_count, now_digest = _content(store, table, columns)
        if now_count != count:
            lines.append(f"{table}: {now_count:,} rows instead of {count:,}")
        elif now_digest != digest:
            lines.append(f"{table}: other {_named(columns)}")
    return lines


def _named(columns: Sequence[str]) -> str:
    """What differs where the digest of some columns does, for people."""
    read = [name.removeprefix("*") for name in columns if name not in ("id", *EVERY)]
    return " or ".join(part for part in (", ".join(read[:-1]), read[-1]) if part) if read else "rows"


def _compared(what: str, before: Digests, now: Digests) -> list[str]:
    """Counts of what is new, changed and gone."""
    _, old, new = np.intersect1d(before[:, 0], now[:, 0], assume_unique=True, return_indices=True)
    fresh, gone = len(now) - len(new), len(before) - len(old)
    changed = int((before[old, 1] != now[new, 1]).sum())
    parts = [text for count, text in ((fresh, f"{fresh:,} new"), (changed, f"{changed:,} changed"), (gone, f"{gone:,} gone")) if count]
    return [f"{what}: {', '.join(parts)}"] if parts else []


def _content(store: Store, table: str, read: Sequence[str]) -> tuple[int, str]:
    """How many rows a table has and a digest of the columns that are read, whatever the order of rows; (0, '') where there is none."""
    opened = store.dataset(table)
    if opened is None:
        return 0, ""
    columns = sorted(name for name in opened.schema.names if EVERY[0] in read or name in read)
    if ATTRIBUTES in read:
        columns += sorted(field.name for field in opened.schema if field.name not in (*CORE, *HIDDEN) and _can_be_shared(field.type))
    if not columns:
        return store.count(table), ""
    count, total = 0, 0
    for batch in store.batches(table, columns):
        for row in zip(*(batch.column(name).to_pylist() for name in columns), strict=True):
            total += number(repr(row))
        count += len(batch)
    return count, f"{total % 2**64:016x}"


def _can_be_shared(type: pa.DataType) -> bool:
    """Whether values of a column make products alike, as those of numbers and dates do not."""
    return bool(pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_boolean(type) or pa.types.is_list(type))
