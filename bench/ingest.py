"""A million rows of CSV through `mmsearch ingest`: rate and memory of the first time, of the same file and the same rows again, and of a
tenth of them changed."""

from __future__ import annotations

import contextlib
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.data import SAMPLE
from bench.tables import read_rows

ROWS = int(os.environ.get("MMSEARCH_BENCH_ROWS", "1000000"))

_COLUMNS = ("id", "title", "description", "category", "brand", "price", "currency", "colour", "stock", "listed")


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "products.csv"
        _write(path, 0)
        yield f"{ROWS:,} rows, {path.stat().st_size / 1e6:.0f} MB, English and Chinese; a process each, its start included"
        bare = _read(path)
        first = _run(folder, "ingest", str(path))
        yield _line("first time", first, bare)
        again = _run(folder, "ingest", str(path))
        yield _line("the same file again", again, bare)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")
        yield _line("the same rows in a file that is not the same (a blank line more)", _run(folder, "ingest", str(path)), bare)
        _write(path, 10)
        changed = _run(folder, "ingest", str(path))
        yield _line("a tenth of the rows changed", changed, bare)


def _line(what: str, ran: tuple[float, float], bare: float) -> str:
    seconds, memory = ran
    rate = f"{what}: {seconds:.1f} s, {ROWS / seconds:,.0f} rows/s, {memory:,.0f} MB"
    return f"{rate}; {seconds / bare:.1f} x csv.reader reading it ({bare:.1f} s)"


def _run(folder: str, *args: str) -> tuple[float, float]:
    """Seconds, and peak memory (MB) of a command and the processes that it starts, looked at twenty times a second."""
    start, peak = time.perf_counter(), 0.0
    command = [sys.executable, "-m", "mmsearch", "--quiet", "--store", f"{folder}/store", *args]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.05)
    if process.returncode != 0:
        raise RuntimeError(f"mmsearch {' '.join(args)} ended with {process.returncode}")
    return time.perf_counter() - start, peak


def _memory(process: int) -> float:
    """Resident memory (MB) of a process and its children."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 + sum(_memory(int(child)) for child in children)
    return 0.0


def _read(path: Path) -> float:
    start = time.perf_counter()
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass
    return time.perf_counter() - start


def _write(path: Path, change_every: int) -> None:
    """Mixes of the sample shop's words (seed 0); every n-th row with another price."""
    rng = random.Random(0)
    rows = read_rows(SAMPLE / "products.csv")
    words = sorted({word for row in rows for word in f"{row['title']} {row['description']}".split()})
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(_COLUMNS)
        for i in range(ROWS):
            row = rng.choice(rows)
            title, text = " ".join(rng.choices(words, k=7)), " ".join(rng.choices(words, k=18))
            price = rng.randrange(100, 99_999) / 100 + (1000 if change_every and i % change_every == 0 else 0)
            tail = (f"{price:.2f}", row["currency"], row["colour"], rng.randrange(100), row["listed"])
            out.writerow([f"SKU-{i:07d}", title, text, row["category"], row["brand"], *tail])
