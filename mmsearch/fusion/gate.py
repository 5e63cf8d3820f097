"""A gate over modalities: each item's own vectors decide how much each of them weighs in their mean.

Bahdanau et al., "Neural machine translation by jointly learning to align and translate", ICLR 2015 (additive attention);
Arevalo et al., "Gated multimodal units for information fusion", ICLR workshop 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows

_ROWS = 16_384  # products held in the space at once, beside the result


@dataclass(frozen=True)
class Tower:
    """What maps one modality: h = unit(x·W + w) is where an item lies, a = v·tanh(x·U + u) + b how loudly it asks to be heard."""

    weight: Matrix  # W (d, dim)
    bias: Matrix  # w (dim,)
    inner: Matrix  # U (d, hidden)
    inner_bias: Matrix  # u (hidden,)
    outer: Matrix  # v (hidden,)
    level: float  # b

    def project(self, X: Matrix) -> Matrix:
        """Items (n, d) → (n, dim), unit rows."""
        return unit_rows(X @ self.weight + self.bias)

    def loudness(self, X: Matrix) -> Matrix:
        """Items (n, d) → a (n,)."""
        loud: Matrix = (np.tanh(X @ self.inner + self.inner_bias) @ self.outer + self.level).astype(np.float32)
        return loud

    def before(self, mean: Matrix, rotation: Matrix) -> Tower:
        """The tower of x that does to it what this one does to (x − mean)·rotation; (d,), (d, k)."""
        weight, inner = rotation @ self.weight, rotation @ self.inner
        return Tower(weight, self.bias - mean @ weight, inner, self.inner_bias - mean @ inner, self.outer, self.level)


def shares(loudness: Mapping[str, Matrix], present: Mapping[str, NDArray[np.bool_]]) -> dict[str, Matrix]:
    """Softmax over the modalities that an item has: a (n,) of each → g (n,) of each. They sum to 1, or to 0 for nothing."""
    heard = np.stack([np.where(present[m], a, -np.inf) for m, a in loudness.items()])
    loudest = heard.max(axis=0)
    raised = np.exp(heard - np.where(np.isfinite(loudest), loudest, 0))
    total = raised.sum(axis=0)
    return dict(zip(loudness, (raised / np.where(total > 0, total, 1)).astype(np.float32), strict=True))


def weighed(lies: Mapping[str, Matrix], share: Mapping[str, Matrix]) -> Matrix:
    """Σ g_m·h_m of h (n, dim) and g (n,) of each modality, unit rows; zero rows where there is nothing."""
    return unit_rows(sum((share[m][:, None] * X for m, X in lies.items()), np.zeros((1, 1), np.float32)))


def gated(towers: Mapping[str, Tower], vectors: Mapping[str, Matrix], present: Mapping[str, NDArray[np.bool_]]) -> Matrix:
    """Products (n) by the modalities that they have → Σ g_m·h_m, unit rows (n, dim); zero rows for those that have none.

    Because the shares are over what a product has, a missing modality takes nothing from the others.
    """
    n = len(next(iter(present.values()))) if present else 0
    dim = len(next(iter(towers.values())).bias)
    fused = np.zeros((n, dim), np.float32)
    for start in range(0, n, _ROWS):
        part = slice(start, start + _ROWS)
        here = {m: present[m][part] for m in towers if m in present}
        loud = {m: towers[m].loudness(vectors[m][part]) for m in here}
        for m, share in shares(loud, here).items() if here else ():
            fused[part][here[m]] += share[here[m], None] * towers[m].project(vectors[m][part][here[m]])
    return unit_rows(fused)


def mean_shares(towers: Mapping[str, Tower], vectors: Mapping[str, Matrix], present: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
    """The mean share of each modality over the products that have it and another; none where no product has a choice."""
    choice = np.sum([present[m] for m in towers], axis=0) > 1
    here = {m: present[m][choice] for m in towers}
    found = shares({m: towers[m].loudness(vectors[m][choice]) for m in towers}, here) if choice.any() else {}
    return {m: float(found[m][here[m]].mean()) for m in found if here[m].any()}
