"""Item-based collaborative filtering, R̂_ui = Σ_{j∈N_i} r_uj · s_ij, over what the same people took, in any order or one after the other.

Sarwar et al., "Item-based collaborative filtering recommendation algorithms", WWW 2001; Deshpande and Karypis, "Item-based top-N
recommendation algorithms", TOIS 2004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import Interactions, Products
from mmsearch.recommend.best import Norms, Places, k_best, k_best_before
from mmsearch.recommend.interactions import strongest
from mmsearch.recommend.linear import LinearItems
from mmsearch.recommend.order import order_tells
from mmsearch.recommend.pairs import learnable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

SIMILARITIES = ("cosine", "jaccard", "conditional")


class ItemCF(LinearItems):
    """Products that the same people took. `N_i` are the k products j most similar to i; r_uj is the value of the user's event, times
    decay^age.

    Undirected, with c_ij = Σ_u r_ui·r_uj over the positive events (the strongest one of each user and product) and n_i = c_ii:

    - cosine: s_ij = c_ij / (√(n_i·n_j) + shrink)
    - jaccard: s_ij = c_ij / (n_i + n_j − c_ij + shrink)
    - conditional: s_ij = c_ij / (n_j + shrink), the share of those who took j that took i

    Directed: c_ij = Σ r_ui·r_uj·fade^(steps − 1) over the events with j that come 1 to `window` steps before one with i, and
    s_ij = c_ij / (n_j^source · n_i^target + shrink). It is better where order means something and useless where the times do not tell it.

    Parameters
    ----------
    k : neighbours kept for each product.
    shrink : pulls similarities that rest on few people towards 0; in strongest events.
    similarity : cosine, jaccard or conditional; cosine when directed.
    decay : weight of one step back in the history, in (0, 1]; 1 ignores the order.
    directed : true, false, or auto: true if that foresees the last events of some users better (see `order_tells`) and the similarity is
        cosine.
    window, fade, source, target : see above; directed only.
    longest : of each user, only the newest events count in learning: it bounds the cost, Σ_u longest², against crawlers.
    """

    def __init__(
        self,
        k: int = 200,
        shrink: float = 10.0,
        similarity: str = "cosine",
        decay: float = 0.8,
        directed: bool | str = "auto",
        window: int = 20,
        fade: float = 0.85,
        source: float = 0.5,
        target: float = 0.3,
        longest: int = 1000,
    ):
        super().__init__(decay)
        for name, number in (("k", k), ("window", window), ("longest", longest)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        if not 0 <= shrink < np.inf:
            raise ValueError(f"shrink must be 0 or more, not {shrink}")
        if not 0 < fade <= 1:
            raise ValueError(f"fade must be above 0 and at most 1, not {fade}")
        for name, power in (("source", source), ("target", target)):
            if not 0 <= power <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {power}")
        if similarity not in SIMILARITIES:
            raise ValueError(f"similarity must be one of {', '.join(SIMILARITIES)}, not {similarity}")
        if directed not in (True, False, "auto"):
            raise ValueError(f"directed must be true, false or auto, not {directed}")
        if directed is True and similarity != "cosine":
            raise ValueError(f"directed has its own normalisation and does not go with similarity={similarity}; leave one of them out")
        self.k, self.shrink, self.similarity, self.directed = k, shrink, similarity, directed
        self.window, self.fade, self.source, self.target, self.longest = window, fade, source, target, longest

    def fit(self, interactions: Interactions, products: Products) -> None:
        interactions.require_events()
        self._directed = self.directed is True
        if self.directed == "auto" and self.similarity == "cosine":
            self._directed = order_tells(interactions, self._variant(True), self._variant(False))
        self._hold(self._learned(interactions, len(products.product_ids)))

    def _variant(self, directed: bool) -> ItemCF:
        numbers = (self.window, self.fade, self.source, self.target, self.longest)
        return ItemCF(self.k, self.shrink, self.similarity, self.decay, directed, *numbers)

    def _learned(self, interactions: Interactions, n: int) -> csr_array[Any]:
        from scipy.sparse import csr_array

        events = learnable(interactions, self.longest)
        R = strongest(events, n).astype(np.float32)
        sizes = np.bincount(R.indices, R.data**2, minlength=n).astype(np.float32)
        if self._directed:
            fades = self.fade ** np.arange(self.window, dtype=np.float64)
            found = k_best_before(events, n, fades, self.k, Norms(sizes**self.target, sizes**self.source, self.shrink))
        else:
            itself = Places(np.arange(n + 1), np.arange(n))
            found = k_best(R.T.tocsr(), R, self.k, self._norms(sizes), itself)
        return csr_array(found.T.tocsr())

    def _norms(self, sizes: NDArray[np.float32]) -> Norms:
        """What c_ij is divided by; undirected."""
        if self.similarity == "jaccard":
            return Norms(sizes, sizes, self.shrink, union=True)
        if self.similarity == "conditional":
            return Norms(np.ones_like(sizes), sizes, self.shrink)
        return Norms(np.sqrt(sizes), np.sqrt(sizes), self.shrink)
