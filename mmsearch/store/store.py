"""A store: a LanceDB folder whose tables hold products, interactions and vectors, and a record of what made them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import StoreError
from mmsearch.settings import store_path
from mmsearch.store.faults import RESTORE, failure, newest
from mmsearch.store.lock import LOCK_FILES, PATIENCE, WRITE, Lock, write_lock
from mmsearch.store.maintain import remove_folder, tidy, too_many_files
from mmsearch.store.record import Record

PRODUCTS = "products"
INTERACTIONS = "interactions"
REVIEWS = "reviews"
SEARCHES = "searches"
USERS = "users"
TRIPLES = "triples"
ATTRIBUTES = "attributes"  # values of sparse attributes: see mmsearch.store.sparse
FACTS = "facts"  # what features found out about products: see mmsearch.store.facts

#: Raised when the layout changes so that an older mmsearch would misread it. 2: sparse attributes are in a table of their own.
FORMAT = 2

_INSERT_BATCH = 50_000  # rows a merge: bounds memory, and LanceDB's merge holds one side in memory


# Lance reads up to 16 batches and 2 GB ahead: of wide rows far more than their reader ever holds.
_READ_AHEAD, _BUFFERED = 2, 256 << 20
_LISTED = "table/"  # the record lists the tables, so that one whose folder is lost is missed


#: What `Store.steady` has opened of each store, in the context that it is in.
_STEADY: ContextVar[Mapping[Store, dict[str, _Opened | None]]] = ContextVar("steady", default=MappingProxyType({}))


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
        if self.dataset(Record.TABLE) is None or not self.record.keys():  # an empty record: its making was killed
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
        if self.record.get("format") is None:
            self._refuse_foreign()
            with self.writing("make the store"):
                if self.record.get("format") is None:  # else another process was first
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
                where.is_dir() and all(p.name in (*LOCK_FILES, f"{Record.TABLE}.lance") for p in where.iterdir())
            )
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        if foreign and where.is_dir() and any((where / file).exists() for file in LOCK_FILES):  # it was ours
            raise StoreError(f"the table {Record.TABLE} of {self.path} is gone, and with it what the store is made of", hint=RESTORE)
        if foreign:
            raise StoreError(f"{self.path} is not an mmsearch store", hint="choose another folder with --store (or MMSEARCH_STORE)")

    @contextlib.contextmanager
    def writing(self, what: str, *, lock: Lock = WRITE, patience: float = PATIENCE) -> Iterator[None]:
        """Hold a lock of the store (the write lock) while the body runs; waits for another holder and says so.

        `what` names the command. Raises StoreError as `mmsearch.store.lock.write_lock` does.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(write_lock(self.path, what, patience, lock))
            except OSError as error:
                raise failure(f"lock the store {self.path}", error) from error
            yield

    # -- reading ---------------------------------------------------------------------------------------------------

    def dataset(self, table: str) -> Any | None:
        """The newest version of a table as a `lance.LanceDataset`, or None if there is no such table."""
        opened = self._open(table)
        return None if opened is None else opened.dataset

    @contextlib.contextmanager
    def steady(self) -> Iterator[None]:
        """While the body runs, a table stays as it was when the body first asked for it: a search asks for the same ones over and over.

        It reads what others drop meanwhile as long as the files are there. A body within begins anew. For a body that writes nothing;
        threads share it that run in a copy of its context.
        """
        token = _STEADY.set({**_STEADY.get(), self: {}})
        try:
            yield
        finally:
            _STEADY.reset(token)

    def has(self, table: str) -> bool:
        return self.dataset(table) is not None

    def fresh(self, table: str) -> Any | None:
        """A handle of a table's newest version of its own, for changing it; None if there is no such table."""
        with self.reporting(f"open the table {table}"):
            return newest(f"{self.path}/{table}.lance") if self.has(table) else None

    def version(self, table: str) -> int:
        """A number for the present content of a table, 0 if there is none: as long as it stays the same, the rows do (in this process)."""
        opened = self._open(table)
        return 0 if opened is None else opened.number

    def identity(self, table: str) -> str | None:
        """A name for the present content of a table, None if there is none: that of its files, whose names are never given twice."""
        opened = self.dataset(table)
        if opened is None:
            return None
        with self.reporting(f"read the table {table}"):
            fragments = [fragment.metadata.to_json() for fragment in opened.get_fragments()]
        return hashlib.blake2b(repr(fragments).encode(), digest_size=16).hexdigest()

    def _open(self, table: str) -> _Opened | None:
        if (steady := _STEADY.get().get(self)) is None:
            return self._look_up(table)
        if table not in steady:
            steady[table] = self._look_up(table)
        return steady[table]

    def _look_up(self, table: str) -> _Opened | None:
        uri = f"{self.path}/{table}.lance"
        folder = None
        if "://" not in self.path:
            try:
                status = Path(uri).stat()
            except (FileNotFoundError, NotADirectoryError):
                self._opened.pop(table, None)
                if table != Record.TABLE and self.record.get(_LISTED + table) is not None:
                    raise StoreError(f"the table {table} of {self.path} is gone", hint=RESTORE) from None
                return None
            folder = (status.st_ino, status.st_ctime_ns)
        cached = self._opened.get(table)
        with self.reporting(f"open the table {table}"):
            if cached is not None and cached.folder == folder and cached.dataset.latest_version == cached.dataset.version:
                return cached
            dataset = newest(uri)
        if dataset is None:
            return None
        opened = self._opened[table] = _Opened(dataset, folder, next(self._count))
        return opened

    @contextlib.contextmanager
    def reporting(self, task: str) -> Iterator[None]:
        """Turn what LanceDB raises into a StoreError: a damaged or vanished file, a full disk, a lost connection."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:
            raise failure(f"{task} of {self.path}", error) from error

    def count(self, table: str, where: str | None = None) -> int:
        """Number of rows (that match a compiled filter)."""
        opened = self._open(table)
        with self.reporting(f"read the table {table}"):
            if opened is None or where is None:
                return 0 if opened is None else opened.rows
            return int(opened.dataset.count_rows(filter=where))

    def read(self, table: str, columns: Sequence[str] | None = None, where: str | None = None, limit: int | None = None) -> pa.Table:
        """Rows of a table. `where` is a filter compiled by `mmsearch.store.where`, never a user's string.

        Raises StoreError if there is no such table or it cannot be read.
        """
        opened = self.dataset(table)
        if opened is None:
            raise StoreError(f"{self.path} has no table {table}")
        with self.reporting(f"read the table {table}"):
            return opened.to_table(columns=list(columns) if columns is not None else None, filter=where, limit=limit)

    def tested(self, table: str, where: str) -> NDArray[np.bool_]:
        """Which rows of a table (n,) match a compiled filter, in the order in which it is read: no other column need be read.

        Raises StoreError if there is no such table or it cannot be read.
        """
        opened = self.dataset(table)
        if opened is None:
            raise StoreError(f"{self.path} has no table {table}")
        with self.reporting(f"read the table {table}"):
            found = opened.to_table(columns={"passes": where}).column("passes")
        return pc.fill_null(found, False).to_numpy()  # type: ignore[no-any-return]

    def batches(self, table: str, columns: Sequence[str], rows: int = 8192) -> Iterator[pa.RecordBatch]:
        """The rows of a table in batches, for bounded memory. Nothing if there is no such table."""
        opened = self.dataset(table)
        if opened is None:
            return
        batches = iter(opened.to_batches(columns=list(columns), batch_size=rows, batch_readahead=_READ_AHEAD, io_buffer_size=_BUFFERED))
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
            if self.has(table):
                opened = connection.open_table(table)
                have = set(opened.schema.names)
                if missing := [field for field in schema if field.name not in have]:
                    opened.add_columns(pa.schema(missing))
            else:
                opened = connection.create_table(table, schema=schema)
                opened.set_unenforced_primary_key(key)  # LanceDB then refuses a second row of a key, also from another process
        if table != Record.TABLE and self.record.get(_LISTED + table) is None:
            self.record.put(_LISTED + table, {"key": key})  # from now on its folder is missed
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
        self._tidy(table)

    def append(self, table: str, rows: pa.Table, key: str) -> None:
        """Add rows whose keys are not in the table yet, which the caller knows: it costs the same however large the table is.

        In an object store, where no lock keeps a second writer out, it is an `upsert`.

        Raises StoreError as `upsert` does.
        """
        if "://" in self.path:
            self.upsert(table, rows, key)
            return
        if pc.count_distinct(rows.column(key)).as_py() != rows.num_rows:
            raise StoreError(f"internal error: duplicate values of {key} in one write to {table}")
        opened = self.open_table(table, rows.schema, key)
        with self.reporting(f"write {rows.num_rows} rows to the table {table}"):
            opened.add(rows)
        self._tidy(table)

    def _tidy(self, table: str) -> None:
        if too_many_files(self.dataset(table)):
            tidy(self, table)

    def tables(self, prefix: str = "") -> list[str]:
        """The names of the tables that start with `prefix` (also of one whose making was killed, which `has` denies), sorted."""
        if "://" in self.path:
            with self.reporting("list the tables"):
                names: list[str] = list(self.connect().table_names(limit=1_000_000))
        else:
            names = [folder.stem for folder in Path(self.path).glob("*.lance") if folder.is_dir()]
        return sorted(name for name in names if name.startswith(prefix))

    def drop_columns(self, table: str, columns: Sequence[str]) -> None:
        """Remove columns of a table: at once, for no file is rewritten."""
        if columns:
            with self.reporting(f"remove columns of the table {table}"):
                self.connect().open_table(table).drop_columns(list(columns))

    def rows_of(self, table: str, column: str, values: pa.Array, columns: Sequence[str]) -> pa.Table:
        """The rows of a table that hold one of many values in a column: one scan of it, then the rows alone.

        A filter `column in (…)` costs seconds with tens of thousands of values; for a few use `read`.
        """
        opened = self.dataset(table)
        if opened is None:
            raise StoreError(f"{self.path} has no table {table}")
        with self.reporting(f"read the table {table}"):
            have = opened.to_table(columns=[column]).column(column)
            places = pc.indices_nonzero(pc.is_in(have, value_set=values))
            return opened.take(places.to_pylist(), columns=list(columns))

    def delete(self, table: str, where: str) -> None:
        """Delete the rows that match a compiled filter."""
        if self.has(table):
            with self.reporting(f"delete rows of the table {table}"):
                self.connect().open_table(table).delete(where)

    def drop(self, table: str) -> None:
        """Remove a table; nothing happens if there is none."""
        if self.has(table):
            self.record.delete(_LISTED + table)  # first: a table that is listed and not there is a lost one
            self._opened.pop(table, None)
            with self.reporting(f"remove the table {table}"):
                if "://" in self.path:
                    self.connect().drop_table(table)
                else:
                    remove_folder(Path(self.path) / f"{table}.lance")

    def index(self, table: str, column: str) -> None:
        """Build (or build anew) an index that finds the rows with a value of a column."""
        from lancedb.index import BTree

        with self.reporting(f"index the table {table}"):
            self.connect().open_table(table).create_index(column, config=BTree(), replace=True)


@dataclass(frozen=True)
class _Opened:
    """An open table. Its folder tells a table that was dropped and made again, whose version numbers start anew."""

    dataset: Any
    folder: tuple[int, int] | None  # inode and time of its last change; None in an object store
    number: int

    @functools.cached_property
    def rows(self) -> int:
        """How many there are: a search asks for it over and over."""
        return int(self.dataset.count_rows())
