"""The gradients that are written out, against differences; and that what is trained is what products are mapped by."""

from __future__ import annotations

import numpy as np
import pytest

from mmsearch.fusion import gated_training
from mmsearch.fusion.gate import gated
from mmsearch.fusion.gated_network import Adam, Values, batches, blank, contrast, initial, look, towers, trace
from mmsearch.fusion.gated_training import Seen, Settings, loss_of
from mmsearch.fusion.together import SameCategory

NAMES = ["text", "image", "audio"]


def world(n: int = 12) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    components = {m: rng.normal(size=(n, k)).astype(np.float32) for m, k in zip(NAMES, (5, 7, 4), strict=True)}
    through = rng.random((n, len(NAMES))) < 0.6
    through[~through.any(axis=1), 0] = True
    return components, through


def values_of(components: dict[str, np.ndarray]) -> Values:
    """Values that are not those of the beginning, where some gradients are zero; in float64, for differences."""
    rng = np.random.default_rng(1)
    start = initial(components, 6, 0.2, 0)
    return {name: (value + 0.3 * rng.normal(size=value.shape)).astype(np.float64) for name, value in start.items()}  # type: ignore[misc]


def test_every_gradient_is_that_of_differences() -> None:
    components, through = world()
    components = {m: X.astype(np.float64) for m, X in components.items()}
    other = np.roll(through, 1, axis=1)
    other[~other.any(axis=1), 1] = True
    rows, partners = np.arange(12), np.roll(np.arange(12), 3)
    rng = np.random.default_rng(2)
    ignored, back = rng.random((12, 12)) < 0.2, rng.random((12, 12)) < 0.2
    np.fill_diagonal(ignored, False)
    np.fill_diagonal(back, False)
    values = values_of(components)
    veil = {m: np.where(rng.random(X.shape) < 0.3, 0, 1.4) for m, X in components.items()}

    def loss() -> float:
        one, two = look(values, components, rows, through, veil), look(values, components, partners, other)
        return contrast(one.out, two.out, float(values["sharpness"][0]), ignored, back)[0]

    one, two = look(values, components, rows, through, veil), look(values, components, partners, other)
    _, to_one, to_two, sharper = contrast(one.out, two.out, float(values["sharpness"][0]), ignored, back)
    gradients = blank(values)
    trace(values, components, one, to_one, gradients)
    trace(values, components, two, to_two, gradients)
    gradients["sharpness"][0] = sharper
    step = 1e-5
    for name, value in values.items():
        flat, found = value.reshape(-1), gradients[name].reshape(-1)
        for i in np.random.default_rng(3).permutation(len(flat))[:15]:
            kept = flat[i]
            flat[i] = kept + step
            above = loss()
            flat[i] = kept - step
            below = loss()
            flat[i] = kept
            assert found[i] == pytest.approx((above - below) / (2 * step), abs=1e-6, rel=1e-3), f"{name}[{i}]"


def test_what_is_trained_is_what_maps() -> None:
    components, through = world()
    values = {name: value.astype(np.float32) for name, value in values_of(components).items()}
    seen = look(values, components, np.arange(12), through).out
    present = {m: through[:, i] for i, m in enumerate(NAMES)}
    np.testing.assert_allclose(gated(towers(values, NAMES), components, present), seen, atol=1e-5)


def test_towers_are_copies() -> None:
    components, _ = world()
    values = initial(components, 6, 0.1, 0)
    known = towers(values, NAMES)
    before = known["text"].weight.copy()
    values["text.weight"] += 1
    np.testing.assert_array_equal(known["text"].weight, before)


def test_before_training_similarities_within_a_modality_are_as_they_were() -> None:
    components, _ = world()
    values = initial(components, 16, 0.1, 0)
    lies = towers(values, NAMES)["image"].project(components["image"])
    X = components["image"] / np.linalg.norm(components["image"], axis=1, keepdims=True)
    np.testing.assert_allclose(lies @ lies.T, X @ X.T, atol=1e-5)


