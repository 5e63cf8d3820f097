"""How a network reads a history: each event looks back at those before it. Written once, for PyTorch (learning) and NumPy (answering).

Vaswani et al., "Attention is all you need", NeurIPS 2017, causal as in Kang and McAuley, "Self-attentive sequential recommendation",
ICDM 2018. Where an event stands is told by how many events lie between it and the one that looks (a learned number for each distance and
head, as in Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer", JMLR 2020), so that a long
history's end is read as a short history is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A NumPy array, or a tensor of PyTorch.
Array = Any
#: What dropout does to an array in learning.
Thin = Callable[[Array], Array]

_NARROW = 1e-5  # added to a variance
_NOTHING = 1e-12  # added to a squared length
_UNHEARD = -1e9


def whole(X: Array) -> Array:
    """No dropout."""
    return X


def unit(X: Array) -> Array:
    """Vectors (…, d) made of length 1."""
    return X / ((X * X).sum(-1)[..., None] + _NOTHING) ** 0.5


def initial(dim: int, layers: int, heads: int, longest: int, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Values before learning of `layers` blocks for vectors of `dim` numbers and histories of `longest` events."""
    values: dict[str, NDArray[np.floating]] = {}
    for layer in range(layers):
        wide = 2 * dim
        for name, size in (("looks", (dim, 3 * dim)), ("says", (dim, dim)), ("inner", (dim, wide)), ("outer", (wide, dim))):
            values[f"{layer}.{name}"] = rng.normal(size=size) * 0.02
            values[f"{layer}.{name}_bias"] = np.zeros(size[1])
        for name in ("before", "between"):
            values[f"{layer}.{name}"], values[f"{layer}.{name}_bias"] = np.ones(dim), np.zeros(dim)
        values[f"{layer}.distance"] = np.zeros((heads, longest))
    values["after"], values["after_bias"] = np.ones(dim), np.zeros(dim)
    return {name: value.astype(np.float32) for name, value in values.items()}


def attend(values: Mapping[str, Array], X: Array, loud: Array, xp: Any, thin: Thin = whole) -> Array:
    """Events (b, t, d) → at each event, what is read of the history up to it (b, t, d).

    Parameters
    ----------
    loud : (b, t) logarithm of how much each event counts; −1e9 where there is none.
    xp : numpy or torch, whose arrays all the others are.
    """
    X = thin(X)
    b, t, d = X.shape
    layer = 0
    while f"{layer}.looks" in values:
        of = {name: values[f"{layer}.{name}"] for name in _NAMES}
        heads = of["distance"].shape[0]
        looks = _even(X, of["before"], of["before_bias"]) @ of["looks"] + of["looks_bias"]
        asks, shows, tells = (looks[..., i * d : (i + 1) * d].reshape(b, t, heads, d // heads).swapaxes(1, 2) for i in range(3))
        heard = thin(shares(asks @ shows.swapaxes(2, 3) / (d // heads) ** 0.5, of["distance"], loud, xp)) @ tells
        X = X + thin(heard.swapaxes(1, 2).reshape(b, t, d) @ of["says"] + of["says_bias"])
        inner = _even(X, of["between"], of["between_bias"]) @ of["inner"] + of["inner_bias"]
        X = X + thin(thin(inner * (inner > 0)) @ of["outer"] + of["outer_bias"])
        layer += 1
    return _even(X, values["after"], values["after_bias"])


_PAIRS = ("looks", "says", "inner", "outer", "before", "between")
_NAMES = (*_PAIRS, *(f"{name}_bias" for name in _PAIRS), "distance")


def shares(fit: Array, distance: Array, loud: Array, xp: Any) -> Array:
    """How much of each event (last axis) each event (last but one) hears: softmax over those up to itself.

    Parameters
    ----------
    fit : (b, heads, t, t), or 0, what speaks for hearing beside where they stand. distance : (heads, ≥ t). loud : (b, t).
    """
    t = loud.shape[1]
    at = xp.arange(t, device=loud.device)
    back = at[:, None] - at[None, :]
    asked = fit + distance[:, back * (back > 0)] + loud[:, None, None, :] + (back < 0) * _UNHEARD
    raised = xp.exp(asked - xp.amax(asked, -1)[..., None])
    return raised / raised.sum(-1)[..., None]


def _even(X: Array, gain: Array, bias: Array) -> Array:
    """Layer normalisation (Ba et al., 2016)."""
    centred = X - X.mean(-1)[..., None]
    return centred / ((centred * centred).mean(-1)[..., None] + _NARROW) ** 0.5 * gain + bias
