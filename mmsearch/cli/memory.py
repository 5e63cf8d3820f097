"""How the C library hands out memory to a command that writes."""

from __future__ import annotations

import ctypes
import os

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def few_arenas() -> None:
    """Let threads share heaps. glibc gives each thread of Lance's one of its own, and keeps what they freed: with a million products
    that is a hundred megabytes which nobody uses, and sharing costs no time (`python -m bench ingest`).

    Called by commands and not by the library, whose process belongs to others. `MALLOC_ARENA_MAX` set by the user stays.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None  # other C libraries have none
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _ARENAS)
