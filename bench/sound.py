"""Acoustic vectors of five-second clips: how many times faster than they play, on one core; and what a long file costs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.data import SAMPLE

CLIPS = int(os.environ.get("BENCH_SOUNDS", "1000"))
RATE = 16_000
ALONE = {"OMP_NUM_THREADS": "1", "MMSEARCH_THREADS": "1", "MMSEARCH_MAX_SECONDS": "40000", "MMSEARCH_MAX_MEDIA_BYTES": "4000000000"}


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        seconds = clips(Path(folder))
        for part in ("clips", "long"):
            # A process each, with one thread: the rate is that of a core, and memory that of the process.
            ran = subprocess.run(
                [sys.executable, "-W", "ignore", "-m", "bench.sound", part, folder, str(seconds)],
                env={**os.environ, **ALONE},
                capture_output=True,
                text=True,
                check=True,
            )
            yield from ran.stdout.splitlines()


def clips(folder: Path) -> float:
    """Five-second clips cut from the sample shop's sounds, each at another place, pitch and loudness; and one of eight hours."""
    import soundfile

    rng = np.random.default_rng(0)
    sounds = [soundfile.read(file, dtype="float32")[0] for file in sorted((SAMPLE / "sounds").glob("*.wav"))]
    whole = np.concatenate([x if x.ndim == 1 else x.mean(axis=1) for x in sounds])
    for i in range(CLIPS):
        speed = rng.uniform(0.7, 1.4)
        at = (rng.integers(len(whole)) + np.arange(5 * RATE) * speed) % len(whole)
        cut = whole[at.astype(int)] * rng.uniform(0.2, 1) + rng.normal(0, 0.001, 5 * RATE)
        soundfile.write(folder / f"{i}.wav", cut.astype(np.float32), RATE, subtype="PCM_16")
    block = np.resize(whole, 60 * RATE)
    with soundfile.SoundFile(folder / "long.flac", "w", RATE, 1, format="FLAC") as file:
        for _ in range(8 * 60):
            file.write(block)
    return 5.0 * CLIPS


def run(part: str, folder: Path, seconds: float) -> None:
    from mmsearch.encoders.acoustic import Acoustic
    from mmsearch.media.windows import sound_windows

    encoder = Acoustic()
    started = time.perf_counter()
    encoder.fit([])
    loaded = time.perf_counter() - started
    if part == "long":
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started = time.perf_counter()
        windows = sum(1 for _ in sound_windows(folder / "long.flac", 22_050, 5.0))
        took = time.perf_counter() - started
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        print(f"eight hours of FLAC in {windows:,} windows: {took:.1f} s, {grown:.0f} MB more than before")
        return
    files = [folder / f"{i}.wav" for i in range(CLIPS)]
    cpu, started = time.process_time(), time.perf_counter()
    encoder.encode(files)
    took, core = time.perf_counter() - started, time.process_time() - cpu
    print(f"{CLIPS:,} clips of 5 s on one core: {core:.1f} s of CPU ({took:.1f} s), {seconds / core:.0f} x real time per core")
    print(f"first use in a process: {loaded:.1f} s, librosa's import and the reference sounds included")


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
