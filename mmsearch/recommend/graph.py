"""A graph filter in closed form: tastes travel over the graph of users and products, one step, and as a few smooth waves.

GF-CF: Shen et al., "How powerful is graph convolution for recommendation?", CIKM 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.best import largest
from mmsearch.recommend.interactions import strongest
from mmsearch.recommend.linear import LinearItems
from mmsearch.recommend.pairs import Together, learnable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ROWS = 256  # products whose weights are dense at once
_POWERS = 5  # of the range finder: with them the waves are those of the exact decomposition, to what ranking can tell
_SPARE = 16


class Graph(LinearItems):
    """R̂_u = w_u·(R̃ᵀR̃ + smooth·D^−½·V·Vᵀ·D^½), with R̃ = D_U^−users·R·D^−items: R (u, n) the strongest positive event of each user and
    product, D_U and D the sums of its rows and columns, V (n, factors) the first right singular vectors of R̃, which are an ideal low-pass
    filter. GF-CF has users=.5.

    Parameters
    ----------
    factors : waves that pass.
    smooth : weight of the low-pass part beside the linear one.
    users, items : how much a user's and a product's number of events counts against each event, 0 to 1.
    decay : weight of one step back in the history, in (0, 1]; 1 ignores the order.
    k : weights kept for each product that is scored, those furthest from 0.
    longest : of each user, only the newest events count in learning.
    seed : of the range finder.
    """

    relation = "near in the graph"

    def __init__(
        self,
        factors: int = 128,
        smooth: float = 1.0,
        users: float = 0.3,
        items: float = 0.5,
        decay: float = 0.8,
        k: int = 500,
        longest: int = 1000,
        seed: int = 0,
    ):
        super().__init__(decay)
        for name, count in (("factors", factors), ("k", k), ("longest", longest)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, not {count}")
        if not 0 <= smooth < np.inf:
            raise ValueError(f"smooth must be 0 or more, not {smooth}")
        for name, power in (("users", users), ("items", items)):
            if not 0 <= power <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {power}")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be 0 to 2^32 − 1, not {seed}")
        self.factors, self.smooth, self.users, self.items = factors, smooth, users, items
        self.k, self.longest, self.seed = k, longest, seed

    def fit(self, interactions: Interactions, products: Products) -> None:
        from scipy.sparse import csr_array, vstack

        interactions.require_events()
        n = len(products.product_ids)
        R = strongest(learnable(interactions, self.longest), n).astype(np.float32)
        roots = np.sqrt(np.maximum(np.asarray(R.sum(axis=0), dtype=np.float32).reshape(-1), np.finfo(np.float32).tiny))
        diligence = np.maximum(np.asarray(R.sum(axis=1), dtype=np.float32).reshape(-1), np.finfo(np.float32).tiny)
        R.data *= np.repeat(diligence**-self.users, np.diff(R.indptr))
        R.data *= (roots ** (-2 * self.items))[R.indices]
        V = _singular(R, self.factors, self.seed)
        V[np.bincount(R.indices, minlength=n) == 0] = 0  # where nobody took a product there is noise in them, and a root of nothing beside
        target, source = V * roots[:, None], V / roots[:, None]
        together = Together(R)

        def rows(start: int) -> csr_array[Any]:
            """What is said about the products start…: R̃ᵀR̃ is symmetric, and the low-pass part's row is a product that is scored."""
            stop = min(start + _ROWS, n)
            dense = together(start, stop).toarray() + self.smooth * (target[start:stop] @ source.T)
            return largest(dense, np.arange(start, stop), self.k)

        said = csr_array(vstack([rows(start) for start in range(0, n, _ROWS)], format="csr"))
        self._hold(csr_array(said.T.tocsr()))


def _singular(R: csr_array[Any], factors: int, seed: int) -> NDArray[np.float32]:
    """The first right singular vectors of R (u, n) → (n, ≤ factors), by a randomised range finder (Halko et al., SIAM Review 2011)."""
    n = R.shape[1]
    width = min(factors + _SPARE, *R.shape)
    Q = np.random.default_rng(seed).standard_normal((n, width), dtype=np.float32)
    for _ in range(_POWERS):
        Q, _ = np.linalg.qr(R.T @ (R @ Q))
    _, values, W = np.linalg.svd(np.linalg.qr(R @ Q, mode="r"), full_matrices=False)
    waves = (values > values[0] * 1e-5)[:factors] if len(values) else np.zeros(0, np.bool_)
    return np.ascontiguousarray((Q @ W[:factors].T)[:, waves])
