"""Which features a store uses: those it recorded, those that the user names, and those that run by themselves.

`feature/NAME` in the record says: spec, fingerprint, searchable, named (the user chose it; others run as long as they are cheap), rolled
(which content of its table the table `facts` was made of); its binary part is what the feature learned. `features-off` lists those that
the user does not want.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mmsearch import settings
from mmsearch.encoders.sources import StoreItems, items
from mmsearch.errors import InputError, MMSearchError, StoreError, UsageError, did_you_mean
from mmsearch.features import FEATURES
from mmsearch.features.base import SOURCES, Feature
from mmsearch.spec import parse
from mmsearch.store import Store
from mmsearch.store.facts import forget_feature

_KEY = "feature/"
_OFF = "features-off"
ALL = "all"


@dataclass(frozen=True)
class On:
    """A feature that is on."""

    name: str
    spec: str
    feature: Feature
    state: bytes | None = None  # what it learned
    named: bool = True  # by the user, now or earlier


def recorded_features(store: Store) -> dict[str, dict[str, Any]]:
    """Name → record of the features that are on."""
    return {key.removeprefix(_KEY): store.record.get(key) or {} for key in store.record.keys(_KEY)}


def record_feature(store: Store, on: On, rolled: str | None) -> None:
    """Record a feature that is on; `rolled` names the content of its table that the product facts were made of."""
    entry = {"spec": on.spec, "fingerprint": on.feature.fingerprint(), "searchable": on.feature.searchable}
    entry |= {"named": on.named, "rolled": rolled}
    if store.record.get(_KEY + on.name) != entry:
        store.record.put(_KEY + on.name, entry, on.state)


def check_names(names: Sequence[str]) -> None:
    """Raise UsageError for a name that no feature has."""
    there = FEATURES.names()
    for name in names:
        if name not in there and name != ALL:
            raise UsageError(f"there is no feature '{name}'{did_you_mean(name, there)}", hint=f"features: {', '.join(there) or 'none'}")


def turn_off(store: Store, off: Sequence[str], on: Sequence[On]) -> list[str]:
    """Remove the facts of features that are on no longer, and remember which the user does not want ('all': none runs by itself).

    Returns
    -------
    A note for the user on each feature that was on and is not among `on`.
    """
    notes: list[str] = []
    gone = [name for name in recorded_features(store) if name not in {one.name for one in on}]
    if not gone and not off:
        return notes
    with store.writing("embed"):
        if off:
            store.record.put(_OFF, list(dict.fromkeys([*(store.record.get(_OFF) or []), *off])))
        for name in gone:
            spec = (store.record.get(_KEY + name) or {}).get("spec", name)
            store.record.delete(_KEY + name)
            forget_feature(store, name)
            outgrown = name not in off and ALL not in off
            why = f": it takes long in a catalogue that has grown; to have it: mmsearch embed --features '{spec}'" if outgrown else ""
            notes.append(f"the facts of {name} are removed{why}")
    return notes


def choose(
    store: Store,
    wanted: Sequence[str] = (),
    off: Sequence[str] = (),
    *,
    refit: bool = False,
    learning: Callable[[str, str], None] | None = None,
) -> list[On]:
    """The features to run: `wanted` specs first of all, then those the store has on, then those that run by themselves. Nothing is written.

    One that came by itself goes again when its catalogue has outgrown it (`Feature.by_default`): nobody asked for hours of work.

    Raises
    ------
    UsageError : an unknown feature, one that is named twice or also turned off, two that find facts of the same name.
    MissingPackage : a named feature needs a package. StoreError : one that the store has on cannot be used here.
    """
    check_names(off)
    specs = {parse(spec, what="feature").name: str(parse(spec, what="feature")) for spec in wanted}
    if len(specs) < len(wanted):
        raise UsageError(f"a feature is named twice: {', '.join(wanted)}")
    if both := [name for name in specs if name in off or ALL in off]:
        raise UsageError(f"{both[0]} is to be on and off")
    made: dict[str, tuple[str, Feature]] = {name: (spec, FEATURES.create(spec)) for name, spec in specs.items()}
    named = {name for name, known in recorded_features(store).items() if known["named"]} | specs.keys()
    named |= {parse(spec, what="feature").name for spec in settings.default_features() or ()}
    outgrown = []
    for name, known in recorded_features(store).items():
        if name not in made and name not in off and ALL not in off:
            feature = _recorded(known["spec"], name)
            if name in named or feature.by_default(store):
                made[name] = known["spec"], feature
            else:
                outgrown.append(name)
    for name, spec in _by_themselves(store, [*made, *outgrown, *off, *(store.record.get(_OFF) or [])]).items():
        made[name] = spec, FEATURES.create(spec)
    _check_clashes(made)
    ready = [_ready(store, name, spec, feature, refit, learning) for name, (spec, feature) in sorted(made.items())]
    return [replace(one, named=one.name in named) for one in ready]


def _recorded(spec: str, name: str) -> Feature:
    try:
        feature: Feature = FEATURES.create(spec)
    except (UsageError, InputError) as error:
        hint = f"{error.hint or 'install it'}; or do without: mmsearch embed --no-features {name}"
        raise StoreError(f"the store's feature {spec} cannot be used here: {error.message}", hint=hint) from error
    return feature


def _by_themselves(store: Store, decided: Sequence[str]) -> dict[str, str]:
    """Those that nobody needs to name: cheap ones whose packages are there and for which the store has something to look at."""
    if ALL in decided:
        return {}
    setting = settings.default_features()
    there = FEATURES.names()
    if setting is not None:
        check_names([parse(spec, what="feature").name for spec in setting])
        return {parse(spec).name: spec for spec in setting if parse(spec).name not in decided}
    found = {}
    for name in there:
        if name in decided:
            continue
        try:
            factory: Any = FEATURES.factory(name)
        except MMSearchError:  # another package's feature that cannot be imported: mmsearch models says why
            continue
        has_packages = all(importlib.util.find_spec(package) is not None for package in factory.packages)
        if has_packages and factory.by_default(store) and any(next(items(store, s), None) is not None for s in factory.sources):
            found[name] = name
    return found


def _check_clashes(made: dict[str, tuple[str, Feature]]) -> None:
    owner: dict[str, str] = {}
    for name, (_, feature) in made.items():
        if unknown := [source for source in feature.sources if source not in SOURCES]:
            raise UsageError(f"the feature {name} looks at {', '.join(unknown)}, which is none of {', '.join(SOURCES)}")
        for fact in feature.names:
            if fact in owner:
                raise UsageError(f"the features {owner[fact]} and {name} both find '{fact}'", hint=f"choose: --no-features {name}")
            owner[fact] = name


def _ready(store: Store, name: str, spec: str, feature: Feature, refit: bool, learning: Callable[[str, str], None] | None) -> On:
    """A feature that has learned what it learns. Its model is loaded where it is new: an embed with nothing to do need not wait for it."""
    known = recorded_features(store).get(name)
    state = None
    if not feature.learns:
        pass
    elif known is not None and known["spec"] == spec and not refit:
        state = store.record.state(_KEY + name) or b""
        try:
            feature.restore(state)
        except ValueError as error:
            message = f"what the store's feature {spec} had learned is damaged: {error}"
            raise StoreError(message, hint="let it learn anew: mmsearch embed --refit") from error
    else:
        if learning:
            learning("facts", spec)
        feature.fit(StoreItems(store, feature.sources[0]), store)
        state = feature.state()
    if known is None or known["fingerprint"] != feature.fingerprint():
        feature.load()
    return On(name, spec, feature, state)
