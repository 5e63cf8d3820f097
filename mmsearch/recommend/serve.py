"""Recommending from a store: its events and vectors in, products with titles and reasons out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError, StoreError, UsageError, did_you_mean
from mmsearch.recommend import trained
from mmsearch.recommend.base import BASE, History, Reason, Recommended, sorted_reasons, top
from mmsearch.recommend.candidates import Policy, allowed, for_history, places
from mmsearch.recommend.evidence import read_evidence, vectors_table
from mmsearch.recommend.interactions import history_of
from mmsearch.recommend.segments import Segments, read_attributes
from mmsearch.recommend.trained import Fitted
from mmsearch.recommend.untaken import NOBODY, UNTAKEN, untaken
from mmsearch.store import INTERACTIONS, PRODUCTS, REVIEWS, USERS, Store
from mmsearch.store.where import id_list

#: What answers when the asked method cannot: a user without events gets what sells.
FALLBACK = "popular"
POPULAR = "is popular"  # the reason in words

_SLOW = 2.0  # seconds of fitting after which it is worth keeping the model


@dataclass(frozen=True)
class Why:
    """A part of a score: what says it (a product of the history; None: no single one), how it is related, and how much it adds."""

    id: str | None
    relation: str
    contribution: float


@dataclass(frozen=True)
class Recommendation:
    """One recommended product; the contributions of `why` add up to the score."""

    rank: int
    id: str
    score: float
    title: str | None
    why: list[Why] = field(default_factory=list)

    def to_json(self, *, why: bool = False) -> dict[str, Any]:
        out: dict[str, Any] = {"rank": self.rank, "id": self.id, "score": self.score, "title": self.title}
        return out | {"why": [asdict(part) for part in self.why]} if why else out


@dataclass(frozen=True)
class Recommendations:
    """What was recommended, by which method (not the asked one where a fallback answered: `notes` says so)."""

    items: list[Recommendation]
    method: str
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """For whom and by what: a user, products that are liked and disliked (id, weight), or both; the likes count as newest.

    Parameters
    ----------
    basket : products that lie in the cart now: as likes of weight 1.
    method : a recommender's spec; a model that was trained by just this method answers if there is one.
    model : the name of a trained model. Without both, the store's default model; without any, `itemcf` where there is evidence (where
        there are vectors, too, within `cold`, so that new products come as well), else `content`.
    """

    user: str | None = None
    like: Sequence[tuple[str, float]] = ()
    unlike: Sequence[tuple[str, float]] = ()
    basket: Sequence[str] = ()
    method: str | None = None
    model: str | None = None


class Reordered(NamedTuple):
    """What a chain of rerankers made of scores (n,): NaN for products that are out, the changes of one product, and what to tell."""

    scores: NDArray[np.float64]
    changes: Callable[[NDArray[np.int64]], list[list[tuple[str, float]]]]
    notes: Sequence[str] = ()


#: (ids, scores (n,), NaN for products that are not in the list) → the order that is wanted instead.
Reorder = Callable[[Sequence[str], NDArray[np.float64]], Reordered]


def recommend(store: Store, asked: Asked, policy: Policy | None = None, *, k: int = 10, reorder: Reorder | None = None) -> Recommendations:
    """The k best products for a user, or for someone who likes (and dislikes) some products.

    Where the method has evidence for fewer than k, what is popular takes the other places, then what nobody took yet, and a note says so;
    where nothing is left to show, a note says that.

    Raises
    ------
    UsageError : nobody and nothing to recommend for, an unknown product, a bad filter or spec.
    InputError : nothing to recommend from (says which command brings it).
    """
    policy = policy or Policy()
    if k < 1:
        raise UsageError(f"-k must be at least 1, not {k}")
    if asked.user is None and not asked.like and not asked.basket:
        hint = "for example: mmsearch recommend --user u42   or: mmsearch recommend --like P1 --unlike P2"
        raise UsageError("nobody to recommend for" if not asked.unlike else "--unlike alone does not say what to look for", hint=hint)
    if asked.user is not None and not asked.user.strip():
        raise UsageError("--user names nobody", hint="leave it out for somebody of whom nothing is known but --like or --basket")
    if both := {id for id, _ in asked.unlike} & {*asked.basket, *(id for id, _ in asked.like)}:
        wanted = "--like" if min(both) in dict(asked.like) else "--basket"
        raise UsageError(f"{min(both)} stands behind --unlike and behind {wanted}", hint="a product is liked or not liked")
    fitted = ready(store, asked.method, asked.model)
    notes = list(fitted.notes)
    history = _history(store, fitted, asked)
    mask, more = allowed(store, fitted.product_ids, policy)
    notes += more
    mine = for_history(mask, history.products, policy.already)
    if mask.any() and not mine.any():
        notes.append("every product is in the history already" if policy.already == "exclude" else "none of them is in the history")
    scores = _evidence_of(fitted.recommender.score([history])[0], mine)
    spec = fitted.spec
    popular: list[tuple[str, NDArray[np.float64]]] = []
    reason = f"{spec} has evidence for nothing that may be shown"
    if fitted.recommender.personal and mine.any() and np.isnan(scores).all():
        reason = _fallback_reason(store, asked.user, history, spec)
        spec, popular = FALLBACK, popular_with(store, fitted, None if len(history.products) else asked.user)
        scores = _evidence_of(summed(popular), mine)
        if not np.isnan(scores).all():
            notes.append(f"{reason}: showing {FALLBACK}")
    order = Reordered(scores, lambda shown: [[] for _ in shown])
    if reorder is not None and not np.isnan(scores).all():
        order = reorder(fitted.product_ids, scores)
        notes += order.notes
    best, lots = places(order.scores, k, policy)
    items = []
    for index, score, moved in zip(best.products.tolist(), best.scores.tolist(), order.changes(best.products), strict=True):
        shares = sorted_reasons(Reason(BASE, float(part[index]), words) for words, part in popular)
        said = shares if popular else fitted.recommender.why(history, index)
        why = [Why(None if i == BASE else fitted.product_ids[i], relation, value) for i, value, relation in said]
        why += [Why(None, name, value) for name, value in moved]
        if index in lots:
            why.append(Why(None, "came by lot (--explore)", 0.0))
        items.append((fitted.product_ids[index], score, why))
    if spec != FALLBACK and fitted.recommender.personal and 0 < len(items) < k:
        filled = _filled(store, fitted, mine, best, k - len(items))
        items += filled
        if filled:
            notes.append(f"the last {len(filled)} are what is {FALLBACK}: {spec} has evidence for no more")
    if len(items) < k and mine.any():
        rest = _untaken(store, fitted, mine, items, k - len(items))
        if items and rest:
            notes.append(f"the last {len(rest)} are what {NOBODY}, by id: there is evidence for no more")
        elif rest:
            also = f", and nothing that may be shown is {FALLBACK}" if fitted.recommender.personal else ""
            notes.append(f"{reason}{also}: showing what {NOBODY}, by id")
            spec = UNTAKEN
        elif not items:
            notes.append(f"nothing is left to show: {reason}, and no event speaks for any of the products that are left")
        items += rest
    titles = titles_of(store, [id for id, _, _ in items])
    found = [Recommendation(rank, id, score, titles.get(id), why) for rank, (id, score, why) in enumerate(items, 1)]
    return Recommendations(found, spec, notes)


def ready(store: Store, method: str | None, model: str | None) -> Fitted:
    """A recommender that can answer: a trained model, else one that is fitted now. See `Asked`.

    Raises UsageError : no such model, a bad spec. InputError : nothing to learn from.
    """
    if method is not None and model is not None:
        raise UsageError("--method and --model exclude each other", hint="a model has the method that it was trained by")
    if model is None:
        model = trained.default_name(store) if method is None else trained.name_for(store, method)
    if model is not None:
        return trained.load(store, model)
    seen = any(store.has(table) and store.count(table) for table in (INTERACTIONS, REVIEWS))
    start = time.perf_counter()
    chosen, notes = (method, []) if method is not None else _usual(store, seen=seen)
    fitted, _, _ = trained.fit(store, chosen)
    fitted.notes.extend(notes)
    if (seconds := time.perf_counter() - start) > _SLOW:
        train = f"mmsearch recommend train --method '{fitted.spec}'"
        fitted.notes.append(f"{fitted.spec} was fitted for this answer, in {seconds:.0f} s; {train} keeps it")
    return fitted


def _usual(store: Store, *, seen: bool) -> tuple[str, list[str]]:
    """The method that answers where none is asked for (docs/recommend.md has what it is worth), and why it is not the better one."""
    if not seen:
        return "content", []
    try:
        return ("cold(base=itemcf)" if vectors_table(store) is not None else "itemcf"), []
    except StoreError as error:  # a profile that must be refitted is no reason to recommend nothing
        return "itemcf", [f"new products do not come: {error.message} ({error.hint})"]


def titles_of(store: Store, ids: Sequence[str]) -> dict[str, str | None]:
    """id → title. Raises StoreError where a product disappeared meanwhile."""
    if not ids:
        return {}
    rows = store.read(PRODUCTS, ["id", "title"], where=id_list("id", list(ids)))
    if rows.num_rows != len(set(ids)):
        raise StoreError("products disappeared while they were recommended", hint="try again")
    return dict(zip(rows.column("id").to_pylist(), rows.column("title").to_pylist(), strict=True))


def place_in(store: Store, fitted: Fitted, ids: Sequence[str]) -> list[int]:
    """Where some products are in `fitted.product_ids`.

    Raises UsageError : no such product (names a near one). InputError : it came after the model was trained.
    """
    place = {id: i for i, id in enumerate(fitted.product_ids)}
    for id in ids:
        if id not in place:
            if store.has(PRODUCTS) and store.count(PRODUCTS, where=id_list("id", [id])):
                raise InputError(f"the product {id} came after the model was trained", hint="bring it up to date: mmsearch recommend train")
            raise UsageError(f"there is no product {id}{did_you_mean(id, place)}")
    return [place[id] for id in ids]


def _history(store: Store, fitted: Fitted, asked: Asked) -> History:
    """The user's events as the store has them now, with liked and disliked products as the newest ones."""
    said = [*asked.like, *((id, 1.0) for id in asked.basket), *((id, -weight) for id, weight in asked.unlike)]
    here = place_in(store, fitted, [id for id, _ in said])
    old = History(np.empty(0, np.int64), np.empty(0), np.empty(0))
    if asked.user is not None:
        evidence = read_evidence(store, fitted.product_ids, users=[asked.user], scale=fitted.scale)
        if evidence.interactions.user_ids:
            old = history_of(evidence.interactions, 0)
    if not said:
        return old
    products = np.concatenate([old.products, np.array(here, np.int64)])
    values = np.concatenate([old.values, np.array([weight for _, weight in said])])
    ages = np.concatenate([old.ages + 1, np.zeros(len(said))])  # said together, all newest
    return History(products, values, ages)


