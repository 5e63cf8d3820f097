"""Facets: how the products that a search matches spread over the values of an attribute, and the filter that keeps each value.

Texts, truth values and the items of lists are counted one by one, the most frequent first; numbers and times in ranges with round ends,
or one by one where there are few; categories at the level below what all matches share, as the sidebar of a shop does.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.catalog.categories import SEPARATOR
from mmsearch.errors import UsageError
from mmsearch.search.ranges import counts_between, round_ends
from mmsearch.store.dates import iso_seconds, iso_text
from mmsearch.store.sql import item_text
from mmsearch.store.values import Values
from mmsearch.store.where import And, Between, Compare, Literal, Name, Node, Or
from mmsearch.store.where_text import attribute_name, number_text, where_text

VALUES = 10  # shown where no number is asked for
RANGES = 5
_FIRST = 1_000  # values that are looked at first: where they are few already, all are
_MOST = 10_000  # that can be asked for
_WITH_NUMBER = re.compile(r"(.*\S)\s*\(\s*(\d+)\s*\)\s*", re.DOTALL | re.ASCII)

Mask = NDArray[np.bool_]
Counts = tuple[pa.Array, pa.Array]  # distinct values, and how many products have each


class FacetValue(TypedDict):
    """A value, how many matches have it, and the filter that keeps those (None where it cannot be written)."""

    value: str | float | bool
    count: int
    where: str | None


#: The same of a range, with its ends: from `from` up to below `to`, None where it is open. Times are ISO 8601.
Range = TypedDict("Range", {"value": str, "from": float | str | None, "to": float | str | None, "count": int, "where": str | None})


class Facet(TypedDict):
    """What `--facet` gives for one attribute: its values, how many more there are, and how many matches have none."""

    facet: str
    values: list[FacetValue | Range]
    more: int
    missing: int


@dataclass(frozen=True)
class FacetOf:
    """A facet that is asked for: `brand`, `price(5)`."""

    name: str
    most: int | None = None  # values or ranges


def parse_facet(text: str) -> FacetOf:
    """`NAME` or `NAME(N)`; a name that itself ends in a number in brackets stands in backticks.

    Raises UsageError for a number that is not from 1 to 10,000, and for a name as `attribute_name` does.
    """
    found = _WITH_NUMBER.fullmatch(text)
    if not found:
        return FacetOf(attribute_name(text, "--facet"))
    digits = found[2].lstrip("0")
    if not digits or len(digits) > len(str(_MOST)) or int(digits) > _MOST:
        raise UsageError(f"--facet {text.strip()}: it can show from 1 to {_MOST:,} values", hint="for example: --facet 'brand(20)'")
    return FacetOf(attribute_name(found[1], "--facet"), int(digits))


def count_facet(asked: FacetOf, values: Values, among: Mask | None) -> Facet:
    """Count one facet.

    Parameters
    ----------
    values : of the attribute, beside all products (n,). among : (n,) the products that are counted; None counts all.
    """
    products = len(next(iter(values.values()))) if among is None else int(among.sum())
    kept = values if among is None or among.all() else {kind: column.filter(pa.array(among)) for kind, column in values.items()}
    present = {
        kind: column.drop_null() if column.null_count else column for kind, column in kept.items() if column.null_count < len(column)
    }
    most = asked.most or VALUES
    ranges: list[FacetValue | Range] = []
    if "list" in values:  # a single value is then a list of one: `has` asks both alike
        counts = _items(present)
        found = [_item(asked.name, item, count, values) for item, count in _largest(*counts, most)]
        distinct = len(counts[0])
    elif asked.name == "category":
        levels, deeper = _levels(present.get("text"))
        found = [_level(asked.name, path, count, path in deeper) for path, count in _largest(*levels, most)]
        distinct = len(levels[0])
    else:
        for kind in ("number", "time"):
            if kind in present:
                ranges += _ranges(asked, kind, present[kind].to_numpy().astype(np.float64, copy=False), values)
        counted = {kind: _counts(present[kind]) for kind in ("bool", "text") if kind in present}
        singles = [(value, count) for kind in counted for value, count in _largest(*counted[kind], most)]
        singles = sorted(singles, key=lambda pair: -pair[1])[:most]
        found = [_single(asked.name, value, count, values) for value, count in singles]
        distinct = sum(len(one) for one, _ in counted.values())
    missing = products - sum(map(len, present.values()))
    return {"facet": asked.name, "values": [*ranges, *found], "more": distinct - len(found), "missing": missing}


# -- one by one --------------------------------------------------------------------------------------------------------


def _counts(column: pa.ChunkedArray) -> Counts:
    """Distinct values, and how many products have each."""
    pairs = column.value_counts()
    return pairs.field("values"), pairs.field("counts")


def _arrays(counts: Mapping[str, int]) -> Counts:
    return pa.array(list(counts), pa.string()), pa.array(list(counts.values()), pa.int64())


def _largest(values: pa.Array, counts: pa.Array, most: int) -> list[tuple[Any, int]]:
    """The most frequent values, equally frequent ones in their order."""
    if pa.types.is_boolean(values.type):
        pairs = zip(values.to_pylist(), counts.to_pylist(), strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:most]
    table = pa.table({"value": values, "count": counts})
    rows = table.take(pc.select_k_unstable(table, k=most, sort_keys=[("count", "descending"), ("value", "ascending")]))
    return list(zip(rows.column("value").to_pylist(), rows.column("count").to_pylist(), strict=True))


def _single(name: str, value: Literal, count: int, values: Values) -> FacetValue:
    """A text or a truth value. The filter must not meet values of other types: = '42' also means the number."""
    test = Compare(Name(name, 0), "=", value)
    if isinstance(value, str) and _other_types(value, values):
        test = Compare(Name(name, 0), "like", _literally(value))  # asks texts alone
    return {"value": value, "count": count, "where": where_text(test)}


def _literally(text: str) -> str:
    """A text as `like` takes it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _other_types(text: str, values: Values) -> bool:
    """Whether a text, compared with =, also meets values of another type that the attribute has."""
    return (
        ("number" in values and _number(text) is not None)
        or ("time" in values and iso_seconds(text.strip()) is not None)
        or ("bool" in values and text.lower() in ("true", "false"))
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


# -- lists -------------------------------------------------------------------------------------------------------------


def _items(present: Values) -> Counts:
    """Items of lists, and single values as text: a product counts once for each."""
    counts: Counter[str] = Counter()
    for kind, column in present.items():
        if kind == "list":
            counts.update(_in_lists(column))
            continue
        for value, count in zip(*(one.to_pylist() for one in _counts(column)), strict=True):
            counts[iso_text(value) if kind == "time" else item_text(value)] += count
    return _arrays(counts)


def _in_lists(column: pa.ChunkedArray) -> dict[str, int]:
    lists = pa.concat_arrays(column.chunks)
    items = pc.list_flatten(lists).dictionary_encode()
    owners = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    codes = items.indices.fill_null(len(items.dictionary)).to_numpy().astype(np.int64)
    width = len(items.dictionary) + 1
    counts = np.bincount(np.unique(owners * width + codes) % width, minlength=width)
    return dict(zip(items.dictionary.to_pylist(), counts[:-1].tolist(), strict=True))


def _item(name: str, item: str, count: int, values: Values) -> FacetValue:
    # The text '42.0' in a list is not the number 42 of another product, and a filter takes the one for the other.
    doubtful = _other_types(item, values) and not _one_way(item)
    return {"value": item, "count": count, "where": None if doubtful else where_text(Compare(Name(name, 0), "has", item))}


def _one_way(text: str) -> bool:
    """Whether a text is how the number, time or truth value is written that it reads as."""
    if (seconds := iso_seconds(text)) is not None:
        return iso_text(seconds) == text
    number = _number(text)
    return text in ("true", "false") or (number is not None and np.isfinite(number) and item_text(number) == text)


# -- categories --------------------------------------------------------------------------------------------------------


def _levels(column: pa.ChunkedArray | None) -> tuple[Counts, set[str]]:
    """The level below what all products share (of `A > B > C` and `A > D`: that of B and D), as paths; and those that go on below."""
    if column is None:
        return _arrays({}), set()
    paths = {tuple(path.split(SEPARATOR)): n for path, n in zip(*(one.to_pylist() for one in _counts(column)), strict=True)}
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(min(paths), max(paths), strict=False)))
    counts: Counter[str] = Counter()
    deeper = set()
    for levels, count in paths.items():
        path = SEPARATOR.join(levels[: shared + 1])
        counts[path] += count
        if len(levels) > shared + 1:
            deeper.add(path)
    return _arrays(counts), deeper


