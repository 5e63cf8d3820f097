"""What every encoder promises. A new one is found here by its entry point; it needs samples only if its modality is new."""

from __future__ import annotations

import inspect
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.errors import UsageError

BUILT_IN = sorted(e.name for e in distribution("mmsearch").entry_points if e.group == "mmsearch.encoders")
NAMES = ["fake-text", "fake-image", *(pytest.param(name, marks=pytest.mark.models) for name in BUILT_IN)]

#: For each encoder that takes parameters, a spec that changes its vectors.
VARIANTS = {"fake-text": "fake-text(seed=1)"}

TEXTS = ["red running shoes", "红色跑步鞋", "a blender for smoothies, 500 W", "Café crème 12×10 g", "x"]


@pytest.fixture(params=NAMES)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    made = ENCODERS.create(request.param)
    assert isinstance(made, Encoder)
    return made


@pytest.fixture
def good(encoder: Encoder, tmp_path: Path) -> list[Any]:
    """Five different items that the encoder can encode."""
    if encoder.modality == "text":
        return list(TEXTS)
    assert encoder.modality == "image", f"give this test samples of {encoder.modality}"
    rng = np.random.default_rng(0)
    paths = []
    for i, (width, height) in enumerate([(300, 200), (64, 256), (20, 20), (1, 1), (500, 40)]):
        pixels = rng.integers(0, 256, (2, 2, 3)).repeat(height, 0).repeat(width, 1)[:height, :width].astype(np.uint8)
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(pixels).save(paths[-1])
    return list(paths)


@pytest.fixture
def bad(encoder: Encoder, tmp_path: Path) -> list[Any]:
    """Items that it cannot encode."""
    if encoder.modality == "text":
        return ["", " \n\t ", None]
    (tmp_path / "text.jpg").write_text("not a photo", encoding="utf-8")
    return [tmp_path / "missing.jpg", tmp_path / "text.jpg", b""]


def test_vectors_are_unit_finite_float32(encoder: Encoder, good: list[Any]) -> None:
    vectors, kept, failures = encoder.encode(good)
    assert vectors.shape == (len(good), encoder.dim)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert (kept, failures) == (list(range(len(good))), [])


def test_different_items_get_different_vectors(encoder: Encoder, good: list[Any]) -> None:
    vectors = encoder.encode(good).vectors
    similarity = vectors @ vectors.T - 2 * np.eye(len(good))
    assert similarity.max() < 0.9999


def test_a_failure_in_the_middle_moves_no_vector(encoder: Encoder, good: list[Any], bad: list[Any]) -> None:
    mixed = [good[0], bad[0], good[1], good[2], *bad[1:], good[3]]
    vectors, kept, failures = encoder.encode(mixed)
    assert kept == [0, 2, 3, 6]
    assert [index for index, _ in failures] == [1, 4, 5]
    assert all(reason for _, reason in failures)
    np.testing.assert_allclose(vectors, encoder.encode(good[:4]).vectors, atol=1e-5)


def test_nothing_and_all_failing(encoder: Encoder, bad: list[Any]) -> None:
    assert encoder.encode([]).vectors.shape == (0, encoder.dim)
    vectors, kept, failures = encoder.encode(bad)
    assert vectors.shape == (0, encoder.dim)
    assert vectors.dtype == np.float32
    assert kept == []
    assert len(failures) == len(bad)


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder, good: list[Any]) -> None:
    many = good * 30  # more than one batch, inside and out
    together = encoder.encode(many).vectors
    alone = np.concatenate([encoder.encode([item]).vectors for item in good])
    np.testing.assert_allclose(together, np.tile(alone, (30, 1)), atol=1e-5)


def test_deterministic(encoder: Encoder, good: list[Any], request: pytest.FixtureRequest) -> None:
    again = ENCODERS.create(request.node.callspec.params["encoder"])
    np.testing.assert_array_equal(encoder.encode(good).vectors, again.encode(good).vectors)


def test_fingerprint_is_stable_and_names_the_vectors(encoder: Encoder, request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.params["encoder"]
    assert int(encoder.fingerprint(), 16) >= 0
    assert encoder.fingerprint() == ENCODERS.create(name).fingerprint()
    if inspect.signature(type(encoder)).parameters:
        assert ENCODERS.create(VARIANTS[name]).fingerprint() != encoder.fingerprint()
    others = {n: ENCODERS.create(n).fingerprint() for n in ["fake-text", "fake-image", *BUILT_IN] if n != name}
    assert encoder.fingerprint() not in others.values()


def test_it_says_what_it_is(encoder: Encoder) -> None:
    assert encoder.modality in settings.MODALITIES
    assert encoder.space
    assert encoder.dim > 0


def test_classes_fit_the_vectors(encoder: Encoder, good: list[Any]) -> None:
    classes = encoder.classes()
    if classes is None:
        return
    assert classes.weight.shape == (len(classes.names), encoder.dim)
    assert classes.bias.shape == (len(classes.names),)
    assert all(classes.names)
    logits = classes.scale * encoder.encode(good).vectors @ classes.weight.T + classes.bias
    assert np.isfinite(logits).all()
    assert len({int(i) for i in logits.argmax(axis=1)}) > 1


def test_an_unknown_parameter_is_a_usage_error(request: pytest.FixtureRequest, encoder: Encoder) -> None:
    with pytest.raises(UsageError, match="no parameter 'nonsense'"):
        ENCODERS.create(f"{request.node.callspec.params['encoder']}(nonsense=1)")


def test_fakes_mean_something() -> None:
    text, image = ENCODERS.create("fake-text"), ENCODERS.create("fake-image")
    shoe, red, blender, shoe_zh, red_zh = text.encode(["running shoe", "Red running SHOE!", "blender", "跑步鞋", "红色跑步鞋"]).vectors
    assert shoe @ red > 0.5 > shoe @ blender
    assert shoe_zh @ red_zh > 0.5 > shoe_zh @ blender
    plain = [Image.new("RGB", (30, 40), colour) for colour in ("red", "navy", "white", "black", "yellow")]
    classes = image.classes()
    logits = classes.scale * image.encode(plain).vectors @ classes.weight.T + classes.bias
    assert [classes.names[i].split(",")[0] for i in logits.argmax(axis=1)] == ["red", "blue", "white", "black", "yellow"]


def test_the_fake_rejects_a_bad_value() -> None:
    with pytest.raises(UsageError, match="seed must be at least 0"):
        ENCODERS.create("fake-text(seed=-1)")
