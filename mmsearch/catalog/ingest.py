"""`mmsearch ingest`: a file → the store, upserted by id; bad rows never cost the others."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mmsearch.catalog.columns import KINDS, SYNONYMS, detect_kind, language_columns, map_columns
from mmsearch.catalog.dedupe import MODES, Dedupe
from mmsearch.catalog.events import EVENT_KINDS
from mmsearch.catalog.feed import Feed, peek
from mmsearch.catalog.intake import Counts, EventIntake, Intake, Work
from mmsearch.catalog.media_check import Fetch
from mmsearch.catalog.product_intake import ProductIntake
from mmsearch.catalog.readers import Source, read_rows
from mmsearch.catalog.readers.synonyms import open_synonyms
from mmsearch.catalog.records import OURS
from mmsearch.catalog.repeated import Stamp
from mmsearch.catalog.report import IngestReport, Rejects, Sync, reject_folder, reject_path
from mmsearch.catalog.user_intake import UserIntake
from mmsearch.errors import InputError, MMSearchError, UsageError
from mmsearch.store import Store

_UNFINISHED = "unfinished/ingest"
_SYNC_LIMIT = 0.5  # share of the records that `sync` deletes without being forced

Confirm = Callable[[int, int], bool]  # (gone, total) → whether to delete


@dataclass(frozen=True)
class Options:
    """How a file is ingested; see the command line's help for each.

    Attributes
    ----------
    kind : one of `columns.KINDS`, or `columns.SYNONYMS`; detected by the columns if None.
    mapping : field → columns, before the aliases are tried.
    rejects : where rejected rows go (default inside the store).
    allow_outside : accept media outside the folder of the file.
    encoding, delimiter : of a text file; detected if None.
    dry_run : read, clean and count, and write nothing but the reject file that is named.
    sync : delete what the store has and the file does not; `confirm` is asked first where it is given.
    force : let `sync` delete more than half, and although rows could not be read.
    fetch : download the web addresses of media.
    dedupe : 'report', 'skip' or 'merge' products that say or show the same as an earlier one; None looks for none.
    outliers : 'report' values of events far outside the usual, or 'clip' them to it, too.
    """

    kind: str | None = None
    mapping: Mapping[str, Any] | None = None
    rejects: str | None = None
    allow_outside: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    dry_run: bool = False
    sync: bool = False
    force: bool = False
    confirm: Confirm | None = None
    fetch: bool = False
    dedupe: str | None = None
    outliers: str = "report"


def ingest(store: Store, path: str, options: Options = Options()) -> IngestReport:
    """Read a file into the store, which is created if there is none.

    Parameters
    ----------
    path : a file (CSV, TSV, JSON, JSON Lines, Parquet, each also gzipped), a folder of images, or '-' for standard input.

    Raises
    ------
    InputError : the file as a whole cannot be used. UsageError : bad options. StoreError : see `Store.create`.
    """
    started = time.monotonic()
    if options.kind is not None and options.kind not in (*KINDS, SYNONYMS):
        raise UsageError(f"cannot ingest '{options.kind}'", hint="kinds: " + ", ".join((*KINDS, SYNONYMS)))
    if options.kind == SYNONYMS and (options.mapping or options.delimiter):
        raise UsageError("a synonyms file has no columns: --map and --delimiter do not apply", hint="a line is: a, b, c   or: a => b")
    if options.dedupe is not None and options.dedupe not in MODES:
        raise UsageError(f"--dedupe {options.dedupe}: no such way", hint="ways: " + ", ".join(MODES))
    if options.outliers not in ("report", "clip"):
        raise UsageError(f"--outliers {options.outliers}: no such way", hint="ways: report, clip")
    reject_file = reject_path(store.path, path, options.rejects)
    if (options.rejects or not options.dry_run) and _is_source(reject_file, path):
        what = "standard input" if path == "-" else path
        raise UsageError(f"{what} cannot be read and take the rejected rows at once", hint="choose another file with --rejects")
    stamp = _stamp(store, path, options)
    if stamp is not None and (known := stamp.earlier(store)) is not None:
        store.check()
        with Rejects(None if options.dry_run else reject_file):  # nothing is rejected: an older file of this name goes
            known.dry_run, known.seconds = options.dry_run, time.monotonic() - started
            return known
    if options.kind == SYNONYMS:
        source = open_synonyms(path, encoding=options.encoding)
    else:
        source = read_rows(path, encoding=options.encoding, delimiter=options.delimiter)
    feed = _feed(store, source, options)
    report = IngestReport(source.name, options.kind or feed.kind, source.format, mapping=feed.mapping, dry_run=options.dry_run)
    if options.dry_run:
        if store.record.keys():
            store.check()
        with _no_collector(), Rejects(Path(options.rejects) if options.rejects else None, named=True) as refused:
            _run(store, feed, report, refused, options)
    else:
        store.create()
        with store.writing("ingest"), _no_collector(), Rejects(reject_file, named=bool(options.rejects)) as refused:
            _run(store, feed, report, refused, options)
            if stamp is not None and not source.incomplete:
                stamp.remember(store, report, [*source.notes])
    report.seconds = time.monotonic() - started
    return report


def unfinished(store: Store) -> dict[str, Any] | None:
    """What is known of the latest ingest that was interrupted: its source, kind and when it began; None if there is none."""
    begun = store.record.get(_UNFINISHED) or []
    return begun[-1] if begun else None


def _is_source(file: Path, path: str) -> bool:
    """Whether a file is the one that is read: by its path, by another name of it, or as standard input (`- < FILE`)."""
    try:
        source = os.fstat(sys.stdin.fileno()) if path == "-" else Path(path).stat()
        return os.path.samestat(source, file.stat())
    except (OSError, ValueError, AttributeError):  # one of the two is not there, or standard input is closed or no file
        return False


def _stamp(store: Store, path: str, options: Options) -> Stamp | None:
    """The file as it is, where its rows alone decide what the store becomes: nothing else is looked at, fetched or deleted."""
    if options.sync or options.fetch or options.dedupe or unfinished(store):
        return None
    chosen = (options.kind, sorted((options.mapping or {}).items()), options.encoding, options.delimiter, options.allow_outside)
    return Stamp.of(path, chosen)


def _feed(store: Store, source: Source, options: Options) -> Feed:
    rows, columns = peek(source)
    given = options.mapping or {}
    kind = "triples" if options.kind == SYNONYMS else options.kind or detect_kind(columns, source.name, given)
    mapping = map_columns(kind, columns, given, source.name)
    return Feed(
        source,
        kind,
        rows,
        dict.fromkeys(columns),
        mapping,
        source.folder,
        options.allow_outside,
        source.folder == reject_folder(store.path).resolve(),
        (options.fetch,),
        language_columns(columns, mapping) if kind == "products" else {},
        given,
    )


def _run(store: Store, feed: Feed, report: IngestReport, refused: Rejects, options: Options) -> None:
    fetch = _fetcher(store) if options.fetch and not options.dry_run else None
    intake: Intake
    if feed.kind == "products":
        dedupe = Dedupe(store, options.dedupe) if options.dedupe else None
        intake = ProductIntake(store, feed, report, refused, dedupe=dedupe, fetch=fetch)
    elif feed.kind == "users":
        intake = UserIntake(store, feed, report, refused)
    else:
        intake = EventIntake(store, feed, report, refused, EVENT_KINDS[feed.kind], clip=options.outliers == "clip")
    write, written = not options.dry_run, False
    # Reading and cleaning a chunk goes on while the one before is written: most of a write is not Python.
    with contextlib.closing(intake), ThreadPoolExecutor(1, "ingest-write") as writer:
        pending: Future[Counts] | None = None

        def settle() -> None:
            if pending is not None:
                report.add(pending.result())
                intake.settle()

        def submit(work: Work | None) -> None:
            nonlocal pending, written
            if work is None:
                return
            settle()
            if write and not written:
                _begin(store, report)
                written = True
            pending = writer.submit(work, write)

        try:
            for chunk in feed.chunks():
                counts, work = intake.take(chunk)
                report.add(counts)
                submit(work)
            submit(intake.rest())
            settle()
        except BaseException as error:
            # The write lock is ours as long as the writer writes, however often Ctrl-C is pressed.
            while pending is not None and not pending.done():
                with contextlib.suppress(KeyboardInterrupt):
                    wait([pending])
            if pending is not None and (other := pending.exception()) not in (None, error):
                _raise_both(error, other)
            raise
    source = feed.source
    report.encoding, report.notes = source.encoding, [*source.notes]
    if source.incomplete:
        report.notes.append(f"{source.name} is not whole: {source.incomplete}")
    if options.sync:
        gone = intake.gone()
        try:
            refusal = _refusal(intake, gone, options, write)
        except BaseException:  # Ctrl-C at the question: every row of the file is written
            _finish(store, intake, report, write)
            raise
        if write and refusal is None:
            intake.delete(gone)
        report.sync = Sync(len(gone), len(gone) if write and refusal is None else 0, refusal, gone[:10])
    _finish(store, intake, report, write)
    report.notes += intake.notes()
    taken = {column for columns in feed.mapping.values() for column in columns}
    report.mapping, report.attributes = feed.mapping, [c for c in feed.columns if c not in taken and c not in OURS]
    report.cleaned.update({rule: cells for rule, cells in intake.cleaner.counts.items() if cells})
    report.media = {name: dict(outcomes) for name, outcomes in intake.media.items()}
    report.first = refused.first
    report.reject_file = refused.close()


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Keep Python from looking for cycles of garbage, which rows and products have none of: with millions of objects alive every look
    takes long, a third of the whole time of a large ingest (`python -m bench ingest`)."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _begin(store: Store, report: IngestReport) -> None:
    """Note that an ingest is under way: what is left of the note after a kill tells that its file should be ingested again."""
    note = {"source": report.source, "kind": report.kind, "process": os.getpid(), "since": time.time()}
    store.record.put(_UNFINISHED, [*_others(store, report), note])


def _end(store: Store, report: IngestReport) -> None:
    begun, others = store.record.get(_UNFINISHED), _others(store, report)
    if begun and others != begun:
        if others:
            store.record.put(_UNFINISHED, others)
        else:
            store.record.delete(_UNFINISHED)


def _others(store: Store, report: IngestReport) -> list[dict[str, Any]]:
    """The notes of ingests of other files."""
    return [b for b in store.record.get(_UNFINISHED) or [] if (b["source"], b["kind"]) != (report.source, report.kind)]


def _refusal(intake: Intake, gone: Sequence[str], options: Options, write: bool) -> str | None:
    """Why what the file does not have is not deleted: it looks like a mistake, or a person who was asked said no."""
    total = intake.total()
    if not gone:
        return None
    if intake.feed.source.incomplete:
        return "the file is not whole"
    if intake.lost and not options.force:
        return f"{intake.lost} rows could not be read, and may be among them: correct them first"
    if len(gone) > _SYNC_LIMIT * total and not options.force:
        return f"that is more than half of the {total:,} that the store has"
    if write and options.confirm is not None and not options.confirm(len(gone), total):
        return "it was not confirmed"
    return None


def _finish(store: Store, intake: Intake, report: IngestReport, write: bool) -> None:
    intake.finish(write=write)
    if write:
        _end(store, report)


def _raise_both(reading: BaseException, writing: BaseException) -> NoReturn:
    """Raise one error that tells of two: of what ended the reading, and of the write that failed beside it."""
    first, second = (reading, writing) if isinstance(reading, MMSearchError) else (writing, reading)
    if isinstance(first, MMSearchError):
        message = "interrupted" if isinstance(second, KeyboardInterrupt) else getattr(second, "message", str(second))
        first.message = f"{first.message}; and: {message}"
        first.hint = "; ".join(dict.fromkeys(hint for error in (first, second) if (hint := getattr(error, "hint", None)))) or None
    raise first from second


def _fetcher(store: Store) -> Fetch:
    from mmsearch import settings
    from mmsearch.media.fetch import fetch, fetched_folder

    folder = fetched_folder(store.path)
    if folder is None:
        raise InputError("--fetch keeps what it downloads in the store's folder; a store at a URI has none")
    return lambda url: fetch(url, folder, limit=settings.max_media_bytes())
