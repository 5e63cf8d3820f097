"""The bundled encoder with further views: what it learns, that colours and places count, and that names of classes still fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import NotFitted
from mmsearch.encoders.efficientnet_views import EfficientNetViews
from mmsearch.errors import InputError
from mmsearch.media import MediaError

pytestmark = pytest.mark.models

PHOTOS = sorted((Path(__file__).parents[2] / "sample_data" / "photos").iterdir())[:40]


@pytest.fixture(scope="module")
def encoder() -> EfficientNetViews:
    made = EfficientNetViews()
    made.fit(PHOTOS)
    return made


def test_the_top_vector_is_that_of_efficientnet(encoder: EfficientNetViews) -> None:
    ours, plain = encoder.encode(PHOTOS[:8]).vectors[:, :1280], ENCODERS.create("efficientnet").encode(PHOTOS[:8]).vectors
    np.testing.assert_allclose(ours / np.linalg.norm(ours, axis=1, keepdims=True), plain, atol=1e-4)


def test_colours_and_places_count(encoder: EfficientNetViews) -> None:
    """Turned upside down or in other colours, the top vector of a plain drawing changes less than all views do."""
    one = Image.new("RGB", (200, 200), "white")
    one.paste((200, 30, 30), (60, 20, 140, 90))
    turned = one.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    vectors = encoder.encode([one, turned]).vectors
    blocks = [vectors[:, 1280 + 128 * i : 1280 + 128 * (i + 1)] for i in range(5)]
    blocks = [block / np.linalg.norm(block, axis=1, keepdims=True) for block in blocks]
    means, maxima, layout, grid, colours = (float(block[0] @ block[1]) for block in blocks)
    assert colours > 0.99, "the colours are the same"
    assert layout < 0.9, "and lie elsewhere"
    assert grid < min(means, maxima)


def test_every_view_has_its_share(encoder: EfficientNetViews) -> None:
    vectors = encoder.encode(PHOTOS[:8]).vectors
    shares = [np.square(vectors[:, 1280 + 128 * i : 1280 + 128 * (i + 1)]).sum(axis=1) for i in range(5)]
    np.testing.assert_allclose(shares, np.repeat(np.array([[0.4], [0.3], [0.2], [0.2], [0.1]]) / 2.2, 8, axis=1), atol=1e-3)


def test_class_names_fit_as_they_did(encoder: EfficientNetViews) -> None:
    plain = ENCODERS.create("efficientnet")
    for made in (plain, encoder):
        known = made.classes()
        logits = known.scale * made.encode(PHOTOS[:20]).vectors @ known.weight.T + known.bias
        if made is plain:
            likeliest = logits.argmax(axis=1)
    assert (logits.argmax(axis=1) == likeliest).mean() >= 0.9


def test_too_few_photos_teach_nothing() -> None:
    with pytest.raises(InputError, match="only 19 of at least 20") as told:
        EfficientNetViews().fit([*PHOTOS[:19], Path("missing.jpg")])
    assert "--image efficientnet" in (told.value.hint or "")
    with pytest.raises(NotFitted):
        EfficientNetViews().encode(PHOTOS[:1])


def test_a_damaged_state(encoder: EfficientNetViews) -> None:
    from mmsearch.encoders.learned import pack

    for damaged in (b"", encoder.state()[:1000], pack({"means.mean": np.zeros(3, np.float32)})):
        with pytest.raises(ValueError, match="not"):
            EfficientNetViews().restore(damaged)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (5, 3)])
def test_photos_of_a_few_pixels(encoder: EfficientNetViews, size: tuple[int, int]) -> None:
    found = encoder.encode([Image.new("RGB", size, "red"), b"no photo"])
    assert found.kept == [0]
    assert np.isfinite(found.vectors).all()
    with pytest.raises(MediaError):
        encoder.prepare(b"")
