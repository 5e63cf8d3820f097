"""The k best of each row of a product of sparse matrices, without the product: neighbours of products and of users, and many answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.recommend.base import Interactions, Recommended
from mmsearch.recommend.pairs import Steps, spans

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_COMPILED = 4_000_000  # multiplications from which on compiled code is worth half a second to load: SciPy takes 150 ms for them


class Norms(NamedTuple):
    """s_ij = c_ij / (a_i·b_j + shrink); with `union` c_ij / (a_i + b_j − c_ij + shrink)."""

    rows: NDArray[Any]  # a (m,)
    columns: NDArray[Any]  # b (n,)
    shrink: float = 0.0
    union: bool = False


class Places(NamedTuple):
    """Places of a matrix: columns[pointers[i] : pointers[i + 1]] in row i."""

    pointers: NDArray[np.int64]  # (m + 1,)
    columns: NDArray[np.integer[Any]]


def k_best(A: csr_array[Any], B: csr_array[Any], k: int, norms: Norms | None = None, without: Places | None = None) -> csr_array[Any]:
    """The k largest positive entries of each row of A·B (m, n), scaled by `norms`, ties by column; `without` what stands there.

    A and B have the same kind of floating-point numbers. Small products are SciPy's, cut afterwards; large ones are made by compiled code
    in several threads, row by row, with the same sums in the same order.
    """
    m, n = A.shape[0], B.shape[1]
    total = np.concatenate(([0], np.cumsum(np.diff(B.indptr)[A.indices], dtype=np.int64)))[A.indptr]
    if k < 1 or total[-1] < _COMPILED:
        return _cut((A @ B).tocsr(), k, norms, without)
    a, b, shrink, union = norms or Norms(np.ones(m), np.ones(n))
    bans = Places(np.zeros(1, np.int64), np.empty(0, np.int64)) if without is None else without
    kind = A.dtype.type
    fixed = (
        (A.indptr.astype(np.int64), _unsigned(A.indices), A.data),
        (B.indptr.astype(np.int64), _unsigned(B.indices), B.data),
        (a.astype(kind, copy=False), b.astype(kind, copy=False), kind(shrink), union),
        (bans.pointers.astype(np.int64), _unsigned(bans.columns)),
    )
    return _by_rows(_kernels().product_rows, fixed, np.diff(total), kind, (m, n), k)


def k_best_before(events: Interactions, n: int, fades: NDArray[np.float64], k: int, norms: Norms) -> csr_array[Any]:
    """The k largest of each row i (n, n) of c_ij = Σ r_a·r_b·fades[steps − 1] over the events a with j that come steps = 1 to len(fades)
    before an event b of the same user with i, scaled by `norms`, ties by column; none for i itself. All strengths are positive.
    """
    steps = Steps(events, n, range(1, len(fades) + 1), lambda steps, after: fades[steps - 1])
    norms = norms._replace(rows=norms.rows.astype(np.float64), columns=norms.columns.astype(np.float64))
    if steps.costs.sum() < _COMPILED:
        return _cut(steps(0, n), k, norms, Places(np.arange(n + 1), np.arange(n)))
    a, b, shrink, union = norms
    first = np.searchsorted(events.users, np.arange(len(events.user_ids)))[events.users]  # event of the same user
    fixed = (
        (steps.bounds, steps.by_product, first, _unsigned(events.products), events.values),
        fades,
        (a, b, float(shrink), union),
    )
    return _by_rows(_kernels().step_rows, fixed, steps.costs, np.float64, (n, n), k)


def ranked(found: csr_array[Any]) -> list[Recommended]:
    """Rows of k best as lists, best first, ties by column."""
    lengths = np.diff(found.indptr)
    order = np.lexsort((found.indices, -found.data, np.repeat(np.arange(len(lengths)), lengths)))
    products, scores = found.indices[order].astype(np.int64), found.data[order]
    bounds = found.indptr.tolist()
    return [Recommended(products[start:stop], scores[start:stop]) for start, stop in pairwise(bounds)]


def places(rows: Sequence[Collection[int]]) -> Places:
    """Collections of columns, one a row."""
    arrays = [row if isinstance(row, np.ndarray) else np.fromiter(row, np.int64, len(row)) for row in rows]
    return Places(np.cumsum([0, *map(len, arrays)]), np.concatenate([np.empty(0, np.int64), *arrays], dtype=np.uint32, casting="unsafe"))


def _kernels() -> Any:
    from mmsearch.encoders.numba_cache import guard_numba

    guard_numba()
    from mmsearch.recommend import compiled

    return compiled


def _unsigned(indices: NDArray[Any]) -> NDArray[np.uint32]:
    return indices.view(np.uint32) if indices.dtype == np.int32 else indices.astype(np.uint32, copy=False)


def _by_rows(
    kernel: Callable[..., None], fixed: tuple[Any, ...], costs: NDArray[np.int64], kind: Any, shape: tuple[int, int], k: int
) -> csr_array[Any]:
    """The rows (m, n) that a compiled function finds, in several threads; row i takes costs[i] steps."""
    from scipy.sparse import csr_array

    n = shape[1]
    k = min(k, n)
    room = min(4 * k, n)
    most = np.concatenate(([0], np.cumsum(np.minimum(costs, k))))
    own = threading.local()

    def rows(span: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.uint32]]:
        if not hasattr(own, "scratch"):
            own.scratch = np.zeros(n, kind), np.empty(2 * n, np.uint32), np.empty(room, kind), np.empty(room, np.uint32)
        start, stop = span
        lengths, size = np.empty(stop - start, np.int64), most[stop] - most[start]
        values, columns = np.empty(size, kind), np.empty(size, np.uint32)
        kernel(start, stop, *fixed, k, own.scratch, lengths, values, columns)
        total = lengths.sum()
        return lengths, values[:total].copy(), columns[:total].copy()

    with ThreadPoolExecutor(settings.threads()) as pool:
        lengths, values, columns = (np.concatenate(parts) for parts in zip(*pool.map(rows, spans(costs)), strict=True))
    return csr_array((values, columns.astype(np.int32), np.concatenate(([0], np.cumsum(lengths)))), shape=shape)


def _cut(block: csr_array[Any], k: int, norms: Norms | None, without: Places | None) -> csr_array[Any]:
    """As `k_best`, of a matrix that is there; it may change."""
    lengths = np.diff(block.indptr)
    if norms is not None:
        against, own = norms.columns[block.indices], np.repeat(norms.rows, lengths)
        against = own + against - block.data if norms.union else own * against
        against += against.dtype.type(norms.shrink)
        block.data /= against
    if without is not None:
        out = np.zeros(block.shape[1], np.bool_)
        for row, length in enumerate(lengths.tolist()):
            banned = without.columns[without.pointers[row] : without.pointers[row + 1]]
            if length and len(banned):
                out[banned] = True
                here = slice(block.indptr[row], block.indptr[row + 1])
                block.data[here][out[block.indices[here]]] = 0.0
                out[banned] = False
    block.data[block.data < 0] = 0.0
    block.eliminate_zeros()
    return nearest(block, k)


def nearest(block: csr_array[Any], k: int) -> csr_array[Any]:
    """The k largest entries of each row; ties by column."""
    from scipy.sparse import csr_array

    if k < 1:
        return csr_array(block.shape, dtype=block.dtype)
    lengths = np.diff(block.indptr)
    long = np.flatnonzero(lengths > k)
    if not len(long):
        return block
    cuts = np.full(len(lengths), -np.inf, block.dtype)
    for row, start, stop in zip(long.tolist(), block.indptr[long].tolist(), block.indptr[long + 1].tolist(), strict=True):
        cuts[row] = np.partition(block.data[start:stop], stop - start - k)[stop - start - k]
    kept = np.flatnonzero(block.data >= np.repeat(cuts, lengths))
    pointers = np.searchsorted(kept, block.indptr)
    surplus = np.diff(pointers) - np.minimum(lengths, k)
    out = []
    for row in np.flatnonzero(surplus).tolist():  # as many of the entries at the cut as are too many, the last columns
        own = kept[pointers[row] : pointers[row + 1]]
        level = own[block.data[own] == cuts[row]]
        out.append(level[np.argsort(-block.indices[level])[: surplus[row]]])
    if out:
        kept = np.delete(kept, np.searchsorted(kept, np.concatenate(out)))
        pointers = np.concatenate(([0], np.cumsum(np.minimum(lengths, k))))
    return csr_array((block.data[kept], block.indices[kept], pointers), shape=block.shape)


def largest(rows: NDArray[np.floating[Any]], own: NDArray[np.int64], k: int) -> csr_array[Any]:
    """The k entries of each row (m, c) that are furthest from 0, without the one at `own` (m,); below 0: none."""
    from scipy.sparse import csr_array

    m, c = rows.shape
    inside = np.flatnonzero(own >= 0)
    rows[inside, own[inside]] = 0.0
    if k >= c:
        return csr_array(rows)
    columns = np.argpartition(-np.abs(rows), k, axis=1)[:, :k]
    columns.sort(axis=1)
    found = csr_array((np.take_along_axis(rows, columns, axis=1).ravel(), columns.ravel(), np.arange(0, m * k + 1, k)), shape=(m, c))
    found.eliminate_zeros()
    return found
