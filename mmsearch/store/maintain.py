"""Keeping a store small and fast: small files merged, old versions removed, and what killed writers left behind."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmsearch.store.lock import EMBED

if TYPE_CHECKING:
    from mmsearch.store.store import Store

_SMALL_FILES = 64
_DROPPED = ".dropped-"
_FULL = 1_000_000  # rows of a file that is merged no further (LanceDB's own number)
_TRIES = 5  # against a writer that does not take the lock: another program, or another machine on an object store
#: Old versions younger than this stay: a reader that opened one may still be reading it.
KEEP = timedelta(hours=1)


@dataclass(frozen=True)
class Optimized:
    """What `optimize` did to a table; files and bytes are None in an object store, where they are not counted."""

    table: str
    rows: int
    files_before: int | None
    files_after: int | None
    bytes_before: int | None
    bytes_after: int | None


def optimize(store: Store, keep: timedelta = KEEP) -> list[Optimized]:
    """Merge small files, bring indexes up to date, and remove old versions and orphan files. Waits for other writers.

    Parameters
    ----------
    keep : versions younger than this stay on disk, for readers that are in the middle of one.

    Raises
    ------
    StoreError : no store, it cannot be written, or another process held the lock too long.
    """
    store.check()
    done = []
    # An embed reads one version of the products for hours, perhaps: it must not be cleaned away under it.
    with store.writing("optimize", lock=EMBED), store.writing("optimize"):
        if "://" not in store.path:
            with store.reporting("remove dropped tables"):
                sweep(Path(store.path))
        for table in store.tables():
            before = _size(store, table)
            if not store.has(table):
                _remove_unborn(store, table)
                continue
            with store.reporting(f"optimize the table {table}"):
                _retried(lambda table=table: compact(store, table))  # type: ignore[misc]
                _retried(lambda table=table: _clean(store, table, keep))  # type: ignore[misc]
            after = _size(store, table)
            done.append(Optimized(table, store.count(table), before[0], after[0], before[1], after[1]))
    return done


def compact(store: Store, table: str) -> None:
    """Merge the small files of a table, and let its indexes (if any) take in the rows that are new to them."""
    opened = store.fresh(table)
    if opened is None:
        return
    opened.optimize.compact_files()
    if opened.describe_indices():
        opened.optimize.optimize_indices()


def too_many_files(dataset: Any) -> bool:
    """Whether a table has grown so many small files that merging them pays.

    Measured (`python -m bench writes`): of 500 writes of 512 vectors the last takes 4 to 5 times as long as the first, since a
    merge looks into every file; merging whenever there are 64 makes the 500 a third faster together, and reading 3 times as fast.
    """
    rows: int = dataset.count_rows()
    return len(dataset.get_fragments()) - rows // _FULL > _SMALL_FILES


def tidy(store: Store, table: str) -> None:
    """Merge the small files of a table between two writes, and let old versions go that no reader can be in the middle of."""
    with store.reporting(f"optimize the table {table}"):
        _retried(lambda: compact(store, table))
        opened = store.fresh(table)
        if opened is not None:
            _retried(lambda: opened.cleanup_old_versions(older_than=KEEP))


def _clean(store: Store, table: str, keep: timedelta) -> None:
    opened = store.fresh(table)
    if opened is None:
        return
    # Files that no version names are of a write that was killed, or of one that goes on: nobody else writes while we hold the
    # lock. An object store has no lock, so there they stay for a week, as LanceDB does it.
    alone = "://" not in store.path
    opened.cleanup_old_versions(older_than=keep, delete_unverified=alone)
    if alone:
        folder = Path(store.path) / f"{table}.lance"
        for draft in [*folder.glob("**/.tmp*"), *folder.glob("_versions/*.manifest#*")]:  # never renamed: its writer was killed
            draft.unlink(missing_ok=True)


def _remove_unborn(store: Store, table: str) -> None:
    """The folder of a table whose making was killed before its first version: it holds nothing."""
    folder = Path(store.path) / f"{table}.lance"
    if "://" not in store.path and not any((folder / "_versions").glob("*.manifest")):
        with store.reporting(f"remove what is left of the table {table}"):
            remove_folder(folder)


def remove_folder(folder: Path) -> None:
    """Remove a table's folder. It is gone at once or not at all: a process that is killed meanwhile leaves no half of a table."""
    folder.rename(folder.with_name(f"{_DROPPED}{folder.stem}-{secrets.token_hex(4)}"))
    sweep(folder.parent)


def sweep(store: Path) -> None:
    """Remove what is left of dropped tables, also of those whose process was killed."""
    for dropped in store.glob(f"{_DROPPED}*"):
        with contextlib.suppress(FileNotFoundError):  # another process sweeps, too
            shutil.rmtree(dropped)


def _retried(step: Callable[[], object]) -> None:
    """Run a step again when another writer committed meanwhile: a compaction gives way to a write."""
    for attempt in range(_TRIES):
        try:
            step()
            return
        except (OSError, RuntimeError, ValueError) as error:
            if attempt == _TRIES - 1 or "conflict" not in str(error).lower():
                raise
            time.sleep(0.1 * 2**attempt)


def _size(store: Store, table: str) -> tuple[int, int] | tuple[None, None]:
    if "://" in store.path:
        return None, None
    sizes = [p.stat().st_size for p in (Path(store.path) / f"{table}.lance").rglob("*") if p.is_file()]
    return len(sizes), sum(sizes)
