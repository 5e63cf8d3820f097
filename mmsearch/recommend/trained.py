"""Models that a store keeps: a fitted recommender with a name and a version, ready for a process that has not fitted it.

The record has `model/NAME` (what it is, and what of the store it was made from) with the fitted state as safetensors; `default_model` names
the one that answers when none is asked for. Never pickle.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.learned import pack, unpack
from mmsearch.errors import InputError, MMSearchError, StoreError, UsageError, did_you_mean
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import Products, Recommender
from mmsearch.recommend.evidence import Scale, catalogue, load_products, read_evidence
from mmsearch.recommend.extended import Extended
from mmsearch.recommend.made_of import changes, made_of
from mmsearch.spec import parse
from mmsearch.store import INTERACTIONS, Store

DEFAULT = "default_model"  # key of the record
_PREFIX = "model/"
_IDS, _ENDS = "products.utf8", "products.ends"


@dataclass(frozen=True)
class Model:
    """What the store records of a trained recommender."""

    name: str
    version: int
    spec: str
    products: int
    users: int
    events: int
    trained: str  # ISO 8601, UTC
    seconds: float  # that the fit took
    inputs: dict[str, Any]  # what it was made from; see `mmsearch.recommend.made_of`
    scale: dict[str, float | None]
    scores: dict[str, Any] = field(default_factory=dict)  # held-out figures, where they were measured
    history: list[dict[str, Any]] = field(default_factory=list)  # of former versions, the newest last


@dataclass(frozen=True)
class Fitted:
    """A recommender over `product_ids`, as a model was trained or just now."""

    spec: str
    recommender: Recommender
    product_ids: Sequence[str]
    scale: Scale
    notes: list[str] = field(default_factory=list)


def names(store: Store) -> list[str]:
    """The models there are."""
    return [key.removeprefix(_PREFIX) for key in store.record.keys(_PREFIX)]


def recorded(store: Store, name: str) -> Model:
    """A model's record. Raises UsageError : no such model."""
    value = store.record.get(_PREFIX + name)
    if value is None:
        have = names(store)
        hint = f"models: {', '.join(have)}" if have else "train one: mmsearch recommend train"
        raise UsageError(f"there is no model '{name}'{did_you_mean(name, have)}", hint=hint)
    return Model(**value)


def default_name(store: Store) -> str | None:
    """The model that answers when none is asked for."""
    return store.record.get(DEFAULT)


def name_for(store: Store, spec: str) -> str | None:
    """A model that was trained by just this method; None if there is none."""
    wanted = str(parse(spec, what="recommender"))
    return next((name for name in names(store) if recorded(store, name).spec == wanted), None)


def fit(store: Store, spec: str) -> tuple[Fitted, int, int]:
    """Fit a recommender on all that the store has; how many users and events it learned from.

    Raises UsageError : a bad spec. InputError : no products, or nothing to learn from (says which command brings it).
    """
    recommender: Recommender = RECOMMENDERS.create(spec)
    ids = catalogue(store)
    if not ids:
        raise InputError("the store has no products", hint="bring them: mmsearch ingest products.csv")
    evidence = read_evidence(store, ids)
    products = load_products(store, ids, recommender.profile) if recommender.needs_vectors else Products(ids)
    recommender.fit(evidence.interactions, products)
    users = len(np.unique(evidence.interactions.users))
    return Fitted(spec, recommender, ids, evidence.scale, evidence.notes), users, len(evidence.interactions)


