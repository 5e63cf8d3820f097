"""A history is read alike by NumPy and by PyTorch, and by nothing that comes later."""

from __future__ import annotations

import numpy as np
import torch

from mmsearch.recommend.attention import attend, initial, shares, unit
from mmsearch.recommend.sequences import SILENT

rng = np.random.default_rng(0)
VALUES = {name: value + 0.3 * rng.normal(size=value.shape).astype(np.float32) for name, value in initial(8, 2, 2, 6, rng).items()}
X = rng.normal(size=(3, 6, 8)).astype(np.float32)
LOUD = np.where(np.arange(6) < np.array([[6], [4], [1]]), 0, SILENT).astype(np.float32)


def read(X: np.ndarray, loud: np.ndarray) -> np.ndarray:
    values = {name: value.astype(np.float64) for name, value in VALUES.items()}
    return np.asarray(attend(values, X.astype(np.float64), loud.astype(np.float64), np))


def test_numpy_equals_torch() -> None:
    values = {name: torch.from_numpy(value) for name, value in VALUES.items()}
    other = attend(values, torch.from_numpy(X), torch.from_numpy(LOUD), torch).numpy()
    np.testing.assert_allclose(read(X, LOUD), other, atol=1e-5)


def test_it_is_the_attention_of_pytorch() -> None:
    """Without distances, the first block's scores are those of PyTorch's own layers."""
    values = {name: torch.from_numpy(value * (not name.endswith("distance"))) for name, value in VALUES.items()}
    values = {name: value for name, value in values.items() if not name.startswith("1.")}
    x = torch.from_numpy(X)
    even = torch.nn.functional.layer_norm(x, (8,), values["0.before"], values["0.before_bias"])
    asks, shows, tells = (even @ values["0.looks"] + values["0.looks_bias"]).reshape(3, 6, 3, 2, 4).permute(2, 0, 3, 1, 4)
    heard = torch.nn.functional.scaled_dot_product_attention(asks, shows, tells, is_causal=True).swapaxes(1, 2).reshape(3, 6, 8)
    x = x + heard @ values["0.says"] + values["0.says_bias"]
    even = torch.nn.functional.layer_norm(x, (8,), values["0.between"], values["0.between_bias"])
    x = x + torch.relu(even @ values["0.inner"] + values["0.inner_bias"]) @ values["0.outer"] + values["0.outer_bias"]
    expected = torch.nn.functional.layer_norm(x, (8,), values["after"], values["after_bias"])
    found = attend(values, torch.from_numpy(X), torch.zeros(3, 6), torch)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_what_comes_later_is_not_seen_and_padding_is_not_heard() -> None:
    changed = X.copy()
    changed[:, 4:] = 7.0
    np.testing.assert_array_equal(read(X, LOUD)[:, :4], read(changed, LOUD)[:, :4])
    np.testing.assert_allclose(read(X, LOUD)[1, :4], read(X[1:2, :4], LOUD[1:2, :4])[0], atol=1e-12)


def test_an_event_that_says_half_is_heard_half_as_loud() -> None:
    loud = np.log([[1.0, 0.5, 1.0]])
    found = shares(0, np.zeros((1, 3)), loud, np)[0, 0]
    np.testing.assert_allclose(found, [[1, 0, 0], [2 / 3, 1 / 3, 0], [0.4, 0.2, 0.4]], atol=1e-12)


def test_distance_is_counted_back_from_the_one_that_hears() -> None:
    fade = np.log([[1.0, 0.5, 0.25]])
    found = shares(0, fade, np.zeros((1, 3)), np)[0, 0]
    np.testing.assert_allclose(found[2], np.array([0.25, 0.5, 1]) / 1.75, atol=1e-12)
    np.testing.assert_allclose(found[1], np.array([0.5, 1, 0]) / 1.5, atol=1e-12)


def test_unit() -> None:
    np.testing.assert_allclose(np.linalg.norm(unit(X), axis=-1), 1, atol=1e-5)
    assert not unit(np.zeros((1, 3))).any()
