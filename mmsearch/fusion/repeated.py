"""Products that are in the catalogue more than once: nearly the same photo and nearly the same text under different ids.

Ingest can compare what comes in by exact words and by a perceptual hash (`mmsearch.catalog.near_duplicates`), which a crop escapes. Here
the same words are the same words, but photos are compared by their vectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mmsearch.catalog.stored_signatures import stored_words
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.fusion.nearby import Half, near_pairs
from mmsearch.store import Store
from mmsearch.store.vectors import batches_of

# Cosines of photos and texts, chosen on copies planted among one half of the fashion products (`bench/consistency.py`): of photos saved
# anew or cropped by 4 or 8 %, .98 are found where the words are the same, and 4 pairs of 1.1 million that were not planted are named.
SAME_WORDS_PHOTO = 0.9  # photos of products that say the same
ALIKE_PHOTO, ALIKE_TEXT = 0.95, 0.85  # of products that say nearly the same: lower, and colours of a shirt become one
SAME_PHOTO = 0.99  # whatever is said of it: shades of a lipstick come to .985

_MOST_PAIRS = 2_000_000  # more are no list of mistakes but a catalogue of one thing
_SHOWN = 20  # members of a group that are named
_COMPARED = 50  # products with one and the same photo whose texts are compared with those of another


@dataclass(frozen=True)
class Member:
    """A product of a group."""

    id: str
    photo: str  # the part that is most like a photo of the group's first product; '' without any
    image: float | None  # cosine of that photo with the other
    text: float | None  # cosine of the texts
    words: bool  # whether it says the same as the first, in whatever order, case or plural


@dataclass(frozen=True)
class Group:
    """Products that seem to be one: `members` begins with the one that all are compared with, and has 20 at most of `size`."""

    size: int
    members: list[Member]

    @property
    def likeness(self) -> float:
        """How sure it is, in [0, 1]: the mean, over the other members, of what is known of photo and text."""
        known = [[value for value in (m.image, 1.0 if m.words else m.text) if value is not None] for m in self.members[1:]]
        return float(np.mean([np.mean(values) if values else 0.0 for values in known]))


def near_duplicates(store: Store, passes: Collection[str]) -> tuple[list[Group], list[str]]:
    """Groups of products that repeat each other, the surest first, and notes.

    Two products are linked where one holds: they say the same and their photos are alike; they say nearly the same and the photos are
    nearly one; the photo is one; they say the same and one of them has no photo. Declared variants (a common parent) are never linked.

    Parameters
    ----------
    passes : ids of the products that are looked at.
    """
    catalogue = _Catalogue(store, passes)
    links = _Links(len(catalogue.ids))
    notes = []
    _same_file(catalogue, links)
    for count, (one, other, cosines) in enumerate(near_pairs(catalogue.photos[catalogue.first], SAME_WORDS_PHOTO)):
        if links.tried > _MOST_PAIRS:
            notes.append(f"more than {_MOST_PAIRS:,} pairs of photos are alike (seen in {count:,} portions): only those are looked at")
            break
        for u, v, cosine in zip(one.tolist(), other.tolist(), cosines.tolist(), strict=True):
            _alike(catalogue, links, u, v, cosine)
    _without_photo(catalogue, links)
    groups = [catalogue.group(rows) for rows in links.groups()]
    return sorted(groups, key=lambda group: (-group.likeness, group.members[0].id)), notes


class _Links:
    """Which rows belong together (union–find)."""

    def __init__(self, n: int):
        self._above = list(range(n))
        self.tried = 0

    def top(self, row: int) -> int:
        while self._above[row] != row:
            self._above[row] = self._above[self._above[row]]
            row = self._above[row]
        return row

    def join(self, one: int, other: int) -> None:
        a, b = sorted((self.top(one), self.top(other)))
        self._above[b] = a

    def groups(self) -> list[list[int]]:
        found: dict[int, list[int]] = defaultdict(list)
        for row in range(len(self._above)):
            found[self.top(row)].append(row)
        return [rows for rows in found.values() if len(rows) > 1]


class _Catalogue:
    """What is compared of the products that pass: words, text and photo vectors. Photos of one file are one picture."""

    def __init__(self, store: Store, passes: Collection[str]):
        said = sorted(one for one in stored_words(store) if one.id in passes)
        self.ids = [one.id for one in said]
        self.words = [one.words for one in said]
        self.families = [one.family for one in said]
        row = {id: i for i, id in enumerate(self.ids)}
        self.texts, self.text_of, _, _ = _vectors(store, "text", row, whole=True)
        self.photos, owners, self.parts, hashes = _vectors(store, "image", row)
        self.photos_of: dict[int, list[int]] = defaultdict(list)
        for photo, owner in enumerate(owners):
            self.photos_of[owner].append(photo)
        self.text_row = {owner: i for i, owner in enumerate(self.text_of)}
        pictures: dict[str, list[int]] = defaultdict(list)
        for photo, digest in enumerate(hashes):
            pictures[digest].append(photo)
        #: Of each picture, its first photo (p,) and the products that have it.
        self.first = np.array([photos[0] for photos in pictures.values()], np.int64)
        self.owners = [sorted({owners[photo] for photo in photos}) for photos in pictures.values()]

    def related(self, one: int, other: int) -> bool:
        """Whether two products are the same, or declared variants."""
        return one == other or self.families[one] == self.families[other]

    def says_same(self, one: int, other: int) -> bool:
        return self.words[one] is not None and self.words[one] == self.words[other]

    def text_cosine(self, one: int, other: int) -> float | None:
        if one not in self.text_row or other not in self.text_row:
            return None
        return _dot(self.texts[self.text_row[one]], self.texts[self.text_row[other]])

    def group(self, rows: Sequence[int]) -> Group:
        """The members of a group, compared with the first by id."""
        first = rows[0]
        members = [Member(self.ids[first], self._part(first), None, None, True)]
        members += sorted((self._member(first, row) for row in rows[1:_SHOWN]), key=lambda m: (-(m.image or 0), m.id))
        return Group(len(rows), members)

    def _part(self, row: int) -> str:
        return self.parts[self.photos_of[row][0]] if self.photos_of[row] else ""

    def _member(self, first: int, row: int) -> Member:
        text, words = self.text_cosine(first, row), self.says_same(first, row)
        if not self.photos_of[first] or not self.photos_of[row]:
            return Member(self.ids[row], self._part(row), None, text, words)
        mine = self.photos[self.photos_of[row]].astype(np.float32)
        alike = (mine @ self.photos[self.photos_of[first]].astype(np.float32).T).max(axis=1)
        best = int(alike.argmax())
        return Member(self.ids[row], self.parts[self.photos_of[row][best]], min(1.0, float(alike[best])), text, words)


def _vectors(store: Store, modality: str, row: dict[str, int], *, whole: bool = False) -> tuple[Half, list[int], list[str], list[str]]:
    """Vectors (m, d) in half precision of the products in `row`, whose rows, parts and source hashes; `whole`: only those of the
    product as a whole (its own text, not what is said in its clips)."""
    known = recorded_encoder(store, modality)
    pieces: list[Half] = []
    owners: list[int] = []
    parts: list[str] = []
    hashes: list[str] = []
    for rows, digests in batches_of(store, known["table"]) if known else ():
        ids, named = rows.ids.to_pylist(), rows.parts.to_pylist()
        kept = [i for i, (id, part) in enumerate(zip(ids, named, strict=True)) if id in row and (not whole or part == "")]
        pieces.append(rows.vectors[kept].astype(np.float16))
        owners += [row[ids[i]] for i in kept]
        parts += [named[i] for i in kept]
        hashes += [digests[i] for i in kept]
    if not pieces:
        return np.empty((0, 1), np.float16), [], [], []
    order = np.lexsort((np.array(parts), np.array(owners)))  # the order in which vectors were written decides nothing
    return np.concatenate(pieces)[order], *([values[i] for i in order] for values in (owners, parts, hashes))  # type: ignore[return-value]


def _same_file(catalogue: _Catalogue, links: _Links) -> None:
    """Products with one and the same picture. Of declared variants, which may well share one, the first stands for all."""
    for owners in catalogue.owners:
        apart = list({catalogue.families[row]: row for row in reversed(owners)}.values())
        for row in apart[1:]:
            links.join(apart[0], row)


def _alike(catalogue: _Catalogue, links: _Links, u: int, v: int, cosine: float) -> None:
    """Two different pictures that are alike: link those of their products that seem to be one."""
    mine, theirs = catalogue.owners[u][:_COMPARED], catalogue.owners[v][:_COMPARED]
    for one in mine:
        for other in theirs:
            links.tried += 1
            if catalogue.related(one, other):
                continue
            nearly = cosine >= ALIKE_PHOTO and (catalogue.text_cosine(one, other) or 0.0) >= ALIKE_TEXT
            if cosine >= SAME_PHOTO or nearly or catalogue.says_same(one, other):
                links.join(one, other)


def _without_photo(catalogue: _Catalogue, links: _Links) -> None:
    """Products that say the same, where one has no photo that could tell them apart."""
    sayings: dict[bytes, list[int]] = defaultdict(list)
    for row, words in enumerate(catalogue.words):
        if words is not None:
            sayings[words].append(row)
    for rows in sayings.values():
        bare = [row for row in rows if not catalogue.photos_of[row]]
        for row in bare:
            if (other := _first(o for o in rows if not catalogue.related(o, row))) is not None:
                links.join(other, row)


def _first(rows: Iterable[int]) -> int | None:
    return next(iter(rows), None)


def _dot(a: Half, b: Half) -> float:
    return min(1.0, float(a.astype(np.float32) @ b.astype(np.float32)))
