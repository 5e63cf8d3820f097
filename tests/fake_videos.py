"""Small videos made on the spot by PyAV, and ways to spoil them."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np

RATE = 10  # frames a second
SIDE = (96, 64)  # width and height

#: Plain scenes that any eye tells apart: a colour each, with a field of another.
COLOURS = ((200, 30, 30), (30, 180, 40), (40, 40, 210), (230, 220, 60), (20, 200, 210), (200, 40, 200), (240, 240, 240), (250, 140, 10))


def scene(colour: Sequence[int], size: tuple[int, int] = SIDE, shift: int = 0) -> np.ndarray:
    """A picture (height, width, 3): a colour, and a field of its negative that `shift` moves to the right."""
    width, height = size
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = colour
    left = (width // 8 + shift) % width
    picture[height // 4 : height // 2, left : left + width // 4] = 255 - np.array(colour, np.uint8)
    return picture


def scenes(seconds: Sequence[float], size: tuple[int, int] = SIDE, rate: int = RATE) -> list[np.ndarray]:
    """The frames of scenes of so many seconds each."""
    return [scene(COLOURS[i % len(COLOURS)], size) for i, long in enumerate(seconds) for _ in range(round(long * rate))]


def video(
    pictures: Iterable[np.ndarray],
    *,
    rate: int = RATE,
    format: str = "mp4",
    codec: str = "libx264",
    pixels: str = "yuv420p",
    sound: bool | np.ndarray = False,
    times: Sequence[float] | None = None,
    rotation: int = 0,
    ratio: Fraction | None = None,
    options: dict[str, str] | None = None,
) -> bytes:
    """A video file of some pictures (height, width, 3).

    Parameters
    ----------
    sound : a track beside it: a tone, or these samples (n,) at 16,000 a second.
    times : the second of each picture, where they are not evenly spaced.
    """
    file = io.BytesIO()
    out = av.open(file, "w", format=format)
    stream: Any = None
    track = out.add_stream("aac" if format in ("mp4", "mov") else "mp3", rate=16_000) if sound is not False else None
    for number, picture in enumerate(pictures):
        if stream is None:
            stream = out.add_stream(codec, rate=rate, options={} if options is None else options)
            stream.height, stream.width = picture.shape[:2]
            stream.pix_fmt = pixels
            if ratio:
                stream.sample_aspect_ratio = ratio
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            if rotation:
                stream.set_display_rotation(rotation)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        if times is not None:
            frame.pts, frame.time_base = round(times[number] * 1000), Fraction(1, 1000)
        out.mux(stream.encode(frame))
    if track is not None:
        seconds = (number + 1) / rate if times is None else times[-1]
        samples = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 16_000)) / 16_000) if sound is True else sound
        heard = av.AudioFrame.from_ndarray(np.asarray(samples, np.float32)[None], format="fltp", layout="mono")
        heard.rate = heard.sample_rate = 16_000
        for part in av.AudioResampler(
            format=track.format.name, layout="mono", rate=16_000, frame_size=track.codec_context.frame_size or 1024
        ).resample(heard):
            out.mux(track.encode(part))
        out.mux(track.encode(None))
    if stream is not None:
        out.mux(stream.encode(None))
    out.close()
    return file.getvalue()


def sound_alone(format: str = "mp4") -> bytes:
    """A file with a sound track and no picture."""
    file = io.BytesIO()
    with av.open(file, "w", format=format) as out:
        track = out.add_stream("aac", rate=16_000)
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.float32), format="fltp", layout="mono")
        heard.sample_rate = 16_000
        out.mux(track.encode(heard))
        out.mux(track.encode(None))
    return file.getvalue()


def with_size(mp4: bytes, width: int, height: int) -> bytes:
    """An MP4 whose header says another size than its pictures have (the sample description, where decoders look)."""
    at = mp4.index(b"avc1", mp4.index(b"stsd")) + 4 + 24
    return mp4[:at] + struct.pack(">HH", width, height) + mp4[at + 4 :]


def with_seconds(mp4: bytes, seconds: float) -> bytes:
    """An MP4 whose header says that it is so long: the track's duration, and that of its frames."""
    at = mp4.index(b"mdhd")
    scale = struct.unpack(">I", mp4[at + 16 : at + 20])[0]
    mp4 = mp4[: at + 20] + struct.pack(">I", round(seconds * scale)) + mp4[at + 24 :]
    at = mp4.index(b"stts") + 8  # the number of its entries, then (frames, duration of each)
    entries = struct.unpack(">I", mp4[at : at + 4])[0]
    frames = sum(struct.unpack(">I", mp4[at + 4 + 8 * i : at + 8 + 8 * i])[0] for i in range(entries))
    for i in range(entries):
        mp4 = mp4[: at + 8 + 8 * i] + struct.pack(">I", round(seconds * scale / frames)) + mp4[at + 12 + 8 * i :]
    return mp4


def with_header_first(mp4: bytes) -> bytes:
    """The same, its header before its pictures, as for the web: one that is cut off can still be opened."""
    boxes, at = {}, 0
    while at < len(mp4):
        length = struct.unpack(">I", mp4[at : at + 4])[0]
        boxes[mp4[at + 4 : at + 8]] = mp4[at : at + length]
        at += length
    moov, moved = boxes[b"moov"], len(boxes[b"moov"])
    places = moov.index(b"stco") + 8
    for i in range(struct.unpack(">I", moov[places : places + 4])[0]):
        place = places + 4 + 4 * i
        moov = moov[:place] + struct.pack(">I", struct.unpack(">I", moov[place : place + 4])[0] + moved) + moov[place + 4 :]
    return boxes.pop(b"ftyp") + moov + b"".join(box for name, box in boxes.items() if name != b"moov")