def _evidence_of(scores: NDArray[np.float64], mine: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores (n,) of the products that may be shown and have evidence for them, NaN for all others."""
    return np.where(mine & (scores > 0), scores, np.nan)


def popular_with(store: Store, fitted: Fitted, user: str | None = None) -> list[tuple[str, NDArray[np.float64]]]:
    """What is popular among the products of a model: words and scores (n,), which add up; see `mmsearch.recommend.segments.Segments`.

    Parameters
    ----------
    user : somebody, whose attributes tell with whom; None: with everybody.

    Raises InputError without events.
    """
    evidence = read_evidence(store, fitted.product_ids, scale=fitted.scale)
    mine = {} if user is None else read_attributes(store, [user]).get(user, {})
    segments = Segments()
    segments.fit(evidence.interactions, read_attributes(store) if mine else {})
    return segments.score(mine)


def summed(popular: Sequence[tuple[str, NDArray[np.float64]]]) -> NDArray[np.float64]:
    """The scores (n,) that `popular_with` says in parts."""
    return np.asarray(np.sum([scores for _, scores in popular], axis=0))


def _filled(store: Store, fitted: Fitted, mine: NDArray[np.bool_], best: Recommended, count: int) -> list[tuple[str, float, list[Why]]]:
    """Popular products for the places that are left, with scores below those that the method gave."""
    free = mine.copy()
    free[best.products] = False
    try:
        rest = top(np.nan_to_num(_evidence_of(summed(popular_with(store, fitted)), free)), count)
    except InputError:  # without events nothing is popular, and the list is as short as it is
        return []
    lowest = float(best.scores.min())
    found = []
    for index, takes in zip(rest.products.tolist(), rest.scores.tolist(), strict=True):
        share = takes / float(rest.scores[0])
        score = lowest * share / 2 if lowest > 0 else lowest - 1 + share / 2
        found.append((fitted.product_ids[index], score, [Why(None, POPULAR, score)]))
    return found


def _untaken(
    store: Store, fitted: Fitted, mine: NDArray[np.bool_], items: Sequence[tuple[str, float, list[Why]]], count: int
) -> list[tuple[str, float, list[Why]]]:
    """Products that nobody took yet for the places that are left; none without events, when that says nothing of a product."""
    evidence = read_evidence(store, fitted.product_ids, scale=fitted.scale)
    if not len(evidence.interactions):
        return []
    score = min(0.0, items[-1][1]) if items else 0.0
    shown = {id for id, _, _ in items}
    free = untaken(evidence.interactions)
    ids = [id for i in free[mine[free]].tolist() if (id := fitted.product_ids[i]) not in shown]
    return [(id, score, [Why(None, NOBODY, score)]) for id in ids[:count]]


def _fallback_reason(store: Store, user: str | None, history: History, spec: str) -> str:
    if user is not None and not len(history.products):
        if any(store.has(table) and store.count(table, where=id_list("user", [user])) for table in (INTERACTIONS, REVIEWS)):
            return f"the user {user} has no event that counts"
        known = store.has(USERS) and store.count(USERS, where=id_list("id", [user]))
        return f"the user {user} has no events" if known else f"nothing is known of a user {user}"
    return f"{spec} finds nothing for this history"
