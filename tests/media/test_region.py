"""Where the product is on a photo: drawn ones with a known answer, and those on which there is none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmsearch.media.region import Box, checked_crop, product_box, square


def scene(width: int, height: int, box: tuple[int, int, int, int], colour: str = "darkred", noise: int = 12) -> Image.Image:
    """An ellipse in a box on a speckled light ground."""
    rng = np.random.default_rng(0)
    ground = Image.fromarray(rng.integers(225 - noise, 225 + noise, (height, width, 3)).astype(np.uint8))
    ImageDraw.Draw(ground).ellipse(box, fill=colour)
    return ground


def around(found: Box, box: tuple[int, int, int, int]) -> bool:
    """Whether a box holds another, with at most an eighth of its long side to spare at each edge."""
    spare = 0.125 * max(box[2] - box[0], box[3] - box[1])
    return all(0 <= gap <= spare for gap in (box[0] - found[0], box[1] - found[1], found[2] - box[2], found[3] - box[3]))


@pytest.mark.parametrize("box", [(200, 100, 350, 300), (40, 40, 160, 200), (60, 150, 540, 250), (250, 40, 330, 360)])
@pytest.mark.parametrize("colour", ["darkred", "black", "royalblue"])
def test_the_box_is_that_of_the_product(box: tuple[int, int, int, int], colour: str) -> None:
    assert around(product_box(scene(600, 400, box, colour)), box)


@pytest.mark.parametrize("size", [(600, 400), (150, 100), (3_000, 2_000)])
def test_at_any_size(size: tuple[int, int]) -> None:
    width, height = size
    box = (width // 3, height // 4, 2 * width // 3, 3 * height // 4)
    found = product_box(scene(width, height, box))
    assert around(found, box)
    assert 0 <= found.left < found.right <= width
    assert 0 <= found.top < found.bottom <= height


def test_the_same_photo_has_the_same_box_whatever_came_before() -> None:
    photo = scene(300, 300, (80, 90, 200, 180))
    first = product_box(photo)
    product_box(scene(200, 300, (50, 50, 90, 190), "green"))
    assert product_box(photo) == first


@pytest.mark.parametrize("size", [(600, 400), (1, 1), (1, 500), (10, 300), (3, 3)])
def test_where_nothing_stands_out_it_is_the_whole_photo(size: tuple[int, int]) -> None:
    assert product_box(Image.new("RGB", size, "white")) == Box(0, 0, *size)


def test_noise_alone_ends_in_a_box_inside_the_photo() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (90, 140, 3)).astype(np.uint8)
    left, top, right, bottom = product_box(Image.fromarray(pixels))
    assert 0 <= left < right <= 140
    assert 0 <= top < bottom <= 90


def test_the_square_lies_in_the_photo_around_the_box() -> None:
    assert square(Box(10, 10, 30, 60), 200, 100) == (0, 10, 50, 60)
    assert square(Box(150, 40, 200, 60), 200, 100) == (150, 25, 200, 75)
    assert square(Box(0, 40, 200, 60), 200, 100) == (50, 0, 150, 100)


def test_crop_is_none_or_auto() -> None:
    assert (checked_crop("none"), checked_crop("auto")) == (False, True)
    with pytest.raises(ValueError, match="none or auto"):
        checked_crop("middle")
