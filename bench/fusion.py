"""Canonical correlation of 50,000 pairs of (512, 1280): seconds and memory, beside the bare products of matrices that it cannot do without.

A process of its own for each way, so that the peak is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

PAIRS, TEXT, IMAGE, LANDMARKS = 50_000, 512, 1_280, 1_500

_FIT = """
import json, resource, sys, time
import numpy as np
from mmsearch.fusion.base import unit_rows
from mmsearch.fusion.cca import fit_cca
from mmsearch.fusion.views import Seen
n, text, image, landmarks = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
Z = rng.standard_normal((n, 64), np.float32)
X, Y = (unit_rows(Z @ rng.standard_normal((64, d), np.float32) + rng.standard_normal((n, d), np.float32)) for d in (text, image))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
start, worked = time.perf_counter(), time.process_time()
found = fit_cca(Seen(X), Seen(Y), dim=256, landmarks=landmarks, reg=1 / n)
took, worked = time.perf_counter() - start, time.process_time() - worked
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
width = landmarks or text, landmarks or image
start = time.perf_counter()
for a, b in ((width[0], width[0]), (width[0], width[1]), (width[1], width[1])):
    for _ in range(0, n, 4096):
        np.ones((a, 4096), np.float32) @ np.ones((4096, b), np.float32)
bare = time.perf_counter() - start
print(json.dumps([took, worked, bare, before, peak]))
"""


def measure() -> Iterator[str]:
    for name, landmarks in (("linear", 0), (f"kernel, {LANDMARKS:,} landmarks (default)", LANDMARKS)):
        arguments = [str(value) for value in (PAIRS, TEXT, IMAGE, landmarks)]
        out = subprocess.run([sys.executable, "-c", _FIT, *arguments], capture_output=True, text=True, check=True).stdout
        took, worked, bare, before, peak = json.loads(out)
        memory = f"{peak:,.0f} MB at most ({before:,.0f} MB to make the vectors up)"
        speed = f"{took:.1f} s ({worked:.1f} s of processor time), {took / bare:.1f} x its products of matrices alone"
        yield f"{PAIRS:,} pairs of ({TEXT}, {IMAGE}), {name}: {speed}; {memory}"
