"""Ctrl-C and SIGTERM while work is under way: the first asks it to stop, the second ends the process at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """Raised in the middle of an item that takes long, once the run was told to stop: the item is for the next run."""


def unless(stop: threading.Event) -> Callable[[], None]:
    """What long work calls now and then: it raises Stopped once `stop` is set."""

    def go_on() -> None:
        if stop.is_set():
            raise Stopped

    return go_on


@contextlib.contextmanager
def stoppable(stop: threading.Event) -> Iterator[None]:
    """While the body runs, the first of these signals sets `stop`, and the next has the system's own effect: the process ends.

    Only Python's main thread may set signal handlers; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()
        for one in before:
            signal.signal(one, signal.SIG_DFL)

    # A signal that is ignored (nohup, a background job of a script) stays ignored.
    before = {one: signal.getsignal(one) for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN}
    for one in before:
        signal.signal(one, ask)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, signal.SIG_DFL if handler is None else handler)  # None: one that Python did not set
