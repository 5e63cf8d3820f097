"""What every split must do: both parts learn from nothing that they ask for, do not overlap, and are made again from what they print."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.splits import SPLITS, Split
from mmsearch.evaluation.splits.cold_users import ColdUsers
from mmsearch.evaluation.splits.temporal import Temporal
from mmsearch.recommend.base import Interactions
from mmsearch.recommend.interactions import build

SPECS = [
    "leave-last-out",
    "temporal(test=.2, validation=.3)",
    "random(share=.2, seed=3)",
    "cold-items(share=.25)",
    "cold-users(share=.3, seed=1)",
    "cold-users(share=.3, last=2, known=1)",
    "cold-users(share=.3, last=2, known=0)",
]


@pytest.fixture(params=SPECS)
def spec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def events(seed: int, count: int = 300) -> Interactions:
    """Everybody takes a product once."""
    rng = np.random.default_rng(seed)
    pairs = sorted({(int(u), int(p)) for u, p in rng.integers(0, 20, (count, 2))})
    times = rng.permutation(len(pairs))
    return build([f"u{u:02}" for u, _ in pairs], [f"p{p:02}" for _, p in pairs], times=times).interactions


def both(spec: str, interactions: Interactions) -> tuple[Split, Split]:
    head = spec if spec.endswith(")") else f"{spec}()"
    inside = "" if head.endswith("()") else ", "
    test, validation = (SPLITS.create(f"{head[:-1]}{inside}part={part})").split(interactions) for part in ("test", "validation"))
    return test, validation


def pairs(users: np.ndarray, products: np.ndarray) -> set[tuple[int, int]]:
    return set(zip(users.tolist(), products.tolist(), strict=True))


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
@pytest.mark.parametrize("of", SPECS)
def test_parts_do_not_overlap_and_learn_from_nothing_that_is_asked(of: str, seed: int) -> None:
    interactions = events(seed)
    test, validation = both(of, interactions)
    asked_in_test = pairs(test.users, test.products)
    asked_in_validation = pairs(validation.users, validation.products)
    assert asked_in_test and asked_in_validation and not asked_in_test & asked_in_validation
    assert not asked_in_test & pairs(test.train.users, test.train.products)
    for part in (validation.train, validation.histories):
        assert not (asked_in_test | asked_in_validation) & pairs(part.users, part.products)
    assert not asked_in_test & pairs(test.histories.users, test.histories.products)
    assert asked_in_test | asked_in_validation <= pairs(interactions.users, interactions.products)


def test_indices_keep_their_meaning_and_users_ascend(spec: str) -> None:
    interactions = events(1)
    for split in both(spec, interactions):
        assert split.train.user_ids == interactions.user_ids and split.train.product_ids == interactions.product_ids
        assert (np.diff(split.users) >= 0).all()
        if split.candidates is not None:
            assert split.candidates[split.products].all()


def test_the_printed_spec_makes_the_same_split_and_names_its_part(spec: str) -> None:
    made = SPLITS.create(spec)
    again = SPLITS.create(made.spec)
    assert again.spec == made.spec and "part=test" in made.spec
    if "leave" not in spec and "temporal" not in spec:
        assert "seed=" in made.spec
    one, other = made.split(events(1)), again.split(events(1))
    np.testing.assert_array_equal(one.products, other.products)
    np.testing.assert_array_equal(one.train.products, other.train.products)


def test_nothing_to_hold_out_is_told(spec: str) -> None:
    with pytest.raises(InputError):
        SPLITS.create(spec).split(build([], [], product_ids=list("ab")).interactions)


def test_temporal_holds_out_what_comes_after_a_moment() -> None:
    interactions = events(2)
    split = Temporal(0.2, 0.3).split(interactions)
    when = dict(zip(zip(interactions.users.tolist(), interactions.products.tolist(), strict=True), interactions.times, strict=True))
    assert max(split.train.times) < min(when[pair] for pair in pairs(split.users, split.products))
    assert len(split.train) == pytest.approx(0.8 * len(interactions), abs=1)
    assert split.known is None and split.candidates is None


def test_temporal_keeps_events_of_one_time_together() -> None:
    interactions = build([*"uuuuuvv"], [*"abcdeab"], times=[0, 1, 1, 1, 1, 0, 1]).interactions
    split = Temporal(0.1, 0.1).split(interactions)
    assert set(split.train.times) == {0.0} and len(split.users) == 5


def test_cold_items_are_in_nobodys_past() -> None:
    interactions = events(4)
    test, validation = both("cold-items(share=.25)", interactions)
    cold = np.flatnonzero(test.candidates)
    assert len(cold) == 5 and not np.isin(test.train.products, cold).any()
    assert not np.isin(validation.train.products, cold).any(), "what the test asks for is unseen in validation, too"
    assert not (test.candidates & validation.candidates).any()
    place = {pair: i for i, pair in enumerate(zip(interactions.users.tolist(), interactions.products.tolist(), strict=True))}
    for user, product in pairs(test.users, test.products):
        known = [place[user, p] for p in test.histories.products[test.histories.users == user].tolist()]
        assert known and max(known) < place[user, product], "the history ends before the question"


def test_cold_users_are_not_learned_from_and_keep_their_past() -> None:
    interactions = events(5)
    split = ColdUsers(0.3, last=2).split(interactions)
    asked = set(split.users.tolist())
    assert len(asked) == 6 and not asked & set(split.train.users.tolist())
    for user in asked:
        mine = interactions.products[interactions.users == user].tolist()
        assert split.histories.products[split.histories.users == user].tolist() == mine[:-2]
        assert set(split.products[split.users == user].tolist()) == set(mine[-2:])


@pytest.mark.parametrize("known", [0, 1, 3])
def test_cold_users_from_the_first_click_on(known: int) -> None:
    interactions = events(5)
    split = ColdUsers(0.3, last=2, known=known).split(interactions)
    for user in set(split.users.tolist()):
        mine = interactions.products[interactions.users == user].tolist()
        assert split.histories.products[split.histories.users == user].tolist() == mine[:known]
        assert set(split.products[split.users == user].tolist()) == set(mine[known : known + 2])
    assert len(set(split.users.tolist())) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("temporal(test=0)", "test must be above 0"),
        ("temporal(validation=.5)", "validation must be above 0 and below .5"),
        ("random(share=.6)", "share must be"),
        ("random(part=train)", "part must be test or validation, not train"),
        ("cold-items(part=x)", "part must be"),
        ("cold-users(last=0)", "last must be at least 1"),
        ("cold-users(known=-1)", "known must be 0 or more"),
        ("cold-users(share=1)", "share must be"),
    ],
)
def test_bad_parameters_are_named(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SPLITS.create(text)
