"""Fusion profiles: a fitted method with a name and a version, its fused vectors and its projections, kept in the store.

Tables of a profile: `fused_NAME_vN` (one vector a product; `part` says what it is made of, 'image+text') and, for methods
that compare across modalities, `projected_NAME_vN_MODALITY` beside each modality's own vectors.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mmsearch.encoders.base import Encoder
from mmsearch.encoders.recorded import load_encoder, recorded_encoder
from mmsearch.errors import InputError, StoreError, UsageError, did_you_mean
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, FitReport, Fuser, Side
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.calibration import calibrate, cross_reliability, patterns
from mmsearch.fusion.contents import contents_of
from mmsearch.fusion.direct import calibrate_direct
from mmsearch.fusion.stand_ins import further_kinds, stand_ins
from mmsearch.settings import MODALITIES
from mmsearch.store import Store
from mmsearch.store.vectors import VectorRows, batches_of, content_digest, key_of, source_hashes, write_vectors
from mmsearch.store.where import id_list

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_FOLDS = 5  # a fifth of the products with every modality is held out: on it the reliability of cross-modal evidence is measured
_ENOUGH = 200  # held-out products, of one fold or several, that are enough
_FEWEST = 8  # held-out products below which a fold would say nothing
_DEFAULT = "default_profile"


@dataclass(frozen=True)
class Profile:
    """What the store records of a profile."""

    name: str
    version: int
    spec: str
    modalities: list[str]
    encoders: dict[str, str]  # modality → fingerprint of the encoder whose vectors it was fitted on
    compares: list[str]  # cross-modal kinds, 'text>image'; once loaded, those of modalities that stand for one of them, too
    dim: int
    summary: str
    scores: dict[str, Any]
    seed: int
    products: int
    training_hash: str
    calibration: dict[str, Any]
    by_contents: list[str] = dataclasses.field(default_factory=list)  # modalities that vectors alone cannot stand in for

    @property
    def fused_table(self) -> str:
        return f"fused_{self.name}_v{self.version}"

    def projected_table(self, modality: str) -> str:
        return f"projected_{self.name}_v{self.version}_{modality}"


def names(store: Store) -> list[str]:
    """The profiles there are."""
    return [key.removeprefix("profile/") for key in store.record.keys("profile/")]


def default_name(store: Store) -> str | None:
    """The profile that maps queries when none is named."""
    return store.record.get(_DEFAULT)


def load(store: Store, name: str) -> Profile:
    """A profile's record.

    Raises
    ------
    UsageError : no such profile. StoreError : it was made with an encoder that was replaced since (says how to refit).
    """
    value = store.record.get(f"profile/{name}")
    if value is None:
        have = names(store)
        raise UsageError(
            f"there is no fusion profile '{name}'{did_you_mean(name, have)}",
            hint=f"profiles: {', '.join(have) or 'none; make one: mmsearch fuse'}",
        )
    profile = Profile(**value)
    for modality, fingerprint in profile.encoders.items():
        known = recorded_encoder(store, modality)
        if known is None or known["fingerprint"] != fingerprint:
            raise StoreError(
                f"the fusion profile {name} was made with another {modality} encoder than the store has now",
                hint=f"refit it: mmsearch fuse --name {name} --method '{profile.spec}'",
            )
    further = further_kinds(profile.compares, stand_ins(store, profile.modalities, profile.by_contents))
    return dataclasses.replace(profile, compares=[*profile.compares, *further])


def load_fuser(store: Store, profile: Profile) -> Fuser:
    """The fitted method of a profile. Raises StoreError when the method is not installed any more."""
    from safetensors import numpy as safe

    try:
        fuser: Fuser = FUSERS.create(profile.spec)
    except UsageError as error:
        message = f"the fusion profile {profile.name} was made by the method {profile.spec}, which cannot be used here: {error.message}"
        raise StoreError(message, hint=f"install it, or fuse anew: mmsearch fuse --name {profile.name} --method METHOD") from error
    blob = store.record.blob(f"profile/{profile.name}")
    length = int.from_bytes(blob[:8], "little")  # our JSON first, then safetensors: never pickle
    fuser.load_state(safe.load(blob[8 + length :]), json.loads(blob[8 : 8 + length]))
    return fuser


def fuse(store: Store, name: str | None, method: str | None, *, seed: int = 0, default: bool = True) -> Profile:
    """Fit a method on the store's vectors and keep it as a profile, a new version if the name is taken.

    Parameters
    ----------
    method : a spec; None chooses `aligned` where the store has texts and photos, `conse` for photos alone, else `concat`.
    name : of the profile; None takes the method's name.
    default : make it the profile that queries are mapped by.

    Raises
    ------
    InputError : no vectors, or not those that the method needs. UsageError : bad name or spec.
    """
    if name is not None:
        _check_name(name)
    with store.writing("fuse"):
        tables = {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store, m)) and store.count(known["table"])}
        if not tables:
            raise InputError("the store has no vectors to fuse", hint="make them: mmsearch embed")
        encoders = {m: load_encoder(store, m) for m in MODALITIES if recorded_encoder(store, m)}
        spec = method or _default_method(set(tables), encoders)
        fuser: Fuser = FUSERS.create(spec)
        if name is None:
            name = re.split(r"[(\s]", spec.strip(), maxsplit=1)[0]
            _check_name(name)
        ids, batch = load_batch(store, tables, reads=fuser.reads)
        report = fuser.fit(batch, encoders, seed)
        profile = _profile(store, name, str(spec), fuser, report, ids, batch, encoders, seed)
        arrays, values = fuser.state()
        from safetensors import numpy as safe

        head = json.dumps(values, ensure_ascii=False).encode()
        blob = len(head).to_bytes(8, "little") + head + safe.save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
        current = store.record.get(f"profile/{name}")
        _drop_others(store, name, Profile(**current) if current else None)  # a fuse that was killed may have left some, of another fit
        _bring_up_to_date(store, profile, fuser)  # all vectors first: the record names only what is complete
        store.record.put(f"profile/{name}", profile.__dict__, blob)
        if default or default_name(store) is None:
            store.record.put(_DEFAULT, name)
        _drop_others(store, name, profile)
    return profile


def _check_name(name: str) -> None:
    if name in MODALITIES:
        raise UsageError(f"a profile cannot be called '{name}': it is the name of a modality")
    if not _NAME.fullmatch(name):
        rule = "lower-case letters, digits, '_' and '-', a letter first, at most 40"
        raise UsageError(f"a profile cannot be called '{name}': it must be {rule}")


def _default_method(modalities: set[str], encoders: Mapping[str, Encoder]) -> str:
    """aligned where there are pairs to learn from, conse for photos alone (so that texts find them), else concat."""
    if {"text", "image"} <= modalities:
        return "aligned"
    photos_alone = modalities == {"image"} and "text" in encoders and encoders["image"].classes() is not None
    return "conse" if photos_alone else "concat"


def refresh(store: Store) -> list[str]:
    """After an embed: calibrate direct comparisons, and project new and changed products into every profile without refitting.

    Returns notes about profiles that must be refitted because an encoder was replaced.
    """
    tables = {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store, m))}
    notes = []
    with store.writing("embed"):
        calibrate_direct(store, tables)
        for name in names(store):
            try:
                profile = load(store, name)
            except StoreError as error:
                notes.append(str(error))
                continue
            _bring_up_to_date(store, profile, load_fuser(store, profile))
    return notes


def _profile(
    store: Store,
    name: str,
    spec: str,
    fuser: Fuser,
    report: FitReport,
    ids: list[str],
    batch: Batch,
    encoders: Mapping[str, Encoder],
    seed: int,
) -> Profile:
    modalities = fuser.modalities()
    crosses = [f"{a}>{b}" for a in modalities for b in modalities if a != b and fuser.compares(a, b)]
    if (held := fuser.held_out()) is not None:
        reliability = cross_reliability(batch.take(held), fuser, seed) if crosses and len(held) else {}
    else:
        reliability = _held_out_reliability(spec, batch, encoders, modalities, seed) if crosses else {}
    old = store.record.get(f"profile/{name}")
    tables = {m: (recorded_encoder(store, m) or {})["table"] for m in modalities}
    return Profile(
        name=name,
        version=(old["version"] if old else 0) + 1,
        spec=spec,
        modalities=modalities,
        encoders={m: (recorded_encoder(store, m) or {})["fingerprint"] for m in modalities},
        compares=crosses,
        dim=fuser.dim,
        summary=report.summary,
        scores=report.scores,
        seed=seed,
        products=len(ids),
        training_hash=content_digest(store, tables),
        calibration=calibrate(batch, fuser, reliability, seed).to_json(),
        by_contents=[] if fuser.vectors_suffice else [m for m in modalities if m in fuser.reads],
    )


def _held_out_reliability(spec: str, batch: Batch, encoders: Mapping[str, Encoder], modalities: list[str], seed: int) -> dict[str, float]:
    """Reliability on products that the method did not see: fitted once more on the others (a learned map flatters its own pairs).

    Where a fold is small the mean over several is taken; {} where there are too few products to leave any out.
    """
    if not set(modalities) <= set(batch.present):
        return {}
    both = np.flatnonzero(np.logical_and.reduce([batch.present[m] for m in modalities]))
    folds = np.array_split(np.random.default_rng(seed).permutation(both), max(1, min(_FOLDS, len(both) // _FEWEST)))
    if len(folds) == 1:
        return {}
    found: dict[str, list[float]] = {}
    for held in folds[: -(-_ENOUGH // len(folds[0]))]:
        fuser: Fuser = FUSERS.create(spec)
        try:
            fuser.fit(batch.take(np.setdiff1d(np.arange(len(batch)), held)), encoders, seed)
        except InputError:  # what is left is too little to fit on
            continue
        for kind, value in cross_reliability(batch.take(held), fuser, seed).items():
            found.setdefault(kind, []).append(value)
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def _bring_up_to_date(store: Store, profile: Profile, fuser: Fuser) -> None:
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
        ids, batch = load_batch(store, tables, chunk, fuser.reads)
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
    for rows, hashes in batches_of(store, table):
        ids, parts = rows.ids.to_pylist(), rows.parts.to_pylist()
        new = [i for i, (id, part, digest) in enumerate(zip(ids, parts, hashes, strict=True)) if present.get(key_of(id, part)) != digest]
        if new:
            projected = fuser.project(by, _side(store, fuser, modality, by, rows, new))
            good = np.linalg.norm(projected, axis=1) > 0.5
            kept = [i for i, ok in zip(new, good, strict=True) if ok]
            write_vectors(store, target, [ids[i] for i in kept], [parts[i] for i in kept], [hashes[i] for i in kept], projected[good])
    _delete(store, target, [key for key, digest in source_hashes(store, target).items() if wanted.get(key) != digest])


def _side(store: Store, fuser: Fuser, modality: str, by: str, rows: VectorRows, new: list[int]) -> Side:
    """Some rows of a table of vectors, as the method sees them. What stands in for a modality (`by`) has only vectors."""
    if by not in fuser.reads or modality != by:
        return Side(rows.vectors[new])
    ids, parts = rows.ids.take(pa.array(new)).to_pylist(), rows.parts.take(pa.array(new)).to_pylist()
    known = contents_of(store, modality, list(dict.fromkeys(ids)))
    return Side(rows.vectors[new], [known.get(key) for key in zip(ids, parts, strict=True)])


def _delete(store: Store, table: str, keys: list[str]) -> None:
    for chunk in _pieces(keys, 1000):
        store.delete(table, id_list("key", chunk))


def _drop_others(store: Store, name: str, kept: Profile | None) -> None:
    """Remove the tables of every version of a profile but the one that is kept."""
    version = None if kept is None else f"{name}_v{kept.version}"
    for table in store.tables():
        found = re.fullmatch(rf"fused_({re.escape(name)}_v\d+)", table) or re.fullmatch(
            rf"projected_({re.escape(name)}_v\d+)_(?:{'|'.join(MODALITIES)})", table
        )
        if found and found[1] != version:
            store.drop(table)


def _pieces(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
