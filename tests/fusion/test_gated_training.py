"""How a gate is trained: what is seen of the vectors, what is lost at random, when it ends."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion import gated_training
from mmsearch.fusion.base import Batch, unit_rows
from mmsearch.fusion.gated_training import Settings, measured, seen, train, varies
from mmsearch.fusion.together import SameCategory

N = 60
LABELS = np.arange(N) % 4
SETTINGS = Settings(dim=8, dropout=0.3, own=0.2, temperature=0.1, rate=0.003, rounds=6)


def batch_of(seed: int = 0, noise: float = 0.5) -> Batch:
    rng = np.random.default_rng(seed)
    vectors = {m: unit_rows(rng.normal(size=(4, d))[LABELS] + noise * rng.normal(size=(N, d))) for m, d in (("text", 12), ("image", 20))}
    present = {"text": np.ones(N, bool), "image": np.arange(N) % 3 > 0}
    vectors["image"][~present["image"]] = 0
    return Batch(vectors, present)


def test_components_are_centred_uncorrelated_and_of_length_one_on_the_mean() -> None:
    batch = batch_of()
    data = seen(batch, ["text", "image"], 0)
    for m in ("text", "image"):
        here = batch.present[m]
        Z = data.components[m][here].astype(np.float64)
        np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-5)
        covariance = Z.T @ Z / len(Z)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-5)
        assert (Z**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-4)
        assert not data.components[m][~here].any()
        # Half whitened: what varies most does so by the root of the root less.
        X = batch.vectors[m][here].astype(np.float64)
        spread = np.sort(np.linalg.eigvalsh(np.cov(X.T, bias=True)))[::-1][: Z.shape[1]]
        np.testing.assert_allclose(np.diag(covariance) / np.diag(covariance)[0], (spread / spread[0]) ** 0.5, rtol=1e-3, atol=1e-5)


def test_directions_that_are_rounding_are_dropped() -> None:
    flat = np.zeros((N, 9), np.float32)
    flat[:, :3] = np.random.default_rng(0).normal(size=(N, 3))
    batch = Batch({"text": unit_rows(flat)}, {"text": np.ones(N, bool)})
    assert seen(batch, ["text"], 0).components["text"].shape == (N, 3)


def test_what_varies() -> None:
    assert varies(np.eye(3, dtype=np.float32)) and not varies(np.ones((5, 3), np.float32)) and not varies(np.ones((1, 3), np.float32))


presence = st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=20).map(lambda rows: np.array(rows, bool))


@given(presence, st.floats(0, 0.99), st.integers(0, 9))
def test_never_the_last_modality_is_lost_and_none_is_made_up(there: np.ndarray, dropout: float, seed: int) -> None:
    left = gated_training._thinned(there, dropout, np.random.default_rng(seed))
    assert not (left & ~there).any()
    np.testing.assert_array_equal(left.any(axis=1), there.any(axis=1))
    single = gated_training._one_of(there, np.random.default_rng(seed))
    assert not (single & ~there).any()
    np.testing.assert_array_equal(single.sum(axis=1), there.any(axis=1))


def test_the_best_round_is_kept_and_patience_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.3, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.9])
    monkeypatch.setattr(gated_training, "_watch", lambda *_: next(scores))
    kept, watched = np.arange(N) >= 10, np.arange(10)
    settings = Settings(**{**SETTINGS.__dict__, "rounds": 50})
    found = train(batch_of(), ["text", "image"], SameCategory(LABELS), kept, watched, settings, 0)
    assert (found.round, found.ended) == (2, "settled") and next(scores) == 0.9
    scores = iter([0.1, 0.3, 0.5])
    two = train(batch_of(), ["text", "image"], SameCategory(LABELS), kept, watched, Settings(**{**SETTINGS.__dict__, "rounds": 2}), 0)
    np.testing.assert_array_equal(found.towers["text"].weight, two.towers["text"].weight)
    assert two.ended == "rounds"


def test_where_nothing_can_be_watched_the_last_round_is_it() -> None:
    found = train(batch_of(), ["text", "image"], SameCategory(LABELS), np.ones(N, bool), np.empty(0, np.int64), SETTINGS, 0)
    assert (found.round, found.ended) == (6, "rounds")


def test_what_is_held_out_changes_nothing() -> None:
    """Other labels for products that are not kept: the towers are the same to the last bit (the last round, nothing watched)."""
    kept = np.arange(N) >= 20
    other = np.where(kept, LABELS, (LABELS + 1) % 4)
    none = np.empty(0, np.int64)
    one, two = (train(batch_of(), ["text", "image"], SameCategory(known), kept, none, SETTINGS, 0) for known in (LABELS, other))
    for m in ("text", "image"):
        np.testing.assert_array_equal(one.towers[m].weight, two.towers[m].weight)


def test_what_is_measured() -> None:
    batch = batch_of(noise=0.2)
    found = train(batch, ["text", "image"], SameCategory(LABELS), np.ones(N, bool), np.empty(0, np.int64), SETTINGS, 0)
    parts = measured(found.towers, batch.vectors, batch.present, SameCategory(LABELS), np.arange(N))
    assert parts["belongs"].keys() == {"all", "text", "image"} and parts["itself"].keys() == {"text>image", "image>text"}
    assert parts["belongs"]["all"] > 0.95 and 0 < parts["itself"]["text>image"] < 1
    alone = measured({"text": found.towers["text"]}, batch.vectors, batch.present, SameCategory(LABELS), np.arange(N))
    assert alone["belongs"].keys() == {"all"} and alone["itself"] == {}


def test_neither_training_nor_mapping_loads_pytorch() -> None:
    code = """
import sys
import numpy as np
from mmsearch.fusion.base import Batch
from mmsearch.fusion.gated import Gated
from mmsearch.fusion.gated_training import Settings, train
from mmsearch.fusion.together import SameCategory
X = np.eye(12, dtype=np.float32)
train(Batch({"text": X}, {"text": np.ones(12, bool)}), ["text"], SameCategory(np.arange(12) % 3), np.ones(12, bool), np.empty(0, np.int64),
      Settings(4, 0.3, 0.2, 0.1, 0.001, 1), 0).towers["text"].project(X)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
