"""Which products may be recommended, and which of them take the places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.recommend.base import Recommended
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import load_attributes
from mmsearch.store.filter import passing
from mmsearch.store.values import read_values

#: What becomes of products that the shopper had before.
ALREADY = ("exclude", "include", "only")

_STOCK = "stock"


@dataclass(frozen=True)
class Policy:
    """The shop's rules for what is recommended.

    Parameters
    ----------
    where : a filter; None: every product.
    already : 'exclude' what the shopper had; 'include' it, for goods that are bought again; 'only' it, to buy again.
    sold_out : recommend products with a stock of 0, too. Where the stock is not known, a product counts as there.
    explore : the share of places, 0 to 1, that go by lot to products further down, so that new things are seen at all.
    seed : of the lot; None: another one each time.
    """

    where: str | None = None
    already: str = "exclude"
    sold_out: bool = False
    explore: float = 0.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.already not in ALREADY:
            raise UsageError(f"--already {self.already}: it is one of {', '.join(ALREADY)}")
        if not 0 <= self.explore <= 1:
            raise UsageError(f"--explore must be from 0 to 1, not {self.explore:g}")


def allowed(store: Store, product_ids: Sequence[str], policy: Policy) -> tuple[NDArray[np.bool_], list[str]]:
    """Which of some products (n,) may be recommended to anybody, and what a person should know.

    Raises ParseError and UsageError as a search's filter does.
    """
    ids = pa.array(product_ids, pa.string())
    there = store.read(PRODUCTS, ["id"]).column("id").combine_chunks() if store.has(PRODUCTS) else pa.array([], pa.string())
    mask = pc.is_in(ids, value_set=there).to_numpy(zero_copy_only=False)
    notes = []
    if policy.where is not None:
        mask = mask & passing(store, policy.where, ids)
        if not mask.any():
            notes.append(f"no product matches {policy.where}")
    if not policy.sold_out and mask.any():
        mask = mask & ~_sold_out(store, ids)
        if not mask.any():
            notes.append("every product is sold out: --sold-out recommends them all the same")
    return np.asarray(mask, dtype=bool), notes


def for_history(mask: NDArray[np.bool_], had: NDArray[np.int64], already: str) -> NDArray[np.bool_]:
    """Of the allowed products (n,), those that may be recommended to somebody who had some of them."""
    if already == "include":
        return mask
    mine = np.zeros(len(mask), dtype=bool)
    mine[had] = True
    return mask & (mine if already == "only" else ~mine)


def places(scores: NDArray[np.float64], k: int, policy: Policy) -> tuple[Recommended, set[int]]:
    """The k products that are shown, best first (ties by index), of scores (n,), NaN for those that may not be; and which came by lot.

    Each place goes by lot with the probability `explore`: to one of the products further down that have any evidence for them, all of them
    alike (ε-greedy; Sutton and Barto, "Reinforcement Learning", 2018, 2.2).
    """
    known = np.flatnonzero(~np.isnan(scores))
    order = known[np.argsort(-scores[known], kind="stable")]
    chosen, rest = order[:k].copy(), order[k:]
    drawn: set[int] = set()
    if policy.explore and len(rest):
        rng = np.random.default_rng(policy.seed)
        lots = np.flatnonzero(rng.random(len(chosen)) < policy.explore)[: len(rest)]
        chosen[lots] = rng.choice(rest, len(lots), replace=False)
        drawn = {int(i) for i in chosen[lots]}
    return Recommended(chosen, scores[chosen]), drawn


def _sold_out(store: Store, ids: pa.Array) -> NDArray[np.bool_]:
    attributes = load_attributes(store)
    if _STOCK not in attributes.columns and _STOCK not in attributes.sparse:
        return np.zeros(len(ids), dtype=bool)
    values = read_values(store, _STOCK, ids, option="--sold-out")
    out = np.zeros(len(ids), dtype=bool)
    for kind in ("number", "bool"):
        if kind in values:
            out |= pc.less_equal(values[kind].cast(pa.float64()), 0).fill_null(False).to_numpy()
    return out