def train(
    store: Store,
    spec: str,
    *,
    name: str | None = None,
    default: bool = True,
    replace: bool = False,
    scores: Mapping[str, Any] | None = None,
) -> tuple[Model, list[str]]:
    """Fit a recommender and keep it in the store, in the place of the model of that name; and what a person should know.

    Parameters
    ----------
    name : default: the method's.
    default : let it answer when no model is asked for.
    replace : a model of that name that was made by another method may go.
    scores : held-out figures to be kept with it.

    Raises
    ------
    UsageError : a bad spec or name, or the name is taken. InputError : nothing to learn from.
    """
    canonical = str(parse(spec, what="recommender"))
    name = name or canonical.partition("(")[0]
    if not name or "/" in name or not name.isprintable():
        raise UsageError(f"a model cannot be called {name!r}", hint="take a word, such as --name evening")
    old = recorded(store, name) if name in names(store) else None
    if old is not None and old.spec != canonical and not replace:
        hint = f"take another with --name, or replace it with --replace (it was made by '{old.spec}')"
        raise UsageError(f"the name {name} is taken by another method", hint=hint)
    inputs = made_of(store, RECOMMENDERS.create(canonical))
    start = time.perf_counter()
    fitted, users, events = fit(store, canonical)
    seconds = time.perf_counter() - start
    arrays, values = fitted.recommender.state()
    blob = pack({**{f"state.{key}": array for key, array in arrays.items()}, **_as_bytes(fitted.product_ids)}, values)
    former = [*old.history, {"version": old.version, "spec": old.spec, "trained": old.trained, "events": old.events}] if old else []
    model = Model(
        name,
        old.version + 1 if old else 1,
        canonical,
        len(fitted.product_ids),
        users,
        events,
        datetime.now(UTC).isoformat(timespec="seconds"),
        round(seconds, 3),
        inputs,
        dataclasses.asdict(fitted.scale),
        dict(scores or (old.scores if old and old.spec == canonical else {})),
        former[-20:],
    )
    notes = list(fitted.notes)
    with store.writing("recommend train"):
        entries: dict[str, tuple[Any, bytes | None]] = {_PREFIX + name: (dataclasses.asdict(model), blob)}
        before = default_name(store)
        if (default or before is None) and before != name:
            entries[DEFAULT] = (name, None)
            instead = "" if before is None else f" instead of {before} (--no-default leaves that)"
            notes.append(f"{name} answers from now on where neither --method nor --model is given{instead}")
        store.record.put_all(entries)
    return model, notes


def load(store: Store, name: str) -> Fitted:
    """A trained model, ready to recommend, also products that came later where it knows products by their vectors.

    Raises UsageError : no such model. StoreError : its method is not installed any more, or its state is damaged.
    """
    model = recorded(store, name)
    again = f"train it anew: mmsearch recommend train --name {name} --method '{model.spec}'"
    try:
        recommender: Recommender = RECOMMENDERS.create(model.spec)
    except UsageError as error:
        raise StoreError(f"the model {name} was made by {model.spec}, which cannot be used here: {error.message}", hint=again) from error
    try:
        arrays, values = unpack(store.record.blob(_PREFIX + name))
        ids = _as_texts(arrays)
        recommender.load_state({key.removeprefix("state."): array for key, array in arrays.items() if key.startswith("state.")}, values)
    except (ValueError, KeyError) as error:
        raise StoreError(f"the model {name} of {store.path} is damaged: {error}", hint=again) from error
    ids, recommender, notes = _with_new_products(store, name, ids, recommender)
    return Fitted(model.spec, recommender, ids, Scale(**model.scale), [*_news(store, model), *notes])


def _with_new_products(store: Store, name: str, ids: list[str], recommender: Recommender) -> tuple[list[str], Recommender, list[str]]:
    """The products of a model and what is new behind them, the recommender that knows both, and what a person should know."""
    had = set(ids)
    new = [id for id in catalogue(store) if id not in had]
    if not new:
        return ids, recommender, []
    came = f"came after the model {name} was trained and"
    wait = f"1 product {came} waits" if len(new) == 1 else f"{len(new):,} products {came} wait"
    if not recommender.needs_vectors:
        return ids, recommender, [f"{wait}: mmsearch recommend train brings it up to date"]
    try:
        products = load_products(store, [*ids, *new], recommender.profile)
    except (UsageError, StoreError) as error:  # old products are recommended all the same
        return ids, recommender, [f"{wait}: {error.message} ({error.hint})"]
    bare = len(new) if products.vectors is None else int((~products.vectors[len(ids) :].any(axis=1)).sum())
    some = f"1 product {came} has" if bare == 1 else f"{bare:,} products {came} have"
    notes = [f"{some} no vector yet: mmsearch embed"] if bare else []
    if bare == len(new):
        return ids, recommender, notes
    more = recommender.extended(products, len(ids))
    if isinstance(more, Extended):  # it has the vectors of its training alone
        return ids, recommender, [f"{wait}: mmsearch recommend train brings it up to date"]
    return [*ids, *new], more, notes


