"""Feature-level fusion by equal influence: vectors side by side, after what all products share is taken out of each modality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mmsearch.fusion.base import Batch, Matrix, unit_rows
from mmsearch.fusion.concat import Concat

_SAMPLE = 2_000  # products whose similarities tell how far they spread
_LEAST = 1e-3  # a spread below this is that of vectors which are all alike


class Weighted(Concat):
    """As `concat`, but a weight says how much a modality decides: every one is brought to mean 0 and one spread first.

    The photos of a shop are alike (cosines of .6 ± .1, say) where its titles are not (.2 ± .1, with a few far above). So in a mean of
    plain cosines a modality decides by its spread, and two products with photos look more alike than two without, whatever they show. Here
    the mean direction of a modality is taken out of its vectors, x̃ = (x − c) / ‖x − c‖, and its block is scaled by 1 / σ, the standard
    deviation of the similarities x̃·ỹ of unrelated products. With u_m = 1 / σ_m, the similarity of two products is

        Σ w_m u_m (x̃_m·ỹ_m) / √(W_p W_q),   W = Σ w_m u_m over what a product has,

    for products that have the same modalities a weighted mean of standardised similarities. Unrelated products come to about 0
    whatever they have, so that lacking a photo neither lifts nor lowers (late fusion of standardised scores, as in Fox and Shaw,
    "Combination of Multiple Searches", TREC-2, 1994, here as one vector).
    """

    name = "weighted"

    def __init__(self, **weights: float):
        """
        Parameters
        ----------
        weights : modality → weight ≥ 0, as for `concat`.
        """
        super().__init__(**weights)
        self._centres: dict[str, Matrix] = {}
        self._spreads: dict[str, float] = {}

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """See `Fuser.state`."""
        return dict(self._centres), super().state()[1] | {"spreads": dict(self._spreads)}

    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """See `Fuser.load_state`."""
        super().load_state(arrays, values)
        self._centres, self._spreads = dict(arrays), dict(values["spreads"])

    def _learn(self, batch: Batch, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._centres, self._spreads = {}, {}
        for modality in list(self._weights):
            X = batch.vectors[modality][batch.present[modality]]
            self._centres[modality] = X.mean(axis=0, dtype=np.float64).astype(np.float32)
            some = self._rows(modality, X[rng.permutation(len(X))[:_SAMPLE]])
            spread = _spread(some)
            if spread < _LEAST:  # a single product, or all alike: they tell nothing apart
                spread, self._centres[modality] = 1.0, np.zeros(X.shape[1], np.float32)
            self._spreads[modality] = spread

    def _rows(self, modality: str, X: Matrix) -> Matrix:
        return unit_rows(X - self._centres[modality])

    def _unit(self, modality: str) -> float:
        return 1 / self._spreads[modality]

    def _summary(self) -> str:
        return "side by side with equal spread, weights"

    def _scores(self) -> dict[str, Any]:
        return {"spread": dict(self._spreads)}


def _spread(X: Matrix) -> float:
    """The standard deviation of the similarities of different rows (n, d); 0 for fewer than two."""
    if len(X) < 2:
        return 0.0
    between = (X @ X.T)[~np.eye(len(X), dtype=bool)]
    return float(between.std())
