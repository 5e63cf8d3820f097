"""Products for a product: what is similar to it, and what goes with it."""

from __future__ import annotations

import numpy as np

from mmsearch.errors import UsageError
from mmsearch.recommend.candidates import Policy, allowed
from mmsearch.recommend.evidence import vectors_table
from mmsearch.recommend.serve import Recommendation, Recommendations, Why, place_in, ready, titles_of
from mmsearch.recommend.trained import Fitted
from mmsearch.store import Store

#: What answers when no method is asked for: see docs/recommend.md.
COMPLEMENTS = "itemcf(directed=true)"
SIMILAR = "content"

_MORE = 20  # times as many are looked at as are wanted, where some may not be shown


def similar(
    store: Store, id: str, policy: Policy | None = None, *, method: str | None = None, model: str | None = None, k: int = 10
) -> Recommendations:
    """The k products most similar to a product: in what they say and show, unless another method is asked for (`itemcf`: taken by the same
    people). Without vectors, `itemcf`.

    Raises UsageError : no such product, a bad spec. InputError : nothing to learn from.
    """
    default = SIMILAR if vectors_table(store) is not None else "itemcf"
    return _related(store, id, policy or Policy(), ready(store, method if method or model else default, model), k, "is similar to")


def goes_with(
    store: Store, id: str, policy: Policy | None = None, *, method: str | None = None, model: str | None = None, k: int = 10
) -> Recommendations:
    """The k products that people take after a product. That is asymmetric: a case goes with a telephone, and no telephone with a case.

    Raises UsageError : no such product, a bad spec. InputError : nothing to learn from.
    """
    return _related(store, id, policy or Policy(), ready(store, method if method or model else COMPLEMENTS, model), k, "is taken after")


def _related(store: Store, id: str, policy: Policy, fitted: Fitted, k: int, relation: str) -> Recommendations:
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    if policy.already != "exclude" or policy.explore:
        raise UsageError("--already and --explore are for shoppers; a product has no history")
    [place] = place_in(store, fitted, [id])
    mask, notes = allowed(store, fitted.product_ids, policy)
    depth = len(mask) if mask.sum() < len(mask) - k else k * _MORE
    [found] = fitted.recommender.similar([place], depth)
    here = np.flatnonzero(mask[found.products] & (found.products != place) & (found.scores > 0))[:k]
    if not len(here):
        notes.append(f"{fitted.spec} knows of no product that {relation} {id}")
    ids = [fitted.product_ids[i] for i in found.products[here].tolist()]
    titles = titles_of(store, ids)
    items = [
        Recommendation(rank, other, score, titles.get(other), [Why(id, relation, score)])
        for rank, (other, score) in enumerate(zip(ids, found.scores[here].tolist(), strict=True), 1)
    ]
    return Recommendations(items, fitted.spec, [*fitted.notes, *notes])
