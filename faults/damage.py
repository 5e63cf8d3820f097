"""damage: a file of the store is cut short, gone or of an older copy: an error that names the table and what to do, or the right answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from faults import catalogue
from faults.disk import unclear
from faults.kills import write_sources
from faults.outcome import Outcome
from faults.program import Bench, here
from faults.runner import register_encoders
from faults.state import State, differences, state_of, unnumbered
from mmsearch.errors import MMSearchError

_FAKES = ("--text", "fake-text", "--image", "fake-image")
_SEARCH = ("search", catalogue.search_text(), "-k", "10", "--format", "jsonl")


def _newest(folder: Path) -> Path:
    """The newest manifest: LanceDB names them so that the newest comes first."""
    return min((folder / "_versions").glob("*.manifest"))


def _largest(folder: Path) -> Path:
    return max((folder / "data").iterdir(), key=lambda p: p.stat().st_size)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _older_copy(folder: Path) -> None:
    """The versions that an older copy of the folder has: all but the newest two."""
    for path in sorted((folder / "_versions").glob("*.manifest"))[:2]:
        path.unlink()


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a data file cut short": lambda folder: _cut(_largest(folder)),
    "a data file emptied": lambda folder: _largest(folder).write_bytes(b""),
    "a data file gone": lambda folder: _largest(folder).unlink(),
    "all data gone": lambda folder: shutil.rmtree(folder / "data"),
    "the newest manifest gone": lambda folder: _newest(folder).unlink(),
    "the newest two manifests gone": _older_copy,
    "the newest manifest cut short": lambda folder: _cut(_newest(folder)),
    "the newest manifest emptied": lambda folder: _newest(folder).write_bytes(b""),
    "all versions gone": lambda folder: shutil.rmtree(folder / "_versions"),
    "the table gone": shutil.rmtree,
}


def run(bench: Bench) -> Outcome:
    """Every damage to every kind of table, then a search, an ingest and an embed."""
    out = Outcome("damage")
    write_sources(bench, 0)
    register_encoders()
    good, changed = bench.folder / "good", str(bench.folder / "changed.csv")
    for command in (("ingest", "products.csv"), ("ingest", "changed.csv"), ("embed", *_FAKES), ("fuse", "--method", "aligned")):
        if problem := bench.run(good, *command).problem():
            out.findings.append(f"undisturbed {command[0]}: {problem}")
            return out
    answer, state = here(good, *_SEARCH).out, state_of(good)
    tables = sorted(p.name.removesuffix(".lance") for p in good.glob("*.lance"))
    told, same = 0, 0
    for table in tables:
        for name, damage in DAMAGE.items():
            store = bench.folder / "damaged"
            shutil.rmtree(store, ignore_errors=True)
            shutil.copytree(good, store)
            damage(store / f"{table}.lance")
            for command in (_SEARCH, ("ingest", changed), ("embed",)):
                problem, errored = _after(bench, store, command, table, answer, state)
                told, same = told + errored, same + (not errored)
                if problem:
                    out.findings.append(f"{name} of {table}, then {command[0]}: {problem}")
    out.line = (
        f"{len(DAMAGE)} kinds of damage to {len(tables)} tables, then search, ingest, embed: {told} clear errors, {same} right answers"
    )
    return out


def _after(bench: Bench, store: Path, command: tuple[str, ...], table: str, answer: str, state: State) -> tuple[str | None, bool]:
    """What is wrong with how a command took a damage, and whether it was an error."""
    ran = here(store, *command)
    bench.note(f"{table} {command[0]}: exit code {ran.code}: {ran.err.strip()[:300]}")
    if ran.code != 0:
        return unclear(ran, table), True
    if command is _SEARCH:
        return (None if ran.out == answer else f"another answer, silently: {ran.out[:200]}"), False
    try:
        changes = differences(state_of(store), state)
        if not (store / f"{table}.lance").exists():  # still gone: this command does not touch the table and need not notice
            changes = [line for line in changes if line.partition(":")[0] != unnumbered(table)]
    except MMSearchError as error:  # the damage is still there; a command that does not touch the table need not notice
        return (None if table in str(error) else f"now the store says: {error}"), False
    return ("; ".join(changes)[:400] if changes else None), False
