from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fake_sounds import silence, tone, written

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.acoustic import Acoustic
from mmsearch.encoders.base import NotFitted
from mmsearch.encoders.hearing import GROUPS, RATE, SIZE, denoised, measured, references
from mmsearch.errors import UsageError

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def fitted() -> Acoustic:
    encoder = Acoustic()
    encoder.fit([])
    return encoder


def test_numbers_have_their_places() -> None:
    found = [measured(sound) for sound in references()]
    assert all(x.shape == (SIZE,) and x.dtype == np.float32 and np.isfinite(x).all() for x in found)
    assert sum(size for size, _ in GROUPS.values()) == SIZE == 389
    at = sum(GROUPS[name][0] for name in ("mel", "mfcc", "delta", "delta2"))
    chroma = measured(tone(440, 2, RATE))[at : at + 12]
    assert int(chroma.argmax()) == 9  # A, counted from C


@pytest.mark.parametrize("samples", [1, 100, 1_023, 1_025, 5_000])
def test_the_shortest_sounds(samples: int) -> None:
    found = measured(tone(3_000, 1, RATE)[:samples])
    assert found.shape == (SIZE,)
    assert np.isfinite(found).all()


def test_a_store_of_no_readable_sound_has_a_scale(fitted: Acoustic) -> None:
    encoded = fitted.encode([written(sound, rate=RATE) for sound in references()])
    assert len(encoded.kept) == 12
    similarity = encoded.vectors @ encoded.vectors.T
    assert (similarity.argmax(axis=1) == np.arange(12)).all()


def test_it_hears_neither_loudness_nor_silence_around(fitted: Acoustic) -> None:
    sounds = list(references())[2:8]
    plain = fitted.encode([written(x, rate=RATE) for x in sounds]).vectors
    other = fitted.encode(
        [written(np.concatenate([silence(0.4, RATE), 0.1 * x, silence(1, RATE)]), rate=44_100 // 2) for x in sounds]
    ).vectors
    assert ((plain @ other.T).argmax(axis=1) == np.arange(len(sounds))).all()
    assert (np.sum(plain * other, axis=1) > 0.6).all()


def test_what_it_learned_is_its_own(fitted: Acoustic, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(written(tone(200, 1)))
    broken = tmp_path / "b.wav"
    broken.write_bytes(b"nothing")
    other = Acoustic()
    with pytest.raises(NotFitted):
        other.fingerprint()
    with pytest.raises(NotFitted):
        other.encode_batch([np.zeros(SIZE, np.float32)])
    other.fit([path, broken])  # what cannot be read is passed over
    assert other.fingerprint() != fitted.fingerprint()
    again = Acoustic()
    again.restore(fitted.state())
    assert again.fingerprint() == fitted.fingerprint()
    np.testing.assert_array_equal(again.encode([path]).vectors, fitted.encode([path]).vectors)
    for damaged in (b"", fitted.state()[:100], b"\0" * 64):
        with pytest.raises(ValueError, match="learned"):
            again.restore(damaged)


def test_denoising_takes_steady_noise_out() -> None:
    x = np.concatenate([silence(0.5, RATE), tone(1_000, 0.5, RATE), silence(0.5, RATE)])
    noise = 0.01 * np.random.default_rng(0).standard_normal(len(x)).astype(np.float32)
    cleaned = denoised(x + noise)
    quiet, loud = slice(2_000, len(x) // 3 - 2_000), slice(len(x) // 3 + 2_000, 2 * len(x) // 3 - 2_000)
    assert np.square(cleaned[quiet]).mean() < 0.15 * np.square(noise[quiet]).mean()
    assert np.square(cleaned[loud] - x[loud]).mean() < 0.5 * np.square(noise[loud]).mean()


@pytest.mark.parametrize("spec", ["acoustic(window=0.5)", "acoustic(window=61)", "acoustic(whiten=2)", "voiceprint(window=1)"])
def test_parameters_out_of_range(spec: str) -> None:
    with pytest.raises(UsageError, match=re.escape(spec.partition("(")[0])):
        ENCODERS.create(spec)


def test_nothing_heavy_is_loaded_before_the_first_sound() -> None:
    program = """
import sys
from mmsearch.encoders import ENCODERS
ENCODERS.create("acoustic"), ENCODERS.create("voiceprint")
print(*sorted({"librosa", "numba", "soundfile", "av", "soxr", "torch", "scipy", "resemblyzer"} & set(sys.modules)))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "\n"


def test_digits_find_their_word(data: Path) -> None:
    files = sorted((data / "spoken_digits" / "clips").glob("*_[0-1].wav"))
    words = np.array([file.name[0] for file in files])
    encoder = Acoustic()
    encoder.fit(files)
    vectors = encoder.encode(files).vectors
    similarity = vectors @ vectors.T - 2 * np.eye(len(files))
    assert (words[similarity.argmax(axis=1)] == words).mean() > 0.75


test_digits_find_their_word = pytest.mark.data(test_digits_find_their_word)
