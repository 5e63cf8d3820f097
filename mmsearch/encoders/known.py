"""What a vector table holds already: a compact memory of it, for catalogues of any size."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.encoders.base import Matrix, Pieces
from mmsearch.media.moment import moment_of
from mmsearch.store import Store
from mmsearch.store.vectors import key_of, take_rows, take_vectors

_DIGEST = "S16"
_ROWS = 65_536


class Known:
    """Keys and source hashes of one version of a vector table: 33 bytes a vector, 57 once equal contents are looked for.

    Rows are numbered as that version holds them, so that a row's vector can be read from it whatever is written meanwhile.

    A medium in pieces has several rows. They are written together, the new ones before those that replace others, so that all of
    them have the medium's hash once they are complete, and not before.

    Parameters
    ----------
    pieces : media of this table have several rows, `clip.wav@12.0`: 24 bytes a vector more.
    """

    def __init__(self, store: Store, table: str, *, pieces: bool = False):
        self._store = store
        self._snapshot = store.dataset(table)
        keys, hashes, media = [], [], []
        for batch in self._batches(["key", "source_hash", *(["id", "part"] if pieces else [])]):
            keys.append(_digests(batch.column(0).to_pylist()))
            hashes.append(_digests(batch.column(1).to_pylist()))
            if pieces:
                parts = zip(batch.column(2).to_pylist(), batch.column(3).to_pylist(), strict=True)
                media.append(_digests([key_of(id, moment_of(part)[0]) for id, part in parts]))
        every = np.concatenate(keys) if keys else np.empty(0, _DIGEST)
        self._order = np.argsort(every, kind="stable")
        self._keys = every[self._order]
        self._hashes: NDArray[np.bytes_] = np.concatenate(hashes) if hashes else np.empty(0, _DIGEST)
        self._media: NDArray[np.bytes_] | None = (np.concatenate(media) if media else np.empty(0, _DIGEST)) if pieces else None
        self._by_medium = np.empty(0, np.int64) if self._media is None else np.argsort(self._media, kind="stable")
        self._sorted_media = np.empty(0, _DIGEST) if self._media is None else self._media[self._by_medium]
        self._by_hash: tuple[NDArray[np.int64], NDArray[np.bytes_]] | None = None
        self._lock = threading.Lock()
        #: (n,) Which rows the catalogue still has, with a content that can be used: the others are to be removed.
        self.wanted = np.zeros(len(every), np.bool_)
        #: (n,) Which rows' media could not be read this time.
        self.lost = np.zeros(len(every), np.bool_)

    def __len__(self) -> int:
        return len(self.wanted)

    def rows(self, keys: Sequence[str]) -> list[int]:
        """The row of each key, −1 for one that is not there."""
        if not len(self):
            return [-1] * len(keys)
        wanted = _digests(keys)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self) - 1)
        found: list[int] = np.where(self._keys[place] == wanted, self._order[place], -1).tolist()
        return found

    def rows_of_media(self, keys: Sequence[str]) -> list[tuple[int, ...]]:
        """All rows of each medium, () for one that has none. `keys` are of the media, not of their pieces."""
        if self._media is None:
            return [(row,) if row >= 0 else () for row in self.rows(keys)]
        return self._rows_of_digests(_digests(keys))

    def _rows_of_digests(self, media: NDArray[np.bytes_]) -> list[tuple[int, ...]]:
        first, last = (np.searchsorted(self._sorted_media, media, side) for side in ("left", "right"))
        return [tuple(self._by_medium[a:b].tolist()) for a, b in zip(first, last, strict=True)]

    def unchanged(self, rows: Sequence[int], source_hash: str) -> bool:
        """Whether there are vectors in these rows, and all were made of this content."""
        return len(rows) > 0 and bool((self._hashes[list(rows)] == _digests([source_hash])[0]).all())

    def row_of(self, source_hash: str) -> int:
        """A row whose vector was made of this content, −1 if there is none. From any thread."""
        if not len(self):
            return -1
        with self._lock:
            if self._by_hash is None:
                order = np.argsort(self._hashes, kind="stable")
                self._by_hash = order, self._hashes[order]
        order, hashes = self._by_hash
        wanted = _digests([source_hash])[0]
        place = min(int(np.searchsorted(hashes, wanted)), len(self) - 1)
        return int(order[place]) if hashes[place] == wanted else -1

    def pieces_of(self, source_hash: str) -> Pieces | None:
        """The seconds and vectors of a medium that was made of this content, None if there is none. From any thread."""
        row = self.row_of(source_hash)
        if row < 0 or self._media is None:
            return None
        rows = self._rows_of_digests(self._media[row : row + 1])[0]
        if not self.unchanged(rows, source_hash):
            return None
        found = take_rows(self._store, self._snapshot, rows)
        seconds = [moment_of(part)[1] for part in found.parts.to_pylist()]
        order = np.argsort(seconds)
        return Pieces(tuple(seconds[i] for i in order), [found.vectors[i] for i in order])

    def vectors(self, rows: Sequence[int]) -> Matrix:
        """The vectors of some rows (n, d), in the order asked for."""
        return take_vectors(self._store, self._snapshot, rows)

    def unwanted(self) -> Iterator[str]:
        """The keys of the rows that are not wanted."""
        if self.wanted.all():
            return
        start = 0
        for batch in self._batches(["key"]):
            keep = ~self.wanted[start : start + batch.num_rows]
            start += batch.num_rows
            yield from batch.column(0).filter(pa.array(keep)).to_pylist()

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        if self._snapshot is None:
            return
        with self._store.reporting(f"read the table {Path(self._snapshot.uri).stem}"):
            yield from self._snapshot.to_batches(columns=columns, batch_size=_ROWS)


def _digests(texts: Sequence[str]) -> NDArray[np.bytes_]:
    """Texts (n) → 16 bytes each; the last is never zero, since numpy takes trailing zeros for padding."""
    joined = b"".join(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=15).digest() + b"\1" for text in texts)
    return np.frombuffer(joined, _DIGEST) if joined else np.empty(0, _DIGEST)
