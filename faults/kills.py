"""kills: `kill -9` at random instants of ingest, embed, fuse and optimise; reopen and check everything; resume; compare."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from faults import catalogue
from faults.outcome import Outcome
from faults.program import ROOT, Bench, ended, kill, new_files

PRODUCTS = 700
_TRIES = 8
_AT_ONCE = 2  # kills at the same time: a run of mmsearch is busy on one core
_FAKES = ("--text", "fake-text", "--image", "fake-image")


@dataclass(frozen=True)
class Phase:
    """A command on the store that another phase left. `share`: how many of the kills it gets, relative to the others."""

    name: str
    base: str | None
    command: tuple[str, ...]
    share: int = 3
    shipped: bool = False  # real chunk sizes
    real: bool = False  # the bundled encoders

    def encoded(self) -> list[str]:
        """Whether every vector must be what the fake encoders give for the present content."""
        return [] if self.command[0] in ("embed", "fuse") and not self.real else ["--not-encoded-again"]


PHASES = (
    Phase("ingest", None, ("ingest", "products.csv")),
    Phase("ingest events", "ingest", ("ingest", "events.jsonl"), 2),
    Phase("embed", "ingest events", ("embed", *_FAKES), 4),
    Phase("fuse", "embed", ("fuse", "--method", "aligned"), 3),
    Phase("ingest changed", "fuse", ("ingest", "changed.csv"), 4),
    Phase("ingest prices", "fuse", ("ingest", "prices.csv"), 2),
    Phase("embed changed", "ingest changed", ("embed",), 4),
    Phase("embed another encoder", "embed", ("embed", "--text", "fake-text(seed=1)"), 4),
    Phase("fuse anew", "fuse", ("fuse", "--name", "aligned", "--method", "concat", "--replace"), 3),
    Phase("optimize", "embed changed", ("optimize", "--keep", "0"), 4),
    Phase("ingest at full size", "ingest", ("ingest", "many.csv"), 1, shipped=True),
    Phase("embed, bundled encoders", "sample", ("embed",), 1, shipped=True, real=True),
    Phase("fuse, bundled encoders", "embed, bundled encoders", ("fuse",), 1, shipped=True, real=True),
)
_SAMPLE = Phase("sample", None, ("ingest", str(ROOT / "sample_data" / "products.csv")), 0, shipped=True, real=True)


@dataclass
class Undisturbed:
    """A phase's run without a kill: the store it left, how long it took, how many new files it showed."""

    store: Path
    seconds: float
    files: int


def run(bench: Bench, phases: Sequence[Phase] = PHASES, many: int = 25_000) -> Outcome:
    """Kill `bench.kills` runs, spread over the phases by their shares."""
    out = Outcome("kills")
    write_sources(bench, many)
    wanted = _with_bases(phases)
    known: dict[str, Undisturbed] = {}
    for phase in wanted:
        known[phase.name] = _undisturbed(bench, phase, known, out)
        if out.findings:
            return out
    out.findings += _truth(bench, known)
    shares = [phase for phase in phases for _ in range(phase.share)]
    random.Random(0).shuffle(shares)  # noqa: S311 - so that a few kills meet several phases
    counts: Counter[str] = Counter()
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        for told in pool.map(lambda number: _one(bench, shares[number % len(shares)], known, number), range(bench.kills)):
            counts.update(told.counts)
            out.findings += told.findings
    by_command = Counter({k: v for k, v in counts.items() if not k.startswith("#")})
    killed = sum(by_command.values())
    out.line = (
        f"{killed} runs killed ({', '.join(f'{k} {v}' for k, v in sorted(by_command.items()))}), half at random times, half as a file "
        f"appeared; {counts['#late']} more had ended before; {counts['#partial']} of the killed left something new behind; "
        f"after each every row, vector and hash checked, a search, a resume compared with the undisturbed run"
    )
    return out


def write_sources(bench: Bench, many: int) -> None:
    """The files that the phases read."""
    photos = catalogue.write_photos(bench.folder / "photos", 60, bench.seed)
    old = catalogue.articles(PRODUCTS, bench.seed, photos)
    catalogue.write_products(bench.folder / "products.csv", old)
    catalogue.write_events(bench.folder / "events.jsonl", old, 600, bench.seed)
    catalogue.write_products(bench.folder / "changed.csv", catalogue.changed(old, bench.seed))
    catalogue.write_products(bench.folder / "prices.csv", catalogue.repriced(old), ["id", "price"])
    if many:
        catalogue.write_products(bench.folder / "many.csv", catalogue.articles(many, bench.seed + 9))


