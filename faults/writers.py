"""writers: several processes on one store at once: each product once, reports that add up, searches that never see half a row."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults import catalogue
from faults.kills import Undisturbed, write_sources
from faults.outcome import Outcome
from faults.program import Bench, Ran, ended, kill
from faults.state import State, differences, state_of

_FAKES = ("--text", "fake-text", "--image", "fake-image")
_HOLDER = "mmsearch"  # what a message that names the holder of the lock says at least


def run(bench: Bench, *, only_ingests: bool = False) -> Outcome:
    """`bench.rounds` rounds of two ingests at once, and a quarter as many of each other pair (none of them with `only_ingests`)."""
    out = Outcome("writers")
    write_sources(bench, 0)
    known = _undisturbed(bench, out)
    if out.findings:
        return out
    few = max(1, bench.rounds // 4)
    for number in range(bench.rounds):
        _two_ingests(bench, number, known, out)
    if only_ingests:
        return out
    searches = sum(_search_meanwhile(bench, number, known, out) for number in range(few))
    for number in range(few):
        _two_embeds(bench, number, known, out)
        _ingest_and_optimize(bench, number, known, out)
    _stale_lock(bench, known, out)
    out.line = (
        f"{bench.rounds} × two ingests of the same new products, {few} × two embeds, {few} × ingest beside optimize, "
        f"{searches} searches during {2 * few} ingests and embeds, a lock text of a killed process"
    )
    return out


def _undisturbed(bench: Bench, out: Outcome) -> dict[str, Undisturbed]:
    """The states that one process alone makes."""
    known: dict[str, Undisturbed] = {}
    for name, base, command in (
        ("new", None, ("ingest", "products.csv")),
        ("embedded", "new", ("embed", *_FAKES)),
        ("changed", "embedded", ("ingest", "changed.csv")),
        ("embedded again", "changed", ("embed",)),
    ):
        store = bench.folder / name.replace(" ", "-")
        if base is not None:
            shutil.copytree(known[base].store, store)
        ran = bench.run(store, *command)
        if problem := ran.problem():
            out.findings.append(f"undisturbed {name}: {problem}")
        known[name] = Undisturbed(store, ran.seconds, 0)
    return known


def _two_ingests(bench: Bench, number: int, known: dict[str, Undisturbed], out: Outcome) -> None:
    """New products twice at once: every second time into a store that is not there yet, else changed rows and more products."""
    rng = bench.random(f"ingests {number}")
    fresh = number % 2 == 0
    store = bench.folder / f"ingests-{number}"
    if not fresh:
        shutil.copytree(known["embedded"].store, store)
    file, wanted = ("products.csv", "new") if fresh else ("changed.csv", "changed")
    rans = _together(bench, store, ("ingest", file), ("ingest", file), rng.uniform(-0.4, 0.4))
    told = f"ingests {number} of seed {bench.seed}, store {store}"
    problems = [f"{told}: {p}" for ran in rans if (p := ran.problem())]
    problems += [f"{told}: {line}" for line in differences(state_of(store), state_of(known[wanted].store))]
    if not problems:
        reports = [_report(ran) for ran in rans]
        before = {} if fresh else state_of(known["embedded"].store)["products"].values
        after = state_of(store)["products"].values
        new, total = len(after.keys() - before.keys()), sum(r["rows"] for r in reports)
        counted = sum(r["new"] for r in reports)
        kinds = sum(r[k] for r in reports for k in ("new", "changed", "unchanged", "rejected"))
        if counted != new or kinds != total:
            problems.append(f"{told}: the reports do not add up: {new} new products, counted {counted}; {kinds} of {total} rows told of")
    _settle(out, store, problems)


def _search_meanwhile(bench: Bench, number: int, known: dict[str, Undisturbed], out: Outcome) -> int:
    """Searches one after the other while a store changes: each answers, with titles as they were before or are after."""
    count = 0
    for base, command, wanted in (("embedded", ("ingest", "changed.csv"), "changed"), ("changed", ("embed",), "embedded again")):
        store = bench.folder / f"search-{command[0]}-{number}"
        shutil.copytree(known[base].store, store)
        titles = [_titles(state_of(known[name].store)) for name in (base, wanted)]
        told = f"searches beside {command[0]} {number} of seed {bench.seed}, store {store}"
        problems = []
        begun = time.monotonic()
        writer = bench.start(store, *command)
        while writer.poll() is None:
            ran = bench.run(store, "search", catalogue.search_text(), "-k", "20", "--format", "jsonl")
            count += 1
            if problem := ran.problem():
                problems.append(f"{told}: {problem}")
                continue
            hits = [json.loads(line) for line in ran.out.splitlines()]
            if len(hits) != 20:
                problems.append(f"{told}: {len(hits)} hits, not 20")
            if half := [h for h in hits if h["title"] not in (t.get(h["id"]) for t in titles)]:
                problems.append(f"{told}: neither the old nor the new title: {half[:3]}")
        ended_well = ended(writer, begun).problem()
        problems += [f"{told}: {ended_well}"] if ended_well else []
        problems += [f"{told}: {line}" for line in differences(state_of(store), state_of(known[wanted].store))]
        _settle(out, store, problems)
    return count


def _two_embeds(bench: Bench, number: int, known: dict[str, Undisturbed], out: Outcome) -> None:
    """Both end well, or one says who holds the lock; then the store is as one embed alone makes it."""
    rng = bench.random(f"embeds {number}")
    store = bench.folder / f"embeds-{number}"
    shutil.copytree(known["changed"].store, store)
    rans = _together(bench, store, ("embed",), ("embed",), rng.uniform(-0.3, 0.3))
    told = f"embeds {number} of seed {bench.seed}, store {store}"
    problems = []
    for ran in rans:
        refused = ran.code == 1 and _HOLDER in ran.err and "process" in ran.err and ran.problem(1) is None
        if not refused and (problem := ran.problem()):
            problems.append(f"{told}: {problem}")
    if all(ran.code == 1 for ran in rans):
        problems.append(f"{told}: both gave up")
    problems += [f"{told}: {line}" for line in differences(state_of(store), state_of(known["embedded again"].store))]
    _settle(out, store, problems)


def _ingest_and_optimize(bench: Bench, number: int, known: dict[str, Undisturbed], out: Outcome) -> None:
    rng = bench.random(f"optimize {number}")
    store = bench.folder / f"optimize-{number}"
    shutil.copytree(known["embedded"].store, store)
    rans = _together(bench, store, ("ingest", "changed.csv"), ("optimize", "--keep", "0"), rng.uniform(-0.4, 1.0))
    told = f"ingest beside optimize {number} of seed {bench.seed}, store {store}"
    problems = [f"{told}: {p}" for ran in rans if (p := ran.problem())]
    problems += [f"{told}: {line}" for line in differences(state_of(store), state_of(known["changed"].store))]
    _settle(out, store, problems)


def _stale_lock(bench: Bench, known: dict[str, Undisturbed], out: Outcome) -> None:
    """A writer is killed while it holds the lock; what it wrote into the lock file does not hold up the next."""
    store = bench.folder / "stale"
    shutil.copytree(known["embedded"].store, store)
    writer = bench.start(store, "ingest", "changed.csv")
    deadline = time.monotonic() + 60
    while writer.poll() is None and time.monotonic() < deadline and not _lock_text(store):
        time.sleep(0.001)
    kill(writer)
    writer.communicate()
    text = _lock_text(store)
    ran = bench.run(store, "ingest", "changed.csv")
    told = f"lock of a killed process ({text or 'its text was not seen'}), store {store}"
    problems = [f"{told}: {p}"] if (p := ran.problem()) else []
    if ran.seconds > 60:
        problems.append(f"{told}: the next writer took {ran.seconds:.0f} s")
    problems += [f"{told}: {line}" for line in differences(state_of(store), state_of(known["changed"].store))]
    _settle(out, store, problems)


def _lock_text(store: Path) -> str:
    path = store / ".lock"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _together(bench: Bench, store: Path, one: Sequence[str], other: Sequence[str], skew: float) -> list[Ran]:
    """Two commands at once, the second `skew` seconds after the first (before it, if negative)."""
    begun = time.monotonic()
    started: list[subprocess.Popen[str]] = []
    for command in (one, other) if skew >= 0 else (other, one):
        started.append(bench.start(store, *command))
        if len(started) == 1:
            time.sleep(abs(skew))
    return [ended(process, begun) for process in started]


def _report(ran: Ran) -> dict[str, Any]:
    return dict(json.loads(ran.out.strip().splitlines()[-1]))


def _titles(state: State) -> dict[str, str]:
    return {id: json.loads(text)["title"] for id, text in state["products"].values.items()}


def _settle(out: Outcome, store: Path, problems: list[str]) -> None:
    out.findings += problems
    if not problems:
        shutil.rmtree(store, ignore_errors=True)
