"""Similarities of vectors: higher is nearer. Each names the LanceDB metric that orders products the same way."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


class Similarity(ABC):
    """(query, products) → scores."""

    #: The LanceDB distance type whose ascending order is this similarity's descending order.
    metric: ClassVar[str]

    @abstractmethod
    def matrix(self, Q: Matrix, X: Matrix) -> Matrix:
        """Queries (m, d) and products (n, d) → similarities (m, n) float32."""

    def scores(self, q: Matrix, X: Matrix) -> Matrix:
        """One query (d,) and products (n, d) → similarities (n,) float32."""
        return self.matrix(q[None, :], X)[0]  # type: ignore[no-any-return]


class Dot(Similarity):
    """Inner product; equal to the cosine on the unit vectors that stores hold, at a third of its cost."""

    metric = "dot"

    def matrix(self, Q: Matrix, X: Matrix) -> Matrix:
        return Q @ X.T


class Cosine(Similarity):
    """Cosine of the angle, in −1..1; 0 with a zero vector."""

    metric = "cosine"

    def matrix(self, Q: Matrix, X: Matrix) -> Matrix:
        product = Q @ X.T
        lengths = np.linalg.norm(Q, axis=1)[:, None] * np.linalg.norm(X, axis=1)[None, :]
        cosine: Matrix = np.divide(product, lengths, out=np.zeros_like(product), where=lengths > 0)
        return cosine


class Euclidean(Similarity):
    """1 / (1 + distance), in 0..1."""

    metric = "l2"

    def matrix(self, Q: Matrix, X: Matrix) -> Matrix:
        squared = (Q * Q).sum(axis=1)[:, None] + (X * X).sum(axis=1)[None, :] - 2 * (Q @ X.T)
        near: Matrix = 1 / (1 + np.sqrt(np.maximum(squared, 0)))
        return near
