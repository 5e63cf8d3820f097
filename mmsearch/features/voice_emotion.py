"""How excited and how pleased a voice sounds: an estimate from pitch, loudness and pace. Never a default, because it tells of people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.hearing import load_librosa
from mmsearch.encoders.weights import fingerprint
from mmsearch.features.base import Fact, Feature, Medium
from mmsearch.media import MediaError, NoSound
from mmsearch.media.audio import Samples
from mmsearch.media.windows import sound_stretches

RATE = 16_000
_RECIPE = "voice-emotion 1"
_WINDOW = 30.0  # seconds that have facts of their own
_FFT, _HOP = 1_024, 256
_LOWEST, _HIGHEST = 65.0, 500.0  # hertz: voices
_LEAST_VOICED = 0.3  # seconds of voice in a window that are enough
_TONAL = 0.3  # of the voiced moments' spectral flatness at most: above it is noise

#: What is measured → (a usual value, a usual deviation, weight in arousal, weight in valence). The values are those of read adult speech as
#: the literature gives them (pitch in semitones over 100 hertz, its deviation in semitones, loudness in decibels of full scale, pace in
#: syllables a second, tilt in decibels between the spectrum above and below 1,000 hertz); no labelled voices were at hand to fit them. The
#: signs and the order of the weights follow the reviews: arousal goes with higher pitch, wider range, more loudness, faster speech and more
#: energy in high frequencies; valence is heard far less in these, most in a wide range of pitch and a not too harsh spectrum.
MEASURES: dict[str, tuple[float, float, float, float]] = {
    "pitch": (7.0, 5.0, 0.25, 0.1),
    "range": (3.0, 1.5, 0.15, 0.4),
    "loudness": (-24.0, 8.0, 0.3, 0.0),
    "pace": (4.0, 1.5, 0.15, 0.1),
    "tilt": (-14.0, 6.0, 0.15, -0.2),
}


class VoiceEmotion(Feature):
    """How excited (arousal) and how pleased (valence) a voice sounds, 0 to 1: an estimate that was never tested against labelled voices.

    Directions after Juslin & Laukka, "Communication of emotions in vocal expression and music performance", Psychological Bulletin 2003,
    and Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set", IEEE Trans. Affective Computing 2016; measured by librosa (pitch:
    YIN, de Cheveigné & Kawahara, JASA 2002). It hears a style of speaking, not what someone feels, and takes a loud recording
    for an excited voice.

    Personal data, and in the EU's AI Act emotion recognition is restricted: so no default and no set ever chooses it.
    """

    sources: ClassVar[tuple[str, ...]] = ("audio", "video")
    names: ClassVar[Mapping[str, str]] = {"voice_arousal": "number", "voice_valence": "number"}
    batch: ClassVar[int] = 1  # measured in `prepare`, from several threads
    packages: ClassVar[tuple[str, ...]] = ("librosa", "soundfile", "soxr")

    @classmethod
    def by_default(cls, store: Any) -> bool:
        """Never."""
        return False

    def fingerprint(self) -> str:
        """See `Feature.fingerprint`."""
        return fingerprint("voice-emotion", {"recipe": _RECIPE, "measures": MEASURES, "window": _WINDOW}, {})

    def prepare(self, item: str | Medium) -> list[Fact]:
        """A sound or clip → two facts for each half minute in which there is a voice. Raises MediaError."""
        if not isinstance(item, Medium):
            raise MediaError("no sound: a text")
        found: list[Fact] = []
        try:
            for second, samples in sound_stretches(item.content, RATE, _WINDOW):
                if (numbers := measured(samples)) is not None:
                    end = round(second + len(samples) / RATE, 2)
                    found += [Fact(name, value, None, round(second, 2), end) for name, value in estimated(numbers).items()]
        except NoSound:  # nobody speaks in it
            pass
        return found

    def extract(self, prepared: Sequence[list[Fact]]) -> list[list[Fact]]:
        """What `prepare` found."""
        return list(prepared)


def measured(samples: Samples) -> dict[str, float] | None:
    """A piece of sound (n,) at 16 kHz → the numbers of `MEASURES`; None where there is no voice: nothing periodic of a voice's pitch.

    A tone is periodic, too; it has no range and no pace. Whether it is a voice is not what this tells.
    """
    librosa = load_librosa()
    if len(samples) < 4 * _FFT:
        return None
    loudness = librosa.feature.rms(y=samples, frame_length=_FFT, hop_length=_HOP)[0]
    loud = loudness > max(float(loudness.max()) * 10 ** (-30 / 20), 10 ** (-70 / 20))
    magnitude = np.abs(librosa.stft(samples, n_fft=_FFT, hop_length=_HOP))
    flat = librosa.feature.spectral_flatness(S=magnitude)[0]
    pitch = librosa.yin(samples, fmin=_LOWEST, fmax=_HIGHEST, sr=RATE, frame_length=2 * _FFT, hop_length=_HOP)
    count = min(len(loud), len(flat), len(pitch))
    inside = (pitch[:count] > 1.02 * _LOWEST) & (pitch[:count] < 0.98 * _HIGHEST)
    voiced = loud[:count] & inside & (flat[:count] < _TONAL)
    if voiced.sum() * _HOP / RATE < _LEAST_VOICED:
        return None
    semitones = 12 * np.log2(pitch[:count][voiced] / 100)
    low, high = np.quantile(semitones, [0.1, 0.9])
    power = (magnitude[:, :count][:, voiced] ** 2).mean(axis=1)
    return {
        "pitch": float(np.median(semitones)),
        "range": float(high - low) / 2.56,  # of a normal distribution: its deviation
        "loudness": float(20 * np.log10(np.sqrt(np.square(loudness[:count][voiced]).mean()))),
        "pace": _syllables(loudness[:count], voiced) / max(float(loud.sum()) * _HOP / RATE, 0.5),
        "tilt": _tilt(power),
    }


def estimated(numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers of `MEASURES` → arousal and valence, 0 to 1; .5 for a usual voice.

    Each number as deviations from the usual, at most three, weighed, through the logistic function.
    """
    arousal = valence = 0.0
    for name, (usual, deviation, in_arousal, in_valence) in MEASURES.items():
        away = min(3.0, max(-3.0, (numbers[name] - usual) / deviation))
        arousal, valence = arousal + in_arousal * away, valence + in_valence * away
    return {"voice_arousal": round(_logistic(1.5 * arousal), 4), "voice_valence": round(_logistic(valence), 4)}


def _syllables(loudness: NDArray[Any], voiced: NDArray[np.bool_]) -> int:
    """How many: voiced peaks of the loudness, each with 2 decibels of dip beside it (de Jong & Wempe, Behavior Research Methods 2009)."""
    from scipy.signal import find_peaks

    smooth = np.convolve(20 * np.log10(loudness + 1e-6), np.ones(3) / 3, mode="same")  # over 48 ms
    peaks, _ = find_peaks(smooth, prominence=2.0)
    return int(voiced[peaks].sum())


def _tilt(power: NDArray[Any]) -> float:
    """Decibels between what sounds above and below 1,000 hertz (64 bins of 15.6 hertz)."""
    edge = round(1_000 * _FFT / RATE)
    return float(10 * np.log10((power[edge:].sum() + 1e-12) / (power[2:edge].sum() + 1e-12)))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
