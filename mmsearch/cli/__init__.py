"""The command line: one file a subcommand; options and output, no logic. `main` is the program."""

from __future__ import annotations

import os
import sys

import click
import typer

from mmsearch import __version__
from mmsearch.cli import embed, evaluate, fuse, info, ingest, recommend, search
from mmsearch.cli.common import STATE, print_error
from mmsearch.errors import EXIT_FAILED, EXIT_USAGE, MMSearchError

app = typer.Typer(
    name="mmsearch",
    help="Multimodal product search and recommendation over an embedded LanceDB store.",
    epilog="First steps: mmsearch ingest products.csv; mmsearch embed; mmsearch fuse; mmsearch search 'red running shoes'",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich would cost half of the start-up of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"mmsearch {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    store: str = typer.Option(None, "--store", metavar="PATH|URI", help="The store (default: $MMSEARCH_STORE, else ./mmsearch.lancedb)."),
    quiet: bool = typer.Option(False, "--quiet", help="No progress and no notes on stderr; errors still."),
    verbose: bool = typer.Option(False, "--verbose", help="Tracebacks and details on stderr."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and exit."),
) -> None:
    STATE.store, STATE.quiet, STATE.verbose = store, quiet, verbose


app.command("ingest")(ingest.command)
app.command("embed")(embed.command)
app.command("fuse")(fuse.command)
app.command("search")(search.command)
app.command("recommend")(recommend.command)
app.command("info")(info.command)
app.add_typer(evaluate.app, name="eval")


def main(args: list[str] | None = None) -> None:
    """Run the program; exits with the codes of SPEC (0 done, 1 failed, 2 wrong usage, 3 some rows rejected, 4 a gate failed)."""
    sys.exit(run(sys.argv[1:] if args is None else args))


def run(args: list[str]) -> int:
    """Run the program on arguments and give back its exit code. No traceback without `--verbose`."""
    STATE.reset()
    try:
        result = app(args=args, prog_name="mmsearch", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except MMSearchError as error:
        if STATE.verbose:
            _traceback()
        print_error(error.message, error.hint)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        typer.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.UsageError as error:
        help_at = f"see: {error.ctx.command_path} --help" if error.ctx is not None else None
        print_error(error.format_message(), help_at)
        return EXIT_USAGE
    except click.ClickException as error:
        print_error(error.format_message())
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print_error("interrupted")
        return 130
    except BrokenPipeError:
        # The reader of a pipe has gone (`mmsearch search … | head -1`): nothing went wrong here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: report, never a bare traceback
        if STATE.verbose:
            _traceback()
        print_error(f"unexpected {type(error).__name__}: {error}", "this is a bug in mmsearch; --verbose shows where")
        return EXIT_FAILED


def _traceback() -> None:
    import traceback

    traceback.print_exc()
