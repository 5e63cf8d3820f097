"""What is measured of a piece of sound: statistics of its spectrum, by librosa, in named groups."""

from __future__ import annotations

import importlib
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Matrix
from mmsearch.encoders.numba_cache import guard_numba
from mmsearch.media.audio import Samples

#: Samples a second: all that is measured lies below half of it. 16,000 and longer steps were no better on validation clips.
RATE = 22_050
FFT, HOP = 1_024, 256  # 46 ms seen at a time, every 12 ms
FLOOR_DB = 60.0
MELS, COEFFICIENTS, BANDS, TEMPOS, QUARTERS = 64, 20, 5, 16, 4

#: group → (numbers in it, weight of its standardised numbers together). Chosen with a first version on validation clips of spoken
#: digits, where each group was left out in turn (docs/models.md); no command reprints that.
GROUPS = {
    "mel": (2 * MELS, 1.0),  # log-mel bands: mean and deviation
    "mfcc": (2 * COEFFICIENTS, 2.0),
    "delta": (2 * COEFFICIENTS, 1.0),  # how the coefficients change
    "delta2": (2 * COEFFICIENTS, 1.0),
    "chroma": (24, 1.0),  # which of the twelve tones
    "contrast": (2 * (BANDS + 1), 1.0),  # tones above noise, by band
    "tempo": (TEMPOS + 3, 1.0),  # at which distances attacks repeat; their mean and deviation; how long it is heard
    "shape": (6, 1.0),  # centroid, flatness, rolloff
    "course": (QUARTERS * COEFFICIENTS, 3.0),  # mean coefficients of each quarter: the order of what is heard
}
SIZE = sum(size for size, _ in GROUPS.values())

_NOISE = 0.15  # the quietest share of the moments of each frequency is its noise
_GATE = 4.0  # times its noise that a frequency must reach
_loading = threading.Lock()


def measured(samples: Samples) -> Matrix:
    """A piece of sound (n,) at `RATE` → (SIZE,) float32, the groups of `GROUPS` one after the other.

    Log-mel bands, MFCC with first and second differences, chroma, spectral contrast and an onset envelope's autocorrelation, as
    librosa computes them (McFee et al., "librosa: Audio and Music Signal Analysis in Python", SciPy 2015).
    """
    librosa = load_librosa()
    if len(samples) < FFT:
        samples = np.pad(samples, (0, FFT - len(samples)))
    magnitude = np.abs(librosa.stft(samples, n_fft=FFT, hop_length=HOP))
    power = magnitude**2
    mel = librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=RATE, n_fft=FFT, n_mels=MELS), ref=1.0, top_db=FLOOR_DB)
    mfcc = librosa.feature.mfcc(S=mel, n_mfcc=COEFFICIENTS)
    deltas = [librosa.feature.delta(mfcc, width=9, order=order, mode="nearest") for order in (1, 2)]
    shape = np.vstack(
        [
            librosa.feature.spectral_centroid(S=magnitude, sr=RATE) / RATE,
            np.log10(librosa.feature.spectral_flatness(S=magnitude) + 1e-6),
            librosa.feature.spectral_rolloff(S=magnitude, sr=RATE) / RATE,
        ]
    )
    chroma = librosa.feature.chroma_stft(S=power, sr=RATE, n_fft=FFT, tuning=0.0)
    contrast = librosa.feature.spectral_contrast(S=magnitude, sr=RATE, n_fft=FFT, fmin=200.0, n_bands=BANDS)
    numbers = [*(s for rows in (mel, mfcc, *deltas, chroma, contrast) for s in _spread(rows))]
    numbers += [*_tempo(librosa, mel, len(samples)), *_spread(shape), *_quarters(mfcc)]
    found: Matrix = np.concatenate(numbers).astype(np.float32)
    return found


