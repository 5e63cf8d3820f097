"""A clip of ten minutes, 1080p: memory, and time beside decoding it alone; by keyframes, and where there are too few of them."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

MINUTES = int(os.environ.get("BENCH_VIDEO_MINUTES", "10"))
RATE, WIDTH, HEIGHT, SCENES = 25, 1920, 1080, 12  # a scene every five seconds
KINDS = {"keyframes at cuts": {"sc_threshold": "40"}, "no keyframe for a minute": {"sc_threshold": "0", "g": "100000", "keyint_min": "100000"}}


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, options) in enumerate(KINDS.items()):
            file = Path(folder) / f"{number}.mp4"
            write(file, one_minute(options))
            # A process each, so that memory is that of the one measured.
            for part in ("decode", "embed"):
                ran = subprocess.run(
                    [sys.executable, "-W", "ignore", "-m", "bench.video", part, str(file)], capture_output=True, text=True, check=True
                )
                if part == "decode":
                    bound = float(ran.stdout)
                else:
                    took, peak, found = map(float, ran.stdout.split())
            yield f"{MINUTES} minutes of {WIDTH} × {HEIGHT}, {kind}, {file.stat().st_size / 1e6:.0f} MB: every frame decoded {bound:.1f} s"
            yield f"  {found:.0f} vectors, {took:.1f} s, {60 * MINUTES / took:.0f} x real time, ratio {bound / took:.2f}; {peak:.0f} MB more"


def one_minute(options: dict[str, str]) -> bytes:
    """A minute of textures that move, another every five seconds."""
    import av

    file = io.BytesIO()
    rng = np.random.default_rng(0)
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "26", **options})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for scene in range(SCENES):
            small = rng.integers(0, 256, (HEIGHT // 40, WIDTH // 40 + 8, 3), np.uint8)
            wide = np.kron(small, np.ones((40, 40, 1), np.uint8))
            for frame in range(60 * RATE // SCENES):
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:HEIGHT, 2 * frame : 2 * frame + WIDTH]), format="rgb24")
                picture.pts, picture.time_base = scene * 60 * RATE // SCENES + frame, Fraction(1, RATE)
                out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return file.getvalue()


def write(path: Path, minute: bytes) -> None:
    """The minute again and again, without encoding it anew."""
    import av

    with av.open(str(path), "w", format="mp4") as out:
        stream = None
        for number in range(MINUTES):
            with av.open(io.BytesIO(minute)) as source:
                own = source.streams.video[0]
                stream = stream or out.add_stream_from_template(own)
                for packet in source.demux(own):
                    if packet.dts is not None:
                        shift = round(60 * number / own.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        out.mux(packet)


def run(part: str, file: Path) -> None:
    if part == "decode":
        import av

        started = time.perf_counter()
        with av.open(str(file)) as container:
            container.streams.video[0].thread_type = "AUTO"
            for _ in container.decode(video=0):
                pass
        print(time.perf_counter() - started)
        return
    from mmsearch.encoders.recorded import create_encoder

    frames = create_encoder("frames", "video", beside="efficientnet")
    frames.prepare(one_second())  # libraries and the model are there
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    found = len(frames.prepare(file).seconds)
    took = time.perf_counter() - started
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before, found)


def one_second() -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=RATE, options={})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        for _ in range(RATE):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode(None))
    return file.getvalue()


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
