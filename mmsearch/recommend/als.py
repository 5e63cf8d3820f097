"""Matrix factorisation of implicit feedback by alternating least squares, learned by the library `implicit`.

Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.recommend.base import History, Interactions, Products
from mmsearch.recommend.factors import FactorItems, added_up
from mmsearch.recommend.interactions import strongest

_SUREST = 9_999.0  # in 32 bits, equations of larger and smaller weights than that have no solution


class ALS(FactorItems):
    """Minimises Σ_ui c_ui (p_ui − ⟨x_u, y_i⟩)² + reg·(Σ|x_u|² + Σ|y_i|²), where p_ui is 1 for what the user took (r_ui > 0), else 0, and
    c_ui = 1 + alpha·|r_ui|, at most 10,000: what was not taken is weak evidence against, what is disliked (r_ui < 0) is strong evidence against.

    A history is folded in by the same formula, x_u = (Σ_i c_ui·y_i·y_iᵀ + reg·I)⁻¹ Σ_j c_uj·p_uj·y_j, so that each product of the history
    adds its own term to every score (section 5 of the paper).

    Parameters
    ----------
    factors : length of the vectors.
    iterations : passes over users and products.
    reg : weight of the vectors' lengths.
    alpha : how much more an event of value 1 counts than none.
    decay : weight of one step back in a history that is folded in, in (0, 1]; learning does not look at the order.
    seed : of the vectors that learning starts from.
    """

    def __init__(self, factors: int = 64, iterations: int = 15, reg: float = 1.0, alpha: float = 10.0, decay: float = 0.8, seed: int = 0):
        for name, count in (("factors", factors), ("iterations", iterations)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, not {count}")
        if not 0 < reg < np.inf:
            raise ValueError(f"reg must be above 0, not {reg}")
        if not 0 <= alpha < np.inf:
            raise ValueError(f"alpha must be 0 or more, not {alpha}")
        if not 0 < decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, not {decay}")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be 0 to 2^32 − 1, not {seed}")
        import implicit  # noqa: F401  # missing: said now, not after the events were read

        self.factors, self.iterations, self.reg, self.alpha, self.decay, self.seed = factors, iterations, reg, alpha, decay, seed

    def fit(self, interactions: Interactions, products: Products) -> None:
        from implicit.cpu.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        interactions.require_events()
        n = len(products.product_ids)
        C = csr_matrix(strongest(interactions.take(interactions.values > 0), n), dtype=np.float32)
        C.data = 1 + self._extra(C.data)
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # it reads the number of BLAS threads from the environment
            model = AlternatingLeastSquares(
                self.factors, self.reg, iterations=self.iterations, num_threads=settings.threads(), random_state=self.seed
            )
            if C.nnz:
                model.fit(C, show_progress=False)
        self._hold(model.item_factors if C.nnz else np.zeros((n, self.factors), np.float32), np.zeros(n, np.float32))

    def _hold(self, Y: NDArray[np.float32], b: NDArray[np.float32]) -> None:
        super()._hold(Y, b)
        self._gram = self._Y.T @ self._Y + self.reg * np.eye(self._Y.shape[1])

    def _extra(self, values: NDArray[Any]) -> NDArray[Any]:
        """How much more than none an event of each value counts."""
        return np.minimum(self.alpha * np.abs(values), _SUREST)

    def _normal(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """The products (h,), their terms c·p·y (h, f), and the matrix (f, f) that these are solved for."""
        products, weights = added_up(history, self.decay)
        Y, extra = self._Y[products], self._extra(weights)
        return products, (1 + extra)[:, None] * (weights > 0)[:, None] * Y, self._gram + (Y.T * extra) @ Y

    def _parts(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        products, terms, A = self._normal(history)
        return products, np.linalg.solve(A, terms.T).T

    def _users(self, histories: Sequence[History]) -> NDArray[np.float64]:
        f = self._Y.shape[1]
        A, b = np.empty((len(histories), f, f)), np.empty((len(histories), f))
        for row, history in enumerate(histories):
            _, terms, A[row] = self._normal(history)
            b[row] = terms.sum(axis=0)
        return np.asarray(np.linalg.solve(A, b[:, :, None])[:, :, 0]) if len(histories) else b
