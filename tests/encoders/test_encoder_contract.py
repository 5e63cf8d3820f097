"""What every encoder promises. A new one is found here by its entry point; it needs samples only if its modality is new."""

from __future__ import annotations

import inspect
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_clip
from PIL import Image

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, NotFitted
from mmsearch.errors import UsageError

BUILT_IN = sorted(e.name for e in distribution("mmsearch").entry_points if e.group == "mmsearch.encoders")
FAKES = ["fake-text", "fake-learned", "fake-image"]
NAMES = [*FAKES, *(pytest.param(name, marks=pytest.mark.models) for name in BUILT_IN)]

NEEDS_A_MODEL = {"openclip"}  # by a parameter: the test makes one

#: For each encoder that takes parameters, a spec that changes its vectors.
VARIANTS = {"efficientnet": "efficientnet(crop=auto)", "fake-text": "fake-text(seed=1)", "fake-learned": "fake-learned(seed=1)"}

TEXTS = ["red running shoes", "红色跑步鞋", "a blender for smoothies, 500 W", "Café crème 12×10 g", "x"]


def create(spec: str, items: list[Any]) -> Encoder:
    """An encoder; one that learns has learned from the items."""
    made = ENCODERS.create(spec)
    assert isinstance(made, Encoder)
    if made.learns:
        made.fit(items * 4)  # some learn nothing from fewer than twenty
    return made


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Specs of two tiny OpenCLIP models that know nothing: encoders that need a model get one here."""
    folder = tmp_path_factory.mktemp("clip")
    made = {f"openclip{seed}": f"openclip({tiny_clip.make(folder / str(seed), seed, steps=0)})" for seed in (0, 1)}
    return {"openclip": made["openclip0"], "variant": made["openclip1"]}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """A spec that makes the encoder."""
    if request.param == "openclip":
        clip = request.getfixturevalue("clip")
        VARIANTS[clip["openclip"]] = clip["variant"]
        return str(clip["openclip"])
    return str(request.param)


@pytest.fixture
def encoder(name: str, good: list[Any]) -> Encoder:
    return create(name, good)


@pytest.fixture
def good(name: str, tmp_path: Path) -> list[Any]:
    """Five different items that the encoder can encode."""
    modality = ENCODERS.create(name).modality
    if modality == "text":
        return list(TEXTS)
    assert modality == "image", f"give this test samples of {modality}"
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


def test_deterministic(encoder: Encoder, name: str, good: list[Any]) -> None:
    again = create(name, good)
    np.testing.assert_array_equal(encoder.encode(good).vectors, again.encode(good).vectors)


def test_fingerprint_is_stable_and_names_the_vectors(encoder: Encoder, name: str, good: list[Any]) -> None:
    assert int(encoder.fingerprint(), 16) >= 0
    assert encoder.fingerprint() == create(name, good).fingerprint()
    if inspect.signature(type(encoder)).parameters:
        assert create(VARIANTS[name], good).fingerprint() != encoder.fingerprint()
    others = [n for n in [*FAKES, *BUILT_IN] if n != name and n not in NEEDS_A_MODEL and ENCODERS.create(n).modality == encoder.modality]
    assert encoder.fingerprint() not in {create(n, good).fingerprint() for n in others}


def test_what_was_learned_is_all_that_is_needed(encoder: Encoder, name: str, good: list[Any]) -> None:
    if not encoder.learns:
        return
    again = ENCODERS.create(name)
    for early in (again.fingerprint, again.state, lambda: again.encode(good[:1]), lambda: again.encode(good[:1], query=True)):
        with pytest.raises(NotFitted):
            early()
    again.restore(encoder.state())
    assert (again.state(), again.fingerprint()) == (encoder.state(), encoder.fingerprint())
    np.testing.assert_array_equal(again.encode(good).vectors, encoder.encode(good).vectors)


def test_what_was_learned_counts_in_the_fingerprint(encoder: Encoder, name: str, good: list[Any]) -> None:
    if encoder.learns:
        assert create(name, [good[3], *good]).fingerprint() != encoder.fingerprint()


@pytest.mark.parametrize("damaged", ["", "half", "other"])
def test_a_damaged_state_is_a_value_error(encoder: Encoder, name: str, damaged: str) -> None:
    if not encoder.learns:
        return
    state = {"": b"", "half": encoder.state()[: len(encoder.state()) // 2], "other": b"\x80\x04N."}[damaged]
    with pytest.raises(ValueError, match=r"\w"):
        ENCODERS.create(name).restore(state)


def test_a_query_is_encoded_as_one(encoder: Encoder, good: list[Any], bad: list[Any]) -> None:
    vectors, kept, failures = encoder.encode([good[0], bad[0], good[1]], query=True)
    assert (kept, [index for index, _ in failures]) == ([0, 2], [1])
    assert vectors.shape == (2, encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    own = type(encoder).prepare_query is not Encoder.prepare_query
    assert own or np.allclose(vectors, encoder.encode(good[:2]).vectors, atol=1e-5), "only prepare_query makes a query different"


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


def test_an_unknown_parameter_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="no parameter 'nonsense'"):
        ENCODERS.create(f"{name}(nonsense=1)" if "(" not in name else name.replace(")", ", nonsense=1)"))


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
