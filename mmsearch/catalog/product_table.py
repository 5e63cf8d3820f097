"""Cleaned products → the store: the table of products, and the table of sparse attributes beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mmsearch.catalog.differing import differing
from mmsearch.catalog.near_duplicates import TABLE as SIGNATURES
from mmsearch.catalog.records import MEDIA_FIELDS, Product
from mmsearch.errors import StoreError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, HIDDEN, TYPES, Attributes, load_attributes, save_attributes
from mmsearch.store.layout import MAX_COLUMNS, choose, rebalance, tidy
from mmsearch.store.sparse import Cell, delete_cells, insert_cells, names_of, upsert_cells
from mmsearch.store.store import ATTRIBUTES, FORMAT
from mmsearch.store.vectors import key_of
from mmsearch.store.where import id_list

_LAYOUT = "layout"  # record: whether a writer is at work (or was killed), and how many rows came since the layout was last looked at
_LOOK_AGAIN = 0.05  # share of the products written since then from which the layout is looked at again: counting reads every column
_CELLS = 200_000  # sparse values held at a time
_IDS = 5_000  # ids in one deletion
_DIGESTS = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("_row", pa.string())])


class Written(NamedTuple):
    """What a write came to, in products."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


class ProductTable:
    """Writes products, one chunk after the other; `finish` when the last is written.

    The caller holds `Store.writing` all the while, and has asked `known` after it got that lock.
    """

    def __init__(self, store: Store):
        self.store = store
        self._written = 0  # rows since the layout was last looked at
        self._started = False

    # -- what there is ---------------------------------------------------------------------------------------------

    def known(self) -> dict[str, bytes]:
        """id → digest of the row that the product was made from (b'' where there is none), about 150 bytes a product.

        After a writer was killed no digest counts: it may have changed a product's sparse values and not yet its row.

        Raises StoreError for digests that are none.
        """
        opened = self.store.dataset(PRODUCTS)
        if opened is None:
            return {}
        known: dict[str, bytes] = {}
        trusted = "_row" in opened.schema.names and not self._layout().get("unfinished")  # older stores have no digests
        have = ["_row"] if trusted else []
        for batch in self.store.batches(PRODUCTS, ["id", *have]):
            ids = batch.column("id").to_pylist()
            rows = batch.column("_row").to_pylist() if have else [None] * len(ids)
            try:
                known.update((id, bytes.fromhex(row) if row else b"") for id, row in zip(ids, rows, strict=True))
            except ValueError as error:
                raise StoreError(f"{self.store.path}: the products hold a digest that is none ({error}); the table is damaged") from error
        return known

    # -- writing ---------------------------------------------------------------------------------------------------

    def write(self, products: Sequence[Product], existing: Collection[str], *, dry_run: bool = False) -> Written:
        """Write products; what a row does not mention stays as it was, what it clears is removed, what says nothing new is not written.

        Sparse values go first and the products, with their digests, last: a process that is killed between the two has not written
        the digests of the rows, and its next run looks at the same products again.

        Parameters
        ----------
        products : with different ids. existing : the ids that the store has already. dry_run : only find out what it would come to.

        Raises StoreError as `Store.upsert` does.
        """
        existing = existing if isinstance(existing, set | frozenset | dict) else set(existing)
        new = [p for p in products if p.id not in existing]
        old = [p for p in products if p.id in existing]
        changed, undigested = differing(self.store, old) if old else ([], [])
        written = Written(len(new), len(changed), len(old) - len(changed))
        if dry_run or not (new or changed or undigested):
            return written
        self._start()
        self._forget_signatures([p.id for p in changed])
        names = self._place([*new, *changed])
        if new:
            chunk = _Chunk(new, names, new=True)
            for some in chunk.cells():
                insert_cells(self.store, some)
            self.store.append(PRODUCTS, chunk.table(), "id")
        if changed:
            chunk = _Chunk(changed, names, new=False)
            for some in chunk.cells():
                upsert_cells(self.store, some)
            delete_cells(self.store, self._cleared(changed, names))
            self._complete(chunk)
            self.store.upsert(PRODUCTS, chunk.table(partial=True), "id")
        if undigested:  # so that the next ingest of the same rows passes them over
            rows = {"id": [p.id for p in undigested], "_row": [p.row_digest.hex() for p in undigested]}
            self.store.upsert(PRODUCTS, pa.table(rows, schema=_DIGESTS), "id")
        self._written += len(new) + len(changed)
        return written

    def delete(self, ids: Sequence[str]) -> None:
        """Remove products and their attributes. Their vectors are not ours: `embed` removes those.

        The products go first: a process that is killed between leaves values without a product, which nobody sees and the next run removes.
        """
        if not ids:
            return
        self._start()
        for table in (PRODUCTS, ATTRIBUTES, SIGNATURES):
            for start in range(0, len(ids), _IDS):
                self.store.delete(table, id_list("id", list(ids[start : start + _IDS])))
        self._written += len(ids)

    def _forget_signatures(self, ids: Sequence[str]) -> None:
        """What products said before they changed must not make others near-duplicates of them."""
        if self.store.has(SIGNATURES):
            for start in range(0, len(ids), _IDS):
                self.store.delete(SIGNATURES, id_list("id", list(ids[start : start + _IDS])))

    def finish(self) -> None:
        """After the last chunk: give columns to the attributes that have become frequent, take them from those that have become rare."""
        if not self._started and not self._layout().get("unfinished"):
            return
        self._start()
        if self._written >= _LOOK_AGAIN * self.store.count(PRODUCTS):
            rebalance(self.store)
            self._written = 0
        self.store.record.put(_LAYOUT, {"unfinished": False, "written": self._written})
        self._started = False

    def _layout(self) -> dict[str, Any]:
        return self.store.record.get(_LAYOUT) or {}

    def _start(self) -> None:
        """Before the first change: tidy up after a process that was killed, and leave a note should this one be."""
        if self._started:
            return
        layout = self._layout()
        self._written = int(layout.get("written", 0))
        if layout.get("unfinished"):
            tidy(self.store)
            self._forget_digests()
            self._written = self.store.count(PRODUCTS)  # how many rows it wrote is not known: `finish` looks at the layout
        form = self.store.record.get("format") or {}
        if form.get("version", FORMAT) < FORMAT:  # an older mmsearch would not find the sparse attributes
            self.store.record.put("format", form | {"version": FORMAT})
        self.store.record.put(_LAYOUT, {"unfinished": True, "written": self._written})
        self._started = True

    def _forget_digests(self) -> None:
        """See `known`: a digest that stayed would let a later ingest pass over a row that the store does not have."""
        opened = self.store.dataset(PRODUCTS)
        if opened is not None and "_row" in opened.schema.names:
            ids = self.store.read(PRODUCTS, ["id"], where="_row != ''").column("id")
            rows = pa.Table.from_arrays([ids, pa.array([""] * len(ids), pa.string())], schema=_DIGESTS)
            self.store.upsert(PRODUCTS, rows, "id")

    def _place(self, products: Sequence[Product]) -> Attributes:
        """Where the attributes of a chunk go. Columns are made first, then the record names them, then the values come."""
        names = load_attributes(self.store)
        before = {name: dict(kinds) for name, kinds in names.columns.items()}, dict(names.sparse)
        for name, kind in CORE.items():
            names.column(name, kind)  # what a store of an older mmsearch lacks
        seen, strange = set(names.sparse), Counter[str]()
        for product in products:
            for name, (kind, _) in product.attributes.items():
                if name in names.columns:
                    names.column(name, kind)
                else:
                    strange[name] += 1
                    if kind not in names.sparse.get(name, ()):
                        names.sparse[name] = (*names.sparse.get(name, ()), kind)
        unseen = {name: count for name, count in strange.items() if name not in seen}
        free = MAX_COLUMNS - sum(name not in CORE for name in names.columns)
        for name in choose(unseen, self.store.count(PRODUCTS) + len(products))[: max(free, 0)]:
            for kind in names.sparse.pop(name):
                names.column(name, kind)
        columns = [(column, kind) for kinds in names.columns.values() for kind, column in kinds.items() if column != "id"]
        fields = [pa.field("id", pa.string(), nullable=False), *(pa.field(c, TYPES[kind]) for c, kind in columns)]
        self.store.open_table(PRODUCTS, pa.schema([*fields, *(pa.field(c, pa.string()) for c in HIDDEN)]), "id")
        if before != (names.columns, names.sparse) or not self.store.record.get("attributes"):
            save_attributes(self.store, names)
        return names

    def _cleared(self, products: Sequence[Product], names: Attributes) -> list[str]:
        """Keys of the sparse values that empty cells remove."""
        sparse = set(names.sparse) - set(names.columns)  # a wide CSV has thousands of empty cells a row: no Python loop over them
        cleared = {p.id: some for p in products if (some := sparse.intersection(p.cleared))}
        if not cleared:
            return []
        return [key_of(id, name) for id, name in names_of(self.store, list(cleared)) if name in cleared[id]]

    def _complete(self, chunk: _Chunk) -> None:
        """Fill what some rows of a chunk do not mention with what the store has, and keep media where they lie."""
        moved = [i for i, p in enumerate(chunk.products) if p.has_media and any(name not in p.fields for name in MEDIA_FIELDS)]
        partial = chunk.partial()
        wanted = dict.fromkeys([*partial, *(("_folder", *MEDIA_FIELDS) if moved else ())])
        if not wanted:
            return
        ids = pa.array([p.id for p in chunk.products], pa.string())
        old = self.store.rows_of(PRODUCTS, "id", ids, ["id", *wanted])
        old = old.take(pc.index_in(ids, value_set=old.column("id")))
        for i in moved:
            product = chunk.products[i]
            folder = old.column("_folder")[i].as_py()
            if folder is None or folder == product.folder:
                continue
            for name in MEDIA_FIELDS:  # a row that brings photos from another folder does not move the sounds
                if name not in product.fields and (items := old.column(name)[i].as_py()):
                    chunk.put(i, name, [item if "://" in item else str(Path(folder) / item) for item in items])
        chunk.keep(old)


