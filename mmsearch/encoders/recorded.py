"""Which encoder makes the vectors of each modality: what the store records, what was begun, and the switch from one to another.

`encoder/MODALITY` names the encoder whose vectors are searched. `encoder-pending/MODALITY` names one that an embed began and did
not finish: its table grows beside the old one until it is complete, and the next embed goes on with it unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.sources import StoreItems, items
from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.spec import parse
from mmsearch.store import Store


@dataclass(frozen=True)
class Choice:
    """One modality to embed, its encoder, and the record that this encoder gets: spec, fingerprint, dim, space, table."""

    modality: str
    encoder: Encoder
    entry: dict[str, Any]
    note: str | None = None  # what a user who named no encoder should know
    state: bytes | None = None  # what the encoder learned

    @property
    def spec(self) -> str:
        return str(self.entry["spec"])

    @property
    def table(self) -> str:
        return str(self.entry["table"])


def recorded_encoder(store: Store, modality: str) -> dict[str, Any] | None:
    """The record of the encoder that made a modality's vectors: spec, fingerprint, dim, space, table."""
    return store.record.get(f"encoder/{modality}")


def pending_encoder(store: Store, modality: str) -> dict[str, Any] | None:
    """The record of an encoder whose vectors an embed began to make and that are not complete yet."""
    return store.record.get(f"encoder-pending/{modality}")


@dataclass(frozen=True)
class Meeting:
    """A query of one modality that meets product vectors of another directly, because one model encodes both into one space."""

    query: str
    product: str
    spec: str  # of the encoder that made the products' vectors
    own: bool  # whether the store's encoder of the query's modality is of that space; else the other's tower encodes the query, too

    @property
    def kind(self) -> str:
        return f"{self.query}>{self.product}"

    @property
    def name(self) -> str:
        """As `explain` prints it: 'openclip'."""
        return parse(self.spec, what="encoder").name


def meetings(store: Store) -> dict[str, Meeting]:
    """kind ('text>image') → how it is compared directly, for the kinds whose two sides share a space. Loads no encoder."""
    known = {m: entry for m in settings.MODALITIES if (entry := recorded_encoder(store, m))}
    found = {}
    for product, entry in known.items():
        for query in settings.MODALITIES:
            own = query in known and known[query]["space"] == entry["space"]
            if query != product and (own or query in entry.get("towers", ())):
                found[f"{query}>{product}"] = Meeting(query, product, str(entry["spec"]), own)
    return found


def load_tower(store: Store, meeting: Meeting) -> Encoder:
    """The encoder of a query that meets product vectors of another modality. Raises as `load_encoder` does."""
    tower = tower_of(load_encoder(store, meeting.product), meeting.query)
    if tower is None:  # a record of an encoder that had one
        message = f"the encoder {meeting.spec} encodes {meeting.query} no longer"
        raise StoreError(message, hint=f"embed anew: mmsearch embed --{meeting.product} '{meeting.spec}'")
    return tower


def tower_of(encoder: Encoder, modality: str) -> Encoder | None:
    """`Encoder.tower`; and for clips, where the store has none of its own, their frames by its image encoder."""
    tower = encoder.tower(modality)
    if tower is None and modality == "video" and encoder.modality == "image":
        tower = ENCODERS.create(settings.DEFAULT_ENCODERS["video"])
        tower.follow(encoder)
    return tower


def create_encoder(spec: str, modality: str, *, beside: str | None = None) -> Encoder:
    """The encoder that a spec names for a modality: of a model with several towers (CLIP) the one that is asked for.

    `beside` is the spec of the encoder that one works with that follows another (`Encoder.follows`); without it, it is still to be told.

    Raises
    ------
    UsageError : no such encoder, or one of another modality.
    """
    encoder: Encoder = ENCODERS.create(spec)
    if encoder.follows and beside:
        encoder.follow(create_encoder(beside, encoder.follows))
    if (tower := encoder.tower(modality)) is None:
        raise UsageError(f"the encoder {spec} encodes {encoder.modality}, not {modality}", hint=f"choose it with --{encoder.modality}")
    return tower


