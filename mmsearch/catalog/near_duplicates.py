"""Products that say or show the same as an earlier one, found in one pass, in some 200 bytes a product beside its id.

Texts say the same when their words are (`signatures.text_signature`): other order, case, punctuation and plural, and words that sellers
add, make no difference; a digit, a code, a colour or any other word does. Nearly equal texts are not enough: among 19,406 electronics,
MinHash at a similarity of .85 paired LC/SC with LC/LC cables and DVI with VGA adapters. Photos show the same when one is the other
recompressed, resized or trimmed by a hair. What is kept of a product, in memory and in the store's table `signatures`, lets the next
file be compared with all that came before.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

import pyarrow as pa

from mmsearch.catalog.signatures import PHOTO, SHAPE, TEXT, photo_signature, text_signature
from mmsearch.store.where import id_list

if TYPE_CHECKING:
    from mmsearch.catalog.records import Product
    from mmsearch.store import Store

TABLE = "signatures"

#: How many bits (of 144) and how many levels of brightness or colour (of 255, in any quarter) photos of the same may differ by.
PHOTO_BITS = 18
PHOTO_LEVELS = 12

_PHOTO_BANDS = 6  # of 16 bits, the low frequencies: photos that differ in 8 bits share one with probability .95
_EXAMINED = 64  # photos a band: enough but for a catalogue of one photo
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text_signature", pa.binary()),
        pa.field("photo_signature", pa.binary()),
    ]
)


class Match(NamedTuple):
    """An earlier product that says or shows the same."""

    id: str
    by: Literal["text", "photo", "both"]
    similarity: float  # of texts: 1 where title and brand are equal as they stand, else .9; of photos: the share of equal bits


class Signature(NamedTuple):
    """What is compared of one product; None where there is too little to compare."""

    id: str
    text: bytes | None
    photo: bytes | None


class NearDuplicates:
    """All products seen so far, by what they say and show.

    Parameters
    ----------
    store : where the signatures of earlier runs are and `save` puts those of this one.
    text, photo : what to compare. Reading photos costs their decoding.
    """

    def __init__(self, store: Store, *, text: bool = True, photo: bool = True):
        self._store, self._text, self._photo = store, text, photo
        self._ids: list[str | None] = []  # None: replaced or forgotten
        self._texts = _Rows(TEXT)
        self._photos = _Rows(PHOTO)
        self._by_text, self._by_photo, self._by_id = _Index(), _Index(), _Index()
        self._unsaved = array("i")  # rows, rising
        for batch in store.batches(TABLE, _SCHEMA.names):
            for id, text_bytes, photo_bytes in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                self._insert(Signature(id, text_bytes, photo_bytes))

    def __len__(self) -> int:
        return sum(1 for id in self._ids if id is not None)

    def ids(self) -> list[str]:
        """The products that others are compared with."""
        return [id for id in self._ids if id is not None]

    def check(self, product: Product, *, add_repeats: bool = True) -> Match | None:
        """`match`, then `add`, with one look at the photo. `add_repeats` False: not where it says the same, since it is left out then."""
        signature = self._completed(product, self.signature(product))
        found = self._find(signature)
        if found is None or found.by == "photo" or add_repeats:
            self._replace(signature)
        return found

    def match(self, product: Product) -> Match | None:
        """The earlier product that this one repeats, or None. A product never matches its own id."""
        return self._find(self.signature(product))

    def add(self, product: Product) -> None:
        """Let later products be compared with this one; takes the place of an earlier one of the same id.

        A row that does not mention the title (or photos) keeps what is known of it. `check` does both with one look at the photo.
        """
        self._replace(self._completed(product, self.signature(product)))

    def forget(self, ids: Iterable[str]) -> None:
        """Products that are gone from the catalogue: nothing is a duplicate of them any more. Written at once."""
        gone = []
        for id in ids:
            row = self._row(id)
            if row is not None:
                self._ids[row] = None
            gone.append(id)
        for start in range(0, len(gone), 1000):
            self._store.delete(TABLE, id_list("id", gone[start : start + 1000]))

    def save(self) -> None:
        """Write what is new to the store's table `signatures`. Raises StoreError."""
        rows = [row for row in self._unsaved if self._ids[row] is not None]
        for start in range(0, len(rows), 50_000):
            part = rows[start : start + 50_000]
            columns = [[self._ids[row] for row in part], [self._texts.get(row) for row in part], [self._photos.get(row) for row in part]]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
            self._store.upsert(TABLE, pa.Table.from_arrays(arrays, schema=_SCHEMA), "id")
        self._unsaved = array("i")

    def signature(self, product: Product) -> Signature:
        """What is compared of a product. Reads its first photo; free of this object's state, so it may run in other threads."""
        return Signature(product.id, text_signature(product) if self._text else None, photo_signature(product) if self._photo else None)

    def _completed(self, product: Product, signature: Signature) -> Signature:
        """With the earlier signatures of what a partial feed leaves out."""
        row = self._row(product.id)
        if row is None:
            return signature
        text = signature.text if "title" in product.fields else self._texts.get(row)
        photo = signature.photo if "images" in product.fields else self._photos.get(row)
        return Signature(product.id, text, photo)

    def _find(self, signature: Signature) -> Match | None:
        text = self._same_text(signature)
        if text is not None:
            row, similarity = text
            same = signature.photo is not None and self._photo_similarity(row, signature.photo) is not None
            return Match(str(self._ids[row]), "both" if same else "text", similarity)
        photo = self._same_photo(signature)
        return None if photo is None else Match(str(self._ids[photo[0]]), "photo", photo[1])

    def _same_text(self, signature: Signature) -> tuple[int, float] | None:
        if signature.text is None:
            return None
        other = None
        for row in self._by_text.get(_key(signature.text[:8]), _EXAMINED):
            text = self._texts.get(row)
            if text is None or text[:8] != signature.text[:8] or self._ids[row] in (None, signature.id):
                continue
            if text == signature.text:
                return row, 1.0
            other = row
        return None if other is None else (other, 0.9)

    def _same_photo(self, signature: Signature) -> tuple[int, float] | None:
        if signature.photo is None:
            return None
        best: tuple[int, float] | None = None
        tried: set[int] = set()
        for band in _photo_bands(signature.photo):
            for row in self._by_photo.get(band, _EXAMINED):
                if row in tried or self._ids[row] in (None, signature.id):
                    continue
                tried.add(row)
                similarity = self._photo_similarity(row, signature.photo)
                if similarity is not None and (best is None or similarity > best[1]):
                    best = row, similarity
        return best

    def _photo_similarity(self, row: int, signature: bytes) -> float | None:
        other = self._photos.get(row)
        if other is None:
            return None
        bits = (int.from_bytes(other[:SHAPE], "little") ^ int.from_bytes(signature[:SHAPE], "little")).bit_count()
        if bits > PHOTO_BITS or max(abs(a - b) for a, b in zip(other[SHAPE:], signature[SHAPE:], strict=True)) > PHOTO_LEVELS:
            return None
        return 1 - bits / (8 * SHAPE)

    def _row(self, id: str) -> int | None:
        return next((row for row in self._by_id.get(hash(id), len(self._ids)) if self._ids[row] == id), None)

    def _replace(self, signature: Signature) -> None:
        old = self._row(signature.id)
        if old is not None:
            if (self._texts.get(old), self._photos.get(old)) == (signature.text, signature.photo):
                return
            self._ids[old] = None
        self._unsaved.append(self._insert(signature))

    def _insert(self, signature: Signature) -> int:
        row = len(self._ids)
        self._ids.append(signature.id)
        self._texts.append(signature.text)
        self._photos.append(signature.photo)
        if signature.text is not None:
            self._by_text.put(_key(signature.text[:8]), row)
        for band in _photo_bands(signature.photo) if signature.photo is not None else ():
            self._by_photo.put(band, row)
        self._by_id.put(hash(signature.id), row)
        return row


