"""What every subcommand shares: the global options (also after the subcommand), messages on stderr, the open shop."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from mmsearch.errors import UsageError

if TYPE_CHECKING:
    from mmsearch.shop import Shop


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass
class State:
    """The global options of this run."""

    store: str | None = None
    quiet: bool = False
    verbose: bool = False

    def reset(self) -> None:
        self.store, self.quiet, self.verbose = None, False, False


STATE = State()


def global_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a subcommand take `--store`, `--quiet` and `--verbose` after its name, too."""
    own = inspect.signature(command, eval_str=True)
    extra = {
        "store": (
            str | None,
            typer.Option(None, "--store", metavar="PATH|URI", help="The store (default: $MMSEARCH_STORE, else ./mmsearch.lancedb)."),
        ),
        "quiet": (bool, typer.Option(False, "--quiet", help="No progress and no notes on stderr; errors still.")),
        "verbose": (bool, typer.Option(False, "--verbose", help="Tracebacks and details on stderr.")),
    }
    added = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind) for n, (kind, default) in extra.items()]

    @functools.wraps(command)
    def wrapped(**values: Any) -> Any:
        store, quiet, verbose = (values.pop(name) for name in extra)
        STATE.store = STATE.store if store is None else store
        STATE.quiet, STATE.verbose = quiet or STATE.quiet, verbose or STATE.verbose
        return command(**values)

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own.parameters.values()]
    wrapped.__signature__ = own.replace(parameters=[*parameters, *added])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in (*parameters, *added)}
    return wrapped


def shop() -> Shop:
    """The shop that `--store` names. Raises UsageError for an empty name: a variable of a script that is not set."""
    import mmsearch

    if STATE.store is not None and not STATE.store.strip():
        raise UsageError("--store names nothing", hint="leave it out for $MMSEARCH_STORE, else ./mmsearch.lancedb")
    return mmsearch.open(STATE.store)


def note(message: str) -> None:
    """Something a person should know, on stderr."""
    if not STATE.quiet:
        print(_visible(message), file=sys.stderr)  # noqa: T201


def _visible(message: str) -> str:
    """Text whose control characters, which a query or a file may hold, tell a terminal nothing."""
    return _CONTROL.sub(lambda found: ascii(found.group())[1:-1], message)


def progress_of(doing: str, what: str) -> Callable[[int, int], None] | None:
    """Tells on a terminal how many of how many are done, in one line that is written over; None where nobody looks."""
    if STATE.quiet or not sys.stderr.isatty():
        return None

    def told(done: int, of: int) -> None:
        print(f"\r{doing}: {done:,} of {of:,} {what}", end="\n" if done >= of else "", file=sys.stderr, flush=True)  # noqa: T201

    return told


def print_error(message: str, hint: str | None = None) -> None:
    print(_visible(f"error: {message}"), file=sys.stderr)  # noqa: T201
    if hint:
        print(_visible(f"  {hint}"), file=sys.stderr)  # noqa: T201
