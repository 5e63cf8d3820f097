"""The fused and projected vectors of profiles: new and changed products are projected by what was fitted, without a refit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

import numpy as np

from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.errors import StoreError
from mmsearch.fusion.base import Fuser
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.calibration import patterns
from mmsearch.fusion.contents import side_of
from mmsearch.fusion.direct import calibrate_direct
from mmsearch.fusion.profile import Profile, load, load_fuser, names, recorded
from mmsearch.fusion.stand_ins import stand_ins
from mmsearch.settings import MODALITIES
from mmsearch.store import Store
from mmsearch.store.vectors import batches_of, key_of, source_hashes, write_vectors
from mmsearch.store.where import id_list

_AT_ONCE = 4_096  # vectors that are projected at a time: so many products are asked for by name, where a method reads their texts


def refresh(store: Store) -> list[str]:
    """After an embed: calibrate direct comparisons, and project new and changed products into every profile without refitting.

    Returns notes about profiles that must be refitted because an encoder was replaced.
    """
    tables = {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store, m))}
    notes = []
    with store.writing("embed"):
        calibrate_direct(store, tables)
        _drop_leftovers(store)
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
    made_of: dict[str, list[str]] = {}
    for modality, table in sorted(tables.items()):
        for key, digest in sorted(source_hashes(store, table).items()):
            made_of.setdefault(key.partition("\x1f")[0], []).append(f"{modality}:{digest}")
    wanted = {id: hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest() for id, parts in made_of.items()}
    have = {key.partition("\x1f")[0]: digest for key, digest in source_hashes(store, profile.fused_table).items()}
    todo = [id for id, digest in wanted.items() if have.get(id) != digest]
    for chunk in _pieces(todo, 20_000):
        ids, batch = load_batch(store, tables, chunk, fuser)
        vectors = fuser.items(batch)
        good = np.linalg.norm(vectors, axis=1) > 0.5
        kept = [id for id, ok in zip(ids, good, strict=True) if ok]
        parts = [str(p) for p in patterns(batch, profile.modalities)[good]]
        write_vectors(store, profile.fused_table, kept, parts, [wanted[id] for id in kept], vectors[good])
    # Only now do those of what is gone or changed go: a kill in between must not leave a product without any.
    present = source_hashes(store, profile.fused_table)
    _delete(store, profile.fused_table, [key for key, digest in present.items() if wanted.get(key.partition("\x1f")[0]) != digest])


def _project(store: Store, profile: Profile, fuser: Fuser, modality: str, table: str, by: str) -> None:
    target = profile.projected_table(modality)
    wanted, present = source_hashes(store, table), source_hashes(store, target)
    if wanted == present:
        return
    for rows, hashes in batches_of(store, table, _AT_ONCE, views=fuser.sees_views):
        ids, parts = rows.ids.to_pylist(), rows.parts.to_pylist()
        new = [i for i, (id, part, digest) in enumerate(zip(ids, parts, hashes, strict=True)) if present.get(key_of(id, part)) != digest]
        if new:
            projected = fuser.project(by, side_of(store, fuser, modality, rows.take(new), by))
            good = np.linalg.norm(projected, axis=1) > 0.5
            kept = [i for i, ok in zip(new, good, strict=True) if ok]
            write_vectors(store, target, [ids[i] for i in kept], [parts[i] for i in kept], [hashes[i] for i in kept], projected[good])
    _delete(store, target, [key for key, digest in source_hashes(store, target).items() if wanted.get(key) != digest])


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
