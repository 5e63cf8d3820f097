"""The store's own record: what it is made of (format, attributes, encoders, profiles), so that a search needs no flags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mmsearch.errors import StoreError
from mmsearch.store.where import text_literal

if TYPE_CHECKING:
    from mmsearch.store.store import Store

_SCHEMA = pa.schema([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.string()), pa.field("blob", pa.large_binary())])


class Record:
    """Keys → JSON values, with an optional binary part (a fitted state as safetensors). A small table of the store itself."""

    TABLE = "mmsearch_record"

    def __init__(self, store: Store):
        self._store = store
        self._values: dict[str, Any] = {}
        self._version = 0

    def get(self, key: str) -> Any | None:
        """The value of a key, or None."""
        return self._all().get(key)

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that start with `prefix`, sorted."""
        return sorted(key for key in self._all() if key.startswith(prefix))

    def blob(self, key: str) -> bytes:
        """The binary part of a key. Raises StoreError if it has none."""
        value = self.state(key)
        if value is None:
            raise StoreError(f"{self._store.path}: the record {key} has no state; it is damaged")
        return value

    def state(self, key: str) -> bytes | None:
        """The binary part of a key, None if it has none. It is read when it is asked for, never with the values."""
        rows = self._store.read(self.TABLE, ["blob"], where=f"key = {text_literal(key)}")
        value = rows.column("blob")[0].as_py() if rows.num_rows else None
        return None if value is None else bytes(value)

    def put(self, key: str, value: Any, blob: bytes | None = None) -> None:
        """Set a key, at once and whole."""
        self.put_all({key: (value, blob)})

    def put_all(self, entries: Mapping[str, tuple[Any, bytes | None]]) -> None:
        """Set several keys (key → value and binary part) in one write: no reader, and no kill, sees some of them without the others."""
        values = [json.dumps(value, ensure_ascii=False) for value, _ in entries.values()]
        blobs = pa.array([blob for _, blob in entries.values()], pa.large_binary())
        self._store.upsert(self.TABLE, pa.table({"key": list(entries), "value": values, "blob": blobs}, schema=_SCHEMA), "key")

    def delete(self, key: str) -> None:
        """Remove a key; nothing happens if it is not there."""
        self._store.delete(self.TABLE, f"key = {text_literal(key)}")

    def _all(self) -> dict[str, Any]:
        version = self._store.version(self.TABLE)
        if version != self._version:
            rows = self._store.read(self.TABLE, ["key", "value"]) if version else _SCHEMA.empty_table()
            try:
                self._values = {
                    k: json.loads(v) for k, v in zip(rows.column("key").to_pylist(), rows.column("value").to_pylist(), strict=True)
                }
            except (TypeError, json.JSONDecodeError) as error:
                raise StoreError(f"{self._store.path}: the store's record cannot be read: {error}") from error
            self._version = version
        return self._values
