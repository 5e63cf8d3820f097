"""One modality through the embed: looking (threads) ∥ encoding ∥ writing, each a stage that runs while the others do.

    products ─▶ feed ─▶ look ×threads ─▶ encode ─▶ write
                     [blocks ahead]            [2 blocks of vectors]

Between the stages stand queues of bounded length: the slowest sets the pace, and memory does not grow with the catalogue.
Items stay in order. Only the encode stage counts, settles equal contents and reports failures, so none of that needs a lock.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from mmsearch import settings
from mmsearch.encoders.base import BrokenEncoder, Encoded, Encoder, Matrix, Pieces, in_pieces
from mmsearch.encoders.known import Known
from mmsearch.encoders.looking import Contents, Failure, Fate, Looked, Looker
from mmsearch.encoders.report import ModalityReport, Progress
from mmsearch.encoders.sources import Item
from mmsearch.encoders.stopping import Stopped, unless
from mmsearch.errors import MMSearchError
from mmsearch.media import MediaError
from mmsearch.media.moment import moment_part
from mmsearch.store import Store
from mmsearch.store.vectors import append_vectors, key_of, write_vectors

WRITE = 2_048  # vectors a write
WRITE_SECONDS = 5.0  # after which fewer are written, too: with a slow encoder a kill costs no more than that
AHEAD = 256  # items that may be looked at ahead of the encoder: of photos so many decoded ones are alive
_BLOCK_MEDIA = 8  # items a thread looks at in one go
_BLOCK_TEXT = 128
_AHEAD_CLIPS = 16  # a thread looks at one, which takes seconds; its vectors may be 10 MB
_TWINS = 4_096  # items that may wait for an equal content to be encoded
_SUSPECT = 64  # items that all fail in a way that no item should: then it is the encoder

Told = Callable[[Progress], None]
Failed = Callable[[str, str, str], None]  # id, part, reason


class _Row(NamedTuple):
    """A vector on its way to the store: its own, or that of a stored row. `row` is the one that it replaces, −1 for none."""

    looked: Looked
    part: str
    row: int
    vector: Matrix | None
    stored: int


class Stages:
    """The embedding of one modality. `run` it once."""

    def __init__(
        self,
        store: Store,
        table: str,
        encoder: Encoder,
        known: Known,
        report: ModalityReport,
        *,
        failed: Failed,
        stop: threading.Event,
    ):
        self._store, self._table, self._encoder, self._known, self._report = store, table, encoder, known, report
        self._failed, self._stop = failed, stop
        self._contents = Contents(encoder.width)
        encoder.go_on = unless(stop)
        self._looker = Looker(encoder, known, self._contents, stop.is_set)
        self._block = {"text": _BLOCK_TEXT, "video": 1}.get(encoder.modality, _BLOCK_MEDIA)
        ahead = _AHEAD_CLIPS if encoder.modality == "video" else max(AHEAD, 2 * encoder.batch) // self._block
        self._looked: queue.Queue[Future[list[Looked]] | None] = queue.Queue(max(1, ahead))
        self._blocks: queue.Queue[list[_Row] | None] = queue.Queue(2)
        self._error: BaseException | None = None
        self._over = threading.Event()
        self._batch: list[Looked] = []  # for the next call of the encoder
        self._batch_size = 0  # what the encoder gets of them: a medium may be in pieces
        self._pending: dict[str, _Row] = {}  # key → for the next write
        self._written = time.monotonic()
        self._twins: dict[str, list[Looked]] = {}
        self._twin_count = 0
        self._sample: Any = None  # a prepared item that the encoder took: tells a broken item from a broken encoder
        self._suspects, self._suspicion = 0, Exception()
        self._sound = False  # some item was prepared
        self._writable = True

    def run(self, items: Iterator[Item], total: int, told: Told | None) -> None:
        """Embed the items that are new or changed; what is finished is written, also when it stops before the end.

        Parameters
        ----------
        total : about how many items there are. told : called in this thread, a few times a second.

        Raises
        ------
        Whatever stopped a stage: StoreError for a write that failed, an encoder's own error when no item passes it.
        """
        started = time.monotonic()
        with ThreadPoolExecutor(settings.threads(), "look") as pool:
            stages = [
                threading.Thread(target=self._stage, args=(work,), name=work.__name__)
                for work in (lambda: self._feed(items, pool), self._encode, self._write)
            ]
            for stage in stages:
                stage.start()
            try:
                while not self._over.wait(0.1):
                    if told:
                        told(self._progress(total, started))
            except BaseException as error:  # noqa: BLE001 - raised below, when every stage has ended
                self._fail(error)
            for stage in stages:
                stage.join()
            pool.shutdown(cancel_futures=True)
        self._report.seconds += time.monotonic() - started
        if told:
            told(self._progress(total, started, done=True))
        if self._error is not None:
            raise self._error

    def _progress(self, total: int, started: float, done: bool = False) -> Progress:
        now = self._report
        return Progress(now.modality, max(total, now.items), now.items, now.encoded, now.unchanged, time.monotonic() - started, done)

    def _stage(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that called `run`
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._error = self._error or error
        self._stop.set()

    # -- feed ------------------------------------------------------------------------------------------------------

    def _feed(self, items: Iterator[Item], pool: ThreadPoolExecutor) -> None:
        try:
            while not self._stop.is_set() and (block := list(itertools.islice(items, self._block))):
                self._put(pool.submit(self._looker.look, block))
        finally:
            self._put(None)

    def _put(self, future: Future[list[Looked]] | None) -> None:
        """Wait for room; when the embed stops nobody takes any more."""
        while not self._stop.is_set():
            try:
                return self._looked.put(future, timeout=0.1)
            except queue.Full:
                pass
        return None

    def _arrivals(self) -> Iterator[list[Looked]]:
        while not self._stop.is_set():
            try:
                future = self._looked.get(timeout=0.1)
            except queue.Empty:
                continue
            if future is None:
                return
            yield future.result()

    # -- encode ----------------------------------------------------------------------------------------------------

    def _encode(self) -> None:
        try:
            for block in self._arrivals():
                for looked in block:
                    self._take(looked)
                    if self._batch_size >= self._encoder.batch or self._twin_count >= _TWINS:
                        self._encode_batch()
                    if self._stop.is_set():
                        return
                if time.monotonic() - self._written > WRITE_SECONDS:
                    self._flush()
            if not self._stop.is_set():
                self._encode_batch()
                self._check_suspects(at_end=True)
        finally:
            self._flush()
            self._blocks.put(None)

    def _take(self, looked: Looked) -> None:
        fate = looked.fate
        if fate is Fate.UNCHANGED:
            self._report.items += 1
            self._report.unchanged += 1
            self._known.wanted[list(looked.rows)] = True
        elif fate is Fate.STORED:
            self._keep(looked, None, looked.value)
        elif fate is Fate.REMEMBERED:
            self._keep(looked, looked.value)
        elif fate is Fate.TWIN:
            self._wait_for_twin(looked)
        elif fate is Fate.PREPARED:
            self._sound = True
            self._batch.append(looked)
            self._batch_size += len(in_pieces(looked.value))
        elif fate is Fate.NOTHING:
            self._report.items += 1
            self._settle(looked.digest, None)
        else:
            self._fail_item(looked, looked.value)
            if looked.digest:
                self._settle(looked.digest, looked.value)

    def _wait_for_twin(self, looked: Looked) -> None:
        """Its equal is on its way, unless it was settled between that thread's look and now."""
        fate, vector = self._contents.claim(looked.digest)
        if fate is Fate.REMEMBERED:
            self._keep(looked, vector)
        elif fate is Fate.TWIN:
            self._twins.setdefault(looked.digest, []).append(looked)
            self._twin_count += 1
        else:
            with contextlib.suppress(Stopped):
                self._take(self._looker.again(looked))

    def _settle(self, digest: str, outcome: Matrix | Pieces | Failure | None) -> None:
        """A content has its vector, or cannot have one, or needs none (None): so do its twins."""
        self._contents.settle(digest, None if isinstance(outcome, Failure) else outcome)
        for twin in self._twins.pop(digest, ()):
            self._twin_count -= 1
            if outcome is None:
                self._report.items += 1
            elif isinstance(outcome, Failure):
                self._fail_item(twin, outcome)
            else:
                self._keep(twin, outcome)

    def _encode_batch(self) -> None:
        batch, self._batch, self._batch_size = self._batch, [], 0
        if not batch:
            return
        encoded = self._encoded([value for looked in batch for value in in_pieces(looked.value)])
        vectors = dict(zip(encoded.kept, encoded.vectors, strict=True))
        reasons = dict(encoded.failures)
        self._report.encoded += len(batch)
        first = 0
        for looked in batch:
            outcome = _outcome(looked.value, first, vectors, reasons)
            first += len(in_pieces(looked.value))
            if isinstance(outcome, Failure):
                self._fail_item(looked, outcome)
            else:
                self._keep(looked, outcome)
            self._settle(looked.digest, outcome)
        if time.monotonic() - self._written > WRITE_SECONDS:
            self._flush()

    def _encoded(self, values: Sequence[Any]) -> Encoded:
        """The vectors of a batch; where the encoder raises, item by item, so that only the culprit fails."""
        try:
            encoded = self._encoder.finish(values, list(range(len(values))), [])
        except Exception as error:
            if _fatal(error):
                raise
            encoded = self._one_by_one(values, error)
        if encoded.kept:
            self._sample = values[encoded.kept[0]]
        return encoded

    def _one_by_one(self, values: Sequence[Any], error: Exception) -> Encoded:
        vectors, kept, failures = [], [], []
        raised = 0
        for index, value in enumerate(values):
            try:
                one = self._encoder.finish([value], [index], [])
            except Exception as own:
                if _fatal(own):
                    raise
                raised += not isinstance(own, MediaError)
                why = own.message if isinstance(own, MediaError) else f"the encoder fails on it ({type(own).__name__}): {own}"
                failures.append((index, why))
            else:
                vectors.append(one.vectors)
                kept += one.kept
                failures += one.failures
        if raised == len(values):  # every one: the items, if the encoder still takes what it took before; else the encoder
            if self._sample is None:
                raise error
            self._encoder.finish([self._sample], [0], [])
        return Encoded(np.concatenate(vectors) if vectors else np.empty((0, self._encoder.width), np.float32), kept, failures)

    def _fail_item(self, looked: Looked, failure: Failure) -> None:
        self._report.items += 1
        self._report.count_failure(failure.kind)
        self._failed(looked.item.id, looked.item.part, failure.reason)
        if not looked.digest:
            self._known.lost[list(looked.rows)] = True
        if failure.error is not None:
            self._suspects += 1
            self._suspicion = failure.error
            self._check_suspects()

    def _check_suspects(self, *, at_end: bool = False) -> None:
        """An exception of `prepare` other than MediaError costs its item; when no item at all passes, it is the encoder's fault."""
        if self._suspects >= (1 if at_end else _SUSPECT) and not self._sound and not self._report.unchanged:
            raise self._suspicion

    def _keep(self, looked: Looked, outcome: Matrix | Pieces | None, stored: int = -1) -> None:
        """Put vectors on their way; all of a medium in one write, which `Known.unchanged` relies on."""
        self._report.items += 1
        id, part = looked.item.id, looked.item.part
        if isinstance(outcome, Pieces):
            parts = [moment_part(part, second) for second in outcome.seconds]
            rows = self._known.rows([key_of(id, one) for one in parts])
            self._pending |= {
                key_of(id, one): _Row(looked, one, row, vector, -1) for one, row, vector in zip(parts, rows, outcome.values, strict=True)
            }
        else:
            rows = list(looked.rows)
            self._pending[key_of(id, part)] = _Row(looked, part, rows[0] if rows else -1, outcome, stored)
        self._known.wanted[[row for row in rows if row >= 0]] = True
        if len(self._pending) >= WRITE:
            self._flush()

    def _flush(self) -> None:
        self._written = time.monotonic()
        if self._pending:
            self._blocks.put(list(self._pending.values()))
            self._pending = {}

    # -- write -----------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Write blocks until there are no more; after an error they are only taken, so that nobody waits for ever."""
        try:
            while (block := self._blocks.get()) is not None:
                if self._writable:
                    try:
                        self._write_block(block)
                    except BaseException as error:  # noqa: BLE001 - raised in the thread that called `run`
                        self._writable = False
                        self._fail(error)
        finally:
            self._over.set()

    def _write_block(self, block: list[_Row]) -> None:
        stored = [(at, row.stored) for at, row in enumerate(block) if row.vector is None]
        vectors = np.empty((len(block), self._encoder.width), np.float32)
        if stored:
            places, rows = zip(*stored, strict=True)
            vectors[list(places)] = self._known.vectors(rows)
        for at, row in enumerate(block):
            if row.vector is not None:
                vectors[at] = row.vector
        new = np.array([row.row < 0 for row in block])
        with self._store.writing("embed", patience=math.inf):
            for write, those in ((append_vectors, new), (write_vectors, ~new)):
                some = [block[at] for at in np.flatnonzero(those)]
                ids, parts = [row.looked.item.id for row in some], [row.part for row in some]
                digests = [row.looked.digest for row in some]
                write(self._store, self._table, ids, parts, digests, vectors[those], views=self._encoder.width - self._encoder.dim)
        self._report.new += len({key_of(row.looked.item.id, row.looked.item.part) for row in block})


def _fatal(error: Exception) -> bool:
    """Whether what an encoder raises cannot be of an item's making: items are in memory, so no file is missing for one of them alone."""
    return isinstance(error, MMSearchError | BrokenEncoder | ImportError | OSError) and not isinstance(error, MediaError)


def _outcome(value: Any, first: int, vectors: dict[int, Matrix], reasons: dict[int, str]) -> Matrix | Pieces | Failure:
    """What became of a prepared item: its vector, those of its pieces that have one, or why it has none.

    Parameters
    ----------
    first : where it, or its first piece, stands in the batch. vectors, reasons : place → what the encoder gave.
    """
    places = range(first, first + len(in_pieces(value)))
    kept = [at for at in places if at in vectors]
    if not kept:
        return Failure.of(next((reasons[at] for at in places if at in reasons), "the encoder finds nothing in it"))
    if isinstance(value, Pieces):
        return Pieces(tuple(value.seconds[at - first] for at in kept), [vectors[at] for at in kept])
    return vectors[first]
