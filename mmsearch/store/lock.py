"""One writer at a time, for what LanceDB cannot make atomic across tables."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mmsearch.errors import StoreError

LOCK_FILE = ".lock"
_PATIENCE = 600.0  # seconds to wait for another writer before giving up


@contextlib.contextmanager
def write_lock(path: str, what: str, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold `<store>/.lock`. The kernel releases it when its process ends, however it ends, so no stale lock is left behind.

    Raises StoreError when the folder cannot be written, or another process still holds the lock after `patience` seconds.
    An object store (`s3://…`) has no lock: there LanceDB's own commit checks are what there is.
    """
    if "://" in path:
        yield
        return
    import fcntl

    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        handle = (Path(path) / LOCK_FILE).open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write to the store {path}: {error.strerror}") from error
    with handle:
        deadline, told = time.monotonic() + patience, False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                handle.seek(0)
                holder = handle.read().strip() or "another process"
                if time.monotonic() > deadline:
                    raise StoreError(f"the store {path} is being written by {holder}", hint="try again when it is done") from None
                if not told:
                    print(f"waiting for {holder}, which is writing to {path}", file=sys.stderr)  # noqa: T201 - a wait must not look like a hang
                    told = True
                time.sleep(0.1)
            except OSError as error:  # some network file systems have no locks
                raise StoreError(f"cannot lock the store {path}: {error.strerror}", hint="keep it on a local disk") from error
        handle.seek(0)
        handle.truncate()
        handle.write(f"mmsearch {what} (process {os.getpid()})")
        handle.flush()
        try:
            yield
        finally:
            handle.seek(0)
            handle.truncate()
