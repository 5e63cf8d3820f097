"""The command line: one file a subcommand; options and output, no logic. `main` is the program."""

from __future__ import annotations

import functools
import importlib
import io
import os
import sys
from pathlib import Path

import typer

from mmsearch import __version__
from mmsearch.cli.common import STATE, print_error
from mmsearch.errors import EXIT_FAILED, MMSearchError

#: Commands in the order of the help → their files.
COMMANDS = {
    **{name: name for name in ("ingest", "embed", "models", "fuse", "search", "suggest", "show", "info", "optimize", "recommend", "check")},
    "eval": "evaluate",
}

_INTERRUPTED = 130  # as shells count it: 128 + SIGINT


def _version(value: bool) -> None:
    if value:
        typer.echo(f"mmsearch {__version__}")
        raise typer.Exit


def _globals(
    store: str = typer.Option(None, "--store", metavar="PATH|URI", help="The store (default: $MMSEARCH_STORE, else ./mmsearch.lancedb)."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress and no notes on stderr; errors still."),
    verbose: bool = typer.Option(False, "--verbose", help="Tracebacks and details on stderr."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and exit."),
) -> None:
    STATE.store, STATE.quiet, STATE.verbose = store, quiet, verbose


@functools.cache
def program(only: str | None = None) -> typer.Typer:
    """The program with all its commands, or with one: loading the others would take longer than completing a word does."""
    made = typer.Typer(
        name="mmsearch",
        help="Multimodal product search and recommendation over an embedded LanceDB store.",
        epilog="First steps: mmsearch ingest products.csv; mmsearch embed; mmsearch fuse; mmsearch search 'red running shoes'",
        no_args_is_help=True,
        rich_markup_mode=None,  # rich would cost half of the start-up of --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    made.callback()(_globals)
    for name in COMMANDS if only is None else (only,):
        module = importlib.import_module(f"mmsearch.cli.{COMMANDS[name]}")
        if hasattr(module, "app"):
            made.add_typer(module.app, name=name)
        else:
            made.command(name)(module.command)
    return made


def __getattr__(name: str) -> typer.Typer:
    if name == "app":
        return program()
    raise AttributeError(name)


def _asked_for(args: list[str]) -> str | None:
    """The command that arguments begin with, `--store PATH` before it or not; None where all must be known."""
    rest = args[2:] if args[:1] == ["--store"] else args
    return rest[0] if rest and rest[0] in COMMANDS and "_MMSEARCH_COMPLETE" not in os.environ else None


def main(args: list[str] | None = None) -> None:
    """Run the program; exits with the codes of SPEC (0 done, 1 failed, 2 wrong usage, 3 some rows rejected, 4 a gate failed)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell (2>&-): what has no reader goes nowhere, and not into the other one
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (as long as the process lives)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that is not UTF-8, or a terminal that cannot show Chinese, costs a few escaped characters and not the answer.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Run the program on arguments and give back its exit code. No traceback without `--verbose`."""
    STATE.reset()
    try:
        result = program(_asked_for(args))(args=args, prog_name="mmsearch", standalone_mode=False)
        sys.stdout.flush()
        if result == _INTERRUPTED:  # typer turns Ctrl-C into this code, and says nothing
            print_error("interrupted")
        return result if isinstance(result, int) else 0
    except MMSearchError as error:
        if STATE.verbose:
            _traceback()
        print_error(error.message, error.hint)
        return error.exit_code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        text = error.format_message()
        if text.startswith("Usage:"):  # a command group without a subcommand: the help itself is the answer
            typer.echo(text, err=True)
        else:
            print_error(text, f"see: {context.command_path} --help" if context is not None else None)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print_error("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except SystemExit as exit:  # typer and rich turn a broken pipe into an exit of their own
        if isinstance(exit.__context__, BrokenPipeError):
            return _reader_gone()
        raise
    except OSError as error:  # a full disk, a file that may not be read: not ours to hide, and no bug
        if STATE.verbose:
            _traceback()
        print_error(str(error))
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: report, never a bare traceback
        if STATE.verbose:
            _traceback()
        print_error(f"unexpected {type(error).__name__}: {error}", "this is a bug in mmsearch; --verbose shows where")
        return EXIT_FAILED


def _reader_gone() -> int:
    """The reader of a pipe has gone (`mmsearch search … | head -1`): nothing went wrong here."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _traceback() -> None:
    import traceback

    traceback.print_exc()
