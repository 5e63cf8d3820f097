"""Sounds for tests, made on the spot, and `fake-audio`: an encoder that hears which tones there are, without librosa."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile

from mmsearch.encoders.base import Encoder, Matrix, Pieces
from mmsearch.encoders.weights import fingerprint
from mmsearch.media.windows import sound_windows

RATE = 16_000


def tone(hertz: float, seconds: float, rate: int = RATE, loud: float = 0.3) -> np.ndarray:
    """(n,) of a pure tone."""
    return (loud * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.zeros(round(seconds * rate), np.float32)


def written(x: np.ndarray, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> bytes:
    """Samples (n,) or (n, channels) as a file's bytes."""
    file = io.BytesIO()
    soundfile.write(file, x, rate, format=kind, subtype=subtype)
    return file.getvalue()


def by_ffmpeg(x: np.ndarray, codec: str, container: str, layout: str = "mono", rate: int = RATE, *, picture: bool = False) -> bytes:
    """Samples (n,), the same in each channel, encoded by FFmpeg; `picture` puts a video track beside them."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate, layout=layout) if codec else None
        if picture:
            video = out.add_stream("mpeg4", rate=5)
            video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
            for _ in range(5):
                out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
            out.mux(video.encode(None))
        if stream:
            channels = len(av.AudioLayout(layout).channels)
            frame = av.AudioFrame.from_ndarray(np.repeat(x[None], channels, 0).copy(), format="fltp", layout=layout)
            frame.sample_rate = rate
            cut = av.AudioResampler(format=stream.format, layout=layout, rate=rate, frame_size=stream.frame_size or 1024)
            for piece in [*cut.resample(frame), *cut.resample(None)]:
                out.mux(stream.encode(piece))
            out.mux(stream.encode(None))
    return file.getvalue()


class FakeAudio(Encoder):
    """Power in 16 bands of 500 Hz, of each window of 2 seconds."""

    modality: ClassVar[str] = "audio"
    dim = 16
    space = "fake-audio"
    pieces: ClassVar[bool] = True

    def fingerprint(self) -> str:
        return fingerprint("fake-audio", {}, {})

    def prepare(self, item: str | Path | bytes) -> Pieces:
        windows = list(sound_windows(item, RATE, 2.0))
        return Pieces(tuple(w.second for w in windows), [w.samples for w in windows])

    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        return np.stack([self._bands(samples) for samples in prepared]).astype(np.float32)

    @staticmethod
    def _bands(samples: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.rfft(samples)) ** 2
        edges = np.linspace(0, len(power), 17).astype(int)
        return np.array([power[low:high].sum() for low, high in itertools.pairwise(edges)]) / power.sum()
