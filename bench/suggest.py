"""Completing a prefix, of 200,000 completions: in a fresh process, beside a Python that imports pyarrow and lance, and in one that runs."""

from __future__ import annotations

import random
import resource
import string
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.timing import paired, seconds, shown
from mmsearch.lexical.completions import Completion, write_completions
from mmsearch.lexical.spelling import typed
from mmsearch.shop import Shop

_ROWS = 200_000
_BARE = "import pyarrow, pyarrow.compute, lance"
_PREFIXES = {"two Latin letters": "ab", "pinyin": "zhongg", "Chinese": "中", "with a typing error": "qabcdx"}


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        shop = _shop(Path(folder))

        def run(*args: str) -> None:
            subprocess.run([sys.executable, *args], check=True, capture_output=True)

        def cpu(*args: str) -> float:
            """Seconds of CPU, the median of five: what else the machine does matters less to it."""
            found = []
            for _ in range(5):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                run(*args)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            return sorted(found)[2]

        suggest = ("-m", "mmsearch", "--store", shop.store.path, "suggest", "--format", "ids")
        for name, prefix in _PREFIXES.items():
            a, b, ratio = paired(partial(run, *suggest, prefix), lambda: run("-c", _BARE), 5)
            again = sorted(seconds(partial(shop.suggest, prefix), 5))[2]
            yield f"{name}: fresh {shown(a)}; python importing pyarrow and lance {shown(b)}; ratio {ratio:.2f}; running {shown(again)}"
            yield f"  CPU: fresh {shown(cpu(*suggest, prefix))}; python importing pyarrow and lance {shown(cpu('-c', _BARE))}"


def _shop(folder: Path) -> Shop:
    """A store of nothing but completions: made-up words, three fifths Latin, in phrases of one to three."""
    rng = random.Random(0)
    latin = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(20_000)]
    han = ["".join(chr(rng.randint(0x4E00, 0x8000)) for _ in range(2)) for _ in range(20_000)]
    rows: dict[str, Completion] = {}
    while len(rows) < _ROWS:
        words, between = (latin, " ") if rng.random() < 0.6 else (han, "")
        text = between.join(rng.choices(words, k=rng.randint(1, 3)))
        rows[typed(text)] = Completion(typed(text), text, "title", 1)
    shop = Shop(folder / "store.lancedb")
    shop.store.create()
    with shop.store.writing("bench"):
        write_completions(shop.store, list(rows.values()))
    return shop
