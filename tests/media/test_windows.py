from __future__ import annotations

import numpy as np
import pytest
from fake_sounds import RATE, silence, tone, written

from mmsearch.media import MediaError
from mmsearch.media.windows import LOUDNESS, Window, sound_stretches, sound_windows, without_pauses


def cut(*pieces: np.ndarray, seconds: float = 2.0) -> list[Window]:
    return list(sound_windows(written(np.concatenate(pieces), "WAV", "FLOAT"), RATE, seconds))


@pytest.mark.parametrize(
    ("long", "starts", "last"),
    [(0.01, [0], 0.01), (1.9, [0], 1.9), (2.9, [0], 2.9), (3.1, [0, 2], 1.1), (6.9, [0, 2, 4], 2.9), (7.1, [0, 2, 4, 6], 1.1)],
)
def test_every_second_is_in_one_window(long: float, starts: list[int], last: float) -> None:
    windows = cut(tone(440, long))
    assert [w.second for w in windows] == starts
    assert len(windows[-1].samples) / RATE == pytest.approx(last, abs=0.03)
    assert all(len(w.samples) == 2 * RATE for w in windows[:-1])


def test_silence_at_the_ends_is_cut_off_and_the_second_stays() -> None:
    (window,) = cut(silence(0.5), tone(440, 0.8), silence(0.6))
    assert window.second == 0
    assert len(window.samples) / RATE == pytest.approx(0.8, abs=0.07)


@pytest.mark.parametrize("loud", [0.001, 0.1, 1.0])
def test_equally_loud(loud: float) -> None:
    (window,) = cut(tone(440, 1, loud=loud))
    assert float(np.sqrt(np.square(window.samples).mean())) == pytest.approx(LOUDNESS, rel=0.02)
    assert window.level == pytest.approx(20 * np.log10(loud / np.sqrt(2)), abs=0.3)


def test_silent_windows_are_left_out() -> None:
    windows = cut(tone(440, 2), silence(4), tone(440, 2))
    assert [w.second for w in windows] == [0, 6]


def test_pauses_are_told_by_the_loudest() -> None:
    windows = cut(tone(440, 2, loud=0.5), tone(50, 2, loud=0.001), tone(440, 2, loud=0.1))
    assert without_pauses([w.level for w in windows]) == [0, 2]
    assert without_pauses([]) == []


def test_nothing_is_heard() -> None:
    for quiet in (silence(3), tone(440, 3, loud=1e-5)):
        with pytest.raises(MediaError, match="silence"):
            cut(quiet)


def test_a_window_can_be_cleaned_before_it_is_trimmed() -> None:
    x = np.concatenate([tone(440, 1), tone(50, 1)])

    def first_half(samples: np.ndarray) -> np.ndarray:
        return np.concatenate([samples[: len(samples) // 2], np.zeros(len(samples) - len(samples) // 2, np.float32)])

    (window,) = sound_windows(written(x), RATE, 2.0, first_half)
    assert len(window.samples) / RATE == pytest.approx(1, abs=0.05)


def test_stretches_are_the_whole_sound_cut_where_it_is_quiet() -> None:
    spoken = np.concatenate([tone(300, 1.9), silence(0.4), tone(500, 2.0), silence(0.1), tone(300, 0.6)])
    stretches = list(sound_stretches(written(spoken, subtype="FLOAT"), RATE, 2.2))
    assert np.array_equal(np.concatenate([samples for _, samples in stretches]), spoken)
    assert max(len(samples) for _, samples in stretches) <= 2.2 * RATE
    seconds = [second for second, _ in stretches]
    assert seconds == pytest.approx([0, *np.cumsum([len(samples) for _, samples in stretches])[:-1] / RATE])
    assert 1.9 < seconds[1] < 2.3, "in the pause"


@pytest.mark.parametrize("seconds", [0.05, 1.0, 2.0, 2.01])
def test_a_short_sound_is_one_stretch_or_two(seconds: float) -> None:
    x = tone(300, seconds)
    stretches = [samples for _, samples in sound_stretches(written(x, subtype="FLOAT"), RATE, 2.0)]
    assert len(stretches) == (1 if seconds <= 2 else 2)
    assert np.array_equal(np.concatenate(stretches), x)
