"""Locks between processes: one writer at a time for what LanceDB cannot make atomic across tables, and one embed at a time."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mmsearch.errors import StoreError


@dataclass(frozen=True)
class Lock:
    """A lock of a store: the file that is locked, and what is said while another holds it ({path} and {holder} are filled in)."""

    file: str
    busy: str
    waiting: str
    hint: str


#: Held around each write (an ingest, one block of vectors, a fuse): seconds to minutes.
WRITE = Lock(
    ".lock",
    "the store {path} is being written by {holder}",
    "waiting for {holder}, which is writing to {path}",
    "try again when it is done",
)
#: Held for a whole embed, hours perhaps; an ingest or a search does not care about it.
EMBED = Lock(
    ".lock-embed",
    "another embed of {path} is running: {holder}",
    "waiting for {holder}, which is embedding {path}",
    "it takes in what is new; to go on after it: mmsearch embed --wait",
)
LOCK_FILES = (WRITE.file, EMBED.file)

PATIENCE = 600.0  # seconds to wait for another writer before giving up
_held = threading.local()


@contextlib.contextmanager
def write_lock(path: str, what: str, patience: float = PATIENCE, lock: Lock = WRITE) -> Iterator[None]:
    """Hold a lock of the store in the folder `path`. The kernel releases it when its process ends, however it ends.

    What a dead process wrote into the file says nothing: the lock itself is the kernel's. A thread that holds the lock already
    goes on at once (an embed that refreshes the profiles); threads and handles of one process take turns as processes do.

    Parameters
    ----------
    what : the command, for those who wait.
    patience : seconds to wait for another holder; `math.inf` waits as long as it takes.

    Raises
    ------
    StoreError : the folder cannot be written, or another process still holds the lock after `patience` seconds.

    An object store (`s3://…`) has no lock: there LanceDB's own commit checks are what there is.
    """
    mine: set[str] = _held.__dict__.setdefault("locks", set())
    place = str(Path(path).resolve() / lock.file)
    if "://" in path or place in mine:
        yield
        return
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        handle = (Path(path) / lock.file).open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write to the store {path}: {error.strerror}") from error
    with handle:
        _take(handle, path, patience, lock)
        handle.seek(0)
        handle.truncate()
        handle.write(f"mmsearch {what} (process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M')})")
        handle.flush()
        mine.add(place)
        try:
            yield
        finally:
            mine.discard(place)
            handle.seek(0)
            handle.truncate()


def _take(handle: IO[str], path: str, patience: float, lock: Lock) -> None:
    import fcntl

    deadline, told = time.monotonic() + patience, False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                message = lock.busy.format(path=path, holder=_holder(handle))
                raise StoreError(message, hint=lock.hint) from None
            if not told:
                message = lock.waiting.format(path=path, holder=_holder(handle))
                print(message, file=sys.stderr)  # noqa: T201 - a wait must not look like a hang
                told = True
            time.sleep(0.1)
        except OSError as error:  # some network file systems have no locks
            raise StoreError(f"cannot lock the store {path}: {error.strerror}", hint="keep it on a local disk") from error


def _holder(handle: IO[str]) -> str:
    """Who holds the lock, as it wrote itself. Between taking a lock and writing its name a holder leaves what the one before
    it wrote: if that one is dead, the text is not believed."""
    for _ in range(3):
        handle.seek(0)
        text = handle.read().strip()
        process = re.search(r"\(process (\d+)", text)
        if process and _alive(int(process[1])):
            return text
        time.sleep(0.02)
    return "another process"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
