from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from fake_sounds import silence, tone, written
from PIL import Image

from mmsearch.fusion.mm_media import BANDS, FRAMES, SIDE, OpenedMedia, frames, picture
from mmsearch.media import MediaError


def plain(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (60, 40)) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


def test_a_picture_is_the_whole_photo_on_white(tmp_path: Path) -> None:
    found = picture(plain(tmp_path / "wide.png", (200, 0, 0), (80, 40)))
    assert found.shape == (SIDE, SIDE, 3) and found.dtype == np.uint8
    np.testing.assert_array_equal(found[0, 0], 255)
    np.testing.assert_array_equal(found[SIDE // 2, [0, SIDE - 1]], [[200, 0, 0]] * 2)


def test_frames_of_a_high_tone_are_high(tmp_path: Path) -> None:
    low, high = (frames(written(tone(hertz, 1.0))) for hertz in (200.0, 4_000.0))
    assert low.shape[1] == BANDS and 10 < len(low) <= FRAMES and low.dtype == np.float32
    assert low.mean(axis=0).argmax() < BANDS // 3 < high.mean(axis=0).argmax()
    assert np.abs(np.concatenate([low, high])).max() < 2


def test_a_long_sound_is_cut_and_a_very_short_one_has_a_frame() -> None:
    assert len(frames(written(tone(300.0, 20.0)))) == FRAMES
    assert len(frames(written(tone(300.0, 0.03)))) >= 1
    with pytest.raises(MediaError):
        frames(written(silence(1.0)))


def test_what_cannot_be_opened_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no photo")
    (tmp_path / "quiet.wav").write_bytes(written(silence(1.0)))
    media = OpenedMedia()
    found = media.read("image", [None, plain(tmp_path / "red.png", (255, 0, 0)), tmp_path / "bad.png", tmp_path / "gone.png"])
    assert [one is not None for one in found] == [False, True, False, False]
    assert media.read("audio", [tmp_path / "quiet.wav", tmp_path / "bad.png"]) == [None, None]
    assert media.read("image", []) == []


def test_a_file_that_changed_is_opened_again(tmp_path: Path) -> None:
    media, path = OpenedMedia(), tmp_path / "photo.png"
    first = media.read("image", [plain(path, (255, 0, 0))])[0]
    assert media.read("image", [path])[0] is first  # kept
    plain(path, (0, 0, 255))
    os.utime(path, ns=(1, 1))
    second = media.read("image", [path])[0]
    assert second is not None and tuple(second[SIDE // 2, SIDE // 2]) == (0, 0, 255)
