"""What the products sound like, synthesised: mono, 16 kHz, 16 bits."""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]
RATE = 16_000

C_MAJOR = (523.25, 587.33, 659.26, 698.46, 783.99, 880.0, 987.77, 1046.5)


def _time(seconds: float) -> Wave:
    return np.arange(round(seconds * RATE)) / RATE


def _noise(seconds: float, seed: int) -> Wave:
    return np.random.RandomState(seed).standard_normal(round(seconds * RATE))


def _smooth(x: Wave, width: int) -> Wave:
    """A moving average: keeps the low frequencies."""
    return np.convolve(x, np.ones(width) / width, mode="same")


def _ring(pitch: float, seconds: float, partials: Sequence[tuple[float, float, float]]) -> Wave:
    """A struck body: each partial is (multiple of the pitch, strength, decay per second)."""
    t = _time(seconds)
    return sum((a * np.exp(-d * t) * np.sin(2 * np.pi * pitch * m * t) for m, a, d in partials), np.zeros_like(t))


def _place(length: float, parts: Sequence[tuple[float, Wave]]) -> Wave:
    """Sounds that start at given seconds, added up."""
    out = np.zeros(round(length * RATE))
    for start, sound in parts:
        begin = round(start * RATE)
        end = min(len(out), begin + len(sound))
        out[begin:end] += sound[: end - begin]
    return out


def _bell(pitch: float, strikes_per_second: float, seconds: float) -> Wave:
    """A hammer between two bells that are not quite in tune."""
    partials = [(1, 1, 14), (2.76, 0.7, 18), (5.4, 0.4, 26), (8.9, 0.25, 34)]
    strikes = [
        (i / strikes_per_second, _ring(pitch * (1 if i % 2 else 1.06), 0.35, partials)) for i in range(int(seconds * strikes_per_second))
    ]
    return _place(seconds, strikes)


def _beeps(pitch: float, length: float, gap: float, count: int, seconds: float) -> Wave:
    """Square-wave beeps of a digital alarm."""
    beep = np.sign(np.sin(2 * np.pi * pitch * _time(length))) * 0.6
    return _place(seconds, [(i * (length + gap), beep) for i in range(count)])


def _kettle_whistle() -> Wave:
    t = _time(1.5)
    pitch = 1500 + 900 * np.minimum(t / 0.9, 1) + 12 * np.sin(2 * np.pi * 7 * t)
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) + 0.35 * np.sin(4 * np.pi * np.cumsum(pitch) / RATE)
    steam = _noise(1.5, 1) - _smooth(_noise(1.5, 1), 9)
    return (0.8 * tone + 0.25 * steam) * np.minimum(t / 0.5, 1)


def _kettle_boil() -> Wave:
    t = _time(1.5)
    rumble = _smooth(_noise(1.5, 2), 40) * 6
    starts = np.random.RandomState(3).random_sample(60) * 1.3
    bubbles = _place(1.5, [(float(s), _ring(260 + 500 * float(s % 0.37), 0.05, [(1, 0.5, 60)])) for s in starts])
    return (rumble * (0.5 + 0.5 * t / 1.5) + bubbles) * (t < 1.42) + _place(1.5, [(1.44, _ring(2600, 0.05, [(1, 2, 120)]))])


def _music_box() -> Wave:
    tune = (659.26, 783.99, 1046.5, 783.99, 659.26, 880.0, 783.99)
    return _place(1.5, [(i * 0.19, _ring(f * 2, 0.9, [(1, 1, 6), (3.01, 0.3, 14), (5.9, 0.12, 24)])) for i, f in enumerate(tune)])


def _xylophone() -> Wave:
    return _place(1.4, [(i * 0.15, _ring(f, 0.4, [(1, 1, 16), (3, 0.45, 30), (6.2, 0.15, 50)])) for i, f in enumerate(C_MAJOR)])


def _soft_chime() -> Wave:
    return _place(1.4, [(i * 0.35, _ring(f, 1.0, [(1, 1, 4), (2, 0.25, 7)])) for i, f in enumerate((880.0, 659.26, 1046.5))])


def _strike() -> Wave:
    gong = _ring(196, 1.4, [(1, 1, 2.2), (2.1, 0.6, 3), (2.9, 0.5, 4), (4.3, 0.3, 6)])
    return _place(1.5, [(0, gong), (0.7, gong)])


def _tick() -> Wave:
    def click(pitch: float) -> Wave:
        return _ring(pitch, 0.04, [(1, 1, 150), (1.7, 0.6, 190)])

    return _place(1.5, [(i * 0.25 + 0.02, click(2400 if i % 2 else 1900)) for i in range(6)])


def _car_horn() -> Wave:
    t = _time(0.28)
    toot = sum((np.sign(np.sin(2 * np.pi * f * t)) for f in (370.0, 466.2)), np.zeros_like(t)) * np.minimum(1, (0.28 - t) / 0.03)
    return _place(0.9, [(0.02, _smooth(toot, 3)), (0.42, _smooth(toot, 3))])


def train_whistle() -> Wave:
    """A steam whistle: three notes and steam. Also heard in the clip of the running train."""
    t = _time(1.3)
    swell = np.minimum(t / 0.08, 1) * np.minimum((1.3 - t) / 0.25, 1) * (1 - 0.5 * np.exp(-(((t - 0.45) / 0.06) ** 2)))
    glide = 1 - 0.03 * np.exp(-t * 9)
    chord = sum((np.sin(2 * np.pi * np.cumsum(f * glide) / RATE) for f in (466.2, 587.3, 740.0)), np.zeros_like(t))
    return (chord + 0.25 * _noise(1.3, 4)) * swell


