"""Events as they come in → `Interactions` → histories."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmsearch.catalog.behaviour import Names
from mmsearch.errors import InputError
from mmsearch.recommend.base import History, Interactions

if TYPE_CHECKING:
    from scipy.sparse import csr_array


class Built(NamedTuple):
    """`interactions`, and how many events were left out because their product is not in the catalogue."""

    interactions: Interactions
    unknown_products: int


def build(
    users: Sequence[str],
    products: Sequence[str],
    values: ArrayLike | None = None,
    times: ArrayLike | None = None,
    product_ids: Sequence[str] | None = None,
) -> Built:
    """Aligned columns (e,) of events in any order → `Interactions`.

    Users are indexed in the order of their ids, and so are products unless `product_ids` fixes an order; events with other products
    are left out and counted (their users stay known, possibly with an empty history).

    Parameters
    ----------
    values : strengths; 1 each by default (see `mmsearch.catalog.behaviour.Events.strengths`).
    times : seconds or any ordinal; the order of the rows by default.

    Raises
    ------
    InputError : a value or a time is not a finite number.
    ValueError : columns of different lengths, or a product id given twice.
    """
    count = len(users)
    strengths = np.ones(count) if values is None else np.asarray(values, dtype=np.float64)
    when = np.arange(count, dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
    if not len(products) == len(strengths) == len(when) == count:
        raise ValueError(f"columns differ in length: {count} users, {len(products)} products, {len(strengths)} values, {len(when)} times")
    return build_named(Names.of(users), Names.of(products), strengths, when, product_ids)


def build_named(
    users: Names, products: Names, values: NDArray[np.float64], times: NDArray[np.float64], product_ids: Sequence[str] | None = None
) -> Built:
    """As `build`, of columns of names. Raises as it does."""
    count = len(values)
    for name, column in (("value", values), ("time", times)):
        if bad := int((~np.isfinite(column)).sum()):
            raise InputError(
                f"{bad} of {count} interactions have a {name} that is not a finite number", hint="correct or leave out these rows"
            )
    user_ids = sorted(users.distinct)
    catalogue = sorted(products.distinct) if product_ids is None else list(product_ids)
    user_index = {user: i for i, user in enumerate(user_ids)}
    product_index = {product: i for i, product in enumerate(catalogue)}
    if len(product_index) != len(catalogue):
        raise ValueError("product_ids holds an id twice")
    user = users.each([user_index[u] for u in users.distinct]).astype(np.int64)
    product = products.each([product_index.get(p, -1) for p in products.distinct]).astype(np.int64)
    order = np.lexsort((times, user))
    order = order[product[order] >= 0]
    kept = Interactions(user_ids, catalogue, user[order], product[order], values[order], times[order], count - len(order))
    return Built(kept, kept.left_out)


def history_of(interactions: Interactions, user: int) -> History:
    """The history of the user with index `user`, empty when there is no event."""
    start, end = np.searchsorted(interactions.users, [user, user + 1])
    return _slice(interactions, int(start), int(end))


def histories(interactions: Interactions) -> list[History]:
    """The history of every user, in the order of `user_ids`."""
    bounds = np.searchsorted(interactions.users, np.arange(len(interactions.user_ids) + 1))
    return [_slice(interactions, start, end) for start, end in pairwise(bounds.tolist())]


def _slice(interactions: Interactions, start: int, end: int) -> History:
    ages = np.arange(end - start - 1, -1, -1, dtype=np.float64)
    return History(interactions.products[start:end], interactions.values[start:end], ages)


def weights_of(history: History, decay: float) -> NDArray[np.float64]:
    """r_uj · decay^age of each event (h,): what it says about the user now."""
    return np.asarray(history.values * decay**history.ages, dtype=np.float64)


def weight_matrix(histories: Sequence[History], n: int, decay: float) -> csr_array[Any]:
    """`weights_of` every history as a sparse matrix (u, n); several events with one product add up."""
    from scipy.sparse import csr_array

    lengths = [len(h.products) for h in histories]
    pointers = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    products = np.concatenate([np.empty(0, np.int64), *(h.products for h in histories)])
    values, ages = (np.concatenate([np.empty(0), *column]) for column in ((h.values for h in histories), (h.ages for h in histories)))
    matrix = csr_array((values * decay**ages, products, pointers), shape=(len(histories), n))
    matrix.sum_duplicates()
    return matrix


def ages(events: Interactions) -> NDArray[np.int64]:
    """How many events of the same user came after each (e,)."""
    return np.asarray(np.cumsum(np.bincount(events.users))[events.users] - 1 - np.arange(len(events)), dtype=np.int64)


def strongest(events: Interactions, n: int) -> csr_array[Any]:
    """R (u, n): the largest value among each user's events with a product. A sum would let one busy user outweigh many."""
    from scipy.sparse import csr_array

    count = len(events.user_ids)
    pointers = np.searchsorted(events.users, np.arange(count + 1)).astype(np.int32)
    # Sorted by user already; 32 bits halve what a product of matrices moves.
    R = csr_array((events.values, events.products.astype(np.int32), pointers), shape=(count, n), copy=True)
    R.sort_indices()
    new = np.append(np.ones(min(1, len(events)), np.bool_), np.diff(R.indices) != 0)
    new[pointers[:-1][np.diff(pointers) > 0]] = True  # also where a user begins with the product that the one before ended with
    first = np.flatnonzero(new)
    values = np.maximum.reduceat(R.data, first) if len(first) else R.data
    return csr_array((values, R.indices[first], np.searchsorted(first, pointers).astype(np.int32)), shape=(count, n))
