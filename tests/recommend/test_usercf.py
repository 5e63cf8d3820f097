"""UserCF against numbers worked out by hand.

    a  b  c  d
u   1  1  .  .
v   1  .  1  .
w   .  .  1  1
"""

from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import History, Products
from mmsearch.recommend.interactions import build
from mmsearch.recommend.usercf import UserCF

A, B, C, D = range(4)


def fitted(**parameters: object) -> UserCF:
    pairs = [("u", "a"), ("u", "b"), ("v", "a"), ("v", "c"), ("w", "c"), ("w", "d")]
    events = build([u for u, _ in pairs], [p for _, p in pairs], product_ids=list("abcd")).interactions
    made = UserCF(**{"decay": 1.0, "neighbour_decay": 1.0, "shrink": 1.0, **parameters})  # type: ignore[arg-type]
    made.fit(events, Products(events.product_ids))
    return made


def history(products: list[int], values: list[float] | None = None) -> History:
    h = len(products)
    return History(np.array(products), np.ones(h) if values is None else np.array(values), np.arange(h)[::-1].astype(float))


def test_cosine() -> None:
    scores = fitted().score([history([A])])[0]
    near = 1 / (1 * np.sqrt(2) + 1)
    np.testing.assert_allclose(scores, [2 * near, near, near, 0])


def test_conditional() -> None:
    scores = fitted(similarity="conditional").score([history([A, C])])[0]
    u, v, w = 1 / 3, 2 / 3, 1 / 3  # shared ÷ (2 + shrink)
    np.testing.assert_allclose(scores, [u + v, u, v + w, w])


def test_only_the_k_nearest_speak() -> None:
    scores = fitted(k=1).score([history([A, C])])[0]
    assert scores[A] == scores[C] > 0
    assert not scores[[B, D]].any()


def test_the_older_event_counts_less_on_both_sides() -> None:
    scores = fitted(decay=0.5, neighbour_decay=0.5, similarity="conditional").score([history([A, C])])[0]
    # w = (.5, ., 1, .); u: a .5, b 1; v: a .5, c 1; w: c .5, d 1. |r|² + shrink = 2.25
    u, v, w = 0.25 / 2.25, 1.25 / 2.25, 0.5 / 2.25
    np.testing.assert_allclose(scores, [0.5 * u + 0.5 * v, u, v + 0.5 * w, w])


def test_why_shares_the_neighbours_among_the_history() -> None:
    reasons = fitted(similarity="conditional").why(history([A, C]), C)
    assert [(reason.product, reason.relation) for reason in reasons] == [(C, "taken by the same people"), (A, "taken by the same people")]
    assert [reason.value for reason in reasons] == pytest.approx([2 / 3, 1 / 3])


def test_who_dislikes_what_others_took_is_no_neighbour() -> None:
    assert not fitted().score([history([A], [-1.0])]).any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("usercf(k=0)", "k must be at least 1"),
        ("usercf(shrink=0)", "shrink must be above 0"),
        ("usercf(similarity=jaccard)", "one of cosine, conditional"),
        ("usercf(decay=2)", "decay must be above 0"),
        ("usercf(neighbour_decay=0)", "neighbour_decay must be above 0"),
    ],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
