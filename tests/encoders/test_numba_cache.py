"""Two processes that have numba compile at the same time leave a cache that a third can use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MODULE = """
import numba

@numba.njit(cache=True)
def half(x):
    return x / 2
"""

#: Compiles `half` for its own kind of number. Before it writes the index it waits until the other process has read the index, too, or
#: `patience` seconds have passed: without a lock both then take the same file name.
COMPILE = """
import sys, time
from pathlib import Path
{guard}
from numba.core.caching import IndexDataCacheFile
here, other, number = Path(sys.argv[1]), Path(sys.argv[2]), eval(sys.argv[3])
write = IndexDataCacheFile._save_index
def after_the_other(self, overloads):
    if overloads:
        here.touch()
        until = time.monotonic() + {patience}
        while not other.exists() and time.monotonic() < until:
            time.sleep(0.01)
    write(self, overloads)
IndexDataCacheFile._save_index = after_the_other
import halves
started = Path(sys.argv[1] + "-ready")
started.touch()
while not Path(sys.argv[2] + "-ready").exists():
    time.sleep(0.01)
halves.half(number)
"""

USE = """
import halves
halves.half(3.0), halves.half(3)
print(len(set(halves.half._cache._cache_file._load_index().values())), sum(halves.half.stats.cache_hits.values()))
"""


def compiled_by_two(folder: Path, guard: str, patience: int) -> list[int]:
    """Files that the index names after two processes compiled a function for floats and for whole numbers, and how many of them a third
    process takes up."""
    (folder / "halves.py").write_text(MODULE)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    run = [sys.executable, "-c", COMPILE.format(guard=guard, patience=patience)]
    a, b = str(folder / "a"), str(folder / "b")
    both = [subprocess.Popen([*run, *rest], env=environment) for rest in ((a, b, "3.0"), (b, a, "3"))]
    assert [process.wait(timeout=300) for process in both] == [0, 0]
    used = subprocess.run([sys.executable, "-c", USE], env=environment, capture_output=True, text=True, check=True)
    return [int(number) for number in used.stdout.split()]


def test_processes_that_compile_at_once_keep_both_results(tmp_path: Path) -> None:
    guard = "from mmsearch.encoders.numba_cache import guard_numba; guard_numba()"
    assert compiled_by_two(tmp_path, guard, patience=2) == [2, 2]


def test_without_the_guard_they_take_the_same_file(tmp_path: Path) -> None:
    """What the guard is for: should numba mend it, the guard can go."""
    assert compiled_by_two(tmp_path, "", patience=60) != [2, 2]


def test_librosa_is_loaded_behind_the_guard() -> None:
    pytest.importorskip("librosa")
    program = """
from mmsearch.encoders.hearing import load_librosa
load_librosa()
from numba.core.caching import IndexDataCacheFile as File
print(File.save.__wrapped__.__name__, File.load.__wrapped__.__name__)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["save", "load"]


#: The wrapping of numba's two methods takes .1 s each, so that a thread comes while another has wrapped the first of them.
THREADS = """
import time
from concurrent.futures import ThreadPoolExecutor
from mmsearch.encoders import numba_cache
from numba.core.caching import IndexDataCacheFile
alone = numba_cache._alone
def slow(action):
    time.sleep(0.1)
    return alone(action)
numba_cache._alone = slow
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda late: time.sleep(late) or numba_cache.guard_numba(), (0, 0.15, 0.3)))
print(hasattr(IndexDataCacheFile.save.__wrapped__, "__wrapped__"), hasattr(IndexDataCacheFile.load.__wrapped__, "__wrapped__"))
"""


def test_threads_that_guard_at_once_do_not_lock_twice() -> None:
    """A lock within a lock waits for itself: `recommend --all-users` stood still for ever."""
    run = [sys.executable, "-c", THREADS]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False False\n"
