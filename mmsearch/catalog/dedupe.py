"""`--dedupe`: what becomes of a product that says or shows the same as an earlier one: it is told, left out, or merged into that one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmsearch.catalog.near_duplicates import Match, NearDuplicates
from mmsearch.catalog.product_table import ProductTable
from mmsearch.catalog.records import MEDIA_FIELDS, Product
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, load_attributes
from mmsearch.store.sparse import read_cells
from mmsearch.store.where import id_list

MODES = ("report", "skip", "merge")
MERGED = "merged_ids"  # the attribute that names what was merged into a product

_AT_ONCE = 1_000  # products that are read and filled at a time


class Dedupe:
    """Compares the products of one ingest with each other and with those of the store.

    Parameters
    ----------
    mode : one of `MODES`. A product that the store has already is reported only: nothing that is there is taken away.

    A row that is left out (`skip`) is judged by what its keeper says when the row comes, and is not looked at again should the keeper
    change further down. Merged products are, and are held in memory until the end, about 0.9 kB each with a title alone (docs/ingest.md).
    """

    def __init__(self, store: Store, mode: str):
        self.mode, self._store = mode, store
        self._near = NearDuplicates(store)
        self.own = 0  # products that were to be merged and are their own after all
        self._signed = frozenset(self._near.ids())  # when the ingest began: rows are read by another thread than compares them
        self._merges: dict[str, list[Product]] = {}  # id → the products that are merged into it
        self.keepers: set[str] = set()  # products that stand for rows that were left out
        self.found: list[tuple[str, Match]] = []  # (id, the earlier product)

    def passes(self, id: str) -> bool:
        """Whether a product whose row did not change need not be looked at."""
        return self.mode != "report" and id in self._signed

    def takes(self, product: Product, *, new: bool) -> bool:
        """Compare a product with those before it; whether it is ours to leave out (`skip`) or to merge (`merge`).

        Products that only share a photo are told and both kept: variants often do.
        """
        ours = new and self.mode != "report"
        match = self._near.check(product, add_repeats=not ours)
        if match is None:
            return False
        self.found.append((product.id, match))
        if not ours or match.by == "photo":
            return False
        self.keepers.add(match.id)
        if self.mode == "merge":
            self._merges.setdefault(match.id, []).append(product)
        return True

    def pairs(self, lines: Mapping[str, bytes | int]) -> list[dict[str, Any]]:
        """What was found, each pair once. `lines` says where a product stands in the file: of two in one file the later one repeats."""

        def line(id: str) -> int:
            found = lines.get(id)
            return found if isinstance(found, int) else 0

        return [
            {"id": id, "of": match.id, "by": match.by, "similarity": round(match.similarity, 4)}
            for id, match in self.found
            if line(match.id) < line(id)
        ]

    def finish(self, table: ProductTable, *, write: bool) -> None:
        """Fill the gaps of products with what was merged into them, and keep the signatures."""
        self._reconsider(table, write=write)
        keepers = sorted(self._merges) if self._store.has(PRODUCTS) else []  # a dry run makes no table
        for start in range(0, len(keepers), _AT_ONCE):
            some = keepers[start : start + _AT_ONCE]
            filled = self._filled(some)
            table.write(filled, {p.id for p in filled}, dry_run=not write)
        if write:
            self._near.save()

    def _reconsider(self, table: ProductTable, *, write: bool) -> None:
        """Products whose keeper says something else by now, further down in the file, are products of their own."""
        own: list[Product] = []
        for id, products in self._merges.items():
            still = [p for p in products if (match := self._near.match(p)) is not None and match.id == id]
            own += [p for p in products if not any(p is kept for kept in still)]
            self._merges[id] = still
        for product in own:
            self._near.add(product)
        table.write(own, (), dry_run=not write)
        self.own = len(own)

    def forget(self, ids: Sequence[str]) -> None:
        """Products that are deleted."""
        self._near.forget(ids)

    def _filled(self, ids: Sequence[str]) -> list[Product]:
        names = load_attributes(self._store)
        rows = {row["id"]: row for row in self._store.read(PRODUCTS, where=id_list("id", list(ids))).to_pylist()}
        cells = read_cells(self._store, list(rows))
        filled = []
        for id, row in rows.items():
            have = {name: typed for name in names.columns if (typed := names.typed(name, row)) is not None} | cells[id]
            keeper = Product(id, row["_folder"] or "", row_digest=bytes.fromhex(row["_row"] or ""))
            for other in self._merges[id]:
                _fill(keeper, have, other)
            filled.append(keeper)
        return filled


def _fill(keeper: Product, have: dict[str, tuple[str, Any]], other: Product) -> None:
    """Let a product gain what another one of the same has and it has not; photos, sounds and clips of both are kept."""
    for name, value in other.fields.items():
        if value is None:
            continue
        if name in MEDIA_FIELDS:
            old = have.get(name, ("list", []))[1]
            lies = [item if "://" in item or other.folder == keeper.folder else str(Path(other.folder) / item) for item in value]
            value = [*old, *(item for item in lies if item not in old)]
        elif name in have:
            continue
        have[name] = CORE[name], value
        keeper.fields[name] = value
    for name, typed in other.attributes.items():
        if name not in have:
            have[name] = keeper.attributes[name] = typed
    merged = have.get(MERGED, ("list", []))[1]
    if other.id not in merged:
        have[MERGED] = keeper.attributes[MERGED] = ("list", [*merged, other.id])
