"""The default sound encoder: statistics of the spectrum, standardised over the store's own sounds. No model, no download."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import numpy as np

from mmsearch import settings
from mmsearch.encoders.base import Encoder, Items, Matrix, NotFitted, Pieces, spread
from mmsearch.encoders.hearing import GROUPS, RATE, SIZE, denoised, measured, references
from mmsearch.encoders.learned import digest, pack, unpack
from mmsearch.encoders.weights import fingerprint
from mmsearch.media import MediaError
from mmsearch.media.windows import sound_windows, without_pauses

_RECIPE = "acoustic 1"
_SOUNDS = 1_000  # of the store that the scale is learned from
_PIECES = 12  # of each: an hour of one concert says no more than its first minute
_REFERENCES = 4.0  # how many of the store's sounds the reference sounds weigh together
_FAR = 5.0  # standard deviations from the mean at most: one odd number must not decide a whole vector


class Acoustic(Encoder):
    """Sound → 389 dimensions: what it sounds like, whoever or whatever makes it.

    Log-mel bands, MFCC with their differences, chroma, spectral contrast, tempo and the course of a sound as means and deviations
    (`mmsearch.encoders.hearing`), each standardised over the store's own sounds, then partly whitened. A sound longer than
    `window` has a vector for each of its windows.
    """

    modality: ClassVar[str] = "audio"
    dim = SIZE
    space = "acoustic"
    learns: ClassVar[bool] = True
    pieces: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ("librosa", "soundfile", "soxr")

    def __init__(self, window: float = 5.0, whiten: float = 0.05, denoise: bool = False):
        """
        Parameters
        ----------
        window : seconds of a window, 1 to 60.
        whiten : how far numbers that go together are taken apart, 0 (not at all: standardised only) to 1.
        denoise : take steady noise out first, by a spectral gate: for recordings that hiss or hum.
        """
        if not (math.isfinite(window) and 1 <= window <= 60):
            raise ValueError(f"window must be 1 to 60 seconds, not {window:g}")
        if not (math.isfinite(whiten) and 0 <= whiten <= 1):
            raise ValueError(f"whiten must be 0 to 1, not {whiten:g}")
        self._window, self._whiten, self._denoise = round(window, 1), whiten, denoise
        self._clean = denoised if denoise else None
        self._learned: tuple[Matrix, Matrix, Matrix] | None = None  # mean (d,), scale (d,), mixing (d, d)
        self._state = b""

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        parameters = {"recipe": _RECIPE, "window": self._window, "whiten": self._whiten, "denoise": self._denoise}
        return fingerprint("acoustic", parameters, {"learned": digest(self.state())})

    def fit(self, items: Items) -> None:
        """Mean, deviation and covariance over the first minute of up to 1,000 of the store's sounds and a few reference sounds.

        Sounds that cannot be read are passed over: they are reported when they are embedded. See `Encoder.fit`.
        """
        with ThreadPoolExecutor(settings.threads(), "fit") as pool:
            found = [rows for rows in pool.map(self._first_pieces, spread(items, _SOUNDS)) if len(rows)]
        beside = np.stack([measured(sound) for sound in references()])
        own = np.concatenate(found) if found else np.empty((0, SIZE), np.float32)
        # Each sound weighs the same, however many windows it has.
        weights = np.array([1 / len(rows) for rows in found for _ in rows] + [_REFERENCES / len(beside)] * len(beside))
        X = np.concatenate([own, beside]).astype(np.float64)
        weights /= weights.sum()
        mean = weights @ X
        scale = np.sqrt(weights @ (X - mean) ** 2)
        scale = np.maximum(scale, 1e-3 * np.abs(mean) + 1e-6)
        Z = self._standardised(X.astype(np.float32), mean.astype(np.float32), scale.astype(np.float32)).astype(np.float64)
        covariance = (Z * weights[:, None]).T @ Z
        covariance = self._whiten * covariance + (1 - self._whiten) * np.eye(SIZE) * np.trace(covariance) / SIZE
        values, vectors = np.linalg.eigh(covariance)
        values = np.maximum(values, 1e-6 * values.max())
        mixing = (vectors / np.sqrt(values)) @ vectors.T if self._whiten else np.eye(SIZE)
        arrays = {"mean": mean.astype(np.float32), "scale": scale.astype(np.float32), "mixing": mixing.astype(np.float32)}
        self.restore(pack(arrays, {"sounds": len(found)}))

    def state(self) -> bytes:
        """See `Encoder.state`."""
        if self._learned is None:
            raise NotFitted("acoustic")
        return self._state

    def restore(self, state: bytes) -> None:
        """See `Encoder.restore`."""
        arrays, _ = unpack(state)
        learned = tuple(arrays.get(name, np.empty(0)) for name in ("mean", "scale", "mixing"))
        if [a.shape for a in learned] != [(SIZE,), (SIZE,), (SIZE, SIZE)] or not all(np.isfinite(a).all() for a in learned):
            raise ValueError("not what acoustic learned")
        self._learned, self._state = (learned[0], learned[1], learned[2]), state

    def prepare(self, item: Any) -> Pieces:
        """A sound (path or bytes) → what is measured of each window, (389,) each. Raises MediaError."""
        windows = []
        for window in sound_windows(item, RATE, self._window, self._clean):
            self.go_on()
            windows.append((window.second, window.level, measured(window.samples)))
        kept = [windows[i] for i in without_pauses([level for _, level, _ in windows])]
        return Pieces(tuple(second for second, _, _ in kept), [numbers for _, _, numbers in kept])

    def encode_batch(self, prepared: Sequence[Matrix]) -> Matrix:
        """What was measured (n) of (389,) → (n, 389) float32."""
        if self._learned is None:
            raise NotFitted("acoustic")
        mean, scale, mixing = self._learned
        Z = self._standardised(np.stack(prepared), mean, scale)
        # A row at a time in double precision: the last digit of a matrix product depends on how many rows it has.
        mixed: Matrix = np.einsum("nd,de->ne", Z.astype(np.float64), mixing.astype(np.float64)).astype(np.float32)
        return mixed

    def _first_pieces(self, item: Any) -> Matrix:
        try:
            windows = itertools.islice(sound_windows(item, RATE, self._window, self._clean), _PIECES)
            rows = [measured(window.samples) for window in windows]
        except MediaError:
            return np.empty((0, SIZE), np.float32)
        return np.stack(rows)

    @staticmethod
    def _standardised(X: Matrix, mean: Matrix, scale: Matrix) -> Matrix:
        Z: Matrix = np.clip((X - mean) / scale, -_FAR, _FAR)
        return Z * _WEIGHTS


#: Of each number, so that a group weighs what `GROUPS` says, however many numbers it has.
_WEIGHTS: Matrix = np.concatenate([np.full(size, weight / math.sqrt(size), np.float32) for size, weight in GROUPS.values()])
