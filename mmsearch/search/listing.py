"""Which of the products that a query matches are shown: sorted, a page of them, with facets counted over all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.ranking.order import best
from mmsearch.search.facets import Facet, FacetOf, count_facet, parse_facet
from mmsearch.search.rows import Places
from mmsearch.search.sorting import SortKey, in_order, parse_sort
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.values import Values, read_values

_DEPTH = 1_000  # of the best products, in a large store: some thousands are compared then


@dataclass(frozen=True)
class Wanted:
    """What is to be shown of the answer to a query: `k` hits, or that many a page (from 1), sorted, with facets.

    `explain`: the words that matched are told one by one. `reranked`: the best are put into another order first.
    """

    k: int
    page: int | None = None
    sort: tuple[SortKey, ...] = ()
    facets: tuple[FacetOf, ...] = ()
    explain: bool = False
    reranked: bool = False

    @property
    def among(self) -> bool:
        """Whether it must be known which products match the query: they are what is sorted and counted."""
        return bool(self.sort or self.facets)

    @property
    def first(self) -> int:
        """The hits on the pages before."""
        return ((self.page or 1) - 1) * self.k

    @property
    def depth(self) -> int:
        """How many of the best products must be known, in a store so large that only candidates are compared.

        For pages it is the same over many of them, so that no product is on two; what is sorted and counted are the candidates that match.
        """
        if self.page is None and not self.sort and not self.facets and not self.reranked:
            return self.k
        return _DEPTH if self.sort else _DEPTH * -(-(self.first + self.k) // _DEPTH)


def wanted(
    k: int,
    page: int | None = None,
    sort: Sequence[str] = (),
    facets: Sequence[str] = (),
    *,
    explain: bool = False,
    reranked: bool = False,
) -> Wanted:
    """What is to be shown, as the user wrote it.

    Raises UsageError for k or a page below 1, for a list that is both sorted and reranked, and as `parse_sort` and `parse_facet` do.
    """
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    if page is not None and page < 1:
        raise UsageError(f"--page counts from 1, not {page}")
    if sort and reranked:
        raise UsageError("--sort and --rerank (or --user, --session, --season, --mood) both say what the order is: give one of them")
    return Wanted(k, page, tuple(map(parse_sort, sort)), tuple(dict.fromkeys(map(parse_facet, facets))), explain, reranked)


@dataclass(frozen=True)
class Shown:
    """Places (of products) on the page, and what a person should know of how they were chosen."""

    places: NDArray[np.int64]
    notes: list[str]


class Listing:
    """Lists the answers of one search. The values of attributes are read once, for all queries.

    Parameters
    ----------
    products : (n,) ids of the store. version : of its table of products that they are from.
    many : so many answers are listed that it pays to read all titles at once.

    Raises UsageError for a name that no product has.
    """

    def __init__(self, store: Store, products: pa.Array, version: int, wanted: Wanted, *, many: bool = False):
        self.wanted, self.products = wanted, products
        self.titles = _titles(store, many)
        options = {key.name: "--sort" for key in wanted.sort} | {facet.name: "--facet" for facet in wanted.facets}
        self._values: dict[str, Values] = {
            n: read_values(store, n, products, version=version, option=option) for n, option in options.items()
        }

    def facets(self, candidates: pa.Array, matched: NDArray[np.bool_]) -> list[Facet]:
        """Counted over the candidates (m,) that match (m,)."""
        if not self.wanted.facets:
            return []
        if self._all(candidates):
            among = matched
        else:
            among = pc.is_in(self.products, value_set=candidates.filter(pa.array(matched))).to_numpy(zero_copy_only=False)
        return [count_facet(facet, self._values[facet.name], among) for facet in self.wanted.facets]

    def page(self, candidates: pa.Array, scores: NDArray[np.float64], matched: NDArray[np.bool_], *, query: bool) -> Shown:
        """The page of candidates (m,): all whose scores (m,) are not NaN, the best first, or those that match (m,), sorted.

        `query`: whether there is one; scores decide ties then.
        """
        first, k = self.wanted.first, self.wanted.k
        notes = self._told(_known(scores), int(np.count_nonzero(matched))) if self.wanted.among else []
        if not self.wanted.sort:
            chosen = best(candidates, scores, first + k)[first:]
        else:
            these = np.flatnonzero(matched)
            places = these if self._all(candidates) else self._places(candidates.take(pa.array(these)))
            keys = [(key, self._values[key.name]) for key in self.wanted.sort]
            chosen = these[in_order(keys, places, self.products, scores[these] if query else None, first + k)[first:]]
        if not len(chosen) and (known := len(these) if self.wanted.sort else _known(scores)):
            pages = -(-known // k)
            there = f"there is 1 page of {k:,}" if pages == 1 else f"there are {pages:,} pages of {k:,}"
            notes.append(f"page {self.wanted.page:,} is beyond the last: {there}")
        return Shown(chosen, notes)

    def _all(self, candidates: pa.Array) -> bool:
        """Whether candidates are all products, in their order: where every product is compared, nobody copies them."""
        return candidates is self.products

    def _places(self, candidates: pa.Array) -> NDArray[np.int64]:
        """Where some candidates are among the products."""
        places: NDArray[np.int64] = pc.index_in(candidates, value_set=self.products).to_numpy(zero_copy_only=False).astype(np.int64)
        return places

    def _told(self, known: int, matching: int) -> list[str]:
        """What a person should know of the products that are left out."""
        done = [word for word, options in (("sorted", self.wanted.sort), ("counted", self.wanted.facets)) if options]
        if not done or matching == known:
            return []
        return [f"{matching:,} of {known:,} products fit the query well enough to be {' and '.join(done)}"]


def _known(scores: NDArray[np.float64]) -> int:
    return int(np.count_nonzero(~np.isnan(scores)))


def _titles(store: Store, many: bool) -> Callable[[Places], list[str | None]]:
    """Places of products (p,) → their titles, of a search within `Store.steady`. `many`: it is asked so often that all are read at once."""
    if many:
        whole = store.read(PRODUCTS, ["title"]).column("title").combine_chunks()
        return lambda places: whole.take(pa.array(places)).to_pylist()

    def some(places: Places) -> list[str | None]:
        opened = store.dataset(PRODUCTS)
        if opened is None or not len(places):
            return []
        with store.reporting(f"read the table {PRODUCTS}"):
            return opened.take(places.tolist(), columns=["title"]).column("title").to_pylist()  # type: ignore[no-any-return]

    return some
