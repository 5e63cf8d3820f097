from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_sounds import RATE, by_ffmpeg, silence, tone, written

from mmsearch.errors import UsageError
from mmsearch.media import MediaError
from mmsearch.media.audio import probe_sound, sound_blocks

SOUND = tone(440, 2)


def heard(source: str | Path | bytes, rate: int = RATE) -> np.ndarray:
    return np.concatenate(list(sound_blocks(source, rate)))


def reason(source: str | Path | bytes) -> str:
    with pytest.raises(MediaError) as caught:
        heard(source)
    return caught.value.message


def hertz(samples: np.ndarray, rate: int = RATE) -> float:
    """The loudest frequency of a sound."""
    middle = samples[len(samples) // 4 : len(samples) * 3 // 4]
    return float(np.abs(np.fft.rfft(middle)).argmax() * rate / len(middle))


SNDFILE = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "FLOAT"), ("AIFF", "PCM_16"), ("AU", "PCM_16"), ("FLAC", "PCM_16")]
SNDFILE += [("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("CAF", "PCM_16"), ("RF64", "PCM_16")]
FFMPEG = [("aac", "mp4"), ("aac", "adts"), ("aac", "matroska"), ("ac3", "ac3"), ("mp2", "mpegts")]


@pytest.mark.parametrize("kind", SNDFILE)
def test_formats_of_libsndfile(kind: tuple[str, str], tmp_path: Path) -> None:
    data = written(SOUND, *kind)
    path = tmp_path / "sound.dat"  # the name says nothing: the bytes decide
    path.write_bytes(data)
    for source in (data, path, str(path)):
        found = heard(source)
        assert found.dtype == np.float32
        assert len(found) / RATE == pytest.approx(2, abs=0.1)
        assert hertz(found) == pytest.approx(440, abs=2)
        assert np.abs(found[4_000:-4_000]).max() == pytest.approx(0.3, abs=0.06)
    assert probe_sound(path) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("kind", FFMPEG)
def test_formats_of_ffmpeg(kind: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(by_ffmpeg(tone(440, 2, 48_000), *kind, rate=48_000))
    found = heard(path)
    assert len(found) / RATE == pytest.approx(2, abs=0.2)
    assert hertz(found) == pytest.approx(440, abs=2)
    probe_sound(path)


def test_the_sound_track_of_a_video() -> None:
    assert hertz(heard(by_ffmpeg(SOUND, "aac", "mp4", picture=True))) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_are_averaged(channels: int) -> None:
    x = np.zeros((len(SOUND), channels), np.float32)
    x[:, 0] = SOUND
    found = heard(written(x, "WAV", "FLOAT"))
    np.testing.assert_allclose(found, SOUND / channels, atol=1e-6)


def test_six_channels_of_aac() -> None:
    assert hertz(heard(by_ffmpeg(SOUND, "aac", "mp4", "5.1"))) == pytest.approx(440, abs=2)


def test_channels_that_cancel_each_other_out_are_heard() -> None:
    found = heard(written(np.stack([SOUND, -SOUND], axis=1), "WAV", "FLOAT"))
    np.testing.assert_allclose(found, SOUND, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000])
def test_any_rate_is_resampled(rate: int) -> None:
    found = heard(written(tone(440, 2, rate), "WAV", "FLOAT", rate))
    assert len(found) == pytest.approx(2 * RATE, abs=2)
    np.testing.assert_allclose(found[4_000:-4_000], SOUND[4_000:-4_000], atol=0.01)


@pytest.mark.parametrize("kind", SNDFILE[:-2])
def test_a_file_that_was_cut_off(kind: tuple[str, str]) -> None:
    data = written(SOUND, *kind)
    assert "truncated" in reason(data[: len(data) * 6 // 10])


@pytest.mark.parametrize("kind", FFMPEG[:3])
def test_a_file_of_ffmpeg_that_was_cut_off(kind: tuple[str, str]) -> None:
    data = by_ffmpeg(SOUND, *kind)
    assert "truncated" in reason(data[: len(data) * 6 // 10])


def test_a_wav_written_before_its_length_was_known_is_no_truncated_one() -> None:
    data = written(SOUND)
    at = data.index(b"data") + 4
    piped = data[:4] + struct.pack("<I", 0xFFFFFFFF) + data[8:at] + struct.pack("<I", 0xFFFFFFFF) + data[at + 4 :]
    assert len(heard(piped)) == len(SOUND)


BROKEN = SOUND.copy()
BROKEN[20_000] = np.nan
ENDLESS = SOUND.copy()
ENDLESS[20_000] = np.inf


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "empty file"),
        (written(SOUND[:0]), "zero length"),
        (written(BROKEN, "WAV", "FLOAT"), "no numbers"),
        (written(ENDLESS, "WAV", "FLOAT"), "no numbers"),
        (b"\xff\xd8\xff\xe0" + b"x" * 2_000, "not a sound: it starts like a JPEG photo"),
        (b"<!doctype html><html></html>", "not a sound: it starts like a web page"),
        (b"a b c d\n" * 100, "not a sound: it starts like text"),
        (b"%PDF-1.4" + b"x" * 2_000, "a PDF document"),
        (bytes(5_000), "nothing but zero bytes"),
        (np.random.default_rng(0).bytes(5_000), "not a sound"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n", "not a sound: it starts like text"),  # FFmpeg would open what a playlist names
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "not a sound: it starts like text"),
        (written(SOUND)[:20], "damaged or truncated: it starts like a WAV sound"),
        (by_ffmpeg(SOUND, "", "mp4", picture=True), "no sound: a video without a sound track"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_sound(source: bytes, message: str, tmp_path: Path) -> None:
    assert message in reason(source)
    path = tmp_path / "sound.wav"
    path.write_bytes(source)
    assert message in reason(path)


def test_missing_and_folders(tmp_path: Path) -> None:
    assert reason(tmp_path / "none.wav") == "missing"
    assert reason(tmp_path) == "a folder, not a file"


def test_a_sound_of_eight_hours_is_rejected_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    with soundfile.SoundFile(path, "w", 8_000, 1, format="FLAC") as file:
        for _ in range(8 * 6):
            file.write(silence(600, 8_000))
    assert reason(path) == "8 h 0 min long, the limit is 1 h 0 min (MMSEARCH_MAX_SECONDS)"
    with pytest.raises(MediaError, match="8 h 0 min") as caught:
        probe_sound(path)
    assert caught.value.kind == "too long"


def test_a_header_that_lies_about_its_length_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_MAX_SECONDS", "1")
    assert "long, the limit is 1 s" in reason(written(SOUND))
    assert reason(by_ffmpeg(tone(440, 3), "aac", "adts")) == "more than 1 s long, the limit is 1 s (MMSEARCH_MAX_SECONDS)"
    monkeypatch.setenv("MMSEARCH_MAX_SECONDS", "never")
    with pytest.raises(UsageError, match="MMSEARCH_MAX_SECONDS"):
        reason(written(SOUND))


def test_long_sounds_take_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_MAX_SECONDS", "40_000")
    path = tmp_path / "long.flac"
    hours = 2
    with soundfile.SoundFile(path, "w", 8_000, 1, format="FLAC") as file:
        for _ in range(hours * 6):
            file.write(silence(600, 8_000))
    list(sound_blocks(written(SOUND, "FLAC", rate=8_000), RATE))  # what is loaded once
    tracemalloc.start()
    samples = sum(len(block) for block in sound_blocks(path, RATE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == hours * 3_600 * RATE
    assert peak < 20e6  # two hours are 461 MB


def test_limits_of_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    path.write_bytes(written(SOUND))
    monkeypatch.setenv("MMSEARCH_MAX_MEDIA_BYTES", "1000")
    assert "MMSEARCH_MAX_MEDIA_BYTES" in reason(path)
    assert "MMSEARCH_MAX_MEDIA_BYTES" in reason(written(SOUND))


@pytest.mark.parametrize("make", [lambda: written(SOUND), lambda: written(SOUND, "OGG", "VORBIS"), lambda: by_ffmpeg(SOUND, "aac", "mp4")])
def test_damaged_bytes_are_media_errors_or_sound(make: Callable[[], bytes]) -> None:
    """Whatever a decoder makes of damaged bytes, nothing but a MediaError comes out, and no sample that is no number."""
    rng = np.random.default_rng(0)
    data = make()
    for _ in range(40):
        broken = bytearray(data)
        for at in rng.integers(0, len(data), 10):
            broken[at] = rng.integers(256)
        try:
            assert np.isfinite(heard(bytes(broken))).all()
        except MediaError as error:
            assert error.message