def denoised(samples: Samples) -> Samples:
    """A piece of sound (n,) without its steady noise (hiss, hum): a stationary spectral gate.

    The noise of a frequency is the mean of its quietest moments; it passes where it is louder by a threshold, smoothed over three
    neighbours in time and in frequency.
    """
    librosa = load_librosa()
    spectrum = librosa.stft(samples, n_fft=FFT, hop_length=HOP)
    magnitude = np.abs(spectrum)
    quietest = max(1, round(_NOISE * magnitude.shape[1]))
    noise = np.partition(magnitude, quietest - 1, axis=1)[:, :quietest].mean(axis=1, keepdims=True)
    passes = np.pad((magnitude > _GATE * noise).astype(np.float32), 1, mode="edge")
    in_time = (passes[:, :-2] + passes[:, 1:-1] + passes[:, 2:]) / 3
    gain = (in_time[:-2] + in_time[1:-1] + in_time[2:]) / 3
    quiet: Samples = librosa.istft(spectrum * gain**2, n_fft=FFT, hop_length=HOP, length=len(samples)).astype(np.float32)
    return quiet


def references() -> Iterator[Samples]:
    """Twelve sounds of two seconds that any ear tells apart (tones, chords, sweeps, noises, beats), the same every time.

    They stand beside the store's own sounds where those are standardised, so that a store with one sound has a scale, too.
    """
    time = np.arange(2 * RATE) / RATE
    rng = np.random.default_rng(0)
    white = rng.standard_normal(len(time))
    for pitch in (110.0, 440.0, 1_760.0):
        yield _loud(np.sum([np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 6)], axis=0))
    yield _loud(np.sum([np.sin(2 * np.pi * pitch * time) for pitch in (261.6, 329.6, 392.0)], axis=0))
    yield _loud(np.sin(2 * np.pi * (100 * time + 1_000 * time**2)))
    yield _loud(np.sin(2 * np.pi * (4_100 * time - 1_000 * time**2)))
    yield _loud(white)
    yield _loud(np.cumsum(white) - np.cumsum(white).mean())
    yield _loud(np.diff(white, prepend=0.0))
    for beats in (2.0, 6.0):
        yield _loud(white * np.exp(-20 * ((time * beats) % 1)))
    yield _loud(np.sin(2 * np.pi * 660 * time) * np.exp(-4 * (time % 1)))


def _loud(samples: NDArray[Any]) -> Samples:
    loud: Samples = (0.1 * samples / np.sqrt(np.square(samples).mean())).astype(np.float32)
    return loud


def _spread(rows: NDArray[Any]) -> list[NDArray[Any]]:
    return [rows.mean(axis=1), rows.std(axis=1)]


def _tempo(librosa: Any, mel: NDArray[Any], length: int) -> list[NDArray[Any]]:
    """How strongly attacks repeat after 23 ms to 2 s, in steps of equal ratio; mean and deviation of attacks; the length's logarithm."""
    attacks = librosa.onset.onset_strength(S=mel, sr=RATE, hop_length=HOP)
    most = int(2 * RATE / HOP)
    repeats = librosa.autocorrelate(attacks - attacks.mean(), max_size=most)
    repeats = np.pad(repeats / max(float(repeats[0]), 1e-9), (0, max(0, most - len(repeats))))
    edges = np.geomspace(2, most, TEMPOS + 1).astype(int)
    best = [repeats[low : max(high, low + 1)].max() for low, high in itertools.pairwise(edges)]
    return [np.array(best), np.array([attacks.mean(), attacks.std(), np.log(length / RATE)])]


def _quarters(mfcc: NDArray[Any]) -> list[NDArray[Any]]:
    edges = np.linspace(0, mfcc.shape[1], QUARTERS + 1).astype(int)
    last = mfcc.shape[1] - 1
    return [mfcc[:, min(low, last) : max(high, min(low, last) + 1)].mean(axis=1) for low, high in itertools.pairwise(edges)]


def load_librosa() -> Any:
    """librosa, imported by one thread: it takes two seconds, and half a minute the first time ever, when numba compiles."""
    with _loading:
        guard_numba()
        librosa: Any = importlib.import_module("librosa")
        _ = librosa.stft, librosa.yin, librosa.feature.mfcc, librosa.onset.onset_strength  # its modules load when they are first touched
    return librosa