def _with_bases(phases: Sequence[Phase]) -> list[Phase]:
    """The phases and those whose stores they start from, in order."""
    by_name = {p.name: p for p in (_SAMPLE, *PHASES)}
    order: dict[str, Phase] = {}

    def add(phase: Phase) -> None:
        if phase.base is not None:
            add(by_name[phase.base])
        order.setdefault(phase.name, phase)

    for phase in phases:
        add(phase)
    return list(order.values())


def _undisturbed(bench: Bench, phase: Phase, known: dict[str, Undisturbed], out: Outcome) -> Undisturbed:
    store = bench.folder / "undisturbed" / phase.name.replace(" ", "-")
    _copy(known[phase.base].store if phase.base else None, store)
    begun = time.monotonic()
    process = bench.start(store, *phase.command, shipped=phase.shipped)
    seen = new_files(process, store)
    ran = ended(process, begun)
    if problem := ran.problem(0, 3):
        out.findings.append(f"undisturbed {phase.name}: {problem}")
    return Undisturbed(store, ran.seconds, seen)


def _truth(bench: Bench, known: dict[str, Undisturbed]) -> list[str]:
    """The undisturbed runs themselves: rows as the files have them, vectors as the encoders give them."""
    from faults.runner import register_encoders
    from faults.state import state_of, unlike_encoder, unlike_source

    register_encoders()
    old = catalogue.articles(PRODUCTS, bench.seed, [f"photos/{i}.png" for i in range(60)])
    truth = {
        "ingest": old,
        "ingest changed": catalogue.changed(old, bench.seed),
        "ingest prices": catalogue.repriced(old),
        "embed another encoder": old,
        "optimize": catalogue.changed(old, bench.seed),
    }
    findings = []
    for name, articles in truth.items():
        if name in known:
            state = state_of(known[name].store)
            findings += [f"undisturbed {name}: {line}" for line in unlike_source(state, catalogue.as_rows(articles))]
            if "ingest" not in name:
                findings += [f"undisturbed {name}: {line}" for line in unlike_encoder(known[name].store, state)]
    return findings


@dataclass
class Told:
    """What one kill gave."""

    counts: Counter[str]
    findings: list[str]


def _one(bench: Bench, phase: Phase, known: dict[str, Undisturbed], number: int) -> Told:
    """One kill, the check, the resume, the comparison."""
    counts: Counter[str] = Counter()
    begun = time.monotonic()
    rng = bench.random(f"kill {number}")
    store = bench.folder / f"kill-{number}"
    undisturbed = known[phase.name]
    base = known[phase.base].store if phase.base else None
    for _ in range(_TRIES):
        _copy(base, store)
        before = _names(store)
        process = bench.start(store, *phase.command, shipped=phase.shipped)
        if number % 2 == 0:
            instant = rng.uniform(0, undisturbed.seconds)
            when = f"{instant:.3f} s after the start"
            time.sleep(instant)
        else:
            nth, delay = rng.randint(1, max(1, undisturbed.files)), rng.choice((0.0, rng.uniform(0, 0.01)))
            when = f"{delay * 1000:.1f} ms after new file {nth} of about {undisturbed.files}"
            new_files(process, store, nth)
            time.sleep(delay)
        late = process.poll() is not None
        kill(process)
        process.communicate()
        if not late:
            break
        counts["#late"] += 1  # it had ended before: another instant is drawn
    counts[phase.command[0]] += not late
    counts["#partial"] += not late and _names(store) != before
    told = f"kill {number} of seed {bench.seed}: {phase.name}, {when}; store {store}"
    problems = _fresh(bench, store, str(base or "-"), str(undisturbed.store))
    resumed = bench.run(store, *phase.command, shipped=phase.shipped)
    problems += [f"resume: {p}"] if (p := resumed.problem(0, 3)) else []
    problems += [f"after the resume: {p}" for p in _fresh(bench, store, "--as", str(undisturbed.store), *phase.encoded())]
    bench.note("\n  ".join([f"{told}: {len(problems)} problems, {time.monotonic() - begun:.1f} s", *problems]))
    if not problems:
        shutil.rmtree(store, ignore_errors=True)
    return Told(counts, [f"{told}: {problem}" for problem in problems])


def _fresh(bench: Bench, *arguments: str | Path) -> list[str]:
    process = bench.spawn([sys.executable, "-m", "faults.reopen", *map(str, arguments)])
    out, err = process.communicate()
    if process.returncode != 0:
        return [f"the check itself failed: {err.strip()[-600:]}"]
    return list(json.loads(out))


def _copy(source: Path | None, store: Path) -> None:
    shutil.rmtree(store, ignore_errors=True)
    if source is not None:
        store.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, store)


def _names(store: Path) -> set[str]:
    return {str(p) for p in store.rglob("*")}
