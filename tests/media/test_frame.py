"""Small pictures of frames: large ones take a shorter way to the same."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from mmsearch.media import frame as small_pictures
from mmsearch.media.frame import Frame, Scaler

RED = (200, 30, 40)
FORMATS = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "nv12")


def native(pixels: np.ndarray, format: str = "yuv420p") -> Any:
    return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=format)


def scene(width: int = 1920, height: int = 1080) -> np.ndarray:
    """Fields of many colours, (height, width, 3)."""
    fields = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    whole = np.kron(fields, np.ones((height // 9, width // 16, 1), np.uint8))
    return np.ascontiguousarray(np.roll(whole, (7, 11), (0, 1)))  # a thumbnail's pixels see two of them


@pytest.mark.parametrize("format", FORMATS)
def test_a_thumbnail_of_points_is_nearly_that_of_the_whole(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(0.0, native(scene(), format))
    points = Scaler().thumbnail(frame, 64, 36).astype(int)
    monkeypatch.setattr(small_pictures, "_LARGE", 1000)
    whole = Scaler().thumbnail(frame, 64, 36).astype(int)
    assert points.shape == whole.shape == (36, 64, 3)
    assert not np.array_equal(points, whole)  # it took the other way
    assert np.abs(points - whole).mean() < 6


def test_a_small_frame_is_looked_at_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(0.0, native(scene(640, 360)))
    found = Scaler().thumbnail(frame, 64, 36)
    monkeypatch.setattr(small_pictures, "_LARGE", 1000)
    np.testing.assert_array_equal(found, Scaler().thumbnail(frame, 64, 36))


def test_a_large_frame_gives_the_picture_that_a_video_of_that_size_gives() -> None:
    large = native(scene())
    smaller = large.reformat(width=683, height=384, interpolation="AREA")
    one, other = (np.asarray(Scaler().picture(Frame(0.0, each), 384)) for each in (large, smaller))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("format", [*FORMATS, "rgb24", "rgba", "gbrp"])
def test_colours_stay_what_they_are(format: str) -> None:
    """Of formats with planes of their own, of those without, and with what is transparent."""
    frame = Frame(0.0, native(np.full((1080, 1920, 3), RED, np.uint8), format))
    scaler = Scaler()
    for found in (np.asarray(scaler.picture(frame, 384)), scaler.thumbnail(frame, 64, 36)):
        assert np.abs(found.astype(int) - RED).max() <= 4


def test_a_grey_frame_is_grey() -> None:
    frame = Frame(0.0, native(np.full((1080, 1920, 3), 120, np.uint8), "gray"))
    assert np.abs(np.asarray(Scaler().picture(frame, 384)).astype(int) - 120).max() <= 2
    assert np.abs(Scaler().thumbnail(frame, 64, 36).astype(int) - 120).max() <= 2