def _level(name: str, path: str, count: int, deeper: bool) -> FacetValue:
    node: Node = Compare(Name(name, 0), "=", path)
    if deeper:
        node = Or((node, Compare(Name(name, 0), "like", f"{_literally(path + SEPARATOR)}%")))
    return {"value": path, "count": count, "where": where_text(node)}


# -- ranges ------------------------------------------------------------------------------------------------------------


def _ranges(asked: FacetOf, kind: str, numbers: NDArray[np.float64], values: Values) -> list[FacetValue | Range]:
    """Ranges of numbers or times (n,), ascending; one by one where there are no more values than ranges."""
    most = asked.most or RANGES
    clear = kind == "number" or "text" not in values  # a date as it is typed is a text, which also meets texts
    if len(np.unique(numbers[:_FIRST])) <= most:
        distinct, counts = np.unique(numbers, return_counts=True)
        if len(distinct) <= most:
            return [_value(asked.name, kind, v, c, clear) for v, c in zip(distinct.tolist(), counts.tolist(), strict=True)]
    ordered = np.sort(numbers)
    ends = round_ends(ordered, most, times=kind == "time")
    if not len(ends):
        return [_whole(asked.name, kind, numbers, clear)]
    counts = counts_between(ordered, ends)
    edges = [None, *ends.tolist(), None]
    return [_range(asked.name, kind, low, high, int(c), clear) for low, high, c in zip(edges[:-1], edges[1:], counts, strict=True)]


