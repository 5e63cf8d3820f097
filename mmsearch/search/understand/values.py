"""What products have of an attribute, in the catalogue's own words: which have a value, and of which it is known what they have."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.catalog.categories import SEPARATOR
from mmsearch.lexical.spelling import typed
from mmsearch.store import Store
from mmsearch.store.attributes import FACT_PREFIX, Attributes, load_attributes
from mmsearch.store.record import Record
from mmsearch.store.values import Values, read_values

Mask = NDArray[np.bool_]

_OPTION = "--understand"
_PARTS = re.compile(r"\s*(?:[,/;|&+，、；]|\band\b|和)\s*", re.IGNORECASE)

#: Kind of entity → how an attribute that holds it is called, and the fact that stands in for products without it.
_NAMES = {
    "colour": (re.compile(r"(?:^|_|\s)(?:colou?rs?)$|颜色$|色系$", re.IGNORECASE), "title_colour"),
    "material": (re.compile(r"(?:^|_|\s)(?:materials?|fabric)$|材质$|材料$|面料$", re.IGNORECASE), "material"),
    "size": (re.compile(r"(?:^|_|\s)(?:sizes?)$|尺码$|尺寸$", re.IGNORECASE), "size"),
    "model code": (re.compile(r"(?:^|_|\s)(?:model(?:_code|_number)?|mpn)$|型号$", re.IGNORECASE), "model_code"),
    "quantity": (re.compile(r"(?:^|_|\s)(?:pack_size|pieces|pack_quantity)$|件数$", re.IGNORECASE), "quantity"),
}
_OWN = {"brand": "brand", "category": "category", "price": "price"}


@dataclass(frozen=True, eq=False)
class Column:
    """The values of an attribute beside products: `codes` (m,) of the rows' values in `distinct`, `rows` (m,) the product of each.

    `keys` gives what a value is typed as.
    """

    distinct: list[str | float]
    codes: NDArray[np.int64]
    rows: NDArray[np.int64]
    known: Mask  # (n,)
    keys: Callable[[str | float], set[str]]

    @functools.cached_property
    def by_key(self) -> dict[str, list[int]]:
        """What values are typed as → their places in `distinct`."""
        found: dict[str, list[int]] = {}
        for place, value in enumerate(self.distinct):
            for key in self.keys(value):
                found.setdefault(key, []).append(place)
        return found

    def having(self, keys: Collection[str]) -> Mask:
        """The products (n,) with a value that is typed as one of `keys`."""
        return self._of([place for key in keys for place in self.by_key.get(key, ())])

    def between(self, low: float | None, high: float | None) -> Mask:
        """The products (n,) with a number in a range, its ends included; None is open."""
        values = np.array([value if isinstance(value, float) else np.nan for value in self.distinct])
        inside = ~np.isnan(values) & (values >= (-np.inf if low is None else low)) & (values <= (np.inf if high is None else high))
        return self._of(np.flatnonzero(inside))

    def _of(self, places: Sequence[int] | NDArray[np.int64]) -> Mask:
        mask = np.zeros(len(self.known), dtype=bool)
        chosen = np.zeros(len(self.distinct), dtype=bool)
        chosen[np.asarray(places, dtype=np.int64)] = True
        mask[self.rows[chosen[self.codes]]] = True
        return mask


class CatalogueValues:
    """The values of one store, read when a query first asks for them and again when the products or their attributes changed."""

    def __init__(self, store: Store):
        self._store = store
        self._kept: dict[str, tuple[tuple[int, int], list[Column]]] = {}
        self._attributes: tuple[int, Attributes] | None = None

    def columns(self, kind: str, products: pa.Array, version: int) -> list[Column]:
        """Where products (n,) say something of a kind, the shop's own attribute first; [] where none does.

        `version`: of the table of products that they are all ids of.
        """
        record = self._store.version(Record.TABLE)
        kept = self._kept.get(kind)
        if kept is None or kept[0] != (version, record):
            names = self._names(kind, record)
            read = (
                _column(read_values(self._store, name, products, version=version, option=_OPTION), kind, len(products)) for name in names
            )
            kept = (version, record), [column for column in read if column.distinct]
            self._kept[kind] = kept
        return kept[1]

    def currencies(self, products: pa.Array, version: int) -> Column | None:
        """The currencies of products' prices, None where none is written."""
        found = self.columns("currency", products, version)
        return found[0] if found else None

    def _names(self, kind: str, record: int) -> list[str]:
        if kind in _OWN or kind == "currency":
            return [_OWN.get(kind, kind)]
        if self._attributes is None or self._attributes[0] != record:
            self._attributes = record, load_attributes(self._store)
        attributes = self._attributes[1]
        pattern, fact = _NAMES[kind]
        own = [name for name in attributes.columns if pattern.search(name)] or [name for name in attributes.sparse if pattern.search(name)]
        facts = [FACT_PREFIX + fact] if fact in attributes.facts else []
        return [*sorted(own, key=lambda name: (len(name), name))[:1], *facts]


def first_known(columns: Sequence[Column], keys: Collection[str]) -> tuple[Mask, Mask]:
    """The products (n,) with a value typed as one of `keys`, and those of which it is known; the first column that knows one decides."""
    has, known = columns[0].having(keys), columns[0].known.copy()
    for column in columns[1:]:
        has |= column.having(keys) & ~known
        known |= column.known
    return has, known


def whole(value: str | float) -> set[str]:
    """What a name is typed as."""
    return {key} if (key := typed(str(value))) else set()


def keys_of(value: str | float) -> set[str]:
    """What a value is typed as: the whole, and each of several that stand in it ('Black/Red').

    >>> sorted(keys_of("Black / Navy Blue")), keys_of(42.0)
    (['black', 'blacknavyblue', 'navyblue'], {'42'})
    """
    text = f"{value:g}" if isinstance(value, float) else value
    return {key for part in (text, *_PARTS.split(text)) if (key := typed(part))}


def levels_of(value: str | float) -> set[str]:
    """What the levels of a category path are typed as."""
    return {key for level in str(value).split(SEPARATOR.strip()) if (key := typed(level))}


#: Kind → what its values are typed as; of every other kind `keys_of` says it.
_KEYS = {"brand": whole, "currency": whole, "category": levels_of}


def _column(values: Values, kind: str, n: int) -> Column:
    distinct: list[str | float] = []
    codes, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    known = np.zeros(n, dtype=bool)
    for type, chunks in values.items():
        whole = chunks.combine_chunks()
        array = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
        if type == "list":
            place = pc.list_parent_indices(array).to_numpy(zero_copy_only=False).astype(np.int64)
            array = pc.list_flatten(array)
        else:
            place = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False))
            array = array.drop_null()
        if type in ("time", "bool") or not len(array):
            continue
        coded = array.dictionary_encode()
        codes.append(coded.indices.to_numpy(zero_copy_only=False).astype(np.int64) + len(distinct))
        distinct += coded.dictionary.to_pylist()
        rows.append(place)
        known[place] = True
    return Column(distinct, np.concatenate(codes), np.concatenate(rows), known, _KEYS.get(kind, keys_of))
