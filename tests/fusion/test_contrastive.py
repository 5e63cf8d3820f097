"""Contrastive heads: pairs that were not seen find each other, hard negatives, early stopping, and data that degenerate."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmsearch.fusion.contrastive import Head, Plan, batches, fit_heads

QUICK = Plan(batch=128, epochs=12, rate=5e-3)


def two_views(n: int = 500, seed: int = 0, noise: float = 0.2, kinds: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit rows (n, 20) and (n, 30) that share eight latent numbers, much of them those of a kind; and the kind of each pair."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, max(1, kinds), n)
    Z = rng.normal(size=(n, 8)) + (4 * rng.normal(size=(max(1, kinds), 8))[kind] if kinds else 0)
    views = []
    for dim in (20, 30):
        X = Z @ rng.normal(size=(8, dim)) + noise * rng.normal(size=(n, dim))
        views.append((X / np.linalg.norm(X, axis=1, keepdims=True)).astype(np.float32))
    return views[0], views[1], kind


def first(x: np.ndarray, y: np.ndarray) -> float:
    return float(((x @ y.T).argmax(axis=1) == np.arange(len(x))).mean())


@pytest.mark.parametrize("hidden", [0, 32])
def test_unseen_pairs_find_each_other(hidden: int) -> None:
    X, Y, _ = two_views()
    found = fit_heads(X[:400], Y[:400], hidden=hidden, dim=16, plan=QUICK)
    assert found is not None and found.epoch == QUICK.epochs and found.ended == "epochs"
    x, y = found.x(X[400:]), found.y(Y[400:])
    assert x.shape == (100, 16) and x.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, atol=1e-5)
    assert first(x, y) > 0.7


def test_a_hidden_layer_sees_what_no_linear_head_can() -> None:
    """One view tells the angle, the other twice the angle."""
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, 600)
    X, Y = (np.stack([np.cos(a), np.sin(a)], axis=1).astype(np.float32) for a in (angle, 2 * angle))
    plan = dataclasses.replace(QUICK, epochs=40, dropout=0.0, batch=64)
    near = []
    for hidden in (0, 64):
        found = fit_heads(X[:500], Y[:500], hidden=hidden, dim=8, plan=plan)
        assert found is not None
        best = (found.x(X[500:]) @ found.y(Y[500:]).T).argmax(axis=1)
        near.append(np.abs(np.angle(np.exp(1j * 2 * (angle[500:][best] - angle[500:])))).mean())
    assert near[1] < 0.2 and near[0] > 3 * near[1]


def test_one_seed_gives_one_result() -> None:
    X, Y, kind = two_views(200, kinds=5)
    plan = dataclasses.replace(QUICK, hard=0.5, epochs=3)
    one, two, other = (fit_heads(X, Y, groups=kind, hidden=8, dim=8, seed=seed, plan=plan) for seed in (1, 1, 2))
    assert one is not None and two is not None and other is not None
    for name, array in one.x.arrays().items():
        np.testing.assert_array_equal(array, two.x.arrays()[name])
    assert not np.array_equal(one.x.weight, other.x.weight)


def test_state_is_float32_arrays() -> None:
    X, Y, _ = two_views(100)
    found = fit_heads(X, Y, hidden=8, dim=8, plan=dataclasses.replace(QUICK, epochs=1))
    assert found is not None
    arrays = found.y.arrays()
    assert all(array.dtype == np.float32 for array in arrays.values())
    np.testing.assert_array_equal(Head(**arrays)(Y), found.y(Y))


def test_held_out_pairs_choose_the_epoch() -> None:
    X, Y, _ = two_views(noise=1.0)
    plan = dataclasses.replace(QUICK, epochs=200, patience=3, dropout=0.0, rate=0.02)
    found = fit_heads(X[:300], Y[:300], X[300:], Y[300:], dim=16, plan=plan)
    assert found is not None and found.ended == "settled" and 0 < found.epoch < 200
    again = fit_heads(X[:300], Y[:300], dim=16, plan=dataclasses.replace(plan, epochs=found.epoch))
    assert again is not None
    np.testing.assert_array_equal(again.x.weight, found.x.weight)  # watching changes nothing of what is learned


def test_pairs_that_only_look_alike_teach_nothing() -> None:
    """Held-out pairs of which neither row says anything of the other are found no better than by chance."""
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(400, d)).astype(np.float32) for d in (20, 30))
    X, Y = (V / np.linalg.norm(V, axis=1, keepdims=True) for V in (X, Y))
    found = fit_heads(X[:300], Y[:300], X[300:], Y[300:], dim=8, plan=QUICK)
    assert found is not None and found.score < 0.12  # chance is .052


@given(n=st.integers(1, 300), groups=st.integers(0, 12), hard=st.floats(0, 1), size=st.integers(2, 128), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_an_epoch_has_every_pair_equally_often(n: int, groups: int, hard: float, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(-1, groups, n)
    found = list(batches(codes, Plan(batch=size, hard=hard, least_steps=1), rng))
    assert sorted(np.concatenate(found).tolist()) == list(range(n))
    lengths = [len(rows) for rows in found]
    assert max(lengths) <= 1.5 * size + 1 and max(lengths) - min(lengths) <= 1


def test_batches_hold_whole_groups() -> None:
    codes = np.repeat(np.arange(50), 20)
    rng = np.random.default_rng(0)

    def alike(hard: float) -> float:
        found = batches(codes, Plan(batch=100, hard=hard, least_steps=1), rng)
        return float(np.mean([(codes[rows][:, None] == codes[rows][None, :]).mean() for rows in found]))

    assert alike(0.0) < 0.04 < 0.06 < alike(0.6) < alike(1.0)
    assert len(list(batches(codes[:10], Plan(batch=100, least_steps=4), rng))) == 4


def test_a_constant_view_has_no_heads() -> None:
    X, _, _ = two_views(50)
    assert fit_heads(X, np.repeat(X[:1], 50, axis=0)) is None


def test_a_product_that_is_there_twice_is_not_its_own_negative() -> None:
    X, Y, _ = two_views(60)
    X, Y = np.concatenate([X] * 4), np.concatenate([Y] * 4)
    found = fit_heads(X, Y, dim=16, plan=dataclasses.replace(QUICK, epochs=30))
    assert found is not None
    assert first(found.x(X[:60]), found.y(Y[:60])) == 1
    assert np.isfinite(found.x.weight).all()


def test_what_is_no_number_ends_it_and_keeps_the_last_good() -> None:
    X, Y, _ = two_views(100)
    found = fit_heads(X, Y, dim=8, plan=dataclasses.replace(QUICK, rate=1e30))
    assert found is not None and found.ended == "not finite"
    assert all(np.isfinite(array).all() for head in (found.x, found.y) for array in head.arrays().values())


def test_weights_that_became_no_numbers_in_the_last_step_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    real = torch.optim.AdamW.step

    def spoils(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = real(self, *args, **kwargs)
        self.param_groups[0]["params"][1].data.fill_(float("nan"))
        return found

    monkeypatch.setattr(torch.optim.AdamW, "step", spoils)
    X, Y, _ = two_views(100)
    found = fit_heads(X, Y, dim=8, plan=dataclasses.replace(QUICK, batch=1000, least_steps=1, epochs=1))  # no loss follows
    assert found is not None and (found.ended, found.epoch) == ("not finite", 0)
    assert np.isfinite(found.x.weight).all()
