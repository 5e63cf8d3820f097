"""Photos and sounds as `mm-model` takes them: small pictures, and log-mel frames."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.hearing import FLOOR_DB, HOP, RATE, load_librosa
from mmsearch.media import MediaError
from mmsearch.media.image import open_image
from mmsearch.media.windows import sound_windows

#: Pixels of a side of the picture that the convolutions see.
SIDE = 48
#: Bands of a log-mel frame, and the most frames of a sound that are heard; frames are 46 ms apart.
BANDS, FRAMES = 40, 128
_EVERY = 4 * HOP
_FFT = 2_048
_SECONDS = FRAMES * _EVERY / RATE
_KEPT = 4_096  # opened media that are kept: products are looked at several times while a profile is calibrated


class OpenedMedia:
    """Opens media, several at a time, and keeps those that were opened last. A file that changed is opened again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, int, int], NDArray[Any]] = OrderedDict()

    def read(self, modality: str, contents: Sequence[Any]) -> list[NDArray[Any] | None]:
        """Paths or bytes (n,) → arrays (n,) as `picture` and `frames` give them; None where there is none or it cannot be opened."""
        opener: Callable[[Any], NDArray[Any]] = picture if modality == "image" else frames
        with ThreadPoolExecutor(settings.threads(), "media") as pool:
            return list(pool.map(lambda content: self._one(modality, opener, content), contents))

    def _one(self, modality: str, opener: Callable[[Any], NDArray[Any]], content: Any) -> NDArray[Any] | None:
        if content is None:
            return None
        key = None
        try:
            if isinstance(content, Path):
                status = content.stat()
                key = (modality, str(content), status.st_mtime_ns, status.st_size)
                if (known := self._kept.get(key)) is not None:
                    return known
            opened = opener(content)
        except (MediaError, OSError, ValueError):
            return None  # ingest and embed report it: here the product has no such medium
        if key is not None:
            self._kept[key] = opened
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return opened


def picture(source: Any) -> NDArray[np.uint8]:
    """A photo → (SIDE, SIDE, 3) uint8, the whole of it on white. Raises MediaError."""
    from PIL import Image, ImageOps

    image = ImageOps.pad(open_image(source, short_side=SIDE), (SIDE, SIDE), Image.Resampling.BICUBIC, color="white")
    return np.asarray(image, np.uint8)


def frames(source: Any) -> NDArray[np.float32]:
    """The first six seconds in which something is heard → log-mel frames (t, BANDS), t ≤ FRAMES, each about −1..1. Raises MediaError."""
    librosa = load_librosa()
    window = next(itertools.islice(sound_windows(source, RATE, _SECONDS), 1))
    samples = window.samples if len(window.samples) >= _FFT else np.pad(window.samples, (0, _FFT - len(window.samples)))
    mel = librosa.feature.melspectrogram(y=samples, sr=RATE, n_fft=_FFT, hop_length=_EVERY, n_mels=BANDS)
    decibels = librosa.power_to_db(mel, ref=1.0, top_db=FLOOR_DB)
    found: NDArray[np.float32] = ((decibels.T[:FRAMES] + FLOOR_DB / 2) / FLOOR_DB).astype(np.float32)
    return found
