"""A filter as the user writes it → the products that pass, wherever the values of its attributes are.

What asks columns alone is one read of the products. What asks one sparse attribute is one read of the table of sparse attributes,
in which a product without the attribute has no row: it matches neither the comparison nor its `not`, as it must be. The same goes for what
features found (the table `facts`): a name that is no attribute, or `fact.NAME` where it is. Answers are masks over the products, and
`and`, `or` join them. `not` is moved down to the comparisons, as in `mmsearch.store.sql`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.store.attributes import Attributes, load_attributes
from mmsearch.store.sql import compile_where
from mmsearch.store.store import PRODUCTS, Store
from mmsearch.store.values import place_of, unmoved
from mmsearch.store.where import And, Between, Compare, In, IsNull, Node, Not, Or, parse_where, text_literal

Mask = NDArray[np.bool_]

_AT_ONCE = 100  # comparisons of sparse attributes in one read


def passing(store: Store, where: str, products: pa.Array, version: int = 0) -> Mask:
    """Which products pass a filter.

    Parameters
    ----------
    where : the filter, as the user wrote it.
    products : (n,) ids; the answer is about these, in their order.
    version : of the table of products of which `products` are all ids, in its order; as long as it is the present one, no ids are read.

    Returns
    -------
    (n,) True where the filter is true: neither false nor unknown.

    Raises
    ------
    ParseError : the filter cannot be read. UsageError : see `mmsearch.store.sql.compile_where`.
    """
    node = parse_where(where)
    return unmoved(store, lambda: _Question(store, load_attributes(store), products, version).mask(node, True))


def check(store: Store, where: str) -> None:
    """Raise what `passing` raises for a filter, without reading a product."""
    node = parse_where(where)

    def compiled() -> str:
        attributes = load_attributes(store)
        sparse = {name: {k: k for k in place_of(name, attributes).kinds} for name in names_in(node) if name not in attributes.columns}
        return compile_where(node, Attributes({**attributes.columns, **sparse}))

    unmoved(store, compiled)


@dataclass(frozen=True)
class _Question:
    store: Store
    attributes: Attributes
    products: pa.Array
    version: int

    def mask(self, node: Node, wanted: bool) -> Mask:
        """The products for which a tree is true, or with `wanted` false those for which it is false."""
        if not self._sparse_names(node):
            return self._where(PRODUCTS, compile_where(node, self.attributes, wanted=wanted))
        if self._one_row(node):
            return self._where(*self._row_test(node, wanted))
        match node:
            case Not(part):
                return self.mask(part, not wanted)
            case And(parts) | Or(parts):
                return self._all(parts, wanted) if isinstance(node, And) is wanted else self._any(parts, wanted)
            case _:  # is null: every other comparison is answered by one row
                table, name, _ = place_of(node.name.name, self.attributes)
                present = self._where(table, f"name = {text_literal(name)}")
                return ~present if wanted else present

    def _all(self, parts: Sequence[Node], wanted: bool) -> Mask:
        """Products that pass every part. Parts over the columns are one question, and so are those over the same sparse attribute."""
        together: dict[str, list[Node]] = defaultdict(list)
        alone = []
        for part in parts:
            names = self._sparse_names(part)
            if not names or self._one_row(part):
                together[names.pop() if names else ""].append(part)
            else:
                alone.append(part)
        join = And if wanted else Or  # not (a or b) is not a and not b
        asked = [*(group[0] if len(group) == 1 else join(tuple(group)) for group in together.values()), *alone]
        return np.logical_and.reduce([self.mask(part, wanted) for part in asked])  # type: ignore[no-any-return]

    def _any(self, parts: Sequence[Node], wanted: bool) -> Mask:
        """Products that pass some part. Parts over the columns are one question, comparisons of sparse attributes a few."""
        columns: list[Node] = []
        rows: dict[str, list[Node]] = defaultdict(list)
        alone: list[Node] = []
        for part in parts:
            if not (names := self._sparse_names(part)):
                columns.append(part)
            else:
                (rows[place_of(next(iter(names)), self.attributes).table] if self._one_row(part) else alone).append(part)
        if columns:
            alone.append(columns[0] if len(columns) == 1 else (Or if wanted else And)(tuple(columns)))
        masks = [self.mask(part, wanted) for part in alone]
        for table, mine in rows.items():
            for start in range(0, len(mine), _AT_ONCE):
                some = mine[start : start + _AT_ONCE]
                asked = ", ".join(
                    map(text_literal, sorted(place_of(name, self.attributes).name for name in set().union(*map(names_in, some))))
                )
                tests = " OR ".join(self._row_test(part, wanted)[1] for part in some)
                # The names once more in front: that is what the index on the name answers.
                masks.append(self._where(table, f"name IN ({asked}) AND ({tests})"))
        return np.logical_or.reduce(masks)  # type: ignore[no-any-return]

    def _one_row(self, node: Node) -> bool:
        """Whether one row of the table of sparse attributes answers a tree: it asks one name, and not whether it is missing."""
        return len(names_in(node)) == len(self._sparse_names(node)) == 1 and not _asks_null(node)

    def _row_test(self, node: Node, wanted: bool) -> tuple[str, str]:
        """The table that answers a tree of one sparse name, and what to ask of it."""
        (name,) = names_in(node)
        table, own, kinds = place_of(name, self.attributes)
        test = compile_where(node, Attributes({name: {kind: kind for kind in kinds}}), wanted=wanted)
        return table, f"(name = {text_literal(own)} AND {test})"

    def _sparse_names(self, node: Node) -> set[str]:
        """The sparse attributes that a tree asks. Raises UsageError for a name that no product has."""
        found = {name for name in names_in(node) if name not in self.attributes.columns}
        for name in sorted(found):
            place_of(name, self.attributes)
        return found

    def _where(self, table: str, clause: str) -> Mask:
        if not self.store.has(table):
            return np.zeros(len(self.products), dtype=bool)
        if table == PRODUCTS and self.version == self.store.version(PRODUCTS):
            return self.store.tested(PRODUCTS, clause)
        ids = self.store.read(table, ["id"], where=clause).column("id").combine_chunks()
        return pc.is_in(self.products, value_set=ids).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def names_in(node: Node) -> set[str]:
    """The attributes that a tree asks."""
    match node:
        case And(parts) | Or(parts):
            return set().union(*map(names_in, parts))
        case Not(part):
            return names_in(part)
        case IsNull(name) | Between(name) | In(name) | Compare(name):
            return {name.name}


def _asks_null(node: Node) -> bool:
    match node:
        case And(parts) | Or(parts):
            return any(map(_asks_null, parts))
        case Not(part):
            return _asks_null(part)
        case _:
            return isinstance(node, IsNull)
