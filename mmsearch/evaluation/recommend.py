"""Evaluating a recommender: fit on what a split leaves, rank all products for whoever it asks about, measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import UsageError
from mmsearch.evaluation.evaluate import Evaluation, evaluated
from mmsearch.evaluation.splits import Split, Splitter
from mmsearch.evaluation.trec import Qrels, Run
from mmsearch.measures import ListMeasure, Lists, Measure
from mmsearch.recommend.base import History, Interactions, Products, Recommended, Recommender, top
from mmsearch.recommend.interactions import histories


@dataclass(frozen=True)
class Asked:
    """What a split asks: the users, as indices and in ascending order, what is known of each, and what is not to be recommended to them."""

    split: Split
    users: NDArray[np.int64]  # (u,)
    histories: list[History]
    exclude: list[NDArray[np.int64]]  # one a user, product indices


@dataclass(frozen=True)
class RecommenderEvaluation:
    """The numbers, and what they were computed from: users are the queries, held-out products the relevant ones.

    `evaluation.means` holds the measures of lists, too, which have no value per user.
    """

    evaluation: Evaluation
    run: Run
    qrels: Qrels
    #: The split's spec, to be printed with every number.
    split: str
    #: Held-out products that the user had before. With `exclude_history` they are never recommended, so that they count as missed.
    repeated: int
    #: How many products are ranked, where the split ranks some of them alone.
    candidates: int | None = None


def evaluate_recommender(
    recommender: Recommender,
    interactions: Interactions,
    products: Products,
    split: Splitter,
    measures: Sequence[Measure | ListMeasure],
    *,
    exclude_history: bool = True,
    batch: int = 256,
    shown: Products | None = None,
    belonging: Mapping[str, Sequence[tuple[str, ...]]] | None = None,
) -> RecommenderEvaluation:
    """Fit on the training events alone, then rank all products (no sampled candidates: they misorder methods, Krichene and Rendle,
    KDD 2020) for every user with held-out products, as deep as the measures look. Where a split limits the candidates, all of those.

    Parameters
    ----------
    recommender : is fitted here; what it learned before is replaced.
    exclude_history : leave out what the user had in the events that are known.
    batch : users scored at once.
    shown : whose vectors the measures of lists compare; `products` if not given.
    belonging : for measures of lists, attribute → (n,) the values that each product belongs to.

    Raises
    ------
    UsageError : no measure.
    InputError : nothing to hold out, or nothing to learn from.
    """
    if not measures:
        raise UsageError("nothing to measure", hint="name at least one measure, such as nDCG@20")
    asked = ask(split.split(interactions), exclude_history=exclude_history)
    recommender.fit(asked.split.train, products)
    found = ranked(recommender, asked, max(measure.k or len(products.product_ids) for measure in measures), batch)
    return judge(asked, found, products if shown is None else shown, measures, split.spec, belonging)


def ask(split: Split, *, exclude_history: bool = True) -> Asked:
    """Whom a split asks about."""
    users = np.unique(split.users)
    known = histories(split.histories)
    mine = [known[user] for user in users.tolist()]
    exclude = [np.unique(h.products) if exclude_history else h.products[:0] for h in mine]
    return Asked(split, users, mine, exclude)


def ranked(recommender: Recommender, asked: Asked, k: int, batch: int) -> list[Recommended]:
    """The k best candidates for each of `asked.users`."""
    candidates = asked.split.candidates
    if candidates is None:
        return recommender.recommend(asked.histories, k, [had.tolist() for had in asked.exclude], batch=batch)
    found = []
    for start in range(0, len(asked.users), batch):
        scores = recommender.score(asked.histories[start : start + batch])
        scores[:, ~candidates] = -np.inf
        for row, had in zip(scores, asked.exclude[start : start + batch], strict=True):
            row[had] = -np.inf
            found.append(top(row, k))
    return found


def judge(
    asked: Asked,
    found: Sequence[Recommended],
    products: Products,
    measures: Sequence[Measure | ListMeasure],
    spec: str,
    belonging: Mapping[str, Sequence[tuple[str, ...]]] | None = None,
) -> RecommenderEvaluation:
    """Measure what was recommended to each of `asked.users`. Raises InputError for a measure that needs vectors where there are none."""
    split = asked.split
    user_ids, product_ids = split.train.user_ids, split.train.product_ids
    run = {
        user_ids[user]: {product_ids[p]: score for p, score in zip(best.products.tolist(), best.scores.tolist(), strict=True)}
        for user, best in zip(asked.users.tolist(), found, strict=True)
    }
    qrels: dict[str, dict[str, int]] = {}
    for user, product in zip(split.users.tolist(), split.products.tolist(), strict=True):
        qrels.setdefault(user_ids[user], {})[product_ids[product]] = 1
    evaluation = evaluated(run, qrels, [m for m in measures if isinstance(m, Measure)])
    of_lists = [m for m in measures if isinstance(m, ListMeasure)]
    means = dict(evaluation.means)
    if of_lists:
        lists = _lists(asked, found, products, belonging or {})
        means |= {str(m): m.compute(lists) for m in of_lists}
    in_order = {str(m): means[str(m)] for m in measures}
    known = split.histories
    had = set(zip(known.users.tolist(), known.products.tolist(), strict=True))
    repeated = sum(pair in had for pair in zip(split.users.tolist(), split.products.tolist(), strict=True))
    candidates = None if split.candidates is None else int(split.candidates.sum())
    return RecommenderEvaluation(replace(evaluation, means=in_order), run, qrels, spec, repeated, candidates)


def _lists(asked: Asked, found: Sequence[Recommended], products: Products, belonging: Mapping[str, Sequence[tuple[str, ...]]]) -> Lists:
    train = asked.split.train
    pairs = np.unique(np.stack([train.users, train.products]), axis=1)
    return Lists(
        ranked=[best.products for best in found],
        histories=[history.products for history in asked.histories],
        popularity=np.bincount(pairs[1], minlength=len(train.product_ids)),
        users=len(np.unique(train.users)),
        candidates=asked.split.candidates,
        vectors=products.vectors,
        belonging=belonging,
    )
