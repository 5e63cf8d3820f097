"""A sound in windows of bounded length: each with the second at which it begins, without silence at its ends, equally loud."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmsearch.media import MediaError
from mmsearch.media.audio import Samples, sound_blocks

#: A moment counts as heard where it is at most so much quieter than the loudest of its window (decibels).
#: A first version was measured at 30, 40 and 60 on validation clips of spoken digits: no great difference; 40 keeps soft endings.
TRIM_DB = 40.0
#: Windows so much quieter than the loudest of the sound are its pauses (decibels).
PAUSE_DB = 50.0
#: Below this nothing is heard at all (decibels below full scale): half of the lowest bit of 16 is at −96, a quiet room's hiss at −65.
SILENCE_DB = -80.0
#: What the moments that are heard are brought to (root mean square; full scale is 1).
LOUDNESS = 0.1

_MOMENT = 0.02  # seconds
_BREATH = 15  # moments that are quiet together where a word ends


@dataclass(frozen=True)
class Window:
    """A piece of a sound: where it begins, how loud its loudest moment is (decibels of full scale), and its samples (n,)."""

    second: float
    level: float
    samples: Samples


def sound_windows(
    source: str | Path | bytes, rate: int, seconds: float, clean: Callable[[Samples], Samples] | None = None
) -> Iterator[Window]:
    """Cut a sound into windows of `seconds`, trimmed and equally loud; the last takes what is left: half to one and a half times as much.

    Windows in which nothing is heard are left out. At any length only one window and a few blocks are in memory.

    Parameters
    ----------
    clean : is given each window before it is trimmed, and gives it back without its noise, as long as it was.

    Raises
    ------
    MediaError : see `mmsearch.media.audio.sound_blocks`; and for a sound in which nothing is heard.
    """
    length = round(seconds * rate)
    held: list[Samples] = []
    have, at, heard = 0, 0, False
    for block in _with_end(sound_blocks(source, rate)):
        if block is not None:
            held.append(block)
            have += len(block)
        while have >= 2 * length or (block is None and have > 0):
            joined = np.concatenate(held)
            size = length if have >= 1.5 * length else have
            window = _window(clean(joined[:size]) if clean else joined[:size], at / rate, rate)
            if window is not None:
                heard = True
                yield window
            held, have, at = [joined[size:]], have - size, at + size
    if not heard:
        raise MediaError("silence: nothing is to be heard in it")


def sound_stretches(source: str | Path | bytes, rate: int, seconds: float) -> Iterator[tuple[float, Samples]]:
    """Cut a sound into stretches of at most `seconds`, as it is, each with the second at which it begins.

    A cut falls into the quietest moment of the stretch's last tenth, so that it parts no word. At any length only one stretch and a few
    blocks are in memory.

    Raises
    ------
    MediaError : see `mmsearch.media.audio.sound_blocks`.
    """
    length = round(seconds * rate)
    held: list[Samples] = []
    have, at = 0, 0
    for block in _with_end(sound_blocks(source, rate)):
        if block is not None:
            held.append(block)
            have += len(block)
        while have > length or (block is None and have > 0):
            joined = np.concatenate(held)
            size = have if have <= length else _quietest(joined[:length], rate, length - length // 10)
            yield at / rate, joined[:size]
            held, have, at = [joined[size:]], have - size, at + size


def without_pauses(levels: Sequence[float]) -> list[int]:
    """Which of a sound's windows are no pauses, by their levels (n,): those that are not far quieter than the loudest."""
    loudest = max(levels, default=0.0)
    return [i for i, level in enumerate(levels) if level >= loudest - PAUSE_DB]


def _with_end(blocks: Iterator[Samples]) -> Iterator[Samples | None]:
    yield from blocks
    yield None


def _window(samples: Samples, second: float, rate: int) -> Window | None:
    """Trim and normalise; None where nothing is heard."""
    step = max(1, round(_MOMENT * rate))
    loud = _moments(samples, step)
    peak = float(loud.max())
    if peak <= 10 ** (SILENCE_DB / 20):
        return None
    there = np.flatnonzero(loud > peak * 10 ** (-TRIM_DB / 20))
    first, last = max(0, int(there[0]) - 1), int(there[-1]) + 2  # a moment more on either side: sounds begin and end softly
    heard = float(np.sqrt(np.square(loud[there]).mean()))
    kept = samples[first * step : last * step] * np.float32(LOUDNESS / heard)
    return Window(second, 20 * math.log10(peak), kept)


def _quietest(samples: Samples, rate: int, after: int) -> int:
    """The middle of the quietest tenths of a second (number of a sample) behind sample `after`."""
    step = max(1, round(_MOMENT * rate))
    loud = _moments(samples[after:], step)
    wide = min(_BREATH, len(loud))
    around = np.convolve(loud, np.ones(wide), mode="valid")
    return after + min((int(around.argmin()) + (wide + 1) // 2) * step, len(samples) - after)


def _moments(samples: Samples, step: int) -> NDArray[np.float64]:
    """Root mean square of each moment (m,); the last may be short."""
    starts = np.arange(0, len(samples), step)
    sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    means: NDArray[np.float64] = np.sqrt(sums / np.minimum(step, len(samples) - starts))
    return means
