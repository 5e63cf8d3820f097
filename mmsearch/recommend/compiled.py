"""Rows of products of sparse matrices, compiled: each row is summed, scaled and cut to its k best while it is in the cache.

Numba compiles these for the machine on first use and keeps the result on disk. They are imported by `best` alone, where there is so much
to do that this is worth it. Indices come without a sign, which spares a test for counting from the end at every step.

F. G. Gustavson, "Two fast algorithms for sparse matrices: multiplication and permuted transposition", TOMS 1978.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numpy.typing import NDArray

_F = TypeVar("_F", bound=Callable[..., Any])


def _compiled(function: _F) -> _F:
    """Dividing by 0 gives what it gives in NumPy. Sums are made in the order that is written here: they are the same on every machine."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        made: _F = numba.njit(function, cache=True, **options)
    except RuntimeError:  # nowhere to write, beside this file or in the user's folder: compiled anew by every process
        made = numba.njit(function, **options)
    return made


@_compiled
def _front(values: NDArray[Any], columns: NDArray[Any], count: int, k: int) -> None:
    """Bring the k best of the first `count` to the front, in any order: the largest, ties by column. Hoare's Find, without a jump that
    depends on a comparison."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) >> 1
        value, column = values[middle], columns[middle]
        values[middle], columns[middle] = values[low], columns[low]
        last = low
        for x in range(low + 1, high):
            v, c = values[x], columns[x]
            values[x], columns[x] = values[last + 1], columns[last + 1]
            values[last + 1], columns[last + 1] = v, c
            last += (v > value) | ((v == value) & (c < column))
        values[low], columns[low] = values[last], columns[last]
        values[last], columns[last] = value, column
        if last > k:
            high = last
        elif last < k - 1:
            low = last + 1
        else:
            break


@_compiled
def _taken(
    count: int,
    sparse: bool,
    row: NDArray[Any],
    touched: NDArray[Any],
    own: Any,
    others: NDArray[Any],
    shrink: Any,
    union: bool,
    k: int,
    values: NDArray[Any],
    columns: NDArray[Any],
) -> int:
    """The k best of a row to the front of `values` and `columns`, positive ones alone; how many these are. Leaves `row` (n,) all 0.

    `sparse`: what is not 0 stands at the first `count` of `touched`, some perhaps twice.
    """
    zero = row.dtype.type(0)
    least, found = zero, 0
    for x in range(count):
        j = touched[x] if sparse else touched.dtype.type(x)
        c = row[j]
        row[j] = zero
        against = own + others[j] - c if union else own * others[j]
        value = c / (against + shrink)
        if value > zero and value >= least:
            if found == len(values):
                _front(values, columns, found, k)
                found, least = k, values[0]
                for y in range(1, k):
                    least = min(least, values[y])
            values[found], columns[found] = value, j
            found += 1
    if found > k:
        _front(values, columns, found, k)
        found = k
    return found


@_compiled
def product_rows(
    start: int, stop: int, left: Any, right: Any, norms: Any, without: Any, k: int, scratch: Any, lengths: Any, found: Any, out: Any
) -> None:
    """The k best of the rows start… of left · right; see `best.k_best`. `left` and `right` are (pointers, columns, values)."""
    pointers, middles, weights = left
    starts, ends, others = right
    own, theirs, shrink, union = norms
    bans, banned = without
    row, touched, values, columns = scratch
    zero = row.dtype.type(0)
    place = 0
    for i in range(start, stop):
        steps = 0
        for x in range(pointers[i], pointers[i + 1]):
            steps += starts[middles[x] + 1] - starts[middles[x]]
        sparse = steps <= len(touched)
        count = 0
        for x in range(pointers[i], pointers[i + 1]):
            middle, weight = middles[x], weights[x]
            if sparse:
                for y in range(starts[middle], starts[middle + 1]):
                    j = ends[y]
                    sum_ = row[j]
                    touched[count] = j
                    count += sum_ == zero
                    row[j] = sum_ + weight * others[y]
            else:
                for y in range(starts[middle], starts[middle + 1]):
                    row[ends[y]] += weight * others[y]
        if bans[-1]:
            for x in range(bans[i], bans[i + 1]):
                row[banned[x]] = zero
        best = _taken(count if sparse else len(row), sparse, row, touched, own[i], theirs, shrink, union, k, values, columns)
        found[place : place + best], out[place : place + best] = values[:best], columns[:best]
        place += best
        lengths[i - start] = best


@_compiled
def step_rows(start: int, stop: int, events: Any, fades: Any, norms: Any, k: int, scratch: Any, lengths: Any, found: Any, out: Any) -> None:
    """The k best of the rows start… of what comes 1 to len(fades) steps before; see `best.k_best_before`."""
    bounds, by_product, first, products, strengths = events
    own, theirs, shrink, union = norms
    row, touched, values, columns = scratch
    zero = row.dtype.type(0)
    window = len(fades)
    place = 0
    for i in range(start, stop):
        sparse = (bounds[i + 1] - bounds[i]) * window <= len(touched)
        count = 0
        for x in range(bounds[i], bounds[i + 1]):
            b = by_product[x]
            strength = strengths[b]
            for steps in range(1, min(window, b - first[b]) + 1):
                j = products[b - steps]
                sum_ = row[j]
                if sparse:
                    touched[count] = j
                    count += sum_ == zero
                row[j] = sum_ + strength * strengths[b - steps] * fades[steps - 1]
        row[i] = zero
        best = _taken(count if sparse else len(row), sparse, row, touched, own[i], theirs, shrink, union, k, values, columns)
        found[place : place + best], out[place : place + best] = values[:best], columns[:best]
        place += best
        lengths[i - start] = best
