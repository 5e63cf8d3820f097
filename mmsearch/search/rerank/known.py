"""What a store knows of its products, as rerankers ask for it: read once for all queries of a search."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import UsageError, did_you_mean
from mmsearch.fusion.batch import mean_by_product
from mmsearch.fusion.contents import contents_by_product
from mmsearch.ranking.base import Scores
from mmsearch.ranking.lift import Sold
from mmsearch.ranking.shopper import Taken
from mmsearch.search.index import Index
from mmsearch.search.query import Query
from mmsearch.search.rerank.belonging import belonging
from mmsearch.search.rerank.signals import SIGNALS, read_signal
from mmsearch.store import PRODUCTS
from mmsearch.store.attributes import load_attributes
from mmsearch.store.values import Values, read_values
from mmsearch.store.vectors import read_vectors
from mmsearch.store.where import id_list, written

if TYPE_CHECKING:  # imported by the first reranker that asks for it: most searches ask for none
    from mmsearch.search.rerank.shoppers import Shoppers

_OPTION = "--rerank"
_COMPARED = 100_000  # ids that a near miss is looked for in
_NAMED = 10
_Value = TypeVar("_Value", bound=np.generic)
_WORD = re.compile(r"\w+")


class Known:
    """Columns beside all products (n,), kept until the next `look`, and what is known of shoppers."""

    def __init__(self, index: Index):
        self._index, self.store = index, index.store
        self.look()

    def look(self) -> None:
        """Look anew. What was learned of shoppers stays as long as the store's events do."""
        self._values: dict[str, Values] = {}
        self._signals: dict[str, Scores] = {}
        self._groups: dict[str, NDArray[np.int64]] = {}

    @property
    def products(self) -> pa.Array:
        """(n,) ids."""
        return self._index.products()

    @functools.cached_property
    def shoppers(self) -> Shoppers:
        """What is known of shoppers."""
        from mmsearch.search.rerank.shoppers import Shoppers

        return Shoppers(self._index)

    def numbers(self, name: str) -> Scores:
        """(n,); see `Candidates.numbers`."""
        if name in SIGNALS and not self._has(name):
            if name not in self._signals:
                self._signals[name] = read_signal(self.store, name, self.products)
            return self._signals[name]
        values = self._of(name)
        if not {"number", "bool"} & values.keys():
            kinds = " and ".join(sorted(values))
            hint = f"as in 'boost(recency(by={name}, half_life=30d)=.1)'" if "time" in values else "name one with numbers"
            raise UsageError(f"{_OPTION}: {name} has no numbers ({kinds})", hint=hint)
        return _floats(values, "number", "bool", n=len(self.products))

    def times(self, name: str | None) -> Scores:
        """(n,); see `Candidates.times`."""
        if name is None:
            name = self._only_time()
        values = self._of(name)
        if "time" not in values:
            raise UsageError(f"{_OPTION}: {name} has no dates ({' and '.join(sorted(values))})", hint="name one with dates")
        return _floats(values, "time", n=len(self.products))

    def groups(self, name: str) -> NDArray[np.int64]:
        """(n,); see `Candidates.groups`. A product without a parent is one with those whose parent it is."""
        if name not in self._groups:
            values = self._of(name)
            if set(values) == {"list"}:
                raise UsageError(f"{_OPTION}: {name} is a list, and a product can be in one group alone", hint="name another attribute")
            keys = [pc.binary_join_element_wise(kind, values[kind].cast(pa.string()), ":") for kind in values if kind != "list"]
            if name == "parent":
                keys.append(pc.binary_join_element_wise("text", self.products, ":"))
            key = pc.coalesce(*keys)
            chunks = pa.chunked_array([key]) if isinstance(key, pa.Array) else key
            codes = chunks.combine_chunks().dictionary_encode()
            codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
            self._groups[name] = codes.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return self._groups[name]

    def belonging(self, name: str, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """Of some products, (p,); see `Candidates.belonging`."""
        at = pc.index_in(pa.array(list(ids), pa.string()), value_set=self.products)
        return belonging({kind: column.take(at) for kind, column in self._of(name).items()}, len(ids))

    def check(self, ids: Sequence[str]) -> None:
        """Raise UsageError for ids that the store does not have."""
        asked = pa.array(list(ids), pa.string())
        lost = asked.filter(pc.invert(pc.is_in(asked, value_set=self.products))).to_pylist()
        if lost:
            near = did_you_mean(lost[0], self.products[:_COMPARED].to_pylist())
            more = f" and {len(lost) - 1:,} more of those that are named" if len(lost) > 1 else ""
            quoted = 'ids that look like numbers stand in double quotes in --rerank: ids=["0042"]'
            raise UsageError(f"there is no product {lost[0]}{more}{near}", hint=quoted if lost[0].isdigit() else "see: mmsearch show ID")

    def likeness(self, ids: Sequence[str]) -> NDArray[np.float64]:
        """(m, p, p) of some products; see `Candidates.likeness`."""
        found = []
        wanted = pa.array(list(ids), pa.string())
        for modality in settings.MODALITIES:
            known = recorded_encoder(self.store, modality)
            here = np.zeros(len(ids), dtype=bool)
            cosines = np.full((len(ids), len(ids)), np.nan)
            if known and self.store.has(known["table"]) and len(rows := read_vectors(self.store, known["table"], list(ids))):
                vectors, here = mean_by_product(rows, wanted, rows.vectors.shape[1])
                cosines[np.ix_(here, here)] = (vectors[here] @ vectors[here].T).astype(np.float64)
            found.append(cosines)
        return np.array(found)

    def texts(self, ids: Sequence[str]) -> list[str | None]:
        """What some products say, (p,)."""
        return [None if text is None else str(text) for text in contents_by_product(self.store, "text", ids)]

    def words(self, ids: Sequence[str]) -> list[str]:
        """Of some products, (p,); see `Candidates.words`."""
        rows = self.store.read(PRODUCTS, ["id", "title"], where=id_list("id", list(ids)))
        titles = dict(zip(rows.column("id").to_pylist(), rows.column("title").to_pylist(), strict=True))
        return [" ".join(sorted(_WORD.findall((titles.get(id) or "").casefold()))) for id in ids]

    def _of(self, name: str) -> Values:
        if name not in self._values:
            self._values[name] = read_values(self.store, name, self.products, version=self._index.version(PRODUCTS), option=_OPTION)
        return self._values[name]

    def _has(self, name: str) -> bool:
        attributes = load_attributes(self.store)
        return name in attributes.columns or name in attributes.sparse

    def _only_time(self) -> str:
        attributes = load_attributes(self.store)
        dated = [name for name, kinds in attributes.columns.items() if "time" in kinds]
        dated += [name for name, kinds in attributes.sparse.items() if "time" in kinds and name not in attributes.columns]
        if len(dated) != 1:
            what = "no product has an attribute with dates" if not dated else f"{len(dated)} attributes have dates"
            hint = f"name one: recency(by={written(dated[0])}); there are {', '.join(dated[:_NAMED])}" if dated else None
            raise UsageError(f"{_OPTION}: {what}", hint=hint)
        return dated[0]


class Some:
    """The candidates of one query among all products: `mmsearch.ranking.rerank.Candidates`."""

    def __init__(self, known: Known, ids: pa.Array, unit: float, query: Query):
        self._known, self.ids, self.unit, self.shopper = known, ids, unit, query.shopper
        wanted = [part for part in query.parts if not part.negative and part.weight > 0]
        self.question = " ".join(part.content for part in wanted if part.kind == "text")
        self.spoken = [part.heard for part in wanted if part.heard]

    def numbers(self, name: str) -> Scores:
        """See `Candidates.numbers`."""
        return self.of_all(self._known.numbers(name))

    def times(self, name: str | None) -> Scores:
        """See `Candidates.times`."""
        return self.of_all(self._known.times(name))

    def groups(self, name: str) -> NDArray[np.int64]:
        """See `Candidates.groups`."""
        return self.of_all(self._known.groups(name))

    def belonging(self, name: str, ids: Sequence[str]) -> list[tuple[str, ...]]:
        """See `Candidates.belonging`."""
        return self._known.belonging(name, ids)

    def likeness(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Candidates.likeness`."""
        return self._known.likeness(self._ids(places))

    def words(self, places: NDArray[np.int64]) -> list[str]:
        """See `Candidates.words`."""
        return self._known.words(self._ids(places))

    def texts(self, places: NDArray[np.int64]) -> list[str | None]:
        """See `Candidates.texts`."""
        return self._known.texts(self._ids(places))

    def places(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """See `Candidates.places`."""
        self._known.check(ids)
        found = pc.index_in(pa.array(list(ids), pa.string()), value_set=self.ids).drop_null()
        places: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
        return places

    def check(self, ids: Sequence[str]) -> None:
        """See `Candidates.check`."""
        self._known.check(ids)

    def taken_by(self, user: str) -> Taken:
        """See `Candidates.taken_by`."""
        return self._known.shoppers.taken_by(user)

    def taste(self, taken: Taken) -> Scores:
        """See `Candidates.taste`."""
        return self._known.shoppers.taste(taken, self.ids)

    def goes_with(self, taken: Taken) -> Scores:
        """See `Candidates.goes_with`."""
        return self.of_all(self._known.shoppers.goes_with(taken))

    def unseen(self) -> Sequence[str]:
        """See `Candidates.unseen`."""
        return self._known.shoppers.unseen()

    def sold(self, days: NDArray[np.bool_]) -> Sold:
        """See `Candidates.sold`."""
        sold = self._known.shoppers.sold(days)
        return Sold(self.of_all(sold.observed), self.of_all(sold.expected), sold.notes)

    def _ids(self, places: NDArray[np.int64]) -> list[str]:
        return self.ids.take(pa.array(places)).to_pylist()  # type: ignore[no-any-return]

    def of_all(self, values: NDArray[_Value]) -> NDArray[_Value]:
        """Values of all products → those of the candidates, (n,)."""
        return values if self.ids is self._known.products else values[self._rows]

    @functools.cached_property
    def _rows(self) -> NDArray[np.int64]:
        """Where the candidates are among all products, (n,). Who is among some hundred is asked of a million, not the other way round: a
        table of the million would be made for each query."""
        products = self._known.products
        here = np.flatnonzero(pc.is_in(products, value_set=self.ids).to_numpy(zero_copy_only=False))
        found: NDArray[np.int64] = here[pc.index_in(self.ids, value_set=products.take(pa.array(here))).to_numpy(zero_copy_only=False)]
        return found


def _floats(values: Values, *kinds: str, n: int) -> Scores:
    found = np.full(n, np.nan)
    for kind in kinds:
        if kind in values:
            column = values[kind].cast(pa.float64()).to_numpy()
            found = np.where(np.isnan(found), column, found)
    return found
