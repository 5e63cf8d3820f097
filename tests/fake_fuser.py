"""A fusion method without a model, for tests: `fake-fuser` maps photos to where their titles are, by ridge regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion.base import Batch, FitReport, Fuser, Matrix, Side


class FakeFuser(Fuser):
    """The first modality keeps its vectors; the others are mapped onto it."""

    def __init__(self, ridge: float = 0.1, crosses: bool = True):
        if ridge <= 0:
            raise ValueError("ridge must be above 0")
        self.ridge, self.crosses = ridge, crosses
        self._maps: dict[str, Matrix] = {}

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        names = sorted(batch.vectors, reverse=True)  # text before image
        if not names:
            raise InputError("no vectors", hint="make them: mmsearch embed")
        target = batch.vectors[names[0]]
        self._maps = {names[0]: np.eye(target.shape[1], dtype=np.float32)}
        for name in names[1:]:
            both = batch.present[names[0]] & batch.present[name]
            if not both.any():
                raise InputError(f"no product has both {names[0]} and {name}")
            X, Y = batch.vectors[name][both], target[both]
            self._maps[name] = np.linalg.solve(X.T @ X + self.ridge * np.eye(X.shape[1]), X.T @ Y).astype(np.float32)
        self.dim = target.shape[1]
        return FitReport(f"fitted on {len(batch)} products", {"products": len(batch)})

    def project(self, modality: str, side: Side) -> Matrix:
        mapped = side.X @ self._maps[modality]
        return (mapped / np.maximum(np.linalg.norm(mapped, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def items(self, batch: Batch) -> Matrix:
        total = np.zeros((len(batch), self.dim), np.float32)
        for name in self._maps:
            if name in batch.vectors and batch.present[name].any():
                here = batch.present[name]
                total[here] += self.project(name, batch.side(name, here))
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        return np.divide(total, lengths, out=np.zeros_like(total), where=lengths > 1e-6)

    def modalities(self) -> list[str]:
        return list(self._maps)

    def compares(self, query: str, product: str) -> bool:
        return self.crosses and {query, product} <= set(self._maps)

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        return dict(self._maps), {"dim": self.dim, "order": list(self._maps)}

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        self._maps = {name: arrays[name] for name in values["order"]}
        self.dim = values["dim"]
