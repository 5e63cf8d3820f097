"""How the suite runs mmsearch: each run a process group of its own, so that a kill takes everything that it started."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).parents[1]
_PATIENCE = 180.0  # seconds after which a run counts as hanging


@dataclass(frozen=True)
class Ran:
    """What a run left: exit code (negative: the signal that ended it), its two outputs, how long it took."""

    code: int
    out: str
    err: str
    seconds: float

    def problem(self, *allowed: int) -> str | None:
        """What is wrong with how it ended, or None: another exit code, a traceback, or an error that mmsearch calls a bug of its own."""
        if self.code not in (allowed or (0,)):
            return f"exit code {self.code}: {self.err.strip()[-600:] or self.out.strip()[-300:]}"
        for sign in ("Traceback", "unexpected ", "panicked at"):
            if sign in self.err:
                return f"{sign.strip()} on stderr: {self.err.strip()[-600:]}"
        return None


@dataclass
class Bench:
    """Where a scenario works and what it draws its instants from."""

    folder: Path
    seed: int = 0
    kills: int = 60
    rounds: int = 20
    verbose: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Progress, with `--verbose`."""
        if self.verbose:
            say(text, sys.stderr)

    def random(self, what: str) -> random.Random:
        """A stream of random numbers of its own for each use, so that a scenario run alone draws the same."""
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - instants, no secrets

    def environ(self, **more: str) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith("MMSEARCH_") or k == "MMSEARCH_HOME"}
        paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        return own | {"PYTHONPATH": paths, "NO_COLOR": "1", **self.environment, **more}

    def start(self, store: Path, *args: str, shipped: bool = False) -> subprocess.Popen[str]:
        """Start a command of mmsearch on a store; `shipped`: with its real chunk sizes."""
        command = [sys.executable, "-m", "faults.runner", "--store", str(store), *args]
        return self.spawn(command, **({"FAULTS_AS_SHIPPED": "1"} if shipped else {}))

    def spawn(self, command: list[str], **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            cwd=self.folder,
            env=self.environ(**more),
            start_new_session=True,
        )

    def run(self, store: Path, *args: str, shipped: bool = False) -> Ran:
        """Run a command of mmsearch on a store to its end."""
        begun = time.monotonic()
        return ended(self.start(store, *args, shipped=shipped), begun)


def say(text: str, to: TextIO | None = None) -> None:
    """A line on stdout (or elsewhere), at once."""
    print(text, file=to, flush=True)


def ended(process: subprocess.Popen[str], begun: float) -> Ran:
    """Wait for a run to end; one that hangs is killed and counts as killed."""
    try:
        out, err = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        kill(process)
        out, err = process.communicate()
        err += f"\n(hung: killed after {_PATIENCE:.0f} s)"
    return Ran(process.returncode, out, err, time.monotonic() - begun)


def kill(process: subprocess.Popen[str]) -> None:
    """`kill -9` of the whole process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def here(store: Path, *args: str) -> Ran:
    """Run a command of mmsearch in this process, for cases by the hundred."""
    from mmsearch.cli import run

    begun, out, err = time.monotonic(), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["--store", str(store), *args])
    return Ran(code, out.getvalue(), err.getvalue(), time.monotonic() - begun)


def files(folder: Path) -> Iterator[str]:
    """Paths of all files below a folder; one that vanishes meanwhile is left out. Fast enough to watch writes by."""
    waiting = [str(folder)]
    while waiting:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    yield entry.path


def new_files(process: subprocess.Popen[str], folder: Path, stop_at: int | None = None) -> int:
    """Watch a folder until the process ends or `stop_at` new files have been seen; gives how many were."""
    seen = set(files(folder))
    count = 0
    while process.poll() is None:
        for path in files(folder):
            if path not in seen:
                seen.add(path)
                count += 1
                if stop_at is not None and count >= stop_at:
                    return count
        time.sleep(0.0005)
    return count