def steam_chuffs(seconds: float, per_second: float) -> Wave:
    """Puffs of an engine under way."""
    t = _time(0.16)
    puff = _smooth(_noise(0.16, 5), 5) * np.exp(-t * 22) * 3
    return _place(seconds, [(i / per_second, puff * (1.3 if i % 4 == 0 else 0.8)) for i in range(int(seconds * per_second))])


def _duck() -> Wave:
    def squeak(start: float, end: float, seconds: float) -> Wave:
        t = _time(seconds)
        phase = 2 * np.pi * np.cumsum(start + (end - start) * t / seconds) / RATE
        return (np.sin(phase) + 0.5 * np.sin(2 * phase) + 0.3 * np.sin(3 * phase)) * np.sin(np.pi * t / seconds)

    return _place(0.9, [(0.02, squeak(900, 1700, 0.22)), (0.3, squeak(1600, 700, 0.3))])


def _robot() -> Wave:
    parts = []
    for i, f in enumerate((180.0, 240.0, 160.0, 300.0, 210.0, 140.0)):
        t = _time(0.16)
        parts.append((i * 0.2, np.sign(np.sin(2 * np.pi * f * t)) * np.sin(2 * np.pi * 55 * t) * 0.7 + 0.3 * np.sin(2 * np.pi * f * 6 * t)))
    return _place(1.3, parts)


def _stereo_test() -> Wave:
    """A clean 440 Hz tone, a pause, then its octave, as a headphone test plays it."""
    t = _time(0.5)
    edge = np.minimum(1, np.minimum(t, 0.5 - t) / 0.02)
    return _place(1.2, [(0.02, np.sin(2 * np.pi * 440 * t) * edge), (0.62, np.sin(2 * np.pi * 880 * t) * edge)])


def _start_chime() -> Wave:
    return _place(1.0, [(i * 0.16, _ring(f, 0.6, [(1, 1, 6), (2, 0.5, 9), (3, 0.2, 12)])) for i, f in enumerate((523.25, 659.26, 783.99))])


def _sweep() -> Wave:
    t = _time(1.4)
    pitch = 60 * (5000 / 60) ** (t / 1.4)
    return np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * np.minimum(1, np.minimum(t, 1.4 - t) / 0.03)


def _bass() -> Wave:
    def thump() -> Wave:
        t = _time(0.3)
        return np.sin(2 * np.pi * np.cumsum(50 + 120 * np.exp(-t * 30)) / RATE) * np.exp(-t * 10)

    hat = _noise(0.05, 6) * np.exp(-_time(0.05) * 80) * 0.35
    return _place(1.5, [(i * 0.375, thump()) for i in range(4)] + [(i * 0.375 + 0.1875, hat) for i in range(4)])


def _radio() -> Wave:
    t = _time(1.5)
    static = _smooth(_noise(1.5, 7), 2)
    clear = np.exp(-(((t - 1.05) / 0.3) ** 2))
    whine = np.sin(2 * np.pi * np.cumsum(400 + 1800 * np.abs(t - 0.75)) / RATE)
    tune = np.sin(2 * np.pi * 523.25 * t) * (t % 0.3 < 0.2) + np.sin(2 * np.pi * 659.26 * t) * (t % 0.3 > 0.12)
    return np.asarray(0.7 * static * (1 - 0.9 * clear) + 0.25 * whine * (1 - clear) + 0.7 * tune * clear)


def _query_bell() -> Wave:
    """Another clock than any in the shop, recorded in a room: with an echo and some noise."""
    bell = _bell(1180, 18, 1.0)
    return bell + 0.3 * _place(1.0, [(0.07, bell)]) + 0.03 * _noise(1.0, 8)


#: Path below sample_data/, without the ending → what is heard.
SOUNDS: dict[str, Callable[[], Wave]] = {
    "queries/bell": _query_bell,
    "sounds/bell-high": lambda: _bell(1250, 16, 1.3),
    "sounds/bell-low": lambda: _bell(930, 14, 1.3),
    "sounds/bell-fast": lambda: _bell(1420, 24, 1.2),
    "sounds/beep-slow": lambda: _beeps(1000, 0.14, 0.22, 4, 1.4),
    "sounds/beep-fast": lambda: _beeps(2000, 0.06, 0.06, 8, 1.1),
    "sounds/chime-soft": _soft_chime,
    "sounds/clock-strike": _strike,
    "sounds/clock-tick": _tick,
    "sounds/kettle-whistle": _kettle_whistle,
    "sounds/kettle-boil": _kettle_boil,
    "sounds/music-box": _music_box,
    "sounds/xylophone-scale": _xylophone,
    "sounds/train-whistle": train_whistle,
    "sounds/car-horn": _car_horn,
    "sounds/duck-squeak": _duck,
    "sounds/robot-talk": _robot,
    "sounds/headphone-stereo": _stereo_test,
    "sounds/headphone-chime": _start_chime,
    "sounds/speaker-sweep": _sweep,
    "sounds/speaker-bass": _bass,
    "sounds/radio-tuning": _radio,
}


def samples(sound: Wave) -> NDArray[np.int16]:
    """16-bit samples, the loudest at three quarters of the range."""
    return np.asarray(np.rint(sound / np.abs(sound).max() * 0.75 * 32767), np.int16)


def save_sound(name: str, out: Path) -> None:
    """Write NAME.wav below `out`."""
    target = out / f"{name}.wav"
    target.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples(SOUNDS[name]()).astype("<i2").tobytes())
