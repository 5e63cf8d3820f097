"""A store: a LanceDB folder whose tables hold products, interactions and vectors, and a record of what made them."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.errors import StoreError
from mmsearch.settings import store_path
from mmsearch.store.lock import LOCK_FILE, write_lock
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
        self._opened: dict[str, _Opened] = {}
        self._count = itertools.count(1)
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
            self._refuse_foreign()
            hint = "make one: mmsearch ingest products.csv   (or name another with --store)"
            raise StoreError(f"there is no store at {self.path}", hint=hint)
        layout = self.record.get("format") or {}
        version = layout.get("version")
        if not isinstance(version, int):
            raise StoreError(f"{self.path}: the store's record holds no format version; it is damaged or not a store")
        if version > FORMAT:
            made_by = f"mmsearch {layout.get('written_by', '?')} (store format {version})"
            hint = "install a newer mmsearch: pip install --upgrade mmsearch"
            raise StoreError(f"{self.path} was written by {made_by}; this mmsearch reads format {FORMAT}", hint=hint)

    def create(self) -> None:
        """Make an empty store, or check the one that is there. Raises StoreError as `check` does, or if the folder cannot be made."""
        if not self.record.keys():
            self._refuse_foreign()
            with self.writing("make the store"):
                if not self.record.keys():  # else another process was first
                    from importlib.metadata import version

                    self.record.put("format", {"version": FORMAT, "written_by": version("mmsearch")})
        self.check()

    def _refuse_foreign(self) -> None:
        """Raise StoreError if something that is not ours lies where the store would: it must not be written into."""
        if "://" in self.path:
            return
        where = Path(self.path)
        try:
            foreign = where.exists() and not (
                where.is_dir() and all(p.name in (LOCK_FILE, f"{Record.TABLE}.lance") for p in where.iterdir())
            )
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        if foreign:
            raise StoreError(f"{self.path} is not an mmsearch store", hint="choose another folder with --store (or MMSEARCH_STORE)")

    @contextlib.contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Hold the store's one write lock while the body runs; waits for another writer and says so. `what` names the command."""
        with write_lock(self.path, what):
            yield

    # -- reading ---------------------------------------------------------------------------------------------------

    def dataset(self, table: str) -> Any | None:
        """The newest version of a table as a `lance.LanceDataset`, or None if there is no such table."""
        opened = self._open(table)
        return None if opened is None else opened.dataset

    def has(self, table: str) -> bool:
        return self.dataset(table) is not None

    def version(self, table: str) -> int:
        """A number for the present content of a table, 0 if there is none: as long as it stays the same, the rows do (in this process)."""
        opened = self._open(table)
        return 0 if opened is None else opened.number

    def _open(self, table: str) -> _Opened | None:
        uri = f"{self.path}/{table}.lance"
        folder = None
        if "://" not in self.path:
            try:
                status = Path(uri).stat()
            except (FileNotFoundError, NotADirectoryError):
                self._opened.pop(table, None)
                return None
            folder = (status.st_ino, status.st_ctime_ns)
        cached = self._opened.get(table)
        with self.reporting(f"open the table {table}"):
            if cached is not None and cached.folder == folder and cached.dataset.latest_version == cached.dataset.version:
                return cached
            import lance

            try:
                opened = _Opened(lance.dataset(uri), folder, next(self._count))
            except ValueError as error:
                if "not found" not in str(error):
                    raise
                return None
        self._opened[table] = opened
        return opened

    @contextlib.contextmanager
    def reporting(self, task: str) -> Iterator[None]:
        """Turn what LanceDB raises into a StoreError: a damaged or vanished file, a full disk, a lost connection."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            reason = re.sub(r",? ?\S+\.rs:\d+:\d+", "", str(error))  # without the lines of Rust that it came through
            raise StoreError(f"cannot {task} of {self.path}: {reason}") from error

    def count(self, table: str, where: str | None = None) -> int:
        """Number of rows (that match a compiled filter)."""
        opened = self.dataset(table)
        with self.reporting(f"read the table {table}"):
            return 0 if opened is None else int(opened.count_rows(filter=where))

    def read(self, table: str, columns: Sequence[str] | None = None, where: str | None = None, limit: int | None = None) -> pa.Table:
        """Rows of a table. `where` is a filter compiled by `mmsearch.store.where`, never a user's string.

        Raises StoreError if there is no such table or it cannot be read.
        """
        opened = self.dataset(table)
        if opened is None:
            raise StoreError(f"{self.path} has no table {table}")
        with self.reporting(f"read the table {table}"):
            return opened.to_table(columns=list(columns) if columns is not None else None, filter=where, limit=limit)

    def batches(self, table: str, columns: Sequence[str], rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """The rows of a table in batches, for bounded memory. Nothing if there is no such table."""
        opened = self.dataset(table)
        if opened is None:
            return
        batches = iter(opened.to_batches(columns=list(columns), batch_size=rows))
        while True:
            with self.reporting(f"read the table {table}"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    # -- writing ---------------------------------------------------------------------------------------------------

    def connect(self) -> Any:
        """The lancedb connection (imports lancedb: writers only)."""
        if self._connection is None:
            import lancedb

            self._connection = lancedb.connect(self.path)
        return self._connection

    def open_table(self, table: str, schema: pa.Schema, key: str) -> Any:
        """A lancedb table for writing, created with a declared key if it is not there; columns that it lacks are added (null).

        Raises StoreError if it cannot be made or changed.
        """
        connection = self.connect()
        with self.reporting(f"prepare the table {table}"):
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
        """Insert rows; where the key is there already, the given columns replace the old ones and the others stay.

        The caller has removed duplicate keys from `rows`.

        Raises StoreError for duplicate keys in `rows` or a failed write; what was there stays whole.
        """
        if rows.num_rows == 0:
            return
        if pc.count_distinct(rows.column(key)).as_py() != rows.num_rows:
            raise StoreError(f"internal error: duplicate values of {key} in one write to {table}")
        opened = self.open_table(table, rows.schema, key)
        with self.reporting(f"write {rows.num_rows} rows to the table {table}"):
            if opened.count_rows() == 0:
                opened.add(rows)
                return
            for start in range(0, rows.num_rows, _INSERT_BATCH):
                piece = rows.slice(start, _INSERT_BATCH)
                opened.merge_insert(key).when_matched_update_all().when_not_matched_insert_all().execute(piece)

    def delete(self, table: str, where: str) -> None:
        """Delete the rows that match a compiled filter."""
        if self.has(table):
            with self.reporting(f"delete rows of the table {table}"):
                self.connect().open_table(table).delete(where)

    def drop(self, table: str) -> None:
        """Remove a table; nothing happens if there is none."""
        if self.has(table):
            del self._opened[table]
            with self.reporting(f"remove the table {table}"):
                self.connect().drop_table(table)

    def optimize(self, table: str) -> None:
        """Merge the small files that many writes leave."""
        if self.has(table):
            with self.reporting(f"optimize the table {table}"):
                self.connect().open_table(table).optimize()


class _Opened(NamedTuple):
    """An open table. Its folder tells a table that was dropped and made again, whose version numbers start anew."""

    dataset: Any
    folder: tuple[int, int] | None  # inode and time of its last change; None in an object store
    number: int