class _Chunk:
    """Products as columns: `values[column][i]` is what product i says, where `said[column][i]` is 1. `new` ones have nothing to clear."""

    def __init__(self, products: Sequence[Product], names: Attributes, *, new: bool):
        self.products = products
        self.names = names
        self.values: dict[str, list[Any]] = {}
        self.said: dict[str, bytearray] = {}
        self.types = {c: TYPES[kind] for kinds in names.columns.values() for kind, c in kinds.items()} | dict.fromkeys(HIDDEN, pa.string())
        self._old: pa.Table | None = None
        self._all("_row", [p.row_digest.hex() for p in products])
        core = {name: [(kind == CORE[name], self._column(c)) for kind, c in names.columns[name].items()] for name in CORE if name != "id"}
        clearable = set() if new else set(names.columns)
        own: dict[str, list[tuple[str, tuple[list[Any], bytearray]]]] = {}
        for i, product in enumerate(products):
            for name, value in product.fields.items():
                for holds, (values, said) in core[name]:
                    said[i] = 1
                    if holds:
                        values[i] = value
            for name in clearable.intersection(product.cleared):
                for column in names.columns[name].values():
                    self._column(column)[1][i] = 1
            for name, (kind, value) in product.attributes.items():
                if (place := own.get(name)) is None:
                    kinds = names.columns.get(name, {})
                    place = own[name] = [(k, self._column(c)) for k, c in kinds.items()]
                for k, (values, said) in place:
                    said[i] = 1
                    values[i] = value if k == kind else None
            if product.has_media:
                self.put(i, "_folder", product.folder)

    def put(self, i: int, column: str, value: Any) -> None:
        values, said = self._column(column)
        values[i], said[i] = value, 1

    def cells(self) -> Iterator[list[Cell]]:
        """The sparse values, some at a time."""
        cells: list[Cell] = []
        for product in self.products:
            for name, (kind, value) in product.attributes.items():
                if name not in self.names.columns:
                    cells.append((product.id, name, kind, value))
            if len(cells) >= _CELLS:
                yield cells
                cells = []
        yield cells

    def partial(self) -> list[str]:
        """The columns that some products mention and others do not."""
        return [column for column, said in self.said.items() if 0 < sum(said) < len(said)]

    def keep(self, old: pa.Table) -> None:
        """Take what products do not mention from their old rows (in the same order)."""
        self._old = old

    def table(self, *, partial: bool = False) -> pa.Table:
        """The rows to write. `partial`: without the columns that no product mentions, which then stay as they are."""
        fields, arrays = [pa.field("id", pa.string(), nullable=False)], [pa.array([p.id for p in self.products], pa.string())]
        for column, values in self.values.items():
            said = self.said[column]
            if partial and not any(said):
                continue
            array = pa.array(values, self.types[column])
            if self._old is not None and not all(said):
                array = pc.if_else(pa.array(map(bool, said), pa.bool_()), array, self._old.column(column).combine_chunks())
            fields.append(pa.field(column, self.types[column]))
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))

    def _all(self, column: str, values: list[Any]) -> None:
        self.values[column], self.said[column] = values, bytearray(b"\1" * len(values))

    def _column(self, column: str) -> tuple[list[Any], bytearray]:
        if column not in self.values:
            self.values[column], self.said[column] = [None] * len(self.products), bytearray(len(self.products))
        return self.values[column], self.said[column]
