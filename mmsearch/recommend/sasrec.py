"""Self-attentive sequential recommendation: a small transformer reads the history and foresees the next product.

Kang and McAuley, "Self-attentive sequential recommendation", ICDM 2018. What differs from the paper: the loss (see
`mmsearch.recommend.next_training`), the places of events (see `mmsearch.recommend.attention`), and vectors of length 1 with a learned
sharpness, so that what is popular is not foreseen by the length of its vector alone.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.attention import Array, attend, initial, unit
from mmsearch.recommend.base import Products
from mmsearch.recommend.network import Network, Noise, Seen, Values
from mmsearch.recommend.next_training import Plan
from mmsearch.recommend.sequences import Rows
from mmsearch.recommend.sequential import Sequential

_SPREAD = 0.02  # of a new product's numbers
_SHARPNESS, _SHARPEST = 15.0, 100.0  # to begin with, and at most
_EVENTS = 512  # a batch


class SASRec(Sequential):
    """See `Sequential` for the scores. A product that nobody took is not known and scores 0.

    The defaults were chosen on the last but one purchases of an online shop (58,492 events), one seed: one layer was better than two.

    Parameters
    ----------
    dim : numbers of a product's vector.
    layers, heads : of self-attention; `heads` divides `dim`.
    dropout : share of the numbers left out in learning.
    longest : events of a history that are read, the newest.
    rate : of learning. epochs : at most. patience : epochs without a better one on events held out before it ends.
    negatives : products that the one that came next is told from at each step, drawn anew; all where there are no more.
    device : auto, cpu or cuda, for learning.
    seed : one seed gives one result on one machine.
    """

    relation = "taken after"

    def __init__(
        self,
        dim: int = 64,
        layers: int = 1,
        heads: int = 2,
        dropout: float = 0.5,
        longest: int = 50,
        rate: float = 0.003,
        epochs: int = 30,
        patience: int = 3,
        negatives: int = 512,
        device: str = "auto",
        seed: int = 0,
    ):
        for name, number in (("layers", layers), ("heads", heads)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        if dim < 1 or dim % heads:
            raise ValueError(f"dim must be a multiple of heads, which is {heads}, not {dim}")
        self._shape = _Shape(dim, layers, heads, longest)
        super().__init__(Plan(rate, epochs, patience, dropout, _EVENTS, negatives), longest, device, seed)

    def _known(self, taken: NDArray[np.bool_], products: Products) -> NDArray[np.bool_]:
        return taken

    def _make(self, kept: Rows, taken: NDArray[np.bool_], products: Products) -> Network:
        return _Transformer(self._shape, len(kept))

    def _reading(self) -> Network:
        return _Transformer(self._shape, 0)


class _Shape(NamedTuple):
    """How large the network is, in the order of `initial`."""

    dim: int
    layers: int
    heads: int
    longest: int


class _Transformer(Network):
    """Products are rows of one table; the same vectors are read and, made of length 1, met."""

    def __init__(self, shape: _Shape, m: int):
        self._shape, self._m = shape, m

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        values = self._reader(rng)
        values["products"] = (rng.normal(size=(self._m, self._shape.dim)) * _SPREAD).astype(np.float32)
        return values

    def _reader(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        sharpness = np.array([math.log(_SHARPNESS)], np.float32)
        return initial(*self._shape, rng) | {"sharpness": sharpness}

    def reader(self) -> frozenset[str]:
        return frozenset(self._reader(np.random.default_rng(0)))

    def products(self, values: Values, rows: Array | None, xp: Any, noise: Noise) -> Seen:
        found = values["products"] if rows is None else values["products"][rows]
        return Seen(found, unit(found))

    def read(self, values: Values, past: Array, loud: Array, xp: Any, noise: Noise) -> Array:
        sharpness = xp.exp(values["sharpness"].clip(max=math.log(_SHARPEST)))
        return unit(attend(values, past, loud, xp, noise.thin)) * sharpness
