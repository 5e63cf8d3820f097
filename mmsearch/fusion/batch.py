"""The vectors of a store's products, side by side, one row a product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.fusion.base import Batch, Fuser, Matrix
from mmsearch.fusion.contents import contents_by_product
from mmsearch.store import Store
from mmsearch.store.vectors import VectorRows, dimension, read_vectors

_PIECE = 4_096  # products whose further views are averaged at a time


def load_batch(
    store: Store, tables: Mapping[str, str], ids: Sequence[str] | None = None, fuser: Fuser | None = None
) -> tuple[list[str], Batch]:
    """The products that have any vector in the tables (modality → table), or the given ones, with their vectors.

    Several photos of a product become their mean direction. `fuser`: what that method sees beside vectors is read, too.
    """
    there = {m: t for m, t in tables.items() if store.has(t)}
    some = None if ids is None else list(ids)
    more = fuser is not None and fuser.sees_views
    names = _every_id(store, there) if some is None else pa.array(some, pa.string())
    vectors, present, views = {}, {}, {}
    for modality, table in there.items():  # one after the other: what was read is twice as large as what is kept of it
        found = read_vectors(store, table, some, views=more)
        vectors[modality], present[modality] = mean_by_product(found, names, dimension(store, table) or 0)
        if found.views is not None:
            views[modality] = _mean_views(found, names)
        del found
    pa.default_memory_pool().release_unused()  # else Arrow keeps what it read, as much again, for the length of a fit
    known: list[str] = names.to_pylist()
    contents = {m: contents_by_product(store, m, known) for m in (fuser.reads if fuser is not None else ()) if m in vectors}
    return known, Batch(vectors, present, contents, known, store, views)


def sample_batch(
    store: Store, tables: Mapping[str, str], size: int, seed: int = 0, fuser: Fuser | None = None
) -> tuple[list[str], Batch, int]:
    """`load_batch` for some products chosen at random, the same for the same products, and how many there are in all.

    Of the others only the ids are read, so that memory does not grow with the vectors.
    """
    there = {m: t for m, t in tables.items() if store.has(t)}
    ids = _every_id(store, there)
    # Sorted, so that the order in which vectors were written decides nothing: an embed that was interrupted ends as another.
    ids = ids.take(pc.array_sort_indices(ids))
    rows = np.random.default_rng(seed).permutation(len(ids))[:size]
    chosen, batch = load_batch(store, there, ids.take(pa.array(np.sort(rows))).to_pylist(), fuser)
    return chosen, batch, len(ids)


def _every_id(store: Store, tables: Mapping[str, str]) -> pa.Array:
    """The products that have a vector in any of the tables, (n,)."""
    return pc.unique(pa.chunked_array([c for t in tables.values() for c in store.read(t, ["id"]).column("id").chunks], pa.string()))


def _mean_views(rows: VectorRows, ids: pa.Array) -> NDArray[np.float16]:
    """The mean of the further views of each product's items (n, e), in 16 bits as they are stored; zeros for one that has none."""
    if rows.views is None:
        raise ValueError("these rows have no further views")
    place = pc.index_in(rows.ids, value_set=ids)
    known = place.is_valid().to_numpy(zero_copy_only=False)
    at = place.drop_null().to_numpy(zero_copy_only=False)
    mine = np.flatnonzero(known)
    order = np.argsort(at, kind="stable")
    first = np.flatnonzero(np.diff(at[order], prepend=-1))
    out = np.zeros((len(ids), rows.views.shape[1]), np.float16)
    if len(first) == len(at):  # one a product, as most have
        out[at] = rows.views[mine]
        return out
    for some in np.split(order, first[_PIECE::_PIECE]):
        starts = np.flatnonzero(np.diff(at[some], prepend=-1))
        counts = np.diff(np.append(starts, len(some)))
        out[at[some[starts]]] = np.add.reduceat(rows.views[mine[some]].astype(np.float32), starts, axis=0) / counts[:, None]
    return out


def mean_by_product(rows: VectorRows, ids: pa.Array, dim: int) -> tuple[Matrix, np.ndarray]:
    """Rows of a vector table → one unit vector a product (n, dim), in the order of `ids`, and which products have one (n,).

    A product that has a vector as a whole (part '') is that one: hours of speech in its clips do not drown its title.
    """
    whole = pc.equal(rows.parts, "")
    if len(rows) > len(ids) and pc.any(whole).as_py():
        keep = pc.or_(whole, pc.invert(pc.is_in(rows.ids, value_set=rows.ids.filter(whole))))
        rows = VectorRows(rows.ids.filter(keep), rows.parts.filter(keep), rows.vectors[keep.to_numpy(zero_copy_only=False)])
    sums = np.zeros((len(ids), dim), np.float32)
    place = pc.index_in(rows.ids, value_set=ids)
    known = place.is_valid().to_numpy(zero_copy_only=False)
    at = place.drop_null().to_numpy(zero_copy_only=False)
    vectors = rows.vectors[known]
    order = np.argsort(at, kind="stable")
    first = np.flatnonzero(np.diff(at[order], prepend=-1))
    if len(first) == len(at):  # one a product, as most have
        sums[at] = vectors
    else:
        sums[at[order[first]]] = np.add.reduceat(vectors[order], first, axis=0)
    lengths = np.linalg.norm(sums, axis=1)
    present = lengths > 1e-6
    sums[present] /= lengths[present, None]
    sums[~present] = 0
    return sums, present
