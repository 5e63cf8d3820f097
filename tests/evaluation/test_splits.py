from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.splits import SPLITS, LeaveLastOut, Split
from mmsearch.recommend.base import Interactions
from mmsearch.recommend.interactions import build

BASKETS = {"one": "a", "two": "bc", "three": "abd", "four": "dcba"}


def events(baskets: dict[str, str]) -> Interactions:
    pairs = [(user, product) for user, basket in baskets.items() for product in basket]
    return build([u for u, _ in pairs], [p for _, p in pairs], product_ids=list("abcd")).interactions


def named(split: Split) -> tuple[dict[str, str], dict[str, str]]:
    """(user → training products, user → held-out product)"""
    train = split.train
    learned = {user: "".join(train.product_ids[p] for p in train.products[train.users == i]) for i, user in enumerate(train.user_ids)}
    held_out = {train.user_ids[u]: train.product_ids[p] for u, p in zip(split.users, split.products, strict=True)}
    return learned, held_out


def test_test_part_holds_out_the_last_event() -> None:
    learned, held_out = named(LeaveLastOut().split(events(BASKETS)))
    assert held_out == {"two": "c", "three": "d", "four": "a"}
    assert learned == {"one": "a", "two": "b", "three": "ab", "four": "dcb"}


def test_validation_part_holds_out_the_last_but_one_and_never_sees_the_last() -> None:
    learned, held_out = named(LeaveLastOut("validation").split(events(BASKETS)))
    assert held_out == {"three": "b", "four": "b"}
    assert learned == {"one": "a", "two": "b", "three": "a", "four": "dc"}


@pytest.mark.parametrize("part", ["test", "validation"])
@given(baskets=st.dictionaries(st.sampled_from("uvwxyz"), st.text("abcd", min_size=1, max_size=6)))
def test_what_is_held_out_comes_after_all_that_is_learned(part: str, baskets: dict[str, str]) -> None:
    all_events = events(baskets)
    if max((len(b) for b in baskets.values()), default=0) < (2 if part == "test" else 3):
        with pytest.raises(InputError, match="no user has the"):
            LeaveLastOut(part).split(all_events)
        return
    learned, held_out = named(LeaveLastOut(part).split(all_events))
    back = 1 if part == "test" else 2
    for user, basket in baskets.items():
        assert learned[user] == (basket[:-back] if len(basket) > back else basket[:1])
        assert held_out.get(user) == (basket[-back] if len(basket) > back else None)


def test_indices_keep_their_meaning() -> None:
    split = LeaveLastOut().split(events(BASKETS))
    assert split.train.product_ids == list("abcd")
    assert (np.diff(split.users) > 0).all()


def test_the_spec_that_is_printed_makes_the_same_split() -> None:
    for text in ("leave-last-out", "leave-last-out(validation)", "leave-last-out(part=validation)"):
        made = SPLITS.create(text)
        assert SPLITS.create(made.spec).part == made.part
    assert SPLITS.create("leave-last-out").spec == "leave-last-out(part=test)"


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(UsageError, match="part must be test or validation, not train"):
        SPLITS.create("leave-last-out(part=train)")
