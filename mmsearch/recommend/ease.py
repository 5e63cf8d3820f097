"""Linear autoencoders in closed form: every product foretold from all others at once, so that what two of them both say counts once.

EASE: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019. Directed, SLIST: Choi et al., "Session-aware linear
item-item models for session-based recommendation", WWW 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.best import largest, nearest
from mmsearch.recommend.interactions import strongest
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.recommend.linear import LinearItems
from mmsearch.recommend.order import order_tells
from mmsearch.recommend.pairs import Steps, Together, learnable, spans

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_ROWS = 512  # products whose weights are dense at once
_DENSER = 20  # how much quicker a dense matrix product is for each of its cells than a sparse one
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
    dense : the most frequent products, that many, are solved for together, exactly, which takes 4·dense² bytes and time as its cube. Rarer
        ones are foretold by these alone, and foretell what these leave to be said, each by itself.
    longest : of each user, only the newest events count in learning.
    """

    def __init__(
        self,
        reg: float = 200.0,
        decay: float = 0.8,
        directed: bool | str = "auto",
        fade: float = 0.8,
        together: float = 0.3,
        k: int = 200,
        dense: int = 10_000,
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
        self._directed = self.directed is True
        if self.directed == "auto":
            self._directed = order_tells(interactions, ItemCF(directed=True), ItemCF(directed=False))
        events = learnable(interactions, self.longest)
        counts = self._counts(events, n)
        core = np.sort(np.argsort(-np.bincount(events.products, minlength=n), kind="stable")[: self.dense])
        P, squares = self._filled(core, counts)
        _invert(P, self.reg)
        rows = self._solved(P, core, counts)
        if not self._directed:
            rows = rows + _widened(csr_array(vstack(list(self._inverted(P)), format="csr")), core, n)
        says = csr_array(rows.T.tocsr())
        del P
        if len(core) < n:
            says = csr_array(says + self._beyond(core, says, counts, squares))
        self._hold(says)

    def _counts(self, events: Interactions, n: int) -> _Counts:
        from scipy.sparse import csr_array

        both = Together(strongest(events, n))
        if not self._directed:
            return _Counts(both, both, both, both.costs)
        reach = int(np.ceil(np.log(_FORGOTTEN) / np.log(self.fade)))
        fade, square = self.fade, self.fade**2
        # Both x_t[a] and x_t[b] for all t after the later of a and b: fade^|b − a| · Σ_m fade^2m
        states = Steps(events, n, range(1 - reach, reach), lambda steps, after: fade**steps * (1 - square**after) / (1 - square))
        earlier = Steps(events, n, range(1, reach), lambda steps, after: fade ** (steps - 1))
        later = Steps(events, n, range(1 - reach, 0), lambda steps, after: fade ** (steps - 1))

        def plus(ordered: _Rows) -> _Rows:
            return lambda start, stop: csr_array(ordered(start, stop) + self.together * both(start, stop))

        return _Counts(plus(states), plus(earlier), plus(later), both.costs + states.costs)

    def _filled(self, core: NDArray[np.int64], counts: _Counts) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The Gram matrix of the products in `core`, dense (c, c), and the diagonal of that of all products (n,)."""
        A, diagonal = np.zeros((len(core), len(core)), np.float32), np.zeros(len(counts.costs))
        place = _places(core, len(counts.costs))

        def fill(span: tuple[int, int]) -> None:
            rows = counts.gram(*span)
            diagonal[slice(*span)] = rows.diagonal(span[0])
            block = rows.tocoo()
            i, j = place[block.coords[0] + span[0]], place[block.coords[1]]
            inside = (i >= 0) & (j >= 0)
            A[i[inside], j[inside]] = block.data[inside]

        for span in spans(counts.costs):
            fill(span)
        return A, diagonal

    def _inverted(self, P: NDArray[np.float32]) -> Iterator[csr_array[Any]]:
        """The rows (foretold) of B of P = (RᵀR + reg·I)⁻¹: b_ji = −P_ji / P_ii."""
        for start in range(0, len(P), _ROWS):
            own = np.arange(start, min(start + _ROWS, len(P)))
            yield largest(-P[own] / P[own, own][:, None], own, self.k)

    def _solved(self, P: NDArray[np.float32], core: NDArray[np.int64], counts: _Counts) -> csr_array[Any]:
        """The rows (foretold, n) of B = P·(T − diag(γ)) with T what is to be foretold, and γ so that B's diagonal is zero. Undirected,
        those outside `core` alone: `_inverted` has the others, for less.
        """
        from scipy.sparse import csr_array, vstack

        n = len(counts.costs)
        place, found = _places(core, n), []
        for first, last in spans(counts.costs):
            mine = place[first:last]
            wanted = np.arange(last - first) if self._directed else np.flatnonzero(mine < 0)
            solved: list[csr_array[Any]] = [csr_array(np.zeros((0, len(core)), np.float32))]
            T: csr_array[Any] = csr_array(counts.earlier(first, last)[:, core].astype(np.float32)) if len(wanted) else solved[0]
            for start in range(0, len(wanted), _ROWS):
                these = wanted[start : start + _ROWS]
                part, own = T[these], mine[these]
                rows: Any = part.toarray() @ P if part.nnz * _DENSER > part.shape[0] * len(core) else part @ P
                inside = np.flatnonzero(own >= 0)
                gamma = rows[inside, own[inside]] / P[own[inside], own[inside]]
                rows[inside] -= gamma[:, None] * P[own[inside]]
                solved.append(largest(rows, own, self.k))
            found.append(_widened_rows(csr_array(vstack(solved, format="csr")), wanted, last - first))
        inner = csr_array(vstack(found, format="csr"))
        return csr_array((inner.data, core[inner.indices], inner.indptr), shape=(n, n))

    def _beyond(self, core: NDArray[np.int64], says: csr_array[Any], counts: _Counts, squares: NDArray[np.float64]) -> csr_array[Any]:
        """The rows (foretelling) of products outside `core`: b_ji = (t_ji − Σ_c a_jc·b_ci) / (a_jj + reg): what `core` leaves."""
        from scipy.sparse import csr_array, vstack

        n = len(counts.costs)
        outside = _places(core, n) < 0

        def rows(span: tuple[int, int]) -> csr_array[Any]:
            block = counts.later(*span).tocoo()
            j, i = block.coords
            kept = outside[j + span[0]] & (j + span[0] != i)
            T = csr_array((block.data[kept], (j[kept], i[kept])), shape=block.shape)
            own = np.flatnonzero(outside[slice(*span)])
            G = csr_array(counts.gram(*span)[own])
            said = csr_array((G @ says).multiply(T[own].astype(np.bool_)))
            left = csr_array(T[own] - said)
            left.data /= np.repeat(squares[own + span[0]] + self.reg, np.diff(left.indptr))
            left.data[left.data < 0] = 0.0
            left.eliminate_zeros()
            best = nearest(left, self.k)
            return _widened_rows(best, own, span[1] - span[0])

        return csr_array(vstack([rows(span) for span in spans(counts.costs)], format="csr"))


@dataclass(frozen=True)
class _Counts:
    """Blocks of rows (start, stop) of the Gram matrix of what foretells; of what is to be foretold, once by what is foretold and once by
    what foretells it; and what each row costs (n,)."""

    gram: _Rows
    earlier: _Rows
    later: _Rows
    costs: NDArray[np.int64]


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

    return _widened_rows(csr_array((rows.data, core[rows.indices], rows.indptr), shape=(len(core), n)), core, n)


def _widened_rows(rows: csr_array[Any], places: NDArray[np.int64], m: int) -> csr_array[Any]:
    """Rows (c, n) at their places among m."""
    from scipy.sparse import csr_array

    lengths = np.zeros(m, np.int64)
    lengths[places] = np.diff(rows.indptr)
    return csr_array((rows.data, rows.indices, np.concatenate(([0], np.cumsum(lengths)))), shape=(m, rows.shape[1]))