def _key(signature: bytes) -> int:
    return int.from_bytes(signature[:4], "little")


def _photo_bands(signature: bytes) -> list[int]:
    """One key a band of 16 bits."""
    return [hash((band, signature[2 * band : 2 * band + 2])) for band in range(_PHOTO_BANDS)]


class _Rows:
    """Optional byte strings of one length, by row: little more than their own bytes."""

    def __init__(self, width: int):
        self._width, self._bytes, self._where = width, bytearray(), array("i")

    def append(self, value: bytes | None) -> None:
        self._where.append(-1 if value is None else len(self._bytes) // self._width)
        self._bytes += value or b""

    def get(self, row: int) -> bytes | None:
        at = self._where[row] * self._width
        return None if at < 0 else bytes(self._bytes[at : at + self._width])


_KEY = 2**32 - 1


class _Index:
    """Hash → rows, the latest first, some of them by collision only; about 12 bytes an entry, where a dict takes 100 and more."""

    def __init__(self) -> None:
        self._heads: array[int] = array("i", [-1] * 1024)
        self._next, self._rows, self._keys = array("i"), array("i"), array("I")

    def put(self, key: int, row: int) -> None:
        if len(self._next) == 2 * len(self._heads):
            self._grow()
        slot = key & _KEY & (len(self._heads) - 1)
        self._next.append(self._heads[slot])
        self._heads[slot] = len(self._rows)
        self._rows.append(row)
        self._keys.append(key & _KEY)

    def get(self, key: int, most: int) -> list[int]:
        rows: list[int] = []
        entry, key = self._heads[key & (len(self._heads) - 1)], key & _KEY
        while entry >= 0 and len(rows) < most:
            if self._keys[entry] == key:
                rows.append(self._rows[entry])
            entry = self._next[entry]
        return rows

    def _grow(self) -> None:
        size = 4 * len(self._heads)
        self._heads = array("i", [-1]) * size
        for entry, key in enumerate(self._keys):
            slot = key & (size - 1)
            self._next[entry], self._heads[slot] = self._heads[slot], entry
