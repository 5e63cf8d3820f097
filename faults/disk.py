"""disk: a full disk and a store that may only be read: one clear error, nothing lost, and the same command completes later."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from faults import catalogue
from faults.kills import write_sources
from faults.outcome import Outcome
from faults.program import Bench, Ran
from faults.reopen import after_kill, after_resume
from faults.runner import register_encoders
from faults.state import State, differences, state_of

_FAKES = ("--text", "fake-text", "--image", "fake-image")
_LEFT = (0, 40, 120, 400)  # KiB left on the disk when the command starts: so it fails at its first write or at a later one


class NoMount(Exception):
    """This process may not mount a file system; the text says why."""


def run(bench: Bench) -> Outcome:
    """Every writing command with less and less room, then on a store mounted read-only."""
    out = Outcome("disk")
    write_sources(bench, 0)
    register_encoders()
    steps = (
        ("ingest", None, ("ingest", "products.csv")),
        ("embed", "ingest", ("embed", *_FAKES)),
        ("ingest changed", "embed", ("ingest", "changed.csv")),
        ("fuse", "embed", ("fuse", "--method", "concat")),
        ("optimize", "embed", ("optimize", "--keep", "0")),
    )
    stores: dict[str | None, Path] = {None: bench.folder / "none"}
    met = 0
    try:
        for name, base, command in steps:
            stores[name] = _undisturbed(bench, name, stores[base], command, out)
            if out.findings:
                return out
            for left in _LEFT if name != "optimize" else _LEFT[:2]:
                met += full(bench, name, command, stores[base], stores[name], left, out)
        refused = _read_only(bench, stores["fuse"], out)
        out.line = f"{met} commands met a full disk ({len(_LEFT)} amounts of room × {len(steps) - 1} and 2), {refused} a read-only store"
    except NoMount as error:
        out.skipped.append(f"a full disk and a read-only store: {error}")
        out.line = "nothing could be tried"
    return out


@contextlib.contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[Path]:
    """A tmpfs of a size. Raises NoMount where mounting is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)  # noqa: S603, S607


@contextlib.contextmanager
def read_only(store: Path, at: Path) -> Iterator[Path]:
    """A store seen through a read-only mount (modes do not hold root back). Raises NoMount where mounting is not allowed."""
    at.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(store), str(at))
    try:
        _mount("-o", "remount,bind,ro", str(at))
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=False, capture_output=True)  # noqa: S603, S607


def _mount(*arguments: str) -> None:
    mount = shutil.which("mount")
    if mount is None:
        raise NoMount("there is no mount command here")
    ran = subprocess.run([mount, *arguments], check=False, capture_output=True, text=True)  # noqa: S603
    if ran.returncode != 0:
        raise NoMount(f"mounting is not allowed here: {ran.stderr.strip()}")


def unclear(ran: Ran, *words: str) -> str | None:
    """What is wrong with an error message: not exit code 1, a traceback, more than a line and a hint, or a word that must be said."""
    if problem := ran.problem(1):
        return problem
    lines = [line for line in ran.err.splitlines() if not line.startswith(("waiting", "embedding"))]
    if not lines or not lines[0].startswith("error: ") or len(lines) > 2:
        return f"not one line and a hint: {ran.err.strip()[:400]}"
    if not any(word.lower() in ran.err.lower() for word in words):
        return f"says nothing of {' or '.join(words)}: {ran.err.strip()[:400]}"
    return None


def _undisturbed(bench: Bench, name: str, base: Path, command: tuple[str, ...], out: Outcome) -> Path:
    store = bench.folder / "undisturbed" / name.replace(" ", "-")
    if base.exists():
        shutil.copytree(base, store)
    if problem := bench.run(store, *command).problem():
        out.findings.append(f"undisturbed {name}: {problem}")
    return store


def full(bench: Bench, name: str, command: tuple[str, ...], base: Path, final: Path, left: int, out: Outcome) -> int:
    """One command with `left` KiB of room; gives whether the disk filled up."""
    told = f"{name} with {left} KiB left"
    before: State = state_of(base) if base.exists() else {}
    with small_disk(bench.folder / "disk", 48_000) as disk:
        store = disk / "store"
        if base.exists():
            shutil.copytree(base, store)
        with (disk / "ballast").open("wb") as ballast:
            ballast.truncate(0)
            room = shutil.disk_usage(disk).free - left * 1024
            ballast.write(b"\0" * max(0, room))
        ran = bench.run(store, *command)
        problems = []
        met = ran.code != 0
        if met and (problem := unclear(ran, "no space", "disk is full")):
            problems.append(problem)
        problems += after_kill(store, before, state_of(final))
        (disk / "ballast").unlink()
        again = bench.run(store, *command)
        problems += [f"with room again: {p}"] if (p := again.problem()) else []
        problems += [f"with room again: {p}" for p in after_resume(store, state_of(final), fakes=command[0] in ("embed", "fuse"))]
        out.findings += [f"{told}: {problem}" for problem in problems]
    bench.note(f"{told}: exit code {ran.code}: {ran.err.strip()[:200]}")
    return met


def _read_only(bench: Bench, base: Path, out: Outcome) -> int:
    """Searches and info work, writing commands say why they cannot; nothing changes."""
    store = bench.folder / "mine"
    shutil.copytree(base, store)
    before = state_of(store)
    refused = 0
    with read_only(store, bench.folder / "read-only") as seen:
        for command in (("search", catalogue.search_text()), ("info",)):
            if problem := bench.run(seen, *command).problem():
                out.findings.append(f"{command[0]} on a read-only store: {problem}")
        for command in (("ingest", "changed.csv"), ("embed",), ("fuse", "--method", "aligned"), ("optimize",)):
            ran = bench.run(seen, *command)
            refused += 1
            bench.note(f"{command[0]} on a read-only store: exit code {ran.code}: {ran.err.strip()}")
            if problem := unclear(ran, "read-only"):
                out.findings.append(f"{command[0]} on a read-only store: {problem}")
    out.findings += [f"a read-only store has changed: {line}" for line in differences(state_of(store), before)]
    return refused
