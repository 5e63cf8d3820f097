"""Features over the store's items: what is new or changed is looked at, what follows for each product is written beside it.

One pass a source: each item is read once, however many features look at it. Threads read, hash and prepare; the calling thread extracts
and writes. Rows are written as they come, so that a run that is killed goes on where it stood; the product facts follow at its end.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from mmsearch import settings
from mmsearch.encoders.gone import remove_gone
from mmsearch.encoders.known import Known
from mmsearch.encoders.report import Interrupted, ModalityReport, Progress
from mmsearch.encoders.sources import Item, count_items, items
from mmsearch.encoders.stopping import Stopped, stoppable, unless
from mmsearch.errors import MMSearchError
from mmsearch.features.base import SOURCES, Fact, Medium
from mmsearch.features.chosen import On, record_feature, recorded_features
from mmsearch.features.rolling import facts_of, roll_up
from mmsearch.media import MediaError, NoSound
from mmsearch.media.content import Streamed
from mmsearch.store import Store
from mmsearch.store.facts import FactRow, facts_table, write_rows
from mmsearch.store.vectors import key_of

_BLOCK = {"image": 4, "audio": 1, "video": 1}  # items that a thread looks at in one go; of texts 64
_AHEAD = {"image": 16, "audio": 3, "video": 2}  # blocks that may be looked at ahead: so many media are in memory
_TELL = 0.2  # seconds between reports of progress
_WRITE = 1_000  # rows a write
_WRITE_SECONDS = 5.0  # after which fewer are written, too
_TWINS = 10_000  # contents whose facts are remembered, so that equal ones are looked at once
_SUSPECT = 20  # items that all fail in a way that no item should: then it is the feature

Told = Callable[[Progress], None]
Failed = Callable[[str, str, str, str], None]  # feature, id, part, reason


class _Looked(NamedTuple):
    """An item, and for each feature that must see it what `prepare` gave, or why it failed."""

    item: Item
    digest: str  # '' for one that cannot be read
    prepared: dict[str, Any]


class _Trouble(NamedTuple):
    reason: str
    kind: str
    error: Exception | None = None  # one that no item should raise


_SILENT: Any = object()  # in the place of what `prepare` gives, for a clip in which nothing is to be heard


def extract(
    store: Store, chosen: Sequence[On], *, progress: Told | None = None, failed: Failed | None = None
) -> tuple[list[ModalityReport], list[str]]:
    """Run features over all that they have not seen. The caller holds the embed lock.

    Returns
    -------
    A report for each feature (`modality` is 'facts'), and notes for the user.

    Raises
    ------
    Interrupted : Ctrl-C or SIGTERM; what was finished is written. StoreError : a write failed.
    Whatever a feature raises when it fails on every item.
    """
    runs = {on.name: _Run(store, on, failed) for on in chosen}
    notes: list[str] = []
    stop = threading.Event()
    with stoppable(stop):
        for run in runs.values():
            run.begin()
        for source in SOURCES:
            looking = [run for run in runs.values() if source in run.on.feature.sources]
            if looking:
                _pass(store, source, looking, progress, stop)
    if stop.is_set():
        raise Interrupted("interrupted; the facts that were found are written", hint="go on with: mmsearch embed")
    for run in runs.values():
        run.finish(notes)
    return [run.report for run in runs.values()], notes


def _pass(store: Store, source: str, runs: Sequence[_Run], progress: Told | None, stop: threading.Event) -> None:
    """All items of a source through the features that look at it."""
    started = time.monotonic()
    total, seen = count_items(store, source), 0
    what = f"{source} facts ({', '.join(run.on.name for run in runs)})"

    def tell(done: bool = False) -> None:
        if progress:
            encoded, unchanged = max(run.encoded for run in runs), min(run.unchanged for run in runs)
            progress(Progress(what, max(total, seen), seen, encoded, unchanged, time.monotonic() - started, done))

    for run in runs:
        run.encoded = run.unchanged = 0

    go_on = unless(stop)
    with ThreadPoolExecutor(settings.threads(), "look") as pool, contextlib.suppress(Stopped):
        look = functools.partial(_look, runs=runs, go_on=go_on)
        try:
            for waiting in _ahead(pool, look, _blocks(items(store, source), _BLOCK.get(source, 64)), _AHEAD.get(source, 16)):
                while not wait([waiting], timeout=_TELL).done:  # one item may take many minutes
                    tell()
                block = waiting.result()
                for run in runs:
                    run.take(block)
                seen += len(block)
                tell()
                go_on()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    for run in runs:
        run.report.seconds += time.monotonic() - started
        run.flush()
    tell(done=True)


def _blocks(of: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while block := list(itertools.islice(of, size)):
        yield block


def _ahead(
    pool: ThreadPoolExecutor, look: Callable[[list[Item]], list[_Looked]], blocks: Iterator[list[Item]], most: int
) -> Iterator[Future[list[_Looked]]]:
    """Blocks being looked at by threads, in order, at most so many ahead."""
    waiting: deque[Future[list[_Looked]]] = deque()
    for block in blocks:
        waiting.append(pool.submit(look, block))
        if len(waiting) >= most:
            yield waiting.popleft()
    yield from waiting


def _look(block: Sequence[Item], runs: Sequence[_Run], go_on: Callable[[], None]) -> list[_Looked]:
    looked: list[_Looked] = []
    for item in block:
        go_on()
        try:
            content, digest = item.open()
            needed = [run for run in runs if run.needs(item, digest)]
            ready = content if isinstance(content, str) else Medium(_source(content), Path(item.content), go_on)
            prepared = {run.on.name: _prepared(run, item, ready) for run in needed}
            if isinstance(content, Streamed):
                content.check()
        except MediaError as error:
            looked.append(_Looked(item, "", {run.on.name: _Trouble(error.message, error.kind) for run in runs}))
            continue
        looked.append(_Looked(item, digest, prepared))
    return looked


def _source(content: bytes | Streamed) -> bytes | Path:
    return content.path if isinstance(content, Streamed) else content


def _prepared(run: _Run, item: Item, ready: str | Medium) -> Any:
    try:
        return run.on.feature.prepare(ready)
    except NoSound as error:  # of a clip that is no fault
        return _SILENT if item.clip else _Trouble(error.message, error.kind)
    except MediaError as error:
        return _Trouble(error.message, error.kind)
    except (MMSearchError, ImportError, Stopped):
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise nearly any kind; one medium must not cost the others
        kind = f"the feature fails on it ({type(error).__name__})"
        return _Trouble(f"{kind}: {error}", kind, error)


class _Run:
    """One feature in one run: what it has seen before, what waits for it, what it found."""

    def __init__(self, store: Store, on: On, failed: Failed | None):
        self.store, self.on, self._failed = store, on, failed
        self.report = ModalityReport("facts", on.spec)
        self.encoded = self.unchanged = 0  # of the present pass
        self._known = Known(store, facts_table(on.name))
        self._fingerprint = on.feature.fingerprint()
        self._met: set[str] | None = set() if {"audio", "video"} <= set(on.feature.sources) else None  # media, which may be named as both
        self._touched: set[str] | None = set()  # products whose facts have to be made anew; None: all
        self._batch: list[tuple[Item, str, int, Any]] = []  # item, source hash, its row, what `prepare` gave
        self._rows: list[tuple[FactRow, int]] = []
        self._seen: dict[str, list[dict[str, Any]]] = {}  # source hash → facts
        self._written = time.monotonic()
        self._suspects = 0

    def begin(self) -> None:
        """Record that the feature is on, and that its product facts are not made of its rows as they will be."""
        known = recorded_features(self.store).get(self.on.name, {})
        there = self.store.identity(facts_table(self.on.name))
        if known.get("rolled") != there or known.get("fingerprint") != self._fingerprint:
            self._touched = None  # a run was killed before it had made them, or they follow in another way now
        with self.store.writing("embed", patience=math.inf):
            record_feature(self.store, self.on, known.get("rolled") if self._touched is not None else None)

    def source_hash(self, digest: str) -> str:
        return hashlib.blake2b(f"{self._fingerprint}\x1f{digest}".encode(), digest_size=16).hexdigest()

    def needs(self, item: Item, digest: str) -> bool:
        """Whether the item is new or changed for this feature. From any thread."""
        return not self._known.unchanged(self._known.rows_of_media([key_of(item.id, item.part)])[0], self.source_hash(digest))

    def take(self, block: Sequence[_Looked]) -> None:
        for item, digest, prepared in block:
            if self._met is not None:
                if (key := key_of(item.id, item.part)) in self._met:
                    continue
                self._met.add(key)
            row = self._known.rows([key_of(item.id, item.part)])[0]
            if self.on.name not in prepared:
                self.report.items += 1
                self.report.unchanged += 1
                self.unchanged += 1
                self._known.wanted[row] = True
                continue
            ready = prepared[self.on.name]
            if isinstance(ready, _Trouble):
                self._fail(item, row, ready, lost=not digest)
                continue
            source_hash = self.source_hash(digest)
            if ready is _SILENT:
                self._keep(item, source_hash, row, [])
            elif (found := self._seen.get(source_hash)) is not None:
                self._keep(item, source_hash, row, found)
            else:
                self._batch.append((item, source_hash, row, ready))
                if len(self._batch) >= self.on.feature.batch:
                    self._extract()
        if time.monotonic() - self._written > _WRITE_SECONDS:
            self.flush()

    def _extract(self) -> None:
        batch, self._batch = self._batch, []
        if not batch:
            return
        for (item, source_hash, row, _), found in zip(batch, self._found([one[3] for one in batch]), strict=True):
            if isinstance(found, _Trouble):
                self._fail(item, row, found)
                continue
            self.encoded += 1
            self.report.encoded += 1
            facts = facts_of(self.on, found)
            if len(self._seen) < _TWINS:
                self._seen[source_hash] = facts
            self._keep(item, source_hash, row, facts)
        if len(self._rows) >= _WRITE:
            self.flush()

    def _found(self, prepared: list[Any]) -> list[list[Fact] | _Trouble]:
        """What is in a batch; where the feature raises, item by item, so that only the culprit fails."""
        try:
            found = self.on.feature.extract(prepared)
        except MediaError as error:
            if len(prepared) == 1:
                return [_Trouble(error.message, error.kind)]
        except (MMSearchError, ImportError, OSError, Stopped):
            raise
        except Exception as error:  # noqa: BLE001 - models raise nearly any kind; one item must not cost the others
            if len(prepared) == 1:
                kind = f"the feature fails on it ({type(error).__name__})"
                return [_Trouble(f"{kind}: {error}", kind, error)]
        else:
            if len(found) != len(prepared):
                raise ValueError(f"the feature {self.on.name} gave {len(found)} results for {len(prepared)} items")
            return list(found)
        return [self._found([one])[0] for one in prepared]

    def _keep(self, item: Item, source_hash: str, row: int, facts: list[dict[str, Any]]) -> None:
        self.report.items += 1
        self.report.new += 1
        self._rows.append((FactRow(item.id, item.part, source_hash, facts), row))
        if row >= 0:
            self._known.wanted[row] = True

    def _fail(self, item: Item, row: int, trouble: _Trouble, *, lost: bool = False) -> None:
        self.report.items += 1
        self.report.count_failure(trouble.kind)
        if self._failed:
            self._failed(self.on.name, item.id, item.part, trouble.reason)
        if lost and row >= 0:
            self._known.lost[row] = True
        if trouble.error is not None:
            self._suspects += 1
            if self._suspects >= _SUSPECT and not self.report.new and not self.report.unchanged:
                raise trouble.error

    def flush(self) -> None:
        """Look at what waits, and write."""
        with contextlib.suppress(Stopped):  # what takes long is for the next run; what was found before is written
            self._extract()
        self._written = time.monotonic()
        rows, self._rows = self._rows, []
        if not rows:
            return
        unique = {key_of(row.id, row.part): (row, at) for row, at in rows}
        with self.store.writing("embed", patience=math.inf):
            for new in (True, False):
                write_rows(self.store, self.on.name, [row for row, at in unique.values() if (at < 0) is new], new=new)
        if self._touched is not None:
            self._touched |= {row.id for row, _ in unique.values()}

    def finish(self, notes: list[str]) -> None:
        """Remove what is gone, and make the product facts of what changed."""
        table = facts_table(self.on.name)
        gone = remove_gone(self.store, table, self._known, f"files that {self.on.name} looks at", "facts", notes)
        self.report.removed += len(gone)
        if self._touched is not None:
            self._touched |= {key.partition("\x1f")[0] for key in gone}
        roll_up(self.store, self.on, self._touched)
        if self.on.feature.learns and self.report.new and (behind := self.on.feature.behind(self.store)):
            notes.append(f"{self.on.name}: {behind}; to let it learn anew: mmsearch embed --refit")
        with self.store.writing("embed", patience=math.inf):
            record_feature(self.store, self.on, self.store.identity(table))
