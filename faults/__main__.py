"""Runs every scenario, or those named: python -m faults [--kills N] [--rounds N] [--seed S] [kills writers disk damage]."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from faults.program import Bench, say
from faults.runner import FEATURES_ON, made_small

SCENARIOS = ("kills", "writers", "disk", "damage")


def main() -> int:
    """Exit code 1 if anything was found; then the stores are kept, and the seed draws the same instants again."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"scenarios: {', '.join(SCENARIOS)} (default: all)")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="a line a kill on stderr")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.names if name not in SCENARIOS]:
        parser.error(f"no scenario {', '.join(unknown)}; there are: {', '.join(SCENARIOS)}")
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    if missing := made_small():
        say(f"note: not there to be made small: {', '.join(missing)}")
    os.environ["MMSEARCH_FEATURES"] = FEATURES_ON  # for the cases that run in this process
    found = 0
    for name in chosen.names or SCENARIOS:
        begun = time.monotonic()
        own = folder / name
        own.mkdir()
        outcome = importlib.import_module(f"faults.{name}").run(Bench(own, chosen.seed, chosen.kills, chosen.rounds, chosen.verbose))
        verdict = f"{len(outcome.findings)} findings" if outcome.findings else "nothing found"
        say(f"{name} (seed {chosen.seed}, {time.monotonic() - begun:.0f} s): {outcome.line}: {verdict}")
        for line in outcome.skipped:
            say(f"  skipped: {line}")
        for line in outcome.findings:
            say(f"  FOUND {line}")
        found += len(outcome.findings)
        if not outcome.findings:
            shutil.rmtree(own, ignore_errors=True)
    if found:
        say(f"{found} findings; the stores are kept in {folder}")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