def load_encoder(store: Store, modality: str) -> Encoder:
    """The encoder that made the store's vectors of a modality, for encoding a query.

    Raises
    ------
    InputError : the store has no vectors of that modality (says which command makes them).
    StoreError : the encoder is not installed any more, its weights are others than those that made the vectors, or what it
        learned is damaged.
    """
    known = recorded_encoder(store, modality)
    if known is None:
        raise InputError(f"the store has no {modality} vectors", hint="make them: mmsearch embed")
    encoder = _create_recorded(known, modality)
    if encoder.learns:
        _restore(store, f"encoder/{modality}", encoder, str(known["spec"]))
    if encoder.fingerprint() != known["fingerprint"]:
        message = f"the store's {modality} vectors were made by other weights of the encoder {known['spec']} than those installed"
        raise StoreError(message, hint=f"install the version that made them, or embed anew: mmsearch embed --{modality} '{known['spec']}'")
    return encoder


@dataclass(frozen=True)
class _Wanted:
    """A modality that is to be embedded: with which encoder, and where in the record what it learned may lie, the first first."""

    modality: str
    spec: str
    encoder: Encoder
    note: str | None
    keys: tuple[str, ...]


def choose(
    store: Store, chosen: Mapping[str, str], *, refit: bool = False, learning: Callable[[str, str], None] | None = None
) -> list[Choice]:
    """What there is to embed. Nothing is written. Encoders that learn have learned: now, or when the store's vectors were made.

    Parameters
    ----------
    chosen : modality → encoder spec. Others keep what an embed began, else what the store records, else the bundled one.
    refit : let encoders that learn learn anew.
    learning : called with (modality, spec) before an encoder learns, which may take minutes.

    Raises
    ------
    UsageError : an encoder of another modality than the one it is chosen for, or no encoder at all.
    InputError : the store's items teach an encoder nothing.
    StoreError : the encoder that the store records cannot be used any more.
    """
    wanted = [one for modality in settings.DEFAULT_ENCODERS if (one := _wanted(store, modality, chosen))]
    choices: list[Choice] = []
    for one in wanted:  # every spec was looked at before the first encoder learns
        encoder, state = one.encoder, None
        followed = None
        if encoder.follows:
            followed = next(choice for choice in choices if choice.modality == encoder.follows)  # see `_needed`
            encoder.follow(followed.encoder)
            state = followed.state
        elif encoder.learns:
            state = _learned(store, one, refit, learning)
        fingerprint = encoder.fingerprint()
        if followed is not None:
            space = str(followed.entry["space"])
        else:  # what was learned makes it a space of its own
            space = f"{encoder.space}:{fingerprint[:12]}" if encoder.learns else encoder.space
        table = f"vectors_{one.modality}_{fingerprint[:12]}"
        entry = {"spec": one.spec, "fingerprint": fingerprint, "dim": encoder.dim, "space": space, "table": table}
        if followed is not None:
            entry["beside"] = followed.spec
        if encoder.views:
            entry["views"] = dict(encoder.views)
        if towers := [m for m in settings.MODALITIES if m != one.modality and tower_of(encoder, m) is not None]:
            entry["towers"] = towers  # whose queries can be asked of these vectors directly
        if (recorded_encoder(store, one.modality) or {}).get("fingerprint") != fingerprint:
            encoder.load()
        choices.append(Choice(one.modality, encoder, entry, one.note, state))
    return choices


def _wanted(store: Store, modality: str, chosen: Mapping[str, str]) -> _Wanted | None:
    known, pending = recorded_encoder(store, modality), pending_encoder(store, modality)
    keys = (f"encoder/{modality}", f"encoder-pending/{modality}")
    encoder: Encoder
    note = None
    if modality not in chosen and pending is not None:
        spec, encoder = pending["spec"], _create_pending(pending, known, modality)
        keys = keys[::-1]
        if known is not None and pending["table"] != known["table"]:
            stay = f"to stay with {known['spec']}: mmsearch embed --{modality} '{known['spec']}'"
            note = f"going on with the {modality} encoder {spec}, which an earlier embed began ({stay})"
        elif known is None and spec != str(parse(settings.DEFAULT_ENCODERS[modality], what="encoder")):
            note = f"going on with the {modality} encoder {spec}, which an earlier embed began"
    elif modality not in chosen and known is not None:
        spec, encoder = known["spec"], _create_recorded(known, modality)
    elif _needed(store, modality, chosen):
        spec = str(parse(chosen.get(modality, settings.DEFAULT_ENCODERS[modality]), what="encoder"))  # the canonical form is recorded
        encoder = create_encoder(spec, modality)
    else:
        return None
    return _Wanted(modality, spec, encoder, note, keys)


