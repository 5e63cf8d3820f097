"""Evidence on edges that propagation did not see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.bought import Purchases
from mmsearch.fusion.graph_evidence import Compared, Evidence, chosen_alpha, evidence_of, summary
from mmsearch.fusion.propagation import Relation
from mmsearch.fusion.sparse import csr

GROUPS, EACH = 12, 20
IDS = [f"p{i}" for i in range(GROUPS * EACH)]


def vectors(seed: int = 0, noise: float = 3.0) -> Matrix:
    """Products in groups: every group has a direction, drowned in noise."""
    rng = np.random.default_rng(seed)
    return unit_rows(np.repeat(rng.normal(size=(GROUPS, 16)), EACH, axis=0) + noise * rng.normal(size=(len(IDS), 16)))


def shoppers(seed: int = 0, people: int = 300, loyal: bool = True) -> Purchases:
    """Each buys eight products: of one group, or of all."""
    rng = np.random.default_rng(seed)
    taken = [
        rng.choice(EACH, 8, replace=False) + EACH * rng.integers(GROUPS) if loyal else rng.choice(len(IDS), 8, replace=False)
        for _ in range(people)
    ]
    return Purchases(np.repeat(np.arange(people), 8), np.concatenate(taken), IDS)


def groups() -> Relation:
    n = len(IDS)
    return Relation(1.0, csr(np.ones(n), np.arange(n), np.arange(n) // EACH, (n, GROUPS)))


def bought() -> Relation:
    """What is put in its place: a graph that has seen the purchases that are asked for would know the answers."""
    n = len(IDS)
    return Relation(4.0, csr([1], [0], [1], (n, n)), values=False)


def found(relations: list[tuple[str, Relation]], events: Purchases, asked: float | None = None) -> Evidence:
    return evidence_of(vectors(), relations, events, IDS, 1, asked, 0.1, 0)


def test_where_people_buy_within_groups_much_is_taken_from_what_is_bought_together() -> None:
    evidence = found([("bought", bought())], shoppers())
    assert evidence.reason == "chosen" and evidence.alpha >= 0.5
    assert evidence.changes["bought"].after > 1.5 * evidence.changes["bought"].before
    assert evidence.changes["bought"].n == 300


def test_where_they_buy_anything_a_held_out_purchase_gains_nothing_to_speak_of() -> None:
    change = found([("bought", bought())], shoppers(loyal=False), asked=0.7).changes["bought"]
    assert change.after < change.before + 0.05


def test_values_are_measured_on_products_whose_own_are_hidden() -> None:
    evidence = found([("brand", groups())], shoppers(people=10))
    assert (evidence.reason, evidence.alpha) == ("untold", 0.1)
    told = evidence.changes["brand"]
    assert told.measure == "P@10" and told.n == len(IDS) and "bought" not in evidence.changes
    stronger = found([("brand", groups()), ("category", groups())], shoppers(people=10), asked=0.7).changes["brand"]
    assert stronger.after > stronger.before  # a category that says the same as the hidden brand


def test_a_hidden_value_does_not_come_back_through_its_mean() -> None:
    """With every product asked about, nothing of the type is left, and nothing may change."""
    told = found([("brand", groups())], shoppers(people=10), asked=0.9).changes["brand"]
    assert told.after == told.before


@pytest.mark.parametrize("asked", [0.0, 0.3])
def test_what_is_asked_for_is_taken_and_measured(asked: float) -> None:
    evidence = found([("bought", bought())], shoppers(), asked)
    assert (evidence.reason, evidence.alpha) == ("asked for", asked)
    assert (evidence.changes["bought"].after == evidence.changes["bought"].before) == (asked == 0)


def test_people_with_one_purchase_and_products_that_the_fit_does_not_see_are_left_out() -> None:
    seen = shoppers(people=250)
    further = Purchases(np.append(seen.users, [999, 1000, 1000]), np.append(seen.products, [0, len(IDS), 1]), [*IDS, "stranger"])
    one, other = (found([("bought", bought())], events).changes["bought"] for events in (seen, further))
    assert (one.n, one.before) == (other.n, other.before) and one.after == pytest.approx(other.after, abs=0.01)


@given(st.dictionaries(st.sampled_from([0.1, 0.3, 0.5]), st.sampled_from([0.1, 0.2, 0.3])))
def test_the_best_and_of_equals_the_smallest_share(measured: dict[float, float]) -> None:
    measured |= {0.0: 0.2}
    alpha, reason = chosen_alpha({a: np.full(4, value) for a, value in measured.items()}, 0.1)
    assert (measured[alpha], reason) == (max(measured.values()), "chosen")
    assert alpha == min(a for a, value in measured.items() if value == max(measured.values()))


def test_a_gain_that_may_be_chance_chooses_nothing() -> None:
    none, some = np.zeros(100), np.zeros(100)
    some[:3] = 1  # 3 of 100: 1.7 standard errors
    assert chosen_alpha({0.0: none, 0.1: none, 0.7: some}, 0.1) == (0.1, "unsure")
    some[:6] = 1
    assert chosen_alpha({0.0: none, 0.1: none, 0.7: some}, 0.1) == (0.7, "chosen")
    assert chosen_alpha({0.0: some, 0.1: none, 0.7: none}, 0.1) == (0.0, "chosen")


def test_the_line_for_people_says_what_got_worse() -> None:
    changes = {
        "bought": Compared("nDCG@20", 0.1, 0.2, 300, 0.01),
        "brand": Compared("P@10", 0.5, 0.4, 300, 0.02),
        "category": Compared("P@10", 0.5, 0.45, 300, 0.03),  # less than two standard errors
    }
    line = summary(Evidence(0.5, "chosen", changes), {"edges": {"brand": 1200, "bought": 0}, "hops": 2}, "told by the base")
    assert line == (
        "1,200 brand edges, 2 hops, alpha 0.5 (chosen by held-out purchases); held out: bought nDCG@20 0.100 → 0.200; "
        "brand P@10 0.500 → 0.400; category P@10 0.500 → 0.450; WORSE for brand. Base: told by the base"
    )
