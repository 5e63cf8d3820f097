from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import History, Products
from mmsearch.recommend.interactions import build
from mmsearch.recommend.popular import Popular

SOMEONE = History(np.array([0]), np.ones(1), np.zeros(1))
EVENTS = build(
    ["u", "v", "w", "u"], ["a", "a", "b", "c"], [1.0, 0.2, 1.0, -1.0], [0.0, 10.0, 20.0, 20.0], ["a", "b", "c", "d"]
).interactions


def scores(popular: Popular) -> list[float]:
    popular.fit(EVENTS, Products(EVENTS.product_ids))
    return popular.score([SOMEONE])[0].tolist()  # type: ignore[no-any-return]


def test_adds_up_the_values() -> None:
    assert scores(Popular()) == pytest.approx([1.2, 1.0, -1.0, 0.0])


def test_an_event_counts_half_after_each_half_life() -> None:
    assert scores(Popular(half_life=10.0)) == pytest.approx([0.25 + 0.5 * 0.2, 1.0, -1.0, 0.0])


def test_what_nobody_or_nobody_gladly_took_is_not_recommended() -> None:
    popular = Popular()
    popular.fit(EVENTS, Products(EVENTS.product_ids))
    assert popular.recommend([SOMEONE], 4)[0].products.tolist() == [0, 1]


@pytest.mark.parametrize("bad", ["0", "-1"])
def test_half_life_must_be_positive(bad: str) -> None:
    with pytest.raises(UsageError, match="half_life must be above 0"):
        RECOMMENDERS.create(f"popular(half_life={bad})")
