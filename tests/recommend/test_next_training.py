"""The loss over all products, over sampled ones, and when learning ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mmsearch.recommend.attention import Array
from mmsearch.recommend.interactions import build
from mmsearch.recommend.network import Network, Noise, Seen, Values
from mmsearch.recommend.next_training import Negatives, Plan, loss_of, train, watch
from mmsearch.recommend.sequences import Windows, hold_out, windows

N = 12
ALL = np.arange(N)
PLAN = Plan(rate=0.05, epochs=6, patience=2, dropout=0.0, events=64, negatives=100)


class Table(Network):
    """What comes next after each product, read off a table: the last event alone decides."""

    fixed = frozenset({"eye"})

    def __init__(self, spoil: bool = False):
        self._spoil = spoil

    def initial(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return {"table": rng.normal(size=(N, N)).astype(np.float32), "eye": np.eye(N, dtype=np.float32)}

    def products(self, values: Values, rows: Array | None, xp: Any, noise: Noise) -> Seen:
        past, following = (values[name] if rows is None else values[name][rows] for name in ("table", "eye"))
        return Seen(past, following)

    def read(self, values: Values, past: Array, loud: Array, xp: Any, noise: Noise) -> Array:
        return past * (np.nan if self._spoil else 1)

    def reader(self) -> frozenset[str]:
        return frozenset()


def circle(users: int = 60) -> Windows:
    """Everyone goes round, from somewhere: p follows p − 1."""
    rows = [(f"u{u:03}", (u + step) % N) for u in range(users) for step in range(5)]
    names = [f"p{i:02}" for i in range(N)]
    return windows(build([u for u, _ in rows], [names[p] for _, p in rows], product_ids=names).interactions, ALL, 10)


def tensors(network: Network) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in network.initial(np.random.default_rng(3)).items()}


def test_over_all_products_it_is_the_cross_entropy() -> None:
    values, batch = tensors(Table()), circle(4).batch(np.arange(4))
    loss = loss_of(Table(), values, batch, ALL, np.zeros(N, np.float32), Noise())
    scores = values["table"][torch.from_numpy(batch.read.products[batch.read.there()])]
    expected = torch.nn.functional.cross_entropy(scores, torch.from_numpy(batch.next))
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_strength_weighs_and_what_else_came_after_is_no_negative() -> None:
    values, batch = tensors(Table()), circle(1).batch(np.arange(1), ahead=2)
    found = float(loss_of(Table(), values, batch, ALL, np.zeros(N, np.float32), Noise()))
    scores = values["table"].numpy().astype(np.float64)[batch.read.products[0]]
    parts = []
    for at, right, strength in zip(batch.at.tolist(), batch.next.tolist(), batch.strength.tolist(), strict=True):
        came = batch.next[batch.at == at]
        others = np.append(np.setdiff1d(ALL, came), right)
        parts.append((strength, np.log(np.exp(scores[at, others]).sum()) - scores[at, right]))
    strengths, losses = np.array(parts).T
    assert found == pytest.approx((strengths * losses).sum() / strengths.sum(), rel=1e-5)


def test_sampled_products_stand_for_all_on_average() -> None:
    counts = np.repeat(ALL, ALL + 1)
    negatives = Negatives(ALL, counts, 6)
    assert not negatives.all
    rng, raised = np.random.default_rng(0), np.exp(np.linspace(-1, 1, N))
    sums, seen = [], np.zeros(N)
    for _ in range(4000):
        rows, correction = negatives.draw(rng)
        assert (np.diff(rows) > 0).all()
        seen[rows] += 1
        sums.append((raised[rows] / np.exp(correction)).sum())
    assert np.mean(sums) == pytest.approx(raised.sum(), rel=0.02)
    assert seen[-1] > 1.5 * seen[0]  # what is taken often is drawn often


def test_where_there_are_few_all_are_taken() -> None:
    rows, correction = Negatives(ALL, ALL, N).draw(np.random.default_rng(0))
    np.testing.assert_array_equal(rows, ALL)
    assert not correction.any()


@pytest.mark.parametrize("negatives", [100, 4])
def test_learns_what_follows_and_keeps_the_best_epoch(negatives: int) -> None:
    left, held = hold_out(circle(), 1.0, 5, 60, np.random.default_rng(0))
    plan = Plan(**{**vars(PLAN), "negatives": negatives, "epochs": 30})
    found = train(Table(), left, held, ALL, plan, "cpu", seed=1)
    np.testing.assert_array_equal(found.values["table"].argmax(axis=1), (ALL + 1) % N)
    assert found.score == 1.0 and found.ended == "settled" and 0 < found.epoch < 30
    again = train(Table(), left, held, ALL, plan, "cpu", seed=1)
    np.testing.assert_array_equal(again.values["table"], found.values["table"])
    np.testing.assert_array_equal(found.values["eye"], np.eye(N))


def test_without_watched_windows_all_epochs_are_learned() -> None:
    whole = circle(4)
    left, held = hold_out(whole, 0.1, 5, 50, np.random.default_rng(0))
    found = train(Table(), left, held, ALL, PLAN, "cpu", seed=0)
    assert (found.epoch, found.ended) == (6, "epochs") and np.isnan(found.score)


def test_a_loss_that_is_no_number_ends_it() -> None:
    found = train(Table(spoil=True), circle(), circle(), ALL, PLAN, "cpu", seed=0)
    assert (found.epoch, found.ended) == (0, "not finite")
    np.testing.assert_array_equal(found.values["table"], Table().initial(np.random.default_rng(0))["table"])


def test_watched_by_the_place_of_the_last_event() -> None:
    values = {"table": torch.zeros(N, N), "eye": torch.eye(N)}
    values["table"][4, [0, 1, 2]] = torch.tensor([3.0, 2.0, 1.0])  # after 4: 0, 1, 2, then the others
    whole = windows(
        build(["u", "u", "v", "v"], ["p04", "p02", "p04", "p00"], product_ids=[f"p{i:02}" for i in range(N)]).interactions, ALL, 5
    )
    assert watch(Table(), values, whole, ALL) == pytest.approx((1 / np.log2(4) + 1) / 2)
    assert watch(Table(), values, whole, np.array([2])) == 1.0
