"""Linear autoencoders in closed form: every product foretold from all others at once, so that what two of them both say counts once.

EASE: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019. Directed, SLIST: Choi et al., "Session-aware linear
item-item models for session-based recommendation", WWW 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.interactions import strongest
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.recommend.linear import LinearItems, in_threads, largest, nearest
from mmsearch.recommend.order import order_tells
from mmsearch.recommend.pairs import Steps, Together, learnable, spans

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ROWS = 512  # products whose weights are dense at once
_FORGOTTEN = 1e-3  # weight at which an earlier event no longer counts

_Rows = Callable[[int, int], "csr_array[Any]"]


class EASE(LinearItems):
    """B (n, n) with zeros on its diagonal, so that histories foretell what belongs to them; R̂_u = w_u·B.

    Undirected (EASE): B minimises ‖R − R·B‖² + reg·‖B‖² over the strongest positive event of each user and product.

    Directed (SLIST): B minimises Σ_t ‖y_t − x_t·B‖² + together·‖R − R·B‖² + reg·‖B‖², where y_t is an event and x_t what the same user
    did before it, one step back times `fade`.

    Parameters
    ----------
    reg : weight of B's squares: the larger, the more B trusts frequent products alone.
    decay : weight of one step back in the history, in (0, 1]; 1 ignores the order.
    directed : true, false, or auto: whether the order of events foretells anything (see `order_tells`).
    fade, together : see above; directed only.
    k : weights kept for each product that is foretold, the largest.
    dense : the most frequent products, that many, are solved for together, which takes 4·dense² bytes and time as its cube. Each pair with
        a rarer product is solved for alone: the weight is what it would be if no other product spoke.
    longest : of each user, only the newest events count in learning.
    """

    def __init__(
        self,
        reg: float = 200.0,
        decay: float = 0.8,
        directed: bool | str = "auto",
        fade: float = 0.8,
        together: float = 0.3,
        k: int = 500,
        dense: int = 20_000,
        longest: int = 1000,
    ):
        super().__init__(decay)
        for name, count in (("k", k), ("dense", dense), ("longest", longest)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, not {count}")
        if not 0 < reg < np.inf:
            raise ValueError(f"reg must be above 0, not {reg}")
        if not 0 < fade <= 0.95:
            raise ValueError(f"fade must be above 0 and at most .95, not {fade}")
        if not 0 <= together < np.inf:
            raise ValueError(f"together must be 0 or more, not {together}")
        if directed not in (True, False, "auto"):
            raise ValueError(f"directed must be true, false or auto, not {directed}")
        self.reg, self.directed, self.fade, self.together = reg, directed, fade, together
        self.k, self.dense, self.longest = k, dense, longest

    def fit(self, interactions: Interactions, products: Products) -> None:
        from scipy.sparse import csr_array, vstack

        interactions.require_events()
        n = len(products.product_ids)
        directed = self.directed is True
        if self.directed == "auto":
            directed = order_tells(interactions, ItemCF(directed=True), ItemCF(directed=False))
        events = learnable(interactions, self.longest)
        gram, foretold, costs = self._counts(events, n, directed)
        core = np.sort(np.argsort(-np.bincount(events.products, minlength=n), kind="stable")[: self.dense])
        A, squares = self._filled(core, gram, costs)
        _invert(A, self.reg)
        rows = self._solved(A, core, foretold, costs) if directed else self._inverted(A)
        inner = csr_array(vstack(list(rows), format="csr"))
        says = _widened(inner, core, n)
        del A
        if len(core) < n:
            says = says + self._alone(core, foretold, costs, squares)
        self._hold(csr_array(says.T.tocsr()))

    def _counts(self, events: Interactions, n: int, directed: bool) -> tuple[_Rows, _Rows, NDArray[np.int64]]:
        """Blocks of rows of the Gram matrix of what foretells, and of what it is to foretell (row: foretold), and what a row costs."""
        both = Together(strongest(events, n))
        if not directed:
            return both, both, both.costs
        reach = int(np.ceil(np.log(_FORGOTTEN) / np.log(self.fade)))
        fade, square = self.fade, self.fade**2
        # Both x_t[a] and x_t[b] for all t after the later of a and b: fade^|b − a| · Σ_m fade^2m
        states = Steps(events, n, range(1 - reach, reach), lambda steps, after: fade**steps * (1 - square**after) / (1 - square))
        following = Steps(events, n, range(1, reach), lambda steps, after: fade ** (steps - 1))

        def gram(start: int, stop: int) -> csr_array[Any]:
            return states(start, stop) + self.together * both(start, stop)

        def foretold(start: int, stop: int) -> csr_array[Any]:
            return following(start, stop) + self.together * both(start, stop)

        return gram, foretold, both.costs + states.costs

    def _filled(self, core: NDArray[np.int64], gram: _Rows, costs: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The Gram matrix of the products in `core`, dense (c, c), and the diagonal of that of all products (n,)."""
        A, diagonal = np.zeros((len(core), len(core)), np.float32), np.zeros(len(costs))
        place = _places(core, len(costs))

        def fill(span: tuple[int, int]) -> None:
            rows = gram(*span)
            diagonal[slice(*span)] = rows.diagonal(span[0])
            block = rows.tocoo()
            i, j = place[block.coords[0] + span[0]], place[block.coords[1]]
            inside = (i >= 0) & (j >= 0)
            A[i[inside], j[inside]] = block.data[inside]

        in_threads(fill, spans(costs))
        return A, diagonal

    def _inverted(self, P: NDArray[np.float32]) -> Iterator[csr_array[Any]]:
        """The rows (foretold) of B of P = (RᵀR + reg·I)⁻¹: b_ji = −P_ji / P_ii."""
        for start in range(0, len(P), _ROWS):
            own = np.arange(start, min(start + _ROWS, len(P)))
            yield largest(-P[own] / P[own, own][:, None], own, self.k)

    def _solved(
        self, P: NDArray[np.float32], core: NDArray[np.int64], foretold: _Rows, costs: NDArray[np.int64]
    ) -> Iterator[csr_array[Any]]:
        """The rows (foretold) of B = P·(T − diag(γ)), with γ so that B's diagonal is zero; T what is to be foretold."""
        place = _places(core, len(costs))
        for first, last in spans(costs):
            chosen = np.flatnonzero(place[first:last] >= 0)
            T = foretold(first, last)[chosen][:, core]
            for start in range(0, len(chosen), _ROWS):
                rows = T[start : start + _ROWS].toarray().astype(np.float32) @ P
                own = place[first + chosen[start : start + _ROWS]]
                rows -= (rows[np.arange(len(own)), own] / P[own, own])[:, None] * P[own]
                yield largest(rows, own, self.k)

    def _alone(self, core: NDArray[np.int64], foretold: _Rows, costs: NDArray[np.int64], squares: NDArray[np.float64]) -> csr_array[Any]:
        """The rows (foretold) of pairs with a product outside `core`: b_ji = t_ji / (a_jj + reg)."""
        from scipy.sparse import csr_array, vstack

        inside = _places(core, len(costs)) >= 0

        def rows(span: tuple[int, int]) -> csr_array[Any]:
            block = foretold(*span).tocoo()
            i, j = block.coords
            kept = ~(inside[i + span[0]] & inside[j]) & (i + span[0] != j)
            weights = block.data[kept] / (squares[j[kept]] + self.reg)
            return nearest(csr_array((weights, (i[kept], j[kept])), shape=block.shape), self.k)

        return csr_array(vstack(in_threads(rows, spans(costs)), format="csr"))


