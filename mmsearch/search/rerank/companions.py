"""What goes with what somebody took: by a model that the store keeps, else by one that is learned now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.ranking.base import Scores
from mmsearch.recommend import RECOMMENDERS, trained
from mmsearch.recommend.base import History, Interactions, Products
from mmsearch.recommend.cold import Cold
from mmsearch.recommend.evidence import Scale
from mmsearch.recommend.extended import Extended
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.store import Store


@dataclass(frozen=True)
class Companions:
    """A fitted `itemcf` over products (m,) of its own, placed among all products (n,).

    `scale` is that of the ratings it learned from, None where it learned from what the store has now; `notes` say what it has not seen.
    """

    model: ItemCF
    own: pa.Array  # (m,) ids
    places: NDArray[np.int64]  # (m,) among all products, −1: gone
    products: int  # n
    scale: Scale | None = None
    notes: list[str] = field(default_factory=list)

    def of(self, ids: Sequence[str], strengths: Sequence[float]) -> Scores:
        """How much each of all products (n,) goes with what was taken (h,), oldest first; NaN for what nobody took together with anything,
        and for all where nothing is known of what was taken."""
        mine = pc.index_in(pa.array(ids, pa.string()), value_set=self.own).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        ages = np.arange(len(mine), dtype=np.float64)[::-1]
        known = mine >= 0
        scores = self.model.score([History(mine[known], np.array(strengths)[known], ages[known])])[0]
        found, here = np.full(self.products, np.nan), self.places >= 0
        if scores.any():
            found[self.places[here]] = np.where(self.model.reached(), scores, np.nan)[here]
        return found


def kept(store: Store, products: pa.Array) -> Companions | None:
    """The store's default model, else another, if it says what goes with what as `itemcf` does (alone or within `cold`); None if none does.

    Raises StoreError for one that is damaged.
    """
    default = trained.default_name(store)
    for name in sorted(trained.names(store), key=lambda name: name != default):
        try:
            made = RECOMMENDERS.create(trained.recorded(store, name).spec)
        except UsageError:  # its method is gone: `recommend models` says so
            continue
        if not isinstance(made.base if isinstance(made, Cold) else made, ItemCF):
            continue
        fitted = trained.load(store, name)
        model, ids = fitted.recommender, fitted.product_ids
        if isinstance(model, Cold):
            model = model.base
        if isinstance(model, Extended):  # of what is new, nothing goes with anything
            ids, model = ids[: model.fitted], model.inner
        if isinstance(model, ItemCF):
            return _placed(model, pa.array(ids, pa.string()), products, fitted.scale, fitted.notes)
    return None


def learned(events: Interactions, products: pa.Array) -> Companions | None:
    """`itemcf(directed=true)` of the events of all products (n,); None without any. What orders a list was chosen with it (0032)."""
    if not len(events):
        return None
    model = ItemCF(directed=True)
    model.fit(events, Products(products.to_pylist()))
    return _placed(model, products, products)


def _placed(model: ItemCF, own: pa.Array, products: pa.Array, scale: Scale | None = None, notes: Sequence[str] = ()) -> Companions:
    if own.equals(products):
        places = np.arange(len(own))
    else:
        places = pc.index_in(own, value_set=products).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Companions(model, own, places, len(products), scale, list(notes))
