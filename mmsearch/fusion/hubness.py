"""Some items are near everything: what a product owes to that is taken off its similarities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix

_REFERENCES = 2_000  # pairs that stand for what is asked
_NEAREST = 10  # of them, whose mean similarity is what an item owes to its place
_SHARE = 0.1  # of the references at most: of few pairs the ten nearest are anything
_SAME = 1 - 1e-5  # cosine of an item with a reference that is itself
_CHUNK = 4_096


@dataclass(frozen=True)
class Hubness:
    """Cross-domain similarity local scaling, of the product's side (Conneau et al., "Word translation without parallel data", ICLR 2018).

    The similarity of a query q with a product p becomes q·p − λ·h(p), h(p) being the mean of p's ten largest similarities with known
    queries. It stays a dot product of unit rows: p → (p, −λ·h, λ·√(1 − h²)) / √(1 + λ²), q → (q, 1, 0) / √2.
    """

    strength: float  # λ
    #: Modality → (r, d) unit rows; row i of all of them is one product, zero where it lacks the modality.
    references: Mapping[str, Matrix]

    @staticmethod
    def learn(strength: float, pairs: Mapping[str, Matrix], seed: int) -> Hubness | None:
        """From projected pairs, modality → (n, d); None where there are too few of them, or `strength` is 0."""
        n = len(next(iter(pairs.values())))
        if not strength or n * _SHARE < 1:
            return None
        rows = np.sort(np.random.default_rng(seed).permutation(n)[:_REFERENCES])
        return Hubness(strength, {m: X[rows] for m, X in pairs.items()})

    def products(self, modality: str, P: Matrix) -> Matrix:
        """Projected products (n, d) → (n, d + 2), unit rows; zero rows stay zero."""
        out = np.zeros((len(P), P.shape[1] + 2), np.float32)
        for start in range(0, len(P), _CHUNK):
            piece = slice(start, start + _CHUNK)
            owed = self._owed(modality, P[piece])
            out[piece, :-2] = P[piece]
            out[piece, -2] = -self.strength * owed
            out[piece, -1] = self.strength * np.sqrt(np.maximum(0, 1 - owed**2))
            out[piece] /= np.sqrt(1 + self.strength**2)
        out[~P.any(axis=1)] = 0
        return out

    def queries(self, Q: Matrix) -> Matrix:
        """Projected queries (n, d) → (n, d + 2), unit rows; zero rows stay zero."""
        out = np.zeros((len(Q), Q.shape[1] + 2), np.float32)
        out[:, :-2], out[:, -2] = Q, 1
        out /= np.sqrt(np.float32(2))
        out[~Q.any(axis=1)] = 0
        return out

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """Named arrays and JSON values, for a fuser's own."""
        return dict(self.references), {"strength": self.strength}

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> Hubness:
        """What `state` gave."""
        return Hubness(values["strength"], dict(arrays))

    def _owed(self, modality: str, P: Matrix) -> NDArray[np.float32]:
        """h of products (n,): their mean similarity with the nearest queries of other modalities, their own left out.

        The more references there are of a modality, the more it counts.
        """
        own = P @ self.references[modality].T > _SAME
        found, counts = [], []
        for other, R in self.references.items():
            there = R.any(axis=1)
            if other != modality and there.any():
                near = np.where(own | ~there, -1, P @ R.T)
                k = max(1, min(_NEAREST, int(there.sum() * _SHARE)))
                found.append(np.partition(near, -k, axis=1)[:, -k:].mean(axis=1))
                counts.append(int(there.sum()))
        return np.asarray(np.average(found, axis=0, weights=counts), np.float32)
