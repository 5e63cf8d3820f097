"""The first stage of an embed: items are read, hashed and compared with what is there, and only what needs it is decoded."""

from __future__ import annotations

import contextlib
import enum
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmsearch.encoders.base import Encoder, Matrix, Pieces, in_pieces
from mmsearch.encoders.known import Known
from mmsearch.encoders.sources import Item
from mmsearch.encoders.stopping import Stopped
from mmsearch.media import MediaError, NoSound
from mmsearch.media.content import Streamed, changing
from mmsearch.store.vectors import key_of

_REMEMBERED = 64 << 20  # bytes of this run's vectors that are kept for equal contents to come
_READ = 256 << 20  # bytes of media that are read or being decoded at a time
_BLOCK = 64 << 20  # of them that a clip counts for, which is read piece by piece


class Fate(enum.Enum):
    """What becomes of an item."""

    UNCHANGED = enum.auto()  # its vector is there
    STORED = enum.auto()  # the store has a vector of the same content: `value` is its row
    REMEMBERED = enum.auto()  # this run made a vector of the same content, or it was read: `value` is that (`Pieces` of several)
    TWIN = enum.auto()  # the same content is under way
    PREPARED = enum.auto()  # `value` is for the encoder
    FAILED = enum.auto()  # `value` is a `Failure`
    NOTHING = enum.auto()  # a clip without a sound: no vector, and no failure


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item has no vector; `kind` is what it is counted under."""

    reason: str
    kind: str
    error: Exception | None = None  # one that no item should raise: perhaps a fault of the encoder

    @staticmethod
    def of(reason: str) -> Failure:
        return Failure(reason, reason.partition(":")[0])


@dataclass(frozen=True, slots=True)
class Looked:
    """An item that was looked at. `digest` is '' for one that could not be read, `rows` are its vectors' rows in `Known`."""

    item: Item
    rows: tuple[int, ...]
    digest: str
    fate: Fate
    value: Any = None


class Contents:
    """Which contents are being encoded and which were: equal ones go through the encoder once. From any thread.

    The vectors of the last contents are kept, some ten thousand of them; the store's own are found through `Known`.
    """

    def __init__(self, dim: int):
        self._most = max(1, _REMEMBERED // (4 * dim))
        self._vectors: OrderedDict[str, Matrix | Pieces] = OrderedDict()
        self._held = 0  # vectors, which are more than contents where these are in pieces
        self._under_way: set[str] = set()
        self._lock = threading.Lock()

    def claim(self, digest: str) -> tuple[Fate, Matrix | Pieces | None]:
        """PREPARED: the caller is the first and must see that `settle` is called; else what there is."""
        with self._lock:
            if (vector := self._vectors.get(digest)) is not None:
                self._vectors.move_to_end(digest)
                return Fate.REMEMBERED, vector
            if digest in self._under_way:
                return Fate.TWIN, None
            self._under_way.add(digest)
            return Fate.PREPARED, None

    def settle(self, digest: str, vector: Matrix | Pieces | None) -> None:
        """The content has its vector (d,), or those of its pieces, or cannot have one."""
        with self._lock:
            self._under_way.discard(digest)
            if vector is None:
                return
            if (former := self._vectors.pop(digest, None)) is not None:
                self._held -= len(in_pieces(former))
            own = [one.copy() for one in in_pieces(vector)]  # not views, which would keep their whole batch
            self._vectors[digest] = Pieces(vector.seconds, own) if isinstance(vector, Pieces) else own[0]
            self._held += len(own)
            while self._held > self._most and len(self._vectors) > 1:
                self._held -= len(in_pieces(self._vectors.popitem(last=False)[1]))


class Looker:
    """Looks at items, in several threads."""

    def __init__(self, encoder: Encoder, known: Known, contents: Contents, stopped: Callable[[], bool]):
        self._encoder, self._known, self._contents, self._stopped = encoder, known, contents, stopped
        self._budget = _Budget(_READ)

    def look(self, items: Sequence[Item]) -> list[Looked]:
        """What becomes of each item, in order; fewer when the embed was told to stop."""
        every = self._known.rows_of_media([key_of(item.id, item.part) for item in items])
        found = []
        with contextlib.suppress(Stopped):
            for item, rows in zip(items, every, strict=True):
                if self._stopped():
                    break
                if isinstance(item.content, Path):
                    with self._budget.taken(_BLOCK if item.clip else _size(item.content)):
                        found.append(self._one(item, rows))
                else:
                    found.append(self._one(item, rows))
        return found

    def _one(self, item: Item, rows: tuple[int, ...]) -> Looked:
        try:
            content, digest = item.open()
        except MediaError as error:
            return Looked(item, rows, "", Fate.FAILED, Failure(error.message, error.kind))
        if self._known.unchanged(rows, digest):
            return Looked(item, rows, digest, Fate.UNCHANGED)
        if self._encoder.pieces:
            if (pieces := self._known.pieces_of(digest)) is not None:
                return Looked(item, rows, digest, Fate.REMEMBERED, pieces)
        elif (stored := self._known.row_of(digest)) >= 0:
            return Looked(item, rows, digest, Fate.STORED, stored)
        fate, vector = self._contents.claim(digest)
        if fate is not Fate.PREPARED:
            return Looked(item, rows, digest, fate, vector)
        return self._prepared(item, rows, digest, content)

    def again(self, twin: Looked) -> Looked:
        """Open an item whose equal was settled and forgotten, or failed: PREPARED or FAILED. Raises Stopped."""
        try:
            content, digest = twin.item.open()
            if digest != twin.digest:
                raise changing()
        except MediaError as error:
            return Looked(twin.item, twin.rows, twin.digest, Fate.FAILED, Failure(error.message, error.kind))
        return self._prepared(twin.item, twin.rows, digest, content)

    def _prepared(self, item: Item, rows: tuple[int, ...], digest: str, content: str | bytes | Streamed) -> Looked:
        try:
            prepared = self._encoder.prepare(content)
            if isinstance(content, Streamed):
                content.check()
            return Looked(item, rows, digest, Fate.PREPARED, prepared)
        except MediaError as error:
            if item.clip and isinstance(error, NoSound):
                return Looked(item, rows, digest, Fate.NOTHING)
            return Looked(item, rows, digest, Fate.FAILED, Failure(error.message, error.kind))
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - decoders raise nearly any kind; one medium must not cost the others
            kind = f"cannot be decoded ({type(error).__name__})"
            return Looked(item, rows, digest, Fate.FAILED, Failure(f"{kind}: {error}", kind, error))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0  # reading it says why


class _Budget:
    """So many bytes at a time over all threads; one that is larger than all goes alone."""

    def __init__(self, most: int):
        self._most, self._used = most, 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + amount <= self._most)
            self._used += amount
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()
