"""Fitting a fusion method on the store's vectors, and keeping it as a profile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mmsearch.encoders.base import Encoder
from mmsearch.encoders.recorded import load_encoder, recorded_encoder
from mmsearch.errors import InputError, UsageError, did_you_mean
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, FitReport, Fuser
from mmsearch.fusion.batch import load_batch, sample_batch
from mmsearch.fusion.calibration import calibrate
from mmsearch.fusion.inputs import Inputs, changes, look
from mmsearch.fusion.profile import DEFAULT, Profile, default_name, load_fuser, names, recorded
from mmsearch.fusion.projecting import bring_up_to_date, drop_others
from mmsearch.fusion.reliability import agreements, held_out_agreements, reliabilities
from mmsearch.settings import MODALITIES
from mmsearch.spec import parse
from mmsearch.store import Store
from mmsearch.store.vectors import content_digest

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_REMEMBERED = 10  # former versions


@dataclass(frozen=True)
class Fused:
    """A profile, and what was done: `changes` says why it was fitted; nothing was fitted where `fitted` is False.

    `maps` : whether queries are mapped by it since, as they were not before; `instead` : by which profile they were, None for none.
    """

    profile: Profile
    fitted: bool
    changes: list[str]
    notes: list[str] = field(default_factory=list)
    maps: bool = False
    instead: str | None = None

    def told(self) -> list[str]:
        """What a person should know, one line each."""
        name = self.profile.name
        if not self.fitted:
            return [f"{name}: nothing has changed since version {self.profile.version} was fitted; --force fits it anew"]
        why = [f"{name}: fitted anew, because {'; '.join(self.changes)}"] if self.changes else []
        return why + [f"{name}: {line}" for line in self.notes] + ([self._mapped()] if self.maps else [])

    def _mapped(self) -> str:
        now = f"queries are mapped by {self.profile.name} from now on"
        return f"{now}, and no longer by {self.instead}; to go back: mmsearch fuse --default {self.instead}" if self.instead else now


def fuse(
    store: Store,
    name: str | None = None,
    method: str | None = None,
    *,
    seed: int | None = None,
    default: bool = True,
    replace: bool = False,
    force: bool = False,
) -> Fused:
    """Fit a method on the store's vectors and keep it as a profile; one that there is already is fitted anew where its inputs have changed.

    Parameters
    ----------
    method : a spec; None takes the profile's own, for the store's first one `aligned` where there are texts and photos, `conse` for
        photos alone, else `concat`.
    name : of the profile; None takes the method's name.
    seed : of what is random; None takes the profile's own, 0 for a new one.
    default : make a *new* profile the one that queries are mapped by. A refit changes nothing of that.
    replace : whether a profile of that name may be given up for another method.
    force : fit although nothing has changed.

    Raises
    ------
    InputError : no vectors, or not those that the method needs. UsageError : bad name or spec, the name is taken by another method, or no
        method is named for a new name beside others (it may be a slip of the pen for one of them).
    """
    if name is not None:
        check_name(name)
    with store.writing("fuse"):
        tables = vector_tables(store)
        if not tables:
            raise InputError("the store has no vectors to fuse", hint="make them: mmsearch embed")
        encoders = {m: load_encoder(store, m) for m in MODALITIES if recorded_encoder(store, m)}
        old = recorded(store, name) if name is not None else None
        if name is not None and old is None and method is None and (others := names(store)):
            new = f"to make a new one: mmsearch fuse --name {name} --method {_default_method(set(tables), encoders)}"
            message = f"there is no fusion profile '{name}' to bring up to date{did_you_mean(name, others)}"
            raise UsageError(message, hint=f"profiles: {', '.join(others)}; {new}")
        spec = method or (old.spec if old else _default_method(set(tables), encoders))
        fuser: Fuser = FUSERS.create(spec)
        if name is None:
            name = parse(spec).name
            check_name(name)
            old = recorded(store, name)
        same_method = old is not None and parse(old.spec).name == parse(spec).name
        if old is not None and not same_method and not replace:
            raise UsageError(
                f"the name {name} is taken: that profile was made by the method {old.spec}, not {spec}",
                hint=f"give this one another name: mmsearch fuse --name OTHER --method '{spec}'; or give that one up: --replace",
            )
        seed = seed if seed is not None else old.seed if old is not None else 0
        found = changes_since(store, old, spec, seed) if old is not None else []
        if old is not None and not found and not force:
            drop_others(store, name, old)  # what a fuse left that was killed after it had recorded the profile
            bring_up_to_date(store, old, load_fuser(store, old))
            return Fused(old, False, [])
        ids, batch, products = _learned_from(store, tables, fuser, seed)
        report = fuser.fit(batch, encoders, seed)
        kept = old.weights if old is not None and same_method else {}
        profile = _profile(store, name, spec, fuser, report, products, batch, encoders, seed, old, kept)
        learned_from = look(store, tables, profile.modalities, fuser.learns_from)
        drop_others(store, name, old)  # a fuse that was killed may have left some, of another fit
        bring_up_to_date(store, profile, fuser)  # all vectors first: the record names only what is complete
        entries: dict[str, tuple[Any, bytes | None]] = {
            f"profile/{name}": (profile.__dict__, _state(fuser)),
            f"inputs/{name}": learned_from.to_blob(),
        }
        instead = default_name(store)
        maps = ((default and old is None) or instead is None) and instead != name
        if maps:
            entries[DEFAULT] = (name, None)
        store.record.put_all(entries)
        drop_others(store, name, profile)
    notes = [f"learned from {len(ids):,} of {products:,} products, chosen at random"] if len(ids) < products else []
    notes += (
        [f"its weights of search were chosen for version {old.version}; choose them anew: mmsearch fuse --tune"] if old and kept else []
    )
    return Fused(profile, True, found, notes, maps, instead if maps else None)


def _learned_from(store: Store, tables: Mapping[str, str], fuser: Fuser, seed: int) -> tuple[list[str], Batch, int]:
    """The products that a method learns from, and how many there are."""
    most = fuser.learns_most
    if most is None or max(store.count(table) for table in tables.values()) <= most:
        ids, batch = load_batch(store, tables, fuser=fuser)
        return ids, batch, len(ids)
    return sample_batch(store, tables, most, seed, fuser)


def vector_tables(store: Store) -> dict[str, str]:
    """Modality → table, of those that have any vectors."""
    return {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store, m)) and store.count(known["table"])}


def changes_since(store: Store, profile: Profile, spec: str | None = None, seed: int | None = None) -> list[str]:
    """Why a profile is not what fitting it now would make: [] if nothing has changed.

    Parameters
    ----------
    spec, seed : what it would be fitted with; None takes its own.
    """
    found = []
    if spec is not None and not _same(spec, profile.spec):
        found.append(f"the method was {profile.spec} and is {spec}")
    if seed is not None and seed != profile.seed:
        found.append(f"the seed was {profile.seed} and is {seed}")
    tables = vector_tables(store)
    replaced = []
    for modality, fingerprint in profile.encoders.items():
        known = recorded_encoder(store, modality)
        if known is None or known["fingerprint"] != fingerprint:
            replaced.append(modality)
            found.append(f"the {modality} encoder was replaced" + (f" (it is {known['spec']})" if known else ""))
    fitted = [m for m in profile.modalities if m not in replaced]  # of a replaced encoder every vector is new
    before = Inputs.from_record(store, profile.name)
    if before is not None:
        found += changes(store, before, tables, fitted)
    elif not replaced:
        every = {m: (recorded_encoder(store, m) or {})["table"] for m in profile.modalities}
        if content_digest(store, every) != profile.training_hash:
            found.append("the vectors are not those that it was fitted on")
    return found


def _same(one: str, other: str) -> bool:
    a, b = parse(one), parse(other)
    return (a.name, a.args, dict(a.params)) == (b.name, b.args, dict(b.params))


def _state(fuser: Fuser) -> bytes:
    """What a method learned, as `mmsearch.fusion.profile.load_fuser` reads it."""
    from safetensors import numpy as safe

    arrays, values = fuser.state()
    head = json.dumps(values, ensure_ascii=False).encode()
    return len(head).to_bytes(8, "little") + head + safe.save({k: np.ascontiguousarray(v) for k, v in arrays.items()})


def check_name(name: str) -> None:
    """Raise UsageError for a name that no profile can have."""
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


def _profile(
    store: Store,
    name: str,
    spec: str,
    fuser: Fuser,
    report: FitReport,
    products: int,
    batch: Batch,
    encoders: Mapping[str, Encoder],
    seed: int,
    old: Profile | None,
    weights: dict[str, float],
) -> Profile:
    modalities = fuser.modalities()
    crosses = [f"{a}>{b}" for a in modalities for b in modalities if a != b and fuser.compares(a, b)]
    found = {}
    if crosses:
        held = fuser.held_out()
        found = held_out_agreements(spec, fuser, batch, encoders, seed) if held is None else agreements(batch.take(held), fuser, seed)
    tables = {m: (recorded_encoder(store, m) or {})["table"] for m in modalities}
    return Profile(
        name=name,
        version=(old.version if old else 0) + 1,
        spec=spec,
        modalities=modalities,
        encoders={m: (recorded_encoder(store, m) or {})["fingerprint"] for m in modalities},
        compares=crosses,
        dim=fuser.dim,
        summary=report.summary,
        scores=report.scores,
        seed=seed,
        products=products,
        training_hash=content_digest(store, tables),
        calibration=calibrate(batch, fuser, reliabilities(found), seed).to_json(),
        weights=weights,
        by_contents=[] if fuser.vectors_suffice else [m for m in modalities if m in fuser.reads],
        history=_history(old),
    )


def _history(old: Profile | None) -> list[dict[str, Any]]:
    """The former versions of what follows `old`."""
    if old is None:
        return []
    return [*old.history, {"version": old.version, "spec": old.spec, "products": old.products, "summary": old.summary}][-_REMEMBERED:]