def _places(core: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Where each of n products stands in `core`; −1: nowhere."""
    place = np.full(n, -1)
    place[core] = np.arange(len(core))
    return place


def _invert(A: NDArray[np.float32], reg: float) -> None:
    """(A + reg·I)⁻¹ of a symmetric A ≥ 0 in its own place, by Cholesky."""
    from scipy.linalg.lapack import spotrf, spotri

    A[np.diag_indices(len(A))] += np.float32(reg)
    # LAPACK reads columns first: of a symmetric matrix, these are the rows.
    factor, failed = spotrf(A.T, lower=True, overwrite_a=True)
    if not failed:
        inverse, failed = spotri(factor, lower=True, overwrite_c=True)
    if failed:
        raise InputError(f"reg={reg:g} is too small for these events: the equations have no solution in 32 bits", hint="raise reg")
    if not np.shares_memory(inverse, A):
        A[:] = inverse.T
    for start in range(0, len(A), _ROWS):  # what is below the diagonal there is above it here
        stop = min(start + _ROWS, len(A))
        square = A[start:stop, start:stop]
        square[:] = np.triu(square) + np.triu(square, 1).T
        A[stop:, start:stop] = A[start:stop, stop:].T


def _widened(rows: csr_array[Any], core: NDArray[np.int64], n: int) -> csr_array[Any]:
    """Rows and columns of `core` (c, c) among all products (n, n)."""
    from scipy.sparse import csr_array

    lengths = np.zeros(n, np.int64)
    lengths[core] = np.diff(rows.indptr)
    return csr_array((rows.data, core[rows.indices], np.concatenate(([0], np.cumsum(lengths)))), shape=(n, n))
