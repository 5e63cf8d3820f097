"""Feature-level fusion: the vectors of the modalities side by side, as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError, did_you_mean
from mmsearch.fusion.base import Batch, FitReport, Fuser, Matrix, Side, unit_rows
from mmsearch.fusion.blocks import Blocks
from mmsearch.settings import MODALITIES


class Concat(Fuser):
    """x = [√w_text·x_text ; √w_image·x_image ; …], with the weights renormalised over what a product has.

    With W_p the sum of the weights of what product p has, the cosine of two products is
    Σ_m w_m·cos_m / √(W_p·W_q) over the modalities m that both have: for products that have the same ones, the weighted
    mean of their cosines. A query is the block of its own modality; nothing is compared across modalities.
    A query may weigh the blocks anew, without a refit (`mmsearch.fusion.blocks`).
    """

    name = "concat"  # as messages call it

    def __init__(self, **weights: float):
        """
        Parameters
        ----------
        weights : modality → weight ≥ 0. None given: 1 for every modality that the catalogue has. Some given: only those
            above 0 are used.
        """
        for modality, weight in weights.items():
            if modality not in MODALITIES:
                raise ValueError(f"unknown modality '{modality}'{did_you_mean(modality, MODALITIES)} (there are {', '.join(MODALITIES)})")
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"the weight of {modality} must be a number of at least 0, not {weight:g}")
        if weights and not any(weights.values()):
            raise ValueError("at least one weight must be above 0")
        self._asked = {m: float(weights[m]) for m in MODALITIES if weights.get(m)}
        self._weights: dict[str, float] = {}
        self._dims: dict[str, int] = {}

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Nothing is learned but which modalities there are, and their dimensions. See `Fuser.fit`."""
        there = [m for m in MODALITIES if m in batch.present and batch.present[m].any()]
        if missing := [m for m in self._asked if m not in there]:
            raise InputError(
                f"{self.name} is to weight {' and '.join(missing)}, but no product has such a vector",
                hint="make vectors: mmsearch embed; or name only the modalities that there are",
            )
        if not there:
            raise InputError("no product has a vector to concatenate", hint="make vectors: mmsearch embed")
        self._weights = self._asked or dict.fromkeys(there, 1.0)
        self._dims = {m: batch.vectors[m].shape[1] for m in self._weights}
        self._learn(batch, seed)
        self.dim = sum(self._dims[m] for m in self._weights)
        counts = {m: int(batch.present[m].sum()) for m in self._weights}
        blocks = ", ".join(f"{m} {self._weights[m]:g} ({counts[m]} products)" for m in self._weights)
        return FitReport(f"{self._summary()}: {blocks}", {"weights": dict(self._weights), "products": counts} | self._scores())

    def project(self, modality: str, side: Side) -> Matrix:
        """See `Fuser.project`: the vectors in the block of their modality, zeros elsewhere."""
        out = np.zeros((len(side), self.dim), np.float32)
        out[:, self._block(modality)] = self._rows(modality, side.X)
        return out

    def items(self, batch: Batch) -> Matrix:
        """See `Fuser.items`."""
        out = np.zeros((len(batch), self.dim), np.float32)
        for modality, weight in self._weights.items():
            if modality in batch.present:
                here = batch.present[modality]
                rows = self._rows(modality, batch.vectors[modality][here])
                out[here, self._block(modality)] = math.sqrt(weight * self._unit(modality)) * rows
        return unit_rows(out)

    def modalities(self) -> list[str]:
        """See `Fuser.modalities`."""
        return list(self._weights)

    def compares(self, query: str, product: str) -> bool:
        """Only like with like."""
        return query == product and query in self._weights

    def blocks(self) -> Blocks:
        """See `Fuser.blocks`: side by side, as they are."""
        return Blocks({m: self._block(m) for m in self._weights}, dict(self._weights), {m: self._unit(m) for m in self._weights})

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        return {}, {"weights": dict(self._weights), "dims": dict(self._dims)}

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        self._weights, self._dims = dict(values["weights"]), dict(values["dims"])
        self.dim = sum(self._dims.values())

    def _learn(self, batch: Batch, seed: int) -> None:
        """Nothing, where the vectors stay as they are."""

    def _rows(self, modality: str, X: Matrix) -> Matrix:
        """Vectors of a modality (n, d) → unit rows as they stand in their block. Raises KeyError for one that was not fitted."""
        return unit_rows(X)

    def _unit(self, modality: str) -> float:
        """How large a weight of 1 is."""
        return 1.0

    def _summary(self) -> str:
        return "concatenated with weights"

    def _scores(self) -> dict[str, Any]:
        return {}

    def _block(self, modality: str) -> slice:
        """Where a modality lies in the fused vector. Raises KeyError for one that was not fitted."""
        if modality not in self._dims:
            raise KeyError(modality)
        start = 0
        for name, dim in self._dims.items():
            if name == modality:
                break
            start += dim
        return slice(start, start + self._dims[modality])
