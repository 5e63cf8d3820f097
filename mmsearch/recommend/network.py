"""What the networks that foresee the next product have in common: vectors of products, and a reading of histories that meets them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.attention import Array

Values = Mapping[str, Array]


class Seen(NamedTuple):
    """m products, as events of a history and as what may come next; both (m, dim)."""

    past: Array
    next: Array


class Noise:
    """What learning does to arrays so that nothing rests on one number. This one does nothing: it is what answering uses."""

    def thin(self, X: Array, share: float | None = None) -> Array:
        """X with some of its numbers left out."""
        return X

    def forget(self, X: Array, share: float) -> Array:
        """X with some of its rows left out."""
        return X


class Network(ABC):
    """A network over m products. Its values are arrays of NumPy, or tensors of PyTorch in learning; what is fixed is among them."""

    #: Names of values that are not learned.
    fixed: frozenset[str] = frozenset()

    @abstractmethod
    def initial(self, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """Values before learning."""

    @abstractmethod
    def products(self, values: Values, rows: Array | None, xp: Any, noise: Noise) -> Seen:
        """The vectors of some products (k,), of all without `rows`."""

    @abstractmethod
    def read(self, values: Values, past: Array, loud: Array, xp: Any, noise: Noise) -> Array:
        """Histories (b, t, dim) → the vector that what comes next is to meet, at every event (b, t, dim).

        Parameters
        ----------
        loud : (b, t) as `mmsearch.recommend.sequences.Read` has it.
        xp : numpy or torch.
        """

    @abstractmethod
    def reader(self) -> frozenset[str]:
        """Names of the values that `read` takes: with the vectors of products they are all that answering needs."""
