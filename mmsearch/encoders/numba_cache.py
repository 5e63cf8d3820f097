"""numba's cache of compiled functions, used by one process at a time.

librosa and the recommenders have numba compile on first use and keep the result in files. To keep one numba reads the index of what there
is, adds a line and writes it back: of two processes that do so at once (two embeds in a fresh installation) both take the same next file
name, and the index then leads to machine code for other arguments than it says. Every later start calls that and crashes.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_FIRST = threading.Lock()


def guard_numba() -> None:
    """From now on this process reads and writes numba's cache behind a lock file in the folder of the cache.

    Called before whatever imports numba: its functions may be compiled while a module is imported. Programs that do not call this are
    not held up; two of mmsearch's own cannot meet. Threads may call it at once.
    """
    with _FIRST:  # a lock inside a lock would wait for itself: the file is opened anew for each
        _guard()


@functools.cache
def _guard() -> None:
    from numba.core.caching import IndexDataCacheFile

    for name in ("save", "load"):
        setattr(IndexDataCacheFile, name, _alone(getattr(IndexDataCacheFile, name)))


def _alone(action: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(action)
    def behind_the_lock(cache: Any, *arguments: Any) -> Any:
        with _locked(Path(cache._cache_path) / "mmsearch.lock"):
            return action(cache, *arguments)

    return behind_the_lock


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """A folder that nobody may write to (an installation of the administrator's) needs no lock, and some network disks have none."""
    import fcntl

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            handle = stack.enter_context(path.open("a"))
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
