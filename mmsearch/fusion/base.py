"""The contract of a fusion method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """The vectors of n products, row i of every matrix belonging to the same product.

    A product without a modality has a zero row there and `present[modality][i]` False.
    """

    vectors: Mapping[str, Matrix]  # modality → (n, d_modality), unit rows
    present: Mapping[str, NDArray[np.bool_]]  # modality → (n,)

    def __len__(self) -> int:
        return len(next(iter(self.present.values()))) if self.present else 0

    def take(self, rows: NDArray[np.int64]) -> Batch:
        """The same, for some rows."""
        return Batch({m: v[rows] for m, v in self.vectors.items()}, {m: p[rows] for m, p in self.present.items()})


@dataclass(frozen=True)
class FitReport:
    """What a fit learned, for people: a line to print and numbers (held-out recall and the like) to store with the profile."""

    summary: str
    scores: dict[str, Any] = field(default_factory=dict)


class Fuser(ABC):
    """Per-modality vectors → one space, for products that have any subset of the modalities and for queries of one.

    A subclass takes its parameters as keyword arguments of `__init__`. After `fit` (or `load_state`) it is read-only.
    """

    #: Dimension of the fused space; known after `fit`.
    dim: int

    @abstractmethod
    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Learn from the catalogue. `encoders` are those that made the vectors (for their classes, or to encode class names).

        Raises
        ------
        InputError : nothing to learn from; says what is missing and which command makes it.
        """

    @abstractmethod
    def project(self, modality: str, X: Matrix) -> Matrix:
        """Vectors of one modality (n, d_modality) → the fused space (n, dim), unit rows. Raises KeyError for a modality not fitted."""

    def query(self, modality: str, vector: Matrix) -> Matrix:
        """One query vector (d_modality,) → (dim,), unit length. Differs from `project` only where a method treats queries specially."""
        return self.project(modality, vector[None, :])[0]  # type: ignore[no-any-return]

    @abstractmethod
    def items(self, batch: Batch) -> Matrix:
        """Products (n) → one vector each (n, dim), unit rows; weights renormalise over what each product has.
        A product with none of the fitted modalities gets a zero row."""

    @abstractmethod
    def modalities(self) -> list[str]:
        """The modalities it was fitted on."""

    @abstractmethod
    def compares(self, query: str, product: str) -> bool:
        """Whether a query of one modality can be compared with product evidence of another in this space."""

    @abstractmethod
    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """What was learned: named arrays (stored as safetensors) and JSON values. Never pickle."""

    @abstractmethod
    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""


def unit_rows(X: NDArray[Any], least: float = 1e-6) -> Matrix:
    """Rows (n, d) → length 1, float32. A row shorter than `least` holds nothing but rounding and becomes zero."""
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    kept = lengths > least
    return np.where(kept, X / np.where(kept, lengths, 1), 0).astype(np.float32)
