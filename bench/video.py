"""A clip of ten minutes, 1080p: memory, and CPU time beside decoding all of it and encoding alone; with many keyframes and with few."""

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
KINDS = {"a keyframe every five seconds": {"g": "125"}, "a keyframe a minute": {"g": "100000", "keyint_min": "100000"}}


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, options) in enumerate(KINDS.items()):
            file = Path(folder) / f"{number}.mp4"
            write(file, one_minute(options))
            # A process each, so that memory is that of the one measured.
            for part in ("decode", "decode1", "embed"):
                ran = subprocess.run(
                    [sys.executable, "-W", "ignore", "-m", "bench.video", part, str(file)], capture_output=True, text=True, check=True
                )
                if part == "decode":
                    decode = float(ran.stdout)
                elif part == "decode1":
                    alone = float(ran.stdout)
                else:
                    encode, cpu, took, peak, found = map(float, ran.stdout.split())
            yield f"{MINUTES} minutes of {WIDTH} × {HEIGHT}, {kind}, {file.stat().st_size / 1e6:.0f} MB:"
            yield f"  {found:.0f} vectors, {peak:.0f} MB more than before, {took:.1f} s, {60 * MINUTES / took:.0f} x real time"
            bound = decode + encode
            yield (
                f"  CPU: {cpu:.1f} s; every frame decoded {decode:.1f} s, those vectors encoded {encode:.1f} s: "
                f"{bound / cpu:.2f} of both, {decode / cpu:.2f} of decoding alone; "
                f"decoded by one thread {alone:.1f} s: {(alone + encode) / cpu:.2f} of both"
            )


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
    if part.startswith("decode"):
        import av

        cpu = time.process_time()
        with av.open(str(file)) as container:
            container.streams.video[0].thread_type = "AUTO"
            if part == "decode1":
                container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                pass
        print(time.process_time() - cpu)
        return
    from mmsearch.encoders.recorded import create_encoder
    from mmsearch.media.scenes import sampled

    frames: Any = create_encoder("frames", "video", beside="efficientnet")
    frames.prepare(one_second())  # libraries and the model are there
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, cpu = time.perf_counter(), time.process_time()
    found = len(frames.prepare(file).seconds)
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    ready = [frames.image.prepare(next(sampled(one_second())).image)] * 16
    alone = time.process_time()
    for _ in range(8):
        frames.image.finish(ready, list(range(16)), [])
    print((time.process_time() - alone) / 128 * found, cpu, took, peak, found)


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
