"""A store: a LanceDB folder whose tables hold products, interactions and vectors, and a record of what made them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.errors import StoreError
from mmsearch.settings import store_path
from mmsearch.store.lock import write_lock
from mmsearch.store.record import Record

PRODUCTS = "products"
INTERACTIONS = "interactions"

#: Raised when the layout changes so that an older mmsearch would misread it.
FORMAT = 1

_INSERT_BATCH = 50_000  # rows a merge: bounds memory, and LanceDB's merge holds one side in memory


class Store:
    """One store. Nothing is opened before it is needed; every read sees the newest whole version of a table.

    Parameters
    ----------
    path : folder or URI; default `MMSEARCH_STORE`, else `./mmsearch.lancedb`.
    """

    def __init__(self, path: str | Path | None = None):
        self.path = str(path) if path is not None else store_path()
        self._datasets: dict[str, Any] = {}
        self._connection: Any = None
        self.record = Record(self)

    # -- opening ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Make sure this is a store that this mmsearch can read.

        Raises
        ------
        StoreError : no store there, not a store, or written by a newer mmsearch.
        """
        if self.dataset(Record.TABLE) is None:
            where = Path(self.path)
            if "://" not in self.path and where.exists():
                if not where.is_dir() or any(where.iterdir()):
                    raise StoreError(f"{self.path} is not an mmsearch store", hint="choose another folder with --store (or MMSEARCH_STORE)")
            raise StoreError(
                f"there is no store at {self.path}", hint="make one: mmsearch ingest products.csv   (or name another with --store)"
            )
        layout = self.record.get("format") or {}
        version = layout.get("version")
        if not isinstance(version, int):
            raise StoreError(f"{self.path}: the store's record holds no format version; it is damaged or not a store")
        if version > FORMAT:
            raise StoreError(
                f"{self.path} was written by mmsearch {layout.get('written_by', '?')} (store format {version}); this mmsearch reads format {FORMAT}",
                hint="install a newer mmsearch: pip install --upgrade mmsearch",
            )

    def create(self) -> None:
        """Make an empty store, or check the one that is there. Raises StoreError as `check` does, or if the folder cannot be made."""
        if self.dataset(Record.TABLE) is not None:
            return self.check()
        where = Path(self.path)
        if "://" not in self.path:
            if where.exists() and (not where.is_dir() or any(p.name != ".lock" for p in where.iterdir())):
                raise StoreError(
                    f"{self.path} exists and is not an mmsearch store", hint="choose another folder with --store (or MMSEARCH_STORE)"
                )
            try:
                where.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"cannot make the store folder {self.path}: {error.strerror}") from error
        from importlib.metadata import version

        self.record.put("format", {"version": FORMAT, "written_by": version("mmsearch")})
        return None

    @contextlib.contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Hold the store's one write lock while the body runs; waits for another writer and says so. `what` names the command."""
        with write_lock(self.path, what):
            yield

    # -- reading ---------------------------------------------------------------------------------------------------

    def dataset(self, table: str) -> Any | None:
        """The newest version of a table as a `lance.LanceDataset`, or None if there is no such table."""
        cached = self._datasets.get(table)
        if cached is not None:
            try:
                if cached.latest_version == cached.version:
                    return cached
            except (OSError, ValueError):  # the table was dropped or replaced since: look again below
                del self._datasets[table]
        import lance

        uri = f"{self.path}/{table}.lance"
        if "://" not in self.path and not Path(uri).is_dir():
            return None
        try:
            opened = lance.dataset(uri)
        except ValueError as error:
            if "not found" in str(error):
                return None
            raise StoreError(f"cannot open the table {table} of {self.path}: {error}") from error
        except OSError as error:
            raise StoreError(f"cannot open the table {table} of {self.path}: {error}") from error
        self._datasets[table] = opened
        return opened

    def has(self, table: str) -> bool:
        return self.dataset(table) is not None

    def count(self, table: str, where: str | None = None) -> int:
        """Number of rows (that match a compiled filter)."""
        opened = self.dataset(table)
        return 0 if opened is None else int(opened.count_rows(filter=where))

    def read(self, table: str, columns: Sequence[str] | None = None, where: str | None = None, limit: int | None = None) -> pa.Table:
        """Rows of a table. `where` is a filter compiled by `mmsearch.store.where`, never a user's string.

        Raises StoreError if there is no such table.
        """
        opened = self.dataset(table)
        if opened is None:
            raise StoreError(f"{self.path} has no table {table}")
        return opened.to_table(columns=list(columns) if columns is not None else None, filter=where, limit=limit)

    def batches(self, table: str, columns: Sequence[str], rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """The rows of a table in batches, for bounded memory. Nothing if there is no such table."""
        opened = self.dataset(table)
        if opened is not None:
            yield from opened.to_batches(columns=list(columns), batch_size=rows)

    def version(self, table: str) -> int:
        """Version of a table, 0 if there is none: equal versions hold equal rows."""
        opened = self.dataset(table)
        return 0 if opened is None else int(opened.version)

    # -- writing ---------------------------------------------------------------------------------------------------

    def connect(self) -> Any:
        """The lancedb connection (imports lancedb: writers only)."""
        if self._connection is None:
            import lancedb

            self._connection = lancedb.connect(self.path)
        return self._connection

    def open_table(self, table: str, schema: pa.Schema, key: str) -> Any:
        """A lancedb table for writing, created with a declared key if it is not there; columns that it lacks are added (null)."""
        connection = self.connect()
        if not self.has(table):
            made = connection.create_table(table, schema=schema)
            made.set_unenforced_primary_key(key)  # LanceDB then refuses a second row of a key, also from another process
            return made
        opened = connection.open_table(table)
        have = set(opened.schema.names)
        if missing := [field for field in schema if field.name not in have]:
            opened.add_columns(pa.schema(missing))
        return opened

    def upsert(self, table: str, rows: pa.Table, key: str) -> None:
        """Insert rows; where the key is there already, the given columns replace the old ones and the others stay. The caller has removed duplicate keys from `rows`.

        Raises StoreError for duplicate keys in `rows` or a failed write; what was there stays whole.
        """
        if rows.num_rows == 0:
            return
        if pc.count_distinct(rows.column(key)).as_py() != rows.num_rows:
            raise StoreError(f"internal error: duplicate values of {key} in one write to {table}")
        opened = self.open_table(table, rows.schema, key)
        try:
            if opened.count_rows() == 0:
                opened.add(rows)
            else:
                for start in range(0, rows.num_rows, _INSERT_BATCH):
                    piece = rows.slice(start, _INSERT_BATCH)
                    opened.merge_insert(key).when_matched_update_all().when_not_matched_insert_all().execute(piece)
        except (RuntimeError, OSError, ValueError) as error:
            raise StoreError(f"writing {rows.num_rows} rows to {table} of {self.path} failed: {error}") from error

    def delete(self, table: str, where: str) -> None:
        """Delete the rows that match a compiled filter."""
        if self.has(table):
            self.connect().open_table(table).delete(where)

    def drop(self, table: str) -> None:
        """Remove a table; nothing happens if there is none."""
        if self.has(table):
            self._datasets.pop(table, None)
            self.connect().drop_table(table)

    def optimize(self, table: str) -> None:
        """Merge the small files that many writes leave."""
        if self.has(table):
            self.connect().open_table(table).optimize()
