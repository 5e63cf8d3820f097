"""Writes docs/cli.md from the program's own --help; `--check` fails when the file is not what --help says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from mmsearch.cli import app

TARGET = Path(__file__).parent.parent / "docs" / "cli.md"


def commands(command: Any, path: str) -> list[tuple[str, Any]]:
    """A command and those below it, with their full names."""
    found = [(path, command)]
    for name, child in getattr(command, "commands", {}).items():
        found += commands(child, f"{path} {name}")
    return found


def reference() -> str:
    """The whole reference as Markdown."""
    parts = ["# Command line reference", "", "Generated from `--help` by `make docs`; do not edit.", ""]
    for path, command in commands(typer.main.get_command(app), "mmsearch"):
        context = command.make_context(path, [], resilient_parsing=True, max_content_width=110, terminal_width=110)
        parts += [f"## {path}", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(parts)


def main() -> int:
    text = reference()
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            print(f"{TARGET.name} is not what --help says: run make docs", file=sys.stderr)
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
