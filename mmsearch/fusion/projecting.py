"""The fused and projected vectors of profiles: new and changed products are projected by what was fitted, without a refit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import StoreError
from mmsearch.fusion.base import Fuser, Matrix
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.calibration import pattern, patterns
from mmsearch.fusion.contents import side_of
from mmsearch.fusion.digests import Digests, among, by_product, counted, keyed, numbers, of_table, product_of, same
from mmsearch.fusion.direct import calibrate_direct
from mmsearch.fusion.profile import Profile, load, load_fuser, names, recorded
from mmsearch.fusion.stand_ins import stand_ins
from mmsearch.settings import MODALITIES
from mmsearch.store import Store
from mmsearch.store.vector_index import index_vectors
from mmsearch.store.vectors import append_vectors, batches_of, key_of, read_vectors, write_vectors
from mmsearch.store.where import id_list

_AT_ONCE = 8_192  # vectors that are projected, or products that are fused, at a time: so many are looked for among all ids


def refresh(store: Store) -> list[str]:
    """After an embed: calibrate direct comparisons, and project new and changed products into every profile without refitting; vectors that
    are too many to compare whole are indexed.

    Returns notes about profiles that must be refitted because an encoder was replaced.
    """
    tables = {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store, m))}
    notes = []
    with store.writing("embed"):
        calibrate_direct(store, tables)
        _drop_leftovers(store)
        for table in tables.values():
            index_vectors(store, table)
        for name in names(store):
            try:
                profile = load(store, name)
            except StoreError as error:
                notes.append(str(error))
                continue
            bring_up_to_date(store, profile, load_fuser(store, profile))
    return notes


def bring_up_to_date(store: Store, profile: Profile, fuser: Fuser) -> None:
    """Fused and projected vectors of everything that is new or changed; those of what is gone are removed."""
    tables = {m: (recorded_encoder(store, m) or {})["table"] for m in profile.modalities}
    if profile.compares:
        standing = stand_ins(store, profile.modalities, profile.by_contents)
        for modality, table in (tables | {m: (recorded_encoder(store, m) or {})["table"] for m in standing}).items():
            _project(store, profile, fuser, modality, table, standing.get(modality, modality))
    wanted = by_product(store, tables)
    present = of_table(store, profile.fused_table)
    # A fused vector of single items is made of their projections, as they were written just now: nothing is mapped a second time.
    counts, mixes = None, _mixes(profile, fuser)
    for some, made_of in _changed(store, tables, wanted, profile.fused_table):
        if mixes and counts is None:
            counts = counted(store, tables, wanted[:, 0])
        has = None if counts is None else counts[np.searchsorted(wanted[:, 0], numbers(some))]
        parts, vectors = _fused(store, profile, fuser, tables, some, has)
        _write(store, profile.fused_table, present, some, parts, made_of, vectors)
    # Only now do those of what is gone or changed go: a kill in between must not leave a product without any.
    for keys, hashes in keyed(store, profile.fused_table):
        right = same(wanted, numbers(product_of(key) for key in keys), np.array([int(digest[:16], 16) for digest in hashes], np.uint64))
        _delete(store, profile.fused_table, [key for key, ok in zip(keys, right.tolist(), strict=True) if not ok])
    for table in (profile.fused_table, *map(profile.projected_table, MODALITIES)):
        index_vectors(store, table)


def _mixes(profile: Profile, fuser: Fuser) -> bool:
    """Whether products can be fused from what stands in the tables of projections."""
    return bool(profile.compares) and fuser.items_of({m: np.zeros((0, fuser.dim), np.float32) for m in profile.modalities}) is not None


def _fused(
    store: Store, profile: Profile, fuser: Fuser, tables: Mapping[str, str], ids: list[str], has: NDArray[np.int64] | None
) -> tuple[list[str], Matrix]:
    """What products (n) are made of, and their fused vectors (n, d).

    `has`: how many items of each modality they have (n, modalities), where those that have one at most can be made of its projection.
    """
    parts, out = [""] * len(ids), np.zeros((len(ids), fuser.dim), np.float32)
    single = np.zeros(len(ids), bool) if has is None else (has < 2).all(axis=1)
    if not single.all():
        rows = np.flatnonzero(~single).tolist()
        _, batch = load_batch(store, tables, [ids[i] for i in rows], fuser)
        out[rows] = fuser.items(batch)
        for i, part in zip(rows, patterns(batch, profile.modalities), strict=True):
            parts[i] = str(part)
    if has is not None and single.any():
        rows = np.flatnonzero(single).tolist()
        out[rows] = fuser.items_of({m: _projections(store, profile.projected_table(m), [ids[i] for i in rows], fuser.dim) for m in tables})
        for i in rows:
            parts[i] = pattern([m for m, count in zip(tables, has[i].tolist(), strict=True) if count])
    return parts, out


def _projections(store: Store, table: str, ids: list[str], dim: int) -> Matrix:
    """Those of products that have one at most (n, dim); zero rows for the others."""
    out = np.zeros((len(ids), dim), np.float32)
    if store.has(table):
        place = {id: i for i, id in enumerate(ids)}
        rows = read_vectors(store, table, ids)
        out[[place[id] for id in rows.ids.to_pylist()]] = rows.vectors
    return out


def _changed(store: Store, tables: Mapping[str, str], wanted: Digests, fused: str) -> Iterator[tuple[list[str], list[str]]]:
    """Ids of products that have no fused vector of what they are made of now, and what that is; a bounded number at a time."""
    made = np.sort(np.concatenate([numbers(map(_of, keys, hashes)) for keys, hashes in keyed(store, fused)] or [np.empty(0, np.uint64)]))
    seen = np.zeros(len(wanted), bool)
    for table in tables.values():
        for keys, _ in keyed(store, table):
            ids = list(dict.fromkeys(map(product_of, keys)))
            at = np.searchsorted(wanted[:, 0], numbers(ids))
            fresh = ~seen[at]
            seen[at] = True
            todo = [(id, f"{value:016x}") for id, value, new in zip(ids, wanted[at, 1].tolist(), fresh.tolist(), strict=True) if new]
            there = among(made, numbers(f"{id}\x1f{digest}" for id, digest in todo))
            todo = [one for one, known in zip(todo, there.tolist(), strict=True) if not known]
            for start in range(0, len(todo), _AT_ONCE):
                some, made_of = zip(*todo[start : start + _AT_ONCE], strict=True)
                yield list(some), list(made_of)


def _of(key: str, digest: str) -> str:
    return f"{product_of(key)}\x1f{digest}"


def _project(store: Store, profile: Profile, fuser: Fuser, modality: str, table: str, by: str) -> None:
    target = profile.projected_table(modality)
    wanted, present = of_table(store, table), of_table(store, target)
    if np.array_equal(wanted, present):
        return
    for rows, hashes in batches_of(store, table, _AT_ONCE, views=fuser.sees_views):
        ids, parts = rows.ids.to_pylist(), rows.parts.to_pylist()
        new = np.flatnonzero(~same(present, numbers(map(key_of, ids, parts)), numbers(hashes))).tolist()
        if new:
            projected = fuser.project(by, side_of(store, fuser, modality, rows.take(new), by))
            ids, parts, hashes = ([values[i] for i in new] for values in (ids, parts, hashes))
            _write(store, target, present, ids, parts, hashes, projected)
    for keys, hashes in keyed(store, target):
        right = same(wanted, numbers(keys), numbers(hashes))
        _delete(store, target, [key for key, ok in zip(keys, right.tolist(), strict=True) if not ok])


def _write(
    store: Store, table: str, present: Digests, ids: Sequence[str], parts: Sequence[str], hashes: Sequence[str], vectors: Matrix
) -> None:
    """Write those vectors (n, d) that are none of nothing; `present`: what the table had before, whose rows are replaced."""
    good = np.linalg.norm(vectors, axis=1) > 0.5
    there = among(present[:, 0], numbers(map(key_of, ids, parts)))
    for put, chosen in ((write_vectors, good & there), (append_vectors, good & ~there)):
        rows = np.flatnonzero(chosen).tolist()
        put(store, table, [ids[i] for i in rows], [parts[i] for i in rows], [hashes[i] for i in rows], vectors[rows])


def _delete(store: Store, table: str, keys: list[str]) -> None:
    for chunk in _pieces(keys, 1000):
        store.delete(table, id_list("key", chunk))


def drop_others(store: Store, name: str, kept: Profile | None) -> None:
    """Remove the tables of every version of a profile but the one that is kept."""
    version = None if kept is None else f"{name}_v{kept.version}"
    for table, owner in _tables_of_profiles(store):
        if re.fullmatch(rf"{re.escape(name)}_v\d+", owner) and owner != version:
            store.drop(table)


def _drop_leftovers(store: Store) -> None:
    """Remove what a fuse, or the drop of a profile, left that was killed: tables that no profile names."""
    current = {f"{name}_v{known.version}" for name in names(store) if (known := recorded(store, name)) is not None}
    for table, owner in _tables_of_profiles(store):
        if owner not in current:
            store.drop(table)


def _tables_of_profiles(store: Store) -> list[tuple[str, str]]:
    """Table → the name and version of the profile whose it is: ('fused_half_v2', 'half_v2')."""
    found = []
    for table in store.tables():
        match = re.fullmatch(r"fused_(.+_v\d+)", table) or re.fullmatch(rf"projected_(.+_v\d+)_(?:{'|'.join(MODALITIES)})", table)
        if match:
            found.append((table, match[1]))
    return found


def _pieces(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
