"""Two towers: one sees products by what they are (their fused vectors) and by who took them, the other sees a history; they meet in one
space. A product that nobody has taken yet stands in it by what it is.

Covington et al., "Deep neural networks for YouTube recommendations", RecSys 2016; Yi et al., "Sampling-bias-corrected neural modeling for
large corpus item recommendations", RecSys 2019 (the correction for what is drawn often); a product's own vector is left out at times, as in
Volkovs et al., "DropoutNet: addressing cold start in recommender systems", NeurIPS 2017.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.fusion.contrastive import Plan as Heads
from mmsearch.fusion.contrastive import components
from mmsearch.recommend.attention import Array, shares
from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.network import Network, Noise, Seen, Values
from mmsearch.recommend.next_training import Plan
from mmsearch.recommend.sequences import Rows
from mmsearch.recommend.sequential import Sequential

_SPREAD = 0.02  # of a taken product's own numbers, before learning
_FADE = -0.3  # logarithm of what an event one step farther back says, before learning
_POWER = 0.5  # components of the fused vectors are divided by their deviations to this power
_FORGET_CONTENT = 0.2  # share of the components left out in learning
_EVENTS = 1024  # a batch


class TwoTower(Sequential):
    """See `Sequential` for the scores. Product i lies at W·c_i + e_i: c_i are the principal components of its fused vector, e_i is a vector
    of its own if it was taken. The user lies at the mean of the history's products, the newer the louder, by learned weights.

    Before learning, W keeps the similarities of the fused vectors, so that it starts as a content-based recommender.

    `dim` was chosen on the last but one purchases of an online shop (58,492 events), one seed; `forget` was not varied.

    Parameters
    ----------
    profile : the fusion profile whose vectors are seen; the default one if none is named.
    dim : numbers of the common space.
    forget : share of the times that a product's own vector is left out in learning: more of it serves new products better.
    dropout : share of the numbers of a history's products left out in learning.
    longest, rate, epochs, patience, negatives, device, seed : as for `sasrec`.
    """

    needs_vectors = True
    relation = "goes with"
    unlearned = True

    def __init__(
        self,
        profile: str | None = None,
        dim: int = 128,
        forget: float = 0.3,
        dropout: float = 0.3,
        longest: int = 50,
        rate: float = 0.003,
        epochs: int = 30,
        patience: int = 3,
        negatives: int = 512,
        device: str = "auto",
        seed: int = 0,
    ):
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        if not 0 <= forget <= 1:
            raise ValueError(f"forget must be from 0 to 1, not {forget}")
        self._shape = _Shape(dim, forget, longest)
        super().__init__(Plan(rate, epochs, patience, dropout, _EVENTS, negatives), longest, device, seed)
        self.profile = profile

    def fit(self, interactions: Interactions, products: Products) -> None:
        """See `Sequential.fit`. Also raises InputError where no product has a vector."""
        _vectors(products)
        super().fit(interactions, products)

    def _known(self, taken: NDArray[np.bool_], products: Products) -> NDArray[np.bool_]:
        known: NDArray[np.bool_] = taken | _vectors(products).any(axis=1)
        return known

    def _make(self, kept: Rows, taken: NDArray[np.bool_], products: Products) -> Network:
        return _Towers(self._shape, _vectors(products)[kept], taken, self._seed)

    def _reading(self) -> Network:
        return _Towers(self._shape, np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), self._seed)


def _vectors(products: Products) -> NDArray[np.float32]:
    if products.vectors is None or not products.vectors.any():
        raise InputError("no product has a vector", hint="make them: mmsearch embed")
    return products.vectors


class _Shape(NamedTuple):
    dim: int
    forget: float
    longest: int


class _Towers(Network):
    """The tower of products is what is read and what is met."""

    fixed = frozenset({"content", "taken"})

    def __init__(self, shape: _Shape, vectors: NDArray[np.float32], taken: NDArray[np.bool_], seed: int):
        """
        Parameters
        ----------
        vectors : (m, d), zero rows where there is none. taken : (m,) whether it has a vector of its own.
        """
        self._shape, self._vectors, self._taken, self._seed = shape, vectors, taken, seed

    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        content = self._content()
        weight = np.eye(content.shape[1], self._shape.dim, dtype=np.float32)
        lengths = np.linalg.norm(content @ weight, axis=1)
        weight /= lengths[lengths > 0].mean() if lengths.any() else 1
        own = rng.normal(size=(len(content), self._shape.dim)).astype(np.float32) * _SPREAD
        return {
            "content": content,
            "taken": self._taken[:, None].astype(np.float32),
            "weight": weight,
            "own": own,
            "distance": _FADE * np.arange(self._shape.longest, dtype=np.float32)[None, :],
            "sharpness": np.zeros(1, np.float32),
        }

    def _content(self) -> NDArray[np.float32]:
        """Components (m, k), zero where a product has no vector; all zero where vectors do not differ."""
        here: NDArray[np.bool_] = np.asarray(self._vectors.any(axis=1))
        found = components(self._vectors[here], Heads(components=max(256, self._shape.dim), power=_POWER), self._seed)
        if found is None:
            return np.zeros((len(here), 1), np.float32)
        mean, turn = found
        content: NDArray[np.float32] = np.where(here[:, None], (self._vectors - mean) @ turn, 0).astype(np.float32)
        return content

    def reader(self) -> frozenset[str]:
        return frozenset({"distance", "sharpness"})

    def products(self, values: Values, rows: Array | None, xp: Any, noise: Noise) -> Seen:
        content, taken, own = (values[name] if rows is None else values[name][rows] for name in ("content", "taken", "own"))
        found = noise.thin(content, _FORGET_CONTENT) @ values["weight"] + noise.forget(own * taken, self._shape.forget)
        return Seen(found, found)

    def read(self, values: Values, past: Array, loud: Array, xp: Any, noise: Noise) -> Array:
        heard = shares(0, values["distance"], loud, xp)[:, 0] @ noise.thin(past)
        return heard * xp.exp(values["sharpness"])