def drop(store: Store, name: str) -> str | None:
    """Remove a model; the name of the one that answers afterwards. Raises UsageError : no such model."""
    with store.writing("recommend train"):
        recorded(store, name)
        if default_name(store) == name:
            others = [other for other in names(store) if other != name]
            if others:
                store.record.put(DEFAULT, others[0])
            else:
                store.record.delete(DEFAULT)
        store.record.delete(_PREFIX + name)
    return default_name(store)


def make_default(store: Store, name: str) -> None:
    """Let a model answer when none is asked for. Raises UsageError : no such model."""
    with store.writing("recommend train"):
        recorded(store, name)
        store.record.put(DEFAULT, name)


def listed(store: Store) -> list[dict[str, Any]]:
    """One row a model: what it is, whether it is the default, and what has changed since it was trained (`changes`, [] if nothing)."""
    default = default_name(store)
    rows = []
    for name in names(store):
        model = recorded(store, name)
        found = changes_since(store, model)
        rows.append(
            {
                "model": name,
                "version": model.version,
                "method": model.spec,
                "default": name == default,
                "state": "stale" if found else "fresh",
                "changes": found,
                "products": model.products,
                "users": model.users,
                "events": model.events,
                "trained": model.trained,
                "scores": model.scores,
            }
        )
    return rows


@dataclass(frozen=True)
class Retrained:
    """What became of the models: those that were fitted anew, with what a person should know, and why others could not be, by name."""

    models: list[tuple[Model, list[str]]]
    failed: dict[str, MMSearchError]


def retrain(store: Store, *, force: bool = False, told: Callable[[str], None] | None = None) -> Retrained:
    """Every model whose inputs have changed is fitted anew (`force`: every model); the default stays the default.

    One that cannot be fitted stays as it is, and hinders no other.
    """
    done, failed = list[tuple[Model, list[str]]](), dict[str, MMSearchError]()
    for name in names(store):
        model = recorded(store, name)
        changed = changes_since(store, model)
        if told is not None:
            told(f"{name}: {'; '.join(changed) or 'nothing has changed'}")
        if changed or force:
            try:
                done.append(train(store, model.spec, name=name, default=False))
            except MMSearchError as error:
                failed[name] = error
    return Retrained(done, failed)


def changes_since(store: Store, model: Model) -> list[str]:
    """What has changed since a model was trained, for a person to read; nothing if nothing has."""
    try:
        recommender: Recommender = RECOMMENDERS.create(model.spec)
        return changes(store, recommender, model.inputs)
    except (UsageError, StoreError) as error:  # it is told, and hides no other model
        return [f"its method cannot be used here: {error.message}"]


def _news(store: Store, model: Model) -> list[str]:
    """What a person who is recommended to by a model should know: what it has not seen. Counting is cheap, and enough for a hint."""
    had = model.inputs.get(INTERACTIONS, [None, 0])[1]
    if (rows := store.count(INTERACTIONS) if store.has(INTERACTIONS) else 0) == had:
        return []
    return [f"{rows - had:+,} events since the model {model.name} was trained: mmsearch recommend train brings it up to date"]


def _as_bytes(texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([len(one) for one in encoded], dtype=np.int64)
    return {_IDS: np.frombuffer(b"".join(encoded), np.uint8), _ENDS: ends}


def _as_texts(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    whole, ends = arrays[_IDS].tobytes(), arrays[_ENDS].tolist()
    return [whole[start:end].decode("utf-8", "surrogatepass") for start, end in zip([0, *ends[:-1]], ends, strict=True)]
