"""Further views of photos: what they tell apart, and that they come beside the vector without changing it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Matrix
from mmsearch.encoders.photo_views import VIEWS, colours


def drawn(ink: tuple[int, int, int], box: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGB", (200, 200), "white")
    image.paste(ink, box)
    return image


def apart(image: Image.Image) -> tuple[Matrix, Matrix]:
    found = colours(image)
    assert found.shape == (VIEWS["colours"] + VIEWS["layout"],)
    return found[: VIEWS["colours"]], found[VIEWS["colours"] :]


def test_colours_are_the_same_wherever_they_lie_and_the_layout_tells_where() -> None:
    top, bottom = (apart(drawn((200, 30, 30), box)) for box in ((60, 20, 140, 90), (60, 110, 140, 180)))
    np.testing.assert_allclose(top[0], bottom[0], atol=1e-6)
    assert np.linalg.norm(top[1] - bottom[1]) > 0.5
    blue = apart(drawn((30, 30, 200), (60, 20, 140, 90)))
    assert np.linalg.norm(top[0] - blue[0]) > 0.3


def test_counts_are_shares_whatever_the_size() -> None:
    whole, fields = apart(drawn((200, 30, 30), (60, 20, 140, 90)))
    assert np.square(whole).sum() == pytest.approx(1, abs=1e-5)
    assert np.square(fields).sum() == pytest.approx(12, abs=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (5, 3)])
def test_tiny_photos_have_them_too(size: tuple[int, int]) -> None:
    whole, fields = apart(Image.new("RGB", size, "red"))
    assert np.isfinite(whole).all() and np.isfinite(fields).all() and whole.any()


@pytest.mark.models
def test_the_views_of_the_bundled_encoder_come_beside_its_vector() -> None:
    net = ENCODERS.create("efficientnet")
    encoded = net.encode([drawn((200, 30, 30), (60, 20, 140, 90)), drawn((30, 30, 200), (20, 60, 90, 140))])
    assert encoded.vectors.shape == (2, 1280) and encoded.views is not None and encoded.views.shape == (2, sum(VIEWS.values()))
    start = 0
    for size in VIEWS.values():
        np.testing.assert_allclose(np.linalg.norm(encoded.views[:, start : start + size], axis=1), 1, atol=1e-5)
        start += size
