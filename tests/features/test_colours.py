from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmsearch.features.base import Fact, Found, Medium
from mmsearch.features.colours import TERMS, Colours, cielab

RGB = tuple[int, int, int]


def photo(product: RGB, ground: RGB | None = None, size: tuple[int, int] = (120, 160)) -> Medium:
    """A disc of one colour in the middle, on a ground of another or on noise."""
    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3)).astype(np.uint8)
    image = Image.fromarray(noise) if ground is None else Image.new("RGB", size, ground)
    side = min(size) * 0.35
    ImageDraw.Draw(image).ellipse((size[0] / 2 - side, size[1] / 2 - side, size[0] / 2 + side, size[1] / 2 + side), fill=product)
    file = io.BytesIO()
    image.save(file, "PNG")
    return Medium(file.getvalue(), Path("photo.png"))


def colours(medium: Medium) -> list[Fact]:
    feature = Colours()
    return feature.extract([feature.prepare(medium)])[0]


@pytest.mark.parametrize("term", TERMS)
def test_every_example_has_its_own_name(term: str) -> None:
    chinese, codes = TERMS[term]
    ground = {"blue": (255, 240, 60), "grey": (0, 0, 0)}.get(term, (0, 128, 255))
    for code in codes.split():
        facts = colours(photo(tuple(bytes.fromhex(code)), ground))  # type: ignore[arg-type]
        assert [fact.value for fact in facts] == [term, chinese]


@pytest.mark.parametrize("ground", [(255, 255, 255), (250, 250, 248), (20, 20, 20), (200, 30, 30)])
def test_a_plain_ground_is_left_out(ground: RGB) -> None:
    facts = colours(photo((20, 90, 200), ground))
    assert [fact.value for fact in facts] == ["blue", "蓝色"]
    assert facts[0].score is not None and facts[0].score > 0.9


def test_a_photo_of_one_colour_is_that_colour() -> None:
    """Where nothing is left when the ground is gone, the photo is the product: a fabric."""
    assert [fact.value for fact in colours(photo((200, 30, 40), (200, 30, 40)))] == ["red", "红色"]


def test_on_a_busy_ground_the_middle_counts() -> None:
    assert colours(photo((30, 120, 50)))[0].value == "green"


def test_two_colours_are_both_named_with_their_shares() -> None:
    image = Image.new("RGB", (100, 100), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 20, 80, 55), fill=(200, 30, 40))
    draw.rectangle((20, 56, 80, 80), fill=(20, 35, 75))
    file = io.BytesIO()
    image.save(file, "PNG")
    facts = colours(Medium(file.getvalue(), Path("photo.png")))
    assert [fact.value for fact in facts] == ["red", "navy", "红色", "藏青色"]
    assert 0.9 < sum(fact.score or 0 for fact in facts[:2]) <= 1.001


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (3000, 2000)])
def test_any_size_has_colours(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 40)).save(file, "PNG")
    assert colours(Medium(file.getvalue(), Path("photo.png")))[0].value == "red"


def test_a_product_has_the_colours_of_all_its_photos() -> None:
    front = Found("a.jpg", (Fact("colours", "red", 0.9), Fact("颜色", "红色", 0.9)))
    back = Found(
        "b.jpg", (Fact("colours", "navy", 0.6), Fact("colours", "red", 0.4), Fact("颜色", "藏青色", 0.6), Fact("颜色", "红色", 0.4))
    )
    assert Colours().roll_up([front, back]) == {"colour": "red", "colours": ["red", "navy"], "颜色": ["红色", "藏青色"]}
    assert Colours().roll_up([]) == {}


def test_cielab_of_known_colours() -> None:
    known = cielab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255], [128, 128, 128]], np.float64))
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86], [53.59, 0, 0]]
    assert np.allclose(known, expected, atol=0.1)
