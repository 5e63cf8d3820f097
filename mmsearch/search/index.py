"""The vectors of a store as search needs them: rows of a table placed among the candidate products."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.ranking import SIMILARITIES
from mmsearch.ranking.similarity import Similarity
from mmsearch.search.rows import Places, Rows, rows_of
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.vectors import Matrix, VectorRows, nearest, read_ids, read_sample, read_vectors, take_some

_DEPTH = 200  # nearest vectors asked for at first, in a store too large to compare every product
_WIDEN = 4
_SAMPLE = 1_000


@dataclass(frozen=True)
class Placed:
    """Rows of a vector table and the candidate that each belongs to (−1: not a candidate)."""

    rows: VectorRows
    place: NDArray[np.int64]  # (m,)
    n: int  # candidates
    single: bool  # at most one row a product: placing is then an assignment

    def best(self, similarity: Matrix) -> NDArray[np.float64]:
        """Similarities of the rows (m,) → the best one of each candidate (n,), NaN where it has no row."""
        if self._in_order:
            return similarity.astype(np.float64)
        out = np.full(self.n, np.nan)
        inside = self.place >= 0
        if self.single:
            out[self.place[inside]] = similarity[inside]
        else:
            np.fmax.at(out, self.place[inside], similarity[inside])
        return out

    @functools.cached_property
    def _in_order(self) -> bool:
        """Whether the rows are the candidates, one each: nothing need be placed then."""
        return len(self.place) == self.n and bool((self.place == np.arange(self.n)).all())

    def rows_of(self, candidate: int) -> NDArray[np.int64]:
        """The rows of one candidate."""
        order, places = self._by_place
        start, end = np.searchsorted(places, [candidate, candidate + 1])
        return order[start:end]

    @functools.cached_property
    def _by_place(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.place, kind="stable")
        return order, self.place[order]

    @functools.cached_property
    def tells_parts(self) -> bool:
        """Whether any row is of a part of its product (a photo, a second)."""
        return bool(pc.any(pc.not_equal(self.rows.parts, "")).as_py())

    def parts(self) -> NDArray[np.str_]:
        """The part of each candidate's (last) row, (n,); '' where it has none."""
        out = np.full(self.n, "", dtype=object)
        inside = self.place >= 0
        out[self.place[inside]] = self.rows.parts.to_numpy(zero_copy_only=False)[inside]
        return out.astype(np.str_)


class Index:
    """A cache of a store's vectors, kept while the tables' versions stay the same.

    `look` notices new versions. Between two calls everything comes from the versions seen first, so that a catalogue that
    changes in the middle of a batch of queries cannot mix two orders of the products.
    """

    def __init__(self, store: Store):
        self.store = store
        self.similarity: Similarity = SIMILARITIES.create("dot")  # stored vectors have length 1: equal to the cosine
        self._tables: dict[str, tuple[int, VectorRows]] = {}
        self._products: tuple[int, pa.Array] | None = None
        self._samples: dict[str, tuple[int, Placed]] = {}
        self._placed: dict[str, tuple[int, int, Placed]] = {}
        self._located: dict[str, tuple[int, int, Rows]] = {}
        self._versions: dict[str, int] = {}

    def look(self) -> None:
        """Look for new versions of the tables, and let go of tables that are gone."""
        self._versions = {}
        kept = {t for t in {*self._tables, *self._samples, *self._placed, *self._located} if self.store.has(t)}
        self._tables = {t: c for t, c in self._tables.items() if t in kept}
        self._samples = {t: c for t, c in self._samples.items() if t in kept}
        self._placed = {t: c for t, c in self._placed.items() if t in kept}
        self._located = {t: c for t, c in self._located.items() if t in kept}

    def version(self, table: str) -> int:
        """The version of a table that everything comes from until the next `look`."""
        if table not in self._versions:
            self._versions[table] = self.store.version(table)
        return self._versions[table]

    def products(self) -> pa.Array:
        """Ids of all products, in the table's order."""
        version = self.version(PRODUCTS)
        if self._products is None or self._products[0] != version:
            ids = self.store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
            self._products = version, ids if isinstance(ids, pa.Array) else pa.concat_arrays(ids.chunks)
        return self._products[1]

    def rows(self, table: str) -> VectorRows:
        """Every vector of a table."""
        version = self.version(table)
        cached = self._tables.get(table)
        if cached is None or cached[0] != version:
            cached = version, read_vectors(self.store, table)
            self._tables[table] = cached
        return cached[1]

    def everything(self, table: str) -> Placed:
        """A whole table, placed among all products."""
        versions = self.version(table), self.version(PRODUCTS)
        cached = self._placed.get(table)
        if cached is None or cached[:2] != versions:
            cached = (*versions, place(self.rows(table), self.products()))
            self._placed[table] = cached
        return cached[2]

    def located(self, table: str) -> Rows:
        """Where the rows of a table that is too large to read are among all products."""
        versions = self.version(table), self.version(PRODUCTS)
        cached = self._located.get(table)
        if cached is None or cached[:2] != versions:
            cached = (*versions, rows_of(*read_ids(self.store, table), self.products()))
            self._located[table] = cached
        return cached[2]

    def some(self, table: str, candidates: Places) -> Placed:
        """The vectors of some products, by their places (n,), placed among them."""
        located = self.located(table)
        rows, which = located.of(candidates)
        numbers = located.numbers[rows]
        order = np.argsort(numbers)
        return Placed(take_some(self.store, table, numbers[order]), which[order], len(candidates), len(np.unique(which)) == len(which))

    def sample(self, table: str) -> Placed:
        """Some rows of a table that is too large to compare whole, the same ones every time, placed among their own products:
        they stand for the store."""
        version = self.version(table)
        cached = self._samples.get(table)
        if cached is None or cached[0] != version:
            rows = read_sample(self.store, table, _SAMPLE)
            cached = version, place(rows, pc.unique(rows.ids))
            self._samples[table] = cached
        return cached[1]

    def near(self, table: str, query: Matrix, depth: int) -> Places:
        """Places of the products nearest to a query, by LanceDB's own search."""
        return self.located(table).found(nearest(self.store, table, query, depth, self.similarity.metric))


def place(rows: VectorRows, candidates: pa.Array) -> Placed:
    found = pc.index_in(rows.ids, value_set=candidates)
    places = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    inside = places[places >= 0]
    return Placed(rows, places, len(candidates), len(np.unique(inside)) == len(inside))


def widening(first: int, limit: int) -> Sequence[int]:
    """Depths to ask for, one after the other, until enough candidates pass the filter; `first`: where that is likely."""
    depths, depth = [], max(_DEPTH, first)
    while depth < limit:
        depths.append(depth)
        depth *= _WIDEN
    return [*depths, limit]
