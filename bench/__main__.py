"""Runs every benchmark, or those named: python -m bench [start ingest embed …]; `SUBJECTS` lists them. `--large`: search a million, too."""

from __future__ import annotations

import importlib
import sys

SUBJECTS = (
    "start",
    "ingest",
    "encoders",
    "embed",
    "sound",
    "speech",
    "video",
    "fusion",
    "project",
    "facts",
    "facts_photos",
    "search",
    "facets",
    "suggest",
    "graph",
    "refinement",
    "writes",
)


def main() -> int:
    wanted = [name for name in sys.argv[1:] if not name.startswith("--")] or list(SUBJECTS)
    if unknown := [name for name in wanted if name not in SUBJECTS]:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}", file=sys.stderr)
        return 2
    for name in wanted:
        module = importlib.import_module(f"bench.{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}")
        for line in module.measure():
            print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
