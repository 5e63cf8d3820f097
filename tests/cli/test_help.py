"""Every command explains itself, and docs/cli.md is what --help says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from mmsearch.cli import app

ROOT = Path(__file__).parents[2]


def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_cli_reference", ROOT / "scripts" / "make_cli_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMANDS: dict[str, Any] = dict(reference().commands(typer.main.get_command(app), "mmsearch"))
#: Those that do something by themselves, `recommend` with its subcommands among them.
LEAVES = [path for path, command in COMMANDS.items() if not getattr(command, "commands", None) or path == "mmsearch recommend"]


def test_all_commands_are_there() -> None:
    wanted = {
        "ingest",
        "embed",
        "fuse",
        "search",
        "recommend",
        "recommend train",
        "info",
        "check consistency",
        "eval search",
        "eval run",
        "eval recommend",
    }
    assert {f"mmsearch {name}" for name in wanted} <= set(LEAVES)


@pytest.mark.parametrize("path", LEAVES)
def test_the_help_of_a_command_has_an_example(path: str) -> None:
    _, _, described = COMMANDS[path].help.partition("\b")
    examples = [line.strip() for line in described.splitlines() if line.strip()]
    assert examples
    assert all(line.startswith(path) for line in examples)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_is_explained(path: str) -> None:
    for parameter in COMMANDS[path].params:
        assert parameter.help, f"{path} {parameter.name}"


@pytest.mark.parametrize("path", LEAVES)
def test_the_global_options_can_follow_every_command(path: str) -> None:
    assert {"store", "quiet", "verbose"} <= {parameter.name for parameter in COMMANDS[path].params}


def test_the_reference_is_up_to_date() -> None:
    module = reference()
    assert module.TARGET.read_text(encoding="utf-8") == module.reference(), "run make docs"
    assert all(f"## {path}\n" in module.reference() for path in COMMANDS)
