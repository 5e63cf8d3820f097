from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import InputError, UsageError
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
    assert scores(Popular(half_life="10")) == pytest.approx([0.25 + 0.5 * 0.2, 1.0, -1.0, 0.0])


def test_where_times_are_dates_a_number_is_days() -> None:
    day, now = 86_400.0, 1_700_000_000.0
    dated = build(["u", "v"], ["a", "b"], times=[now - 60 * day, now]).interactions
    for half_life in ("30", "30d", "720h"):
        popular = Popular(half_life=half_life)
        popular.fit(dated, Products(dated.product_ids))
        assert popular.score([SOMEONE])[0].tolist() == pytest.approx([0.25, 1.0])


def test_a_length_of_time_says_nothing_of_ordinals() -> None:
    with pytest.raises(InputError, match="half_life=30d: the times of these events are no dates") as raised:
        scores(Popular(half_life="30d"))
    assert "half_life=100" in str(raised.value.hint)


def test_however_short_the_half_life_every_product_that_was_taken_ranks() -> None:
    now = 1_700_000_000.0
    dated = build(["u", "v", "w"], ["a", "b", "c"], times=[now - 3e8, now - 2e8, now]).interactions
    popular = Popular(half_life="1s")
    popular.fit(dated, Products(dated.product_ids))
    assert popular.recommend([SOMEONE], 3)[0].products.tolist() == [2, 1, 0]
    same = build(["u", "v"], ["a", "b"], times=[now, now]).interactions
    popular.fit(same, Products(same.product_ids))
    assert popular.score([SOMEONE])[0].tolist() == [1.0, 1.0]


def test_what_nobody_or_nobody_gladly_took_is_not_recommended() -> None:
    popular = Popular()
    popular.fit(EVENTS, Products(EVENTS.product_ids))
    assert popular.recommend([SOMEONE], 4)[0].products.tolist() == [0, 1]


@pytest.mark.parametrize("bad", ["0", "-1"])
def test_half_life_must_be_positive(bad: str) -> None:
    with pytest.raises(UsageError, match=f"'{bad}' is no length of time"):
        RECOMMENDERS.create(f"popular(half_life={bad})")