def _literal(kind: str, number: float) -> Literal:
    return iso_text(number) if kind == "time" else number


def _shown(literal: Literal) -> str:
    return literal if isinstance(literal, str) else number_text(literal)


def _plain(literal: Any) -> Any:
    """A whole number without a decimal point, anything else as it is."""
    return int(literal) if isinstance(literal, float) and abs(literal) < 1e15 and literal.is_integer() else literal


def _value(name: str, kind: str, number: float, count: int, clear: bool) -> FacetValue:
    literal = _literal(kind, number)
    clear = clear and (iso_seconds(str(literal)) == number if kind == "time" else math.isfinite(number))
    where = where_text(Compare(Name(name, 0), "=", literal)) if clear else None
    return {"value": _plain(literal), "count": count, "where": where}


def _range(name: str, kind: str, low: float | None, high: float | None, count: int, clear: bool) -> Range:
    ends = [None if end is None else _literal(kind, end) for end in (low, high)]
    tests = tuple(Compare(Name(name, 0), op, end) for op, end in zip((">=", "<"), ends, strict=True) if end is not None)
    first, last = ("" if end is None else _shown(end) for end in ends)
    shown = f"{first} – {last}" if first and last else f"< {last}" if last else f">= {first}"
    where = where_text(tests[0] if len(tests) == 1 else And(tests)) if clear else None
    return {"value": shown, "from": _plain(ends[0]), "to": _plain(ends[1]), "count": count, "where": where}


def _whole(name: str, kind: str, numbers: NDArray[np.float64], clear: bool) -> Range:
    """All in one range: one was asked for, or nearly all values are equal."""
    first, last = (_literal(kind, float(end)) for end in (numbers.min(), numbers.max()))
    where = where_text(Between(Name(name, 0), first, last)) if clear and np.isfinite(numbers).all() else None
    return {"value": f"{_shown(first)} – {_shown(last)}", "from": None, "to": None, "count": len(numbers), "where": where}
