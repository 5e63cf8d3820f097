"""Texts and photos of a store's products in one space, in which no product's own pair was learned.

A map that was learned from a pair brings its two sides together, right or wrong: of photos that were swapped on purpose it hides half. So
a method that learned is learned anew, five times, each time without a fifth of the products, which it then maps; of many products twice,
each time without half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.encoders.recorded import Meeting, load_encoder, load_tower, recorded_encoder
from mmsearch.encoders.sources import items
from mmsearch.errors import InputError
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import Fuser, Matrix, Side
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.contents import side_of
from mmsearch.fusion.profile import Profile
from mmsearch.store import Store
from mmsearch.store.vectors import VectorRows, batches_of, read_vectors

Rows = NDArray[np.int64]

# Of planted swaps of photos (60 of 3,000 fashion products) the area under the curve is .987 with 2 folds, .989 with 5, .816 without:
# 1,500 pairs teach nearly as much as 2,400, and where there are many more, half of them are enough.
FOLDS = 5
_MANY, _FEWER = 10_000, 2  # pairs from which there are so many folds
_FEWEST = 8  # products in a fold, below which nothing can be compared
_LEARNED = 20_000  # products that a fold's method is learned from, at most
_TOGETHER = 10_000  # products that are compared with each other, at most: the others tell no more of what is usual
_MAPPED = 4_096  # vectors that a method maps at a time
_AT_ONCE = 256  # texts that a tower reads at a time

#: Maps items of a modality into the space: `Fuser.project`, or for a shared space of encoders a look at what was made before.
Mapped = Callable[[str, Side], Matrix]


@dataclass(frozen=True)
class Pairing:
    """Products that are compared with each other: n texts and m photos of theirs in one space."""

    ids: list[str]  # (n,)
    texts: Matrix  # (n, d) unit rows
    photos: Matrix  # (m, d) unit rows
    own: Rows  # (m,) the product of each photo, among ids
    parts: list[str]  # (m,) which photo
    #: All texts of the store in this space, in blocks of (ids, vectors), for what else could be meant.
    others: Callable[[], Iterator[tuple[list[str], Matrix]]]


@dataclass(frozen=True)
class Space:
    """What texts and photos are compared by: a profile, or encoders that share a space; and what a person should know of it."""

    name: str
    profile: Profile | None
    meeting: Meeting | None

    def pairings(self, store: Store, notes: list[str]) -> Iterator[Pairing]:
        """The store's products that have a text and a photo, in groups that are compared. Adds to `notes` what was not as it should be."""
        both = sorted(set(_ids(store, "text", whole=True)) & set(_ids(store, "image")))
        order = [both[i] for i in np.random.default_rng(0).permutation(len(both))]
        if self.profile is not None:
            yield from _learned(store, self.profile, order, notes)
        elif len(order) > 1 and self.meeting is not None:
            texts = _text_vectors(store, self.meeting, order)
            for group in _groups([id for id in order if id in texts]):
                yield _pairing(store, group, None, texts)


