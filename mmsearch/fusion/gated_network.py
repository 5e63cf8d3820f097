"""The network behind a gate over modalities, with its gradients: small enough to be written out, so that a fit needs no PyTorch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix
from mmsearch.fusion.gate import Tower

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

HIDDEN = 32  # units of the gate
_LEAST = np.float32(1e-6)  # a shorter vector has no direction to learn by
_SHARPEST = 100.0  # 1 / temperature, at most: beyond it one neighbour decides everything
_LARGEST = 1e12  # of a value: the square of what a larger one makes is no number any more in single precision

#: 'text.weight' → its values, and 'sharpness' → the logarithm of 1 / temperature (1,).
Values = dict[str, Matrix]


class View(NamedTuple):
    """b products by some of their modalities, with what the gradient needs again."""

    out: Matrix  # (b, dim), unit rows
    length: Matrix  # of the sum before it became a unit row, (b, 1)
    share: Matrix  # of each modality, (b, m)
    parts: list[_Part]


class _Part(NamedTuple):
    at: Rows  # the products that are seen through this modality
    X: Matrix  # (p, k) of these
    lies: Matrix  # unit rows (p, dim)
    length: Matrix  # before that, (p, 1)
    inner: Matrix  # tanh (p, hidden)


def initial(components: Mapping[str, Matrix], dim: int, temperature: float, seed: int) -> Values:
    """Values before training: similarities within a modality are those of its components (n, k), across modalities chance; equally loud."""
    rng = np.random.default_rng(seed)
    values: dict[str, NDArray[np.float64]] = {"sharpness": np.array([-math.log(temperature)])}
    for m, X in components.items():
        k = X.shape[1]
        turn = np.linalg.qr(rng.normal(size=(max(k, dim), max(k, dim))))[0][:k, :dim]
        values |= {f"{m}.weight": turn, f"{m}.bias": np.zeros(dim)}
        values |= {f"{m}.inner": rng.normal(size=(k, HIDDEN)), f"{m}.inner_bias": np.zeros(HIDDEN)}
        values |= {f"{m}.outer": np.zeros(HIDDEN), f"{m}.level": np.zeros(1)}
    return {name: value.astype(np.float32) for name, value in values.items()}


def towers(values: Values, modalities: list[str]) -> dict[str, Tower]:
    """The towers of components; the arrays are copies."""
    arrays = ("weight", "bias", "inner", "inner_bias", "outer")
    return {m: Tower(**{name: values[f"{m}.{name}"].copy() for name in arrays}, level=float(values[f"{m}.level"][0])) for m in modalities}


def look(values: Values, components: Mapping[str, Matrix], rows: Rows, through: Mask, veil: Mapping[str, Matrix] | None = None) -> View:
    """Products (b,) through some of their modalities (b, m), one at least: what `mmsearch.fusion.gate.gated` says of them.

    `veil`: modality → (b, k), what the components are multiplied by.
    """
    dim = len(next(value for name, value in values.items() if name.endswith(".bias")))
    kind = values["sharpness"].dtype  # float32, but for a test of the gradients
    loud = np.full(through.shape, -np.inf, kind)
    parts = []
    for i, (m, known) in enumerate(components.items()):
        at = np.flatnonzero(through[:, i])
        X = known[rows[at]] if veil is None else known[rows[at]] * veil[m][at]
        lies = X @ values[f"{m}.weight"] + values[f"{m}.bias"]
        length = np.maximum(np.linalg.norm(lies, axis=1, keepdims=True), _LEAST)
        inner = np.tanh(X @ values[f"{m}.inner"] + values[f"{m}.inner_bias"])
        loud[at, i] = inner @ values[f"{m}.outer"] + values[f"{m}.level"]
        parts.append(_Part(at, X, lies / length, length, inner))
    raised = np.exp(loud - loud.max(axis=1, keepdims=True))
    share = raised / raised.sum(axis=1, keepdims=True)
    total = np.zeros((len(rows), dim), kind)
    for i, part in enumerate(parts):
        total[part.at] += share[part.at, i, None] * part.lies
    length = np.maximum(np.linalg.norm(total, axis=1, keepdims=True), _LEAST)
    return View(total / length, length, share, parts)


def trace(values: Values, components: Mapping[str, Matrix], view: View, against: Matrix, into: Values) -> None:
    """Add the gradient of the values to `into`, given that of a view (b, dim)."""
    total = _of_unit(against, view.out, view.length)
    to_share = np.zeros_like(view.share)
    for i, part in enumerate(view.parts):
        to_share[part.at, i] = (total[part.at] * part.lies).sum(axis=1)
    to_loud = view.share * (to_share - (view.share * to_share).sum(axis=1, keepdims=True))
    for i, (m, part) in enumerate(zip(components, view.parts, strict=True)):
        lies = _of_unit(view.share[part.at, i, None] * total[part.at], part.lies, part.length)
        loud = to_loud[part.at, i]
        inner = loud[:, None] * values[f"{m}.outer"] * (1 - part.inner**2)
        into[f"{m}.weight"] += part.X.T @ lies
        into[f"{m}.bias"] += lies.sum(axis=0)
        into[f"{m}.inner"] += part.X.T @ inner
        into[f"{m}.inner_bias"] += inner.sum(axis=0)
        into[f"{m}.outer"] += part.inner.T @ loud
        into[f"{m}.level"] += loud.sum()


def contrast(one: Matrix, other: Matrix, log_sharpness: float, ignored: Mask, ignored_back: Mask) -> tuple[float, Matrix, Matrix, float]:
    """InfoNCE both ways of b pairs of unit rows (b, dim), row i of both being a pair, the other rows its negatives.

    Parameters
    ----------
    ignored, ignored_back : (b, b), pairs of rows of `one` and `other` that are no negatives when `one` asks, and when `other` asks.

    Returns
    -------
    The loss, and its gradients by `one`, by `other` and by the logarithm of the sharpness. A sharpness that is no number makes a loss
    that is none.
    """
    if not math.isfinite(log_sharpness):
        return math.nan, np.zeros_like(one), np.zeros_like(other), 0.0
    sharpness = math.exp(min(log_sharpness, math.log(_SHARPEST)))  # the other way round it overflows
    similarity = sharpness * (one @ other.T)
    loss, gradient = 0.0, np.zeros_like(similarity)
    for turned, left_out in ((similarity, ignored), (similarity.T, ignored_back.T)):
        heard = np.where(left_out, -np.inf, turned)
        heard = heard - heard.max(axis=1, keepdims=True)
        share = np.exp(heard)
        total = share.sum(axis=1, keepdims=True)
        loss += float(np.mean(np.log(total[:, 0]) - np.diag(heard))) / 2
        share = (share / total - np.eye(len(one), dtype=np.float32)) / (2 * len(one))
        gradient += share if turned is similarity else share.T
    sharper = float((gradient * similarity).sum()) if sharpness < _SHARPEST else 0.0
    return loss, sharpness * (gradient @ other), sharpness * (gradient.T @ one), sharper


def _of_unit(against: Matrix, unit: Matrix, length: Matrix) -> Matrix:
    """The gradient by x (b, d) of what is a function of unit = x / length."""
    found: Matrix = (against - unit * (against * unit).sum(axis=1, keepdims=True)) / length
    return found


class Adam:
    """Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; with their constants."""

    def __init__(self, values: Values, rate: float):
        self._rate, self._step = rate, 0
        self._mean = {name: np.zeros_like(value) for name, value in values.items()}
        self._square = {name: np.zeros_like(value) for name, value in values.items()}

    def step(self, values: Values, gradients: Values) -> None:
        """Move the values, in place."""
        self._step += 1
        rate = np.float32(self._rate * math.sqrt(1 - 0.999**self._step) / (1 - 0.9**self._step))
        for name, gradient in gradients.items():
            self._mean[name] += np.float32(0.1) * (gradient - self._mean[name])
            self._square[name] += np.float32(0.001) * (gradient * gradient - self._square[name])
            values[name] -= rate * self._mean[name] / (np.sqrt(self._square[name]) + np.float32(1e-8))


def finite(values: Values) -> bool:
    """Whether all are numbers, and so small that the lengths of what they map are numbers, too."""
    return all(bool((np.abs(value) < _LARGEST).all()) for value in values.values())


def blank(values: Values) -> Values:
    """Gradients to add to."""
    return {name: np.zeros_like(value) for name, value in values.items()}


def batches(anchors: Rows, size: int, least: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Every anchor once in random order, or again and again until there are `least` batches."""
    steps = max(len(anchors) // size, least)
    order = np.concatenate([rng.permutation(anchors) for _ in range(-(-steps * size // len(anchors)))])
    for step in range(steps):
        yield order[step * size : (step + 1) * size]