def _needed(store: Store, modality: str, chosen: Mapping[str, str]) -> bool:
    """Whether a modality needs an encoder that has none yet: for its items, as queries, or for another that follows it."""
    if modality == "text":  # texts are queries too: a catalogue of photos alone still records who reads them
        return True
    followers = ["video"] if modality == "image" else []
    return any(
        m in chosen or recorded_encoder(store, m) or pending_encoder(store, m) or next(items(store, m, tracks=True), None) is not None
        for m in (modality, *followers)
    )


def _learned(store: Store, wanted: _Wanted, refit: bool, learning: Callable[[str, str], None] | None) -> bytes:
    """What the encoder learned when it made the store's vectors, or began to; else, or to refit, it learns now."""
    if not refit:
        for key in wanted.keys:
            if (store.record.get(key) or {}).get("spec") == wanted.spec:
                return _restore(store, key, wanted.encoder, wanted.spec)
    if learning:
        learning(wanted.modality, wanted.spec)
    wanted.encoder.fit(StoreItems(store, wanted.modality, tracks=True))
    return wanted.encoder.state()


def _restore(store: Store, key: str, encoder: Encoder, spec: str) -> bytes:
    state = store.record.state(key)
    try:
        encoder.restore(state or b"")
    except ValueError as error:
        message = f"what the store's {encoder.modality} encoder {spec} had learned is damaged: {error}"
        raise StoreError(message, hint="let it learn anew: mmsearch embed --refit") from error
    return state or b""


def begin(store: Store, choice: Choice) -> None:
    """Record what is being made, so that the next embed goes on with it, and drop what another choice left unfinished."""
    key = f"encoder-pending/{choice.modality}"
    known, pending = recorded_encoder(store, choice.modality), pending_encoder(store, choice.modality)
    kept = {choice.table} | ({known["table"]} if known else set())
    strays = [table for table in store.tables(f"vectors_{choice.modality}_") if table not in kept]
    settled = known is not None and known["table"] == choice.table
    if not strays and (pending is None if settled else pending == choice.entry):
        return
    with store.writing("embed"):
        if not settled:
            store.record.put(key, choice.entry, choice.state)  # before the strays go: no record ever names a table that was given up
        elif pending is not None:
            store.record.delete(key)
        for table in strays:
            store.drop(table)


def switch(store: Store, choice: Choice) -> None:
    """Make the new table the one that is searched; only now, when it is complete, do the vectors of a former encoder go."""
    known = recorded_encoder(store, choice.modality)
    settled = known == choice.entry and pending_encoder(store, choice.modality) is None
    if settled and (choice.state is None or choice.state == store.record.state(f"encoder/{choice.modality}")):
        return
    with store.writing("embed"):
        store.record.put(f"encoder/{choice.modality}", choice.entry, choice.state)
        store.record.delete(f"encoder-pending/{choice.modality}")
        if known is not None and known["table"] != choice.table:
            store.drop(known["table"])


def _create_recorded(known: Mapping[str, Any], modality: str) -> Encoder:
    try:
        return create_encoder(known["spec"], modality, beside=known.get("beside"))
    except (UsageError, InputError) as error:
        message = f"the store's {modality} vectors were made by the encoder {known['spec']}, which cannot be used here: {error.message}"
        raise StoreError(message, hint=f"install it, or embed anew: mmsearch embed --{modality} ENCODER") from error


def _create_pending(pending: Mapping[str, Any], known: Mapping[str, Any] | None, modality: str) -> Encoder:
    try:
        return create_encoder(pending["spec"], modality, beside=pending.get("beside"))
    except (UsageError, InputError) as error:
        message = f"an embed with the {modality} encoder {pending['spec']} was begun, but it cannot be used here: {error.message}"
        other = known["spec"] if known else "ENCODER"
        raise StoreError(message, hint=f"install it, or name another: mmsearch embed --{modality} '{other}'") from error
