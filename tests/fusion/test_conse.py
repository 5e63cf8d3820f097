"""ConSE on classes whose answer can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from fake_encoders import FakeImage, FakeText

from mmsearch.encoders.base import Classes, Encoder, Matrix
from mmsearch.errors import InputError, UsageError
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Side
from mmsearch.fusion.conse import Conse

WORDS = ["cat", "dog", "car", "boat"]


class Words(Encoder):
    """One axis a word; an unknown word has no vector."""

    modality: ClassVar[str] = "text"
    dim = 4
    space = "words"

    def fingerprint(self) -> str:
        return "words"

    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        return np.array([[float(word == text) for word in WORDS] for text in prepared], np.float32)


class Axes(Encoder):
    """A photo is a point; the classifier reads its axes."""

    modality: ClassVar[str] = "image"
    dim = 4
    space = "axes"

    def __init__(self, names: list[str] | None = None, bias: Sequence[float] = (0, 0, 0, 0)):
        self.names, self.bias = WORDS if names is None else names, bias

    def fingerprint(self) -> str:
        return "axes"

    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        return np.array(prepared, np.float32)

    def classes(self) -> Classes:
        return Classes(self.names, np.eye(4, dtype=np.float32), np.array(self.bias, np.float32), 3.0)


def photos(*rows: Sequence[float]) -> Batch:
    X = np.array(rows, np.float32)
    return Batch({"image": X / np.linalg.norm(X, axis=1, keepdims=True)}, {"image": np.ones(len(X), bool)})


def softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits)
    return odds / odds.sum()


def test_a_photo_is_the_mean_of_the_names_of_its_likeliest_classes() -> None:
    bias = (0.5, -0.25, 0.0, 0.1)
    batch = photos([0.8, 0.5, 0.3, 0.1])
    conse = Conse(top=2, temperature=1.5)
    conse.fit(batch, {"text": Words(), "image": Axes(bias=bias)}, 0)
    logits = (3 * batch.vectors["image"][0] + np.array(bias)) / 1.5
    kept = np.array([*softmax(logits[:2]), 0, 0])
    centred = kept - 0.25  # without titles the mean name is the centre
    np.testing.assert_allclose(conse.project("image", Side(batch.vectors["image"]))[0], centred / np.linalg.norm(centred), atol=1e-5)


def test_top_above_the_number_of_classes_takes_all() -> None:
    batch = photos([0.8, 0.5, 0.3, 0.1], [0, 1, 0, 0])
    some, all_of_them = Conse(top=4), Conse(top=1000)
    for conse in (some, all_of_them):
        conse.fit(batch, {"text": Words(), "image": Axes()}, 0)
    np.testing.assert_allclose(some.items(batch), all_of_them.items(batch), atol=1e-6)


def test_a_catalogue_of_photos_without_any_text_is_searched_by_words() -> None:
    batch = photos([5, 1, 0, 0], [0, 1, 5, 1], [0, 0, 1, 5])
    conse = Conse()
    report = conse.fit(batch, {"text": Words(), "image": Axes()}, 0)
    scores = conse.project("text", Side(Words().encode(WORDS).vectors)) @ conse.items(batch).T
    assert [int(row.argmax()) for row in scores[[0, 2, 3]]] == [0, 1, 2]
    assert report.scores == {"pairs": 0} and conse.compares("text", "image")


def test_titles_move_the_centre_the_more_of_them_there_are() -> None:
    """With n titles the centre of texts is their mean by n / (n + 5)."""
    for n in (1, 5, 45):
        image = photos(*[[1, 1, 0, 0]] * n)
        batch = Batch({**image.vectors, "text": np.tile(np.float32([[1, 0, 0, 0]]), (n, 1))}, {**image.present, "text": np.ones(n, bool)})
        conse = Conse()
        conse.fit(batch, {"text": Words(), "image": Axes()}, 0)
        share = n / (n + 5)
        centred = np.array([0, 1, 0, 0]) - (share * np.array([1, 0, 0, 0]) + (1 - share) * 0.25)
        np.testing.assert_allclose(conse.query("text", Side(np.float32([[0, 1, 0, 0]])))[0], centred / np.linalg.norm(centred), atol=1e-5)


def test_a_single_product_has_a_vector() -> None:
    batch = photos([1, 0, 0, 0])
    both = Batch({**batch.vectors, "text": np.float32([[1, 0, 0, 0]])}, {**batch.present, "text": np.array([True])})
    conse = Conse()
    conse.fit(both, {"text": Words(), "image": Axes()}, 0)
    assert np.linalg.norm(conse.items(both)) == pytest.approx(1, abs=1e-5)


def test_class_names_that_the_text_encoder_cannot_read_are_left_out() -> None:
    conse = Conse()
    batch = photos([0, 5, 1, 0])  # nearest to the class without a readable name
    report = conse.fit(batch, {"text": Words(), "image": Axes(["cat", "???", "car", "boat"])}, 0)
    assert "3 classes" in report.summary
    scores = conse.project("text", Side(Words().encode(["cat", "car", "boat"]).vectors)) @ conse.items(batch).T
    assert int(scores.argmax()) == 1


def test_the_recall_of_its_own_pairs_is_reported() -> None:
    colours = [name.split(",")[0] for name in FakeImage.COLOURS] * 5
    plain = [np.full((21, 21, 3), rgb, np.uint8) for rgb in FakeImage.COLOURS.values()] * 5
    encoders = {"text": FakeText(), "image": FakeImage()}
    vectors = {"text": encoders["text"].encode(colours).vectors, "image": FakeImage().finish(plain, list(range(30)), []).vectors}
    batch = Batch(vectors, dict.fromkeys(vectors, np.ones(30, bool)))
    report = Conse().fit(batch, encoders, 0)
    # Five products of a colour are the same by title and photo: any of them is the right answer.
    assert report.scores["recall"]["text>image"] == {"R@1": 1.0, "R@10": 1.0, "RR": 1.0}
    assert report.scores["recall"]["image>text"]["R@1"] == 1.0
    assert "R@10 1.000" in report.summary


class NoClasses(Axes):
    def classes(self) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("encoders", "reason"),
    [
        ({"text": Words()}, "image encoder whose model names classes"),
        ({"text": Words(), "image": NoClasses()}, "image encoder whose model names classes"),
        ({"image": Axes()}, "conse needs a text encoder"),
        ({"text": Words(), "image": Axes(["1", "2", "3", "4"])}, "can read none of the names"),
    ],
)
def test_what_it_cannot_do_without(encoders: dict[str, Encoder], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Conse().fit(photos([1, 0, 0, 0]), encoders, 0)


def test_a_catalogue_without_photos() -> None:
    texts = Batch({"text": np.eye(4, dtype=np.float32)}, {"text": np.ones(4, bool)})
    with pytest.raises(InputError, match="conse needs photos, but no product has a vector of photos"):
        Conse().fit(texts, {"text": Words(), "image": Axes()}, 0)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("conse(top=0)", "top must be at least 1"),
        ("conse(temperature=0)", "temperature must be above 0"),
        ("conse(text=-1)", "weight of text"),
        ("conse(text=0, image=0)", "at least one of the weights"),
    ],
)
def test_bad_parameters(spec: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        FUSERS.create(spec)
