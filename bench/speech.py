"""Transcripts: how fast the feature hears files, against the same model on the same sounds, decoded beforehand."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000
RUNS = int(os.environ.get("BENCH_SPEECH_RUNS", "5"))
DATA = Path(os.environ.get("BENCH_SPEECH", Path(__file__).parents[2] / "shared" / "data" / "speech"))


def measure() -> Iterator[str]:
    """Real speech is needed: Whisper works as long as it hears words. The folder is `BENCH_SPEECH`."""
    files = sorted(DATA.rglob("*.wav"))
    if not files:
        yield f"skipped: no recordings of speech in {DATA} (BENCH_SPEECH names their folder)"
        return
    from mmsearch.features.transcript import Transcript
    from mmsearch.features.whisper import find, load
    from mmsearch.media.audio import sound_blocks

    whole = np.concatenate([block for file in files for block in sound_blocks(file, RATE)])[: 55 * RATE]
    with tempfile.TemporaryDirectory() as folder:
        long, short = Path(folder) / "long.flac", files[0]
        soundfile.write(long, whole, RATE)
        for model in ("tiny.en", "base"):
            feature, bare = Transcript(model), load(find(model, None))
            for name, file in (("a minute", long), ("a sentence", short)):
                x = np.concatenate(list(sound_blocks(file, RATE)))
                yield compared(f"{model}, {name}", feature, bare, file, x)


def compared(name: str, feature: Any, bare: Any, file: Path, x: np.ndarray) -> str:
    """Seconds of CPU of all threads, in turn: what another program does meanwhile does not count."""

    def theirs() -> None:
        list(bare.transcribe(x, beam_size=5, temperature=[0.0], condition_on_previous_text=False, vad_filter=True)[0])

    ours: list[float] = []
    bound: list[float] = []
    walls: list[float] = []
    for run in range(RUNS + 1):
        at, wall = time.process_time(), time.perf_counter()
        feature.listen(file)
        middle, walled = time.process_time(), time.perf_counter()
        theirs()
        if run:  # the first of each warms up
            ours.append(middle - at)
            bound.append(time.process_time() - middle)
            walls.append(walled - wall)
    ratio = statistics.median(b / a for a, b in zip(ours, bound, strict=True))
    seconds, core, wall = len(x) / RATE, statistics.median(ours), statistics.median(walls)
    return (
        f"{name} ({seconds:.0f} s): {core:.2f} s of CPU ({core / seconds:.2f} per second), {wall:.2f} s ({wall / seconds:.2f} per second);"
        f" speed {ratio:.2f} of faster-whisper's with its own speech filter"
    )