def test_a_contrast_that_knows_the_answer_is_near_zero_and_one_that_does_not_is_chance() -> None:
    corners = np.eye(8, dtype=np.float32)
    none = np.zeros((8, 8), bool)
    assert contrast(corners, corners, np.log(50), none, none)[0] == pytest.approx(0, abs=1e-6)
    same = np.ones((8, 1), np.float32)
    assert contrast(same, same, 0.0, none, none)[0] == pytest.approx(np.log(8), abs=1e-5)
    every = ~np.eye(8, dtype=bool)  # nothing is left to be told apart
    assert contrast(same, same, 0.0, every, every)[0] == pytest.approx(0, abs=1e-6)


def test_the_sharpness_has_a_limit() -> None:
    corners = np.eye(4, dtype=np.float32)
    none = np.zeros((4, 4), bool)
    _, _, _, sharper = contrast(corners, np.roll(corners, 1, axis=0), np.log(1e6), none, none)
    assert sharper == 0
    assert contrast(corners, corners, 1e6, none, none)[0] == contrast(corners, corners, np.log(1e6), none, none)[0]


@pytest.mark.parametrize("sharpness", [np.nan, np.inf, -np.inf])
def test_a_sharpness_that_is_no_number_makes_no_loss(sharpness: float) -> None:
    corners = np.eye(4, dtype=np.float32)
    assert np.isnan(contrast(corners, corners, sharpness, np.zeros((4, 4), bool), np.zeros((4, 4), bool))[0])


def two_points(own: float) -> float:
    """The loss of two categories in one modality, each of them a single point."""
    labels = np.arange(20) % 2
    X = np.where(labels[:, None] == 0, [[1.0, 0.0]], [[0.0, 1.0]]).astype(np.float32)
    data = Seen({"text": X}, {"text": np.ones(20, bool)}, {}, {})
    settings = Settings(dim=2, dropout=0.3, own=own, temperature=0.01, rate=0.001, rounds=1)
    values = initial(data.components, 2, 0.01, 0)
    return loss_of(values, data, SameCategory(labels), np.arange(20), settings, np.random.default_rng(0))[0]


def test_what_belongs_together_is_no_negative() -> None:
    """With every negative of the own category left out, two points are a perfect answer."""
    assert two_points(own=0) == pytest.approx(0, abs=1e-3)


def test_a_product_of_one_modality_is_told_from_its_own_kind_too() -> None:
    assert two_points(own=0.2) > 0.5


@pytest.mark.parametrize(("having", "share"), [(40, 0.2), (20, 0.4), (4, 0.5), (0, 0.0)])
def test_fewer_products_with_a_choice_are_themselves_more_often(having: int, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that as many pairs tell how modalities go together, whatever products lack; half of the pairs of such products at most."""
    seen_through = []
    monkeypatch.setattr(gated_training, "look", lambda *given: (seen_through.append(given[3]), look(*given))[1])
    labels = np.arange(40) % 4
    rng = np.random.default_rng(0)
    X = {m: rng.normal(size=(40, 5)).astype(np.float32) for m in ("text", "image")}
    data = Seen(X, {"text": np.ones(40, bool), "image": np.arange(40) < having}, {}, {})
    settings = Settings(dim=4, dropout=0.0, own=0.2, temperature=0.1, rate=0.001, rounds=1)
    values = initial(X, 4, 0.1, 0)
    for _ in range(100):
        loss_of(values, data, SameCategory(labels), np.arange(40), settings, rng)
    apart = np.mean([(through[:having].sum(axis=1) == 1).mean() for through in seen_through[::2]]) if having else 0.0
    assert apart == pytest.approx(share, abs=0.06)


def test_adam_finds_the_bottom_of_a_bowl() -> None:
    values = {"x": np.array([3.0, -2.0], np.float32)}
    adam = Adam(values, 0.1)
    for _ in range(300):
        adam.step(values, {"x": 2 * (values["x"] - 1)})
    np.testing.assert_allclose(values["x"], 1, atol=1e-2)


def test_batches_hold_everyone_once_or_again_where_there_are_few() -> None:
    rng = np.random.default_rng(0)
    found = list(batches(np.arange(100), 10, 5, rng))
    assert len(found) == 10 and sorted(np.concatenate(found)) == list(range(100))
    few = list(batches(np.arange(6), 6, 4, rng))
    assert [sorted(batch) for batch in few] == [list(range(6))] * 4
