"""What can go wrong below a store: a full disk, a file that is gone or damaged. Seen, named, with what to do about it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mmsearch.errors import StoreError

_FULL = ("No space left on device", "os error 28", "Disk quota exceeded")
_READ_ONLY = ("Read-only file system", "Permission denied", "os error 30", "os error 13")
RESTORE = "bring the store's folder back from a copy, or make a new store: mmsearch ingest, embed, fuse"
_TRIES = 3


def failure(task: str, error: Exception) -> StoreError:
    """What LanceDB or the system raised while doing a task, as an error that says what to do."""
    text = str(error)
    if any(sign in text for sign in _FULL):
        hint = "make room and run the same command again: what the store holds is whole, and the rest follows"
        return StoreError(f"cannot {task}: the disk is full (no space left on device)", hint=hint)
    if any(sign in text for sign in _READ_ONLY):
        reason = "read-only file system" if "ead-only" in text or "os error 30" in text else "permission denied"
        return StoreError(f"cannot {task}: {reason}", hint="search, recommend and info need no writing; else make it writable")
    reason = re.sub(r",? ?\S+\.rs:\d+:\d+", "", text)  # without the lines of Rust that it came through
    reason = re.sub(r"(lance error: |External error: |LanceError\(\w+\): |Generic LocalFileSystem error: )", "", reason)
    damaged = isinstance(error, OSError) or "LanceError(" in text or "ot found" in text
    return StoreError(f"cannot {task}: {' '.join(reason.split())}", hint=RESTORE if damaged else None)


def newest(uri: str) -> Any | None:
    """The newest version of a table as a `lance.LanceDataset`, or None where there is no table (also one that never had a version).

    Raises
    ------
    StoreError : newer versions than those that can be found have been written, or all are gone: files were lost or an older
        copy was laid over them. LanceDB would open the older version, or none, without a word.
    """
    import lance

    for attempt in range(_TRIES):
        written = _written(uri)  # before opening: a version is there before the note that tells of it
        try:
            dataset = lance.dataset(uri)
        except ValueError as error:
            if "not found" not in str(error):
                raise
            if written is None and not _has_data(uri):
                return None
            dataset = None
        if dataset is not None and (written is None or dataset.version >= written):
            return dataset
        # Or the table was dropped and made anew between the two looks; then the next look agrees.
        if attempt == _TRIES - 1:
            table = Path(uri).name.removesuffix(".lance")
            has = "none is there" if dataset is None else f"the newest that is there is {dataset.version}"
            what = f"version {written} was written" if written is not None else "it holds data"
            raise StoreError(f"the table {table} of {Path(uri).parent} has lost files: {what}, {has}", hint=RESTORE)
    return None


def _written(uri: str) -> int | None:
    """The newest version that LanceDB noted after writing it; None where there is no note (an object store, an older LanceDB)."""
    if "://" in uri:
        return None
    try:
        note = json.loads((Path(uri) / "_versions" / "latest_version_hint.json").read_bytes())
        return int(note["version"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):  # LanceDB writes it whole; a damaged one only tells nothing
        return None


def _has_data(uri: str) -> bool:
    return "://" not in uri and any((Path(uri) / "data").glob("*.lance"))