def _learned(store: Store, profile: Profile, order: list[str], notes: list[str]) -> Iterator[Pairing]:
    folds = _split(order, min(FOLDS if len(order) < _MANY else _FEWER, len(order) // _FEWEST))
    if len(folds) < 2:
        if len(order) > 1:
            notes.append(
                f"with {len(order)} pairs of text and photo none can be left out: those that were learned from look better than they are"
            )
            known = profiles.load_fuser(store, profile)
            yield _pairing(store, order, known, None)
        return
    tables = {m: (recorded_encoder(store, m) or {})["table"] for m in profile.modalities}
    encoders = {m: load_encoder(store, m) for m in profile.modalities}
    rest = sorted(set().union(*(_ids(store, m) for m in profile.modalities)) - set(order))
    for fold in folds:
        left_out = set(fold)
        # Pairs teach; what has one side only joins where there is room, for methods that look at it.
        kept = [id for id in [*order, *rest] if id not in left_out][:_LEARNED]
        fuser = profiles.load_fuser(store, profile)
        try:
            _, batch = load_batch(store, tables, sorted(kept), fuser)
            fuser.refit(batch, encoders, profile.seed)
        except InputError as error:
            notes.append(
                f"{profile.spec} cannot be learned without a part of the products ({error.message}): those it was learned from look better"
            )
            fuser = profiles.load_fuser(store, profile)
        for group in _groups(fold):
            yield _pairing(store, group, fuser, None)


def _pairing(store: Store, ids: Sequence[str], fuser: Fuser | None, texts: Mapping[str, Matrix] | None) -> Pairing:
    """Some products in the space of a method, or of one model (None); `texts`: their vectors where the store's own are of another space."""
    ids = sorted(ids)
    row = {id: i for i, id in enumerate(ids)}

    def mapped(modality: str, rows: VectorRows) -> Matrix:
        return rows.vectors if fuser is None else fuser.project(modality, side_of(store, fuser, modality, rows))

    owners: list[int]
    parts: list[str]
    pieces: list[Matrix]
    found: dict[str, tuple[list[int], list[str], list[Matrix]]] = {}
    for modality in ("text", "image"):
        owners, parts, pieces = found[modality] = ([], [], [])
        for rows in _rows(store, modality, ids, views=fuser is not None and fuser.sees_views):
            pieces.append(mapped(modality, rows))
            owners += [row[id] for id in rows.ids.to_pylist()]
            parts += rows.parts.to_pylist()
    if texts is not None:
        ordered = np.stack([texts[id] for id in ids])
    else:
        owners, _, pieces = found["text"]
        ordered = np.concatenate(pieces)[np.argsort(owners)]
    owners, parts, pieces = found["image"]
    order = sorted(range(len(owners)), key=lambda i: (owners[i], parts[i]))

    def others() -> Iterator[tuple[list[str], Matrix]]:
        if texts is not None:
            yield list(texts), np.stack(list(texts.values()))
            return
        for rows in _texts(store):
            yield rows.ids.to_pylist(), mapped("text", rows)

    return Pairing(ids, ordered, np.concatenate(pieces)[order], np.array(owners, np.int64)[order], [parts[i] for i in order], others)


def _rows(store: Store, modality: str, ids: Sequence[str], *, views: bool) -> Iterator[VectorRows]:
    """The vectors of a modality of some products, some at a time; of texts the products' own alone. Of the others only the ids are read."""
    found = read_vectors(store, (recorded_encoder(store, modality) or {})["table"], list(ids), views=views)
    own = np.flatnonzero(pc.equal(found.parts, "").to_numpy(zero_copy_only=False)) if modality == "text" else np.arange(len(found))
    for start in range(0, len(own), _MAPPED):
        yield found.take(own[start : start + _MAPPED].tolist())


def _texts(store: Store) -> Iterator[VectorRows]:
    """The vectors of all products' own texts, batch by batch."""
    for rows, _ in batches_of(store, (recorded_encoder(store, "text") or {})["table"]):
        own = np.flatnonzero(pc.equal(rows.parts, "").to_numpy(zero_copy_only=False))
        if len(own):
            yield rows.take(own.tolist())


def _text_vectors(store: Store, meeting: Meeting, ids: Sequence[str]) -> dict[str, Matrix]:
    """Texts of products in the space of their photos: the store's own vectors, or read anew by the model's text tower."""
    wanted = set(ids)
    if meeting.own:
        return {id: v for rows in _texts(store) for id, v in zip(rows.ids.to_pylist(), rows.vectors, strict=True) if id in wanted}
    tower = load_tower(store, meeting)
    mine = [item for item in items(store, "text") if item.part == "" and item.id in wanted]
    found: dict[str, Matrix] = {}
    for start in range(0, len(mine), _AT_ONCE):
        encoded = tower.encode([item.content for item in mine[start : start + _AT_ONCE]])
        found |= {mine[start + i].id: vector for i, vector in zip(encoded.kept, encoded.vectors, strict=True)}
    return found


def _ids(store: Store, modality: str, *, whole: bool = False) -> list[str]:
    known = recorded_encoder(store, modality)
    if known is None or not store.has(known["table"]):
        return []
    rows = store.read(known["table"], ["id", "part"])
    if whole:
        rows = rows.filter(pc.equal(rows.column("part"), ""))
    ids: list[str] = pc.unique(rows.column("id")).to_pylist()
    return ids


def _split(ids: list[str], parts: int) -> list[list[str]]:
    return [[ids[i] for i in rows] for rows in np.array_split(np.arange(len(ids)), max(1, parts))]


def _groups(ids: list[str]) -> list[list[str]]:
    return _split(ids, -(-len(ids) // _TOGETHER)) if ids else []
