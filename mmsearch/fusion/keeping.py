"""The profiles that a store keeps: which there are and how they stand, which one is the default, and how one goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mmsearch.errors import StoreError
from mmsearch.fusion.calibration import Calibration
from mmsearch.fusion.fitting import changes_since
from mmsearch.fusion.profile import DEFAULT, Profile, default_name, load, names, recorded
from mmsearch.fusion.projecting import drop_others
from mmsearch.store import Store


def listed(store: Store) -> list[dict[str, Any]]:
    """One row a profile: what it is, whether it is the default, and what has changed since it was fitted (`changes`, [] if nothing)."""
    default = default_name(store)
    return [_row(store, profile, default) for name in names(store) if (profile := recorded(store, name)) is not None]


def described(store: Store, name: str) -> dict[str, Any]:
    """Everything that is known of a profile; of its calibration, one row a kind of comparison.

    Raises UsageError : no such profile.
    """
    profile = _known(store, name)
    calibration = Calibration.from_json(profile.calibration)
    kinds = [
        {"kind": kind, "mean": pair.mean, "std": pair.std, "reliability": pair.reliability, "weight": profile.weights.get(kind, 1.0)}
        for kind, pair in calibration.pairs.items()
    ]
    rest = {key: value for key, value in vars(profile).items() if key not in ("calibration", "name", "spec")}
    found = _row(store, profile, default_name(store)) | rest
    return found | {"calibration": {"kinds": kinds, "correlations": calibration.correlations, "tails": calibration.tails}}


def make_default(store: Store, name: str) -> Profile:
    """Let queries be mapped by this profile from now on.

    Raises UsageError : no such profile. StoreError : one of its encoders was replaced since it was fitted.
    """
    with store.writing("fuse"):
        profile = load(store, name)
        if default_name(store) != name:
            store.record.put(DEFAULT, name)
    return profile


@dataclass(frozen=True)
class Dropped:
    """`default` is the profile by which queries are mapped afterwards, None if there is none."""

    was_default: bool
    default: str | None


def weigh(store: Store, name: str, weights: Mapping[str, float], scores: Mapping[str, Any] | None = None) -> Profile:
    """Let a kind of evidence ('image>text') count as much as this in searches that the profile maps. It is not fitted anew.

    Parameters
    ----------
    weights : in place of all those that it has; one of 1 goes without saying. scores : how they were found, kept as `scores['tuned']`.

    Raises UsageError : no such profile. StoreError : one of its encoders was replaced since it was fitted.
    """
    with store.writing("fuse"):
        load(store, name)
        profile = recorded(store, name)
        assert profile is not None
        others = {key: value for key, value in profile.scores.items() if key != "tuned"}
        kept = {kind: float(weight) for kind, weight in weights.items() if weight != 1}
        changed = dataclasses.replace(profile, weights=kept, scores=others | ({"tuned": dict(scores)} if scores else {}))
        store.record.put(f"profile/{name}", changed.__dict__, store.record.blob(f"profile/{name}"))
    return changed


def drop(store: Store, name: str) -> Dropped:
    """Remove a profile with its tables.

    Where it was the default, another takes its place, if it can be searched with: one that compares across modalities before one that does
    not, then the first by name. Queries first go elsewhere, then the record forgets it, and its tables go last: a kill in between leaves
    a profile that is whole, or tables that nothing names.

    Raises UsageError : no such profile.
    """
    with store.writing("fuse"):
        _known(store, name)
        was_default = default_name(store) == name
        if was_default:
            usable = [other for other in names(store) if other != name and _usable(store, other)]
            heir = min(usable, key=lambda other: (-len(load(store, other).compares), other), default=None)
            if heir is None:
                store.record.delete(DEFAULT)
            else:
                store.record.put(DEFAULT, heir)
        store.record.delete(f"profile/{name}")
        store.record.delete(f"inputs/{name}")
        drop_others(store, name, None)
        return Dropped(was_default, default_name(store))


def _row(store: Store, profile: Profile, default: str | None) -> dict[str, Any]:
    found = changes_since(store, profile)
    return {
        "profile": profile.name,
        "version": profile.version,
        "method": profile.spec,
        "default": profile.name == default,
        "state": "stale" if found else "fresh",
        "changes": found,
        "modalities": profile.modalities,
        "products": profile.products,
        "dim": profile.dim,
        "summary": profile.summary,
        "scores": profile.scores,
    }


def _known(store: Store, name: str) -> Profile:
    return recorded(store, name) or load(store, name)  # which says what there is instead


def _usable(store: Store, name: str) -> bool:
    try:
        load(store, name)
    except StoreError:
        return False
    return True
