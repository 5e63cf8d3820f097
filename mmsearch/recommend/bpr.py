"""Matrix factorisation that puts what a user took above what they did not, learned by the library `implicit`.

Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.recommend.base import History, Interactions, Products
from mmsearch.recommend.factors import FactorItems, added_up
from mmsearch.recommend.interactions import strongest

_RIDGE = 1e-3  # of the mean square of what the map reads: it keeps directions that no user has from being blown up


class BPR(FactorItems):
    """Raises Σ ln σ(r̂_ui − r̂_uj) over users u, products i that they took and products j that they did not, with
    r̂_ui = b_i + ⟨x_u, y_i⟩. Events are taken or not: their values do not matter, but those of 0 and below are left out.

    A history is folded in as x_u = M·z_u, with z_u = Σ_j w_uj·y_j / √Σ_j |w_uj| and w_uj the value times decay^age. M (f, f) is the map
    that comes nearest to the users' own factors in learning (least squares, without decay). So each product adds its own term to a score.

    Parameters
    ----------
    factors : length of the vectors.
    iterations : as many draws as there are events, this often.
    rate : step of the gradient.
    reg : weight of the vectors' lengths.
    decay : weight of one step back in a history that is folded in, in (0, 1]; learning does not look at the order.
    seed : of the first vectors and of the draws. Learning runs in one thread: with several, no two runs are alike.
    """

    def __init__(
        self,
        factors: int = 64,
        iterations: int = 300,
        rate: float = 0.05,
        reg: float = 0.02,
        decay: float = 0.8,
        seed: int = 0,
    ):
        for name, count in (("factors", factors), ("iterations", iterations)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, not {count}")
        if not 0 < rate < np.inf:
            raise ValueError(f"rate must be above 0, not {rate}")
        if not 0 <= reg < np.inf:
            raise ValueError(f"reg must be 0 or more, not {reg}")
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, not {decay}")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be 0 to 2^32 − 1, not {seed}")
        import implicit  # noqa: F401  # missing: said now, not after the events were read

        self.factors, self.iterations, self.rate, self.reg, self.decay, self.seed = factors, iterations, rate, reg, decay, seed

    def fit(self, interactions: Interactions, products: Products) -> None:
        from implicit.cpu.bpr import BayesianPersonalizedRanking
        from scipy.sparse import csr_matrix

        interactions.require_events()
        n = len(products.product_ids)
        R = csr_matrix(strongest(interactions.take(interactions.values > 0), n), dtype=np.float32)
        if not R.nnz:
            self._set(np.zeros((n, self.factors), np.float32), np.zeros(n, np.float32), np.zeros((self.factors,) * 2, np.float32))
            return
        model = BayesianPersonalizedRanking(
            self.factors, self.rate, self.reg, iterations=self.iterations, num_threads=1, random_state=self.seed
        )
        model.fit(R, show_progress=False)  # reads which entries there are, not how large they are
        Y, b, X = model.item_factors[:, :-1], model.item_factors[:, -1], model.user_factors[:, :-1]
        if not (np.isfinite(Y).all() and np.isfinite(b).all()):
            raise InputError(f"bpr does not converge with rate={self.rate:g}", hint="lower rate")
        totals = np.asarray(R.sum(axis=1)).reshape(-1)
        known = totals > 0
        Z = (R @ Y)[known] / np.sqrt(totals[known])[:, None]
        square = Z.T.astype(np.float64) @ Z
        square += _RIDGE * np.trace(square) / len(square) * np.eye(len(square))
        M = np.linalg.lstsq(square, Z.T.astype(np.float64) @ X[known], rcond=None)[0]
        self._set(Y, b, M.astype(np.float32))

    def _set(self, Y: NDArray[np.float32], b: NDArray[np.float32], M: NDArray[np.float32]) -> None:
        self._hold(Y, b)
        self._M = M.astype(np.float64)
        self._says = self._Y @ self._M  # (n, f): what a product adds to its user's factors

    def _parts(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        products, weights = added_up(history, self.decay)
        total = np.abs(weights).sum()
        return products, (weights / np.sqrt(total) if total > 0 else weights)[:, None] * self._says[products]

    def _users(self, histories: Sequence[History]) -> NDArray[np.float64]:
        return np.array([self._parts(history)[1].sum(axis=0) for history in histories]).reshape(len(histories), self._Y.shape[1])

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, values = super().state()
        return arrays | {"map": self._M.astype(np.float32)}, values

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self._set(arrays["factors"], arrays["base"], arrays["map"])
