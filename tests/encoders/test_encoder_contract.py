"""What every encoder promises. A new one is found here by its entry point; it needs samples only if its modality is new."""

from __future__ import annotations

import inspect
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_clip
from fake_sounds import RATE, written
from fake_videos import COLOURS, scene, video
from PIL import Image
from small_models import small_sentence_model, small_vector_file

from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, NotFitted
from mmsearch.errors import UsageError
from mmsearch.spec import parse

BUILT_IN = sorted(e.name for e in distribution("mmsearch").entry_points if e.group == "mmsearch.encoders")
FAKES = ["fake-text", "fake-learned", "fake-image", "fake-audio"]
NAMES = [*FAKES, *(pytest.param(name, marks=pytest.mark.models) for name in BUILT_IN)]

#: For each encoder that takes parameters, a spec that changes its vectors.
VARIANTS = {
    "efficientnet": "efficientnet(crop=auto)",
    "openclip": "openclip(crop=auto)",
    "fake-text": "fake-text(seed=1)",
    "fake-learned": "fake-learned(seed=1)",
    "sentence": 'sentence(query_prefix="query: ")',
    "word2vec": "word2vec(dim=50)",
    "vectors": "vectors(weighting=idf)",
    "acoustic": "acoustic(window=3)",
    "voiceprint": "voiceprint(window=3)",
    "frames": "frames(per_minute=10)",
}

TEXTS = ["red running shoes", "红色跑步鞋", "a blender for smoothies, 500 W", "Café crème 12×10 g", "x"]


@pytest.fixture(scope="session", autouse=True)
def _small_models(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Encoders that need a file of the user's get a small one."""
    MODELS["sentence"] = lambda: small_sentence_model(tmp_path_factory.mktemp("sentence"))
    MODELS["openclip"] = lambda: tiny_clip.make(tmp_path_factory.mktemp("clip") / "model", steps=0)
    MODELS["vectors"] = lambda: small_vector_file(tmp_path_factory.mktemp("vectors"), TEXTS)


MODELS: dict[str, Any] = {}  # encoder → its model's path, or what makes it


def new(spec: str) -> Encoder:
    """An encoder as it comes from its spec, which lacks the path of a model."""
    parsed = parse(spec)
    if parsed.name in MODELS:
        if callable(MODELS[parsed.name]):
            MODELS[parsed.name] = MODELS[parsed.name]()
        parsed = replace(parsed, args=(str(MODELS[parsed.name]),))
    made = ENCODERS.create(parsed)
    assert isinstance(made, Encoder)
    if made.follows:
        made.follow(ENCODERS.create(f"fake-{made.follows}"))
    return made


#: Pitch and seconds of five sounds that are like voices; the last has several windows.
VOICES = [(110.0, 1.2), (150.0, 0.7), (220.0, 2.0), (90.0, 1.0), (180.0, 9.0)]


def spoken(path: Path, pitch: float, seconds: float) -> Path:
    """Something like a voice: a buzz through the formants of a changing vowel, in syllables."""
    t = np.arange(round(seconds * RATE)) / RATE
    vowel = 700 + 250 * np.sin(2 * np.pi * 1.5 * t + pitch)
    buzz = np.zeros(len(t))
    for k in range(1, int(4_000 / pitch)):
        strength = sum(np.exp(-(((k * pitch - f) / 150) ** 2)) for f in (vowel, 2 * vowel, 2_600 + pitch))
        buzz += (strength + 0.05) * np.sin(2 * np.pi * k * pitch * t)
    path.write_bytes(written(0.1 * (buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)))
    return path


def create(spec: str, items: list[Any]) -> Encoder:
    """An encoder; one that learns has learned from the items."""
    made = new(spec)
    if made.learns:
        made.fit(items * 4)  # some learn nothing from fewer than twenty
    return made


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def encoder(name: str, good: list[Any]) -> Encoder:
    return create(name, good)


@pytest.fixture
def good(name: str, tmp_path: Path) -> list[Any]:
    """Five different items that the encoder can encode."""
    modality = new(name).modality
    if modality == "text":
        return list(TEXTS)
    if modality == "audio":
        return [spoken(tmp_path / f"{i}.wav", pitch, seconds) for i, (pitch, seconds) in enumerate(VOICES)]
    if modality == "video":
        clips = [tmp_path / f"{i}.mp4" for i in range(5)]
        for i, clip in enumerate(clips):
            clip.write_bytes(video([scene(COLOURS[(i + k // 10) % 8]) for k in range(10 * (i % 3 + 1))]))
        return list(clips)
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
    vectors, kept, failures, views = encoder.encode(good)
    assert views is None if not encoder.views else views.shape == (len(good), sum(encoder.views.values()))
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
    vectors, kept, failures, _ = encoder.encode(mixed)
    assert kept == [0, 2, 3, 6]
    assert [index for index, _ in failures] == [1, 4, 5]
    assert all(reason for _, reason in failures)
    np.testing.assert_allclose(vectors, encoder.encode(good[:4]).vectors, atol=1e-5)


def test_nothing_and_all_failing(encoder: Encoder, bad: list[Any]) -> None:
    assert encoder.encode([]).vectors.shape == (0, encoder.dim)
    vectors, kept, failures, _ = encoder.encode(bad)
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
    others = [n for n in [*FAKES, *BUILT_IN] if n != name and new(n).modality == encoder.modality]
    assert encoder.fingerprint() not in {create(n, good).fingerprint() for n in others}


def test_what_was_learned_is_all_that_is_needed(encoder: Encoder, name: str, good: list[Any]) -> None:
    if not encoder.learns:
        return
    again = new(name)
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
        new(name).restore(state)


def test_a_query_is_encoded_as_one(encoder: Encoder, good: list[Any], bad: list[Any]) -> None:
    vectors, kept, failures, _ = encoder.encode([good[0], bad[0], good[1]], query=True)
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
        ENCODERS.create(f"{name}(nonsense=1)")


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
