"""Whether the order of events foretells anything: asked of the data itself, because a shop's export may not keep it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import History, Interactions, Products, Recommender
from mmsearch.recommend.interactions import histories

_ASKED = 2_000  # users whose last event is to be foreseen
_FEWEST = 50  # of them, below which no answer is trusted
_EVENTS = 300_000  # learned from; with more events, those of a random share of the users
_TIED = 0.5  # share of neighbouring events at the same time, above which their order is taken for that of the file
_DEPTH = 20


def order_tells(interactions: Interactions, ordered: Recommender, unordered: Recommender) -> bool:
    """Whether `ordered` foresees users' last events better than `unordered`, both fitted without them: nDCG@20, what they had left out.

    False where fewer than half of the neighbouring events of a user differ in time, or fewer than 50 users can be asked. The choice of
    users is drawn with a fixed seed. Leaves both recommenders fitted on the part.
    """
    same = interactions.users[1:] == interactions.users[:-1]
    if not same.any() or (np.diff(interactions.times)[same] == 0).mean() >= _TIED:
        return False
    part = _some_users(interactions)
    last = np.append(part.users[1:] != part.users[:-1], True)
    past = histories(part.take(~last))
    new = [i for i in np.flatnonzero(last).tolist() if _is_new(past[part.users[i]], int(part.products[i]))]
    if len(new) < _FEWEST:
        return False
    asked = np.sort(np.random.default_rng(0).choice(new, min(_ASKED, len(new)), replace=False))
    kept = np.ones(len(part), np.bool_)
    kept[asked] = False
    train, targets = part.take(kept), part.products[asked]
    given = [past[user] for user in part.users[asked].tolist()]
    products = Products(part.product_ids)
    return _foresight(ordered, train, products, given, targets) > _foresight(unordered, train, products, given, targets)


def _some_users(interactions: Interactions) -> Interactions:
    if len(interactions) <= _EVENTS:
        return interactions
    drawn = np.random.default_rng(0).random(len(interactions.user_ids)) < _EVENTS / len(interactions)
    return interactions.take(drawn[interactions.users])


def _is_new(history: History, product: int) -> bool:
    return len(history.products) > 0 and product not in history.products


def _foresight(
    recommender: Recommender, train: Interactions, products: Products, given: list[History], targets: NDArray[np.int64]
) -> float:
    recommender.fit(train, products)
    found = recommender.recommend(given, _DEPTH, [history.products.tolist() for history in given])
    gains = 0.0
    for best, target in zip(found, targets.tolist(), strict=True):
        place = np.flatnonzero(best.products == target)
        gains += 1 / np.log2(place[0] + 2) if len(place) else 0.0
    return float(gains) / len(given)
