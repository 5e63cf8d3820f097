"""Evaluating a recommender: fit on what a split leaves, rank all products for whoever it asks about, measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmsearch.errors import UsageError
from mmsearch.evaluation.evaluate import Evaluation, evaluate
from mmsearch.evaluation.splits import Splitter
from mmsearch.evaluation.trec import Qrels, Run
from mmsearch.measures import Measure
from mmsearch.recommend.base import Interactions, Products, Recommender
from mmsearch.recommend.interactions import history_of


@dataclass(frozen=True)
class RecommenderEvaluation:
    """The numbers, and what they were computed from: users are the queries, held-out products the relevant ones."""

    evaluation: Evaluation
    run: Run
    qrels: Qrels
    #: The split's spec, to be printed with every number.
    split: str
    #: Held-out products that the user had before. With `exclude_history` they are never recommended, so that they count as missed.
    repeated: int


def evaluate_recommender(
    recommender: Recommender,
    interactions: Interactions,
    products: Products,
    split: Splitter,
    measures: Sequence[Measure],
    *,
    exclude_history: bool = True,
    batch: int = 256,
) -> RecommenderEvaluation:
    """Fit on the training events alone, then rank all products (no sampled candidates: they misorder methods, Krichene and Rendle,
    KDD 2020) for every user with held-out products, as deep as the measures look.

    Parameters
    ----------
    recommender : is fitted here; what it learned before is replaced.
    exclude_history : leave out what the user had in the training events.
    batch : users scored at once.

    Raises
    ------
    UsageError : no measure.
    InputError : nothing to hold out, or nothing to learn from.
    """
    if not measures:
        raise UsageError("nothing to measure", hint="name at least one measure, such as nDCG@20")
    parts = split.split(interactions)
    train = parts.train
    recommender.fit(train, products)

    asked = np.unique(parts.users)
    histories = [history_of(train, user) for user in asked.tolist()]
    depths = [measure.k or len(products.product_ids) for measure in measures]
    exclude = [np.unique(h.products).tolist() for h in histories] if exclude_history else None
    found = recommender.recommend(histories, max(depths), exclude, batch=batch)

    product_ids, user_ids = train.product_ids, train.user_ids
    run = {
        user_ids[user]: {product_ids[p]: score for p, score in zip(best.products.tolist(), best.scores.tolist(), strict=True)}
        for user, best in zip(asked.tolist(), found, strict=True)
    }
    qrels: dict[str, dict[str, int]] = {}
    for user, product in zip(parts.users.tolist(), parts.products.tolist(), strict=True):
        qrels.setdefault(user_ids[user], {})[product_ids[product]] = 1
    had = set(zip(train.users.tolist(), train.products.tolist(), strict=True))
    repeated = sum(pair in had for pair in zip(parts.users.tolist(), parts.products.tolist(), strict=True))
    return RecommenderEvaluation(evaluate(run, qrels, measures), run, qrels, split.spec, repeated)
