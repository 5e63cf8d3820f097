"""What similarities of unrelated pairs look like, and how far cross-modal evidence can be trusted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_fuser import FakeFuser

from mmsearch.fusion.base import Batch, Side, unit_rows
from mmsearch.fusion.calibration import Calibration, Pair, calibrate, pattern, patterns
from mmsearch.fusion.reliability import agreements, reliabilities
from mmsearch.ranking.base import Evidence, Joint, together
from mmsearch.ranking.calibrated import Calibrated


def shop_of(n: int, *, noise: float, seed: int = 0, without: float = 0.0) -> Batch:
    """n products whose photo says what their text says, more or less; a share of them lacks the photo."""
    rng = np.random.default_rng(seed)
    meaning = rng.normal(size=(n, 8)) + 1
    text = unit_rows(meaning)
    image = unit_rows(meaning[:, ::-1] + noise * rng.normal(size=(n, 8)))
    there = rng.random(n) >= without
    image[~there] = 0
    return Batch({"text": text, "image": image}, {"text": np.ones(n, bool), "image": there})


def measured(batch: Batch, fuser: FakeFuser) -> dict[str, float]:
    return reliabilities(agreements(batch, fuser))


def fitted(batch: Batch) -> FakeFuser:
    fuser = FakeFuser()
    fuser.fit(batch, {}, 0)
    return fuser


def test_mean_and_spread_of_unrelated_pairs() -> None:
    batch = shop_of(300, noise=0.1)
    found = calibrate(batch, None, {})
    assert sorted(found.pairs) == ["image>image", "text>text"]
    for modality in ("text", "image"):
        cosines = batch.vectors[modality] @ batch.vectors[modality].T
        unrelated = cosines[~np.eye(300, dtype=bool)]
        pair = found.pair(f"{modality}>{modality}")
        assert pair.mean == pytest.approx(unrelated.mean(), abs=1e-5)
        assert pair.std == pytest.approx(unrelated.std(), abs=1e-5)
        assert pair.reliability == 1


def test_a_fuser_adds_cross_modal_and_fused_kinds() -> None:
    batch = shop_of(300, noise=0.3, without=0.3)
    found = calibrate(batch, fitted(batch), {"text>image": 0.5})
    crosses = {"text>image", "image>text"}
    fused = {f"{q}>fused:{p}" for q in ("text", "image") for p in ("text", "image+text")}
    assert set(found.pairs) == {"text>text", "image>image"} | crosses | fused
    assert found.pair("text>image").reliability == 0.5
    assert found.pair("image>text").reliability == pytest.approx(0.05), "not measured: counts least"
    assert found.pair("text>fused:image+text").reliability == 1
    known = found.correlations[together(("text>text", "text>image"))]
    assert 0.3 < known < 1


def test_what_was_not_measured() -> None:
    nothing = Calibration()
    assert nothing.pair("text>text") == Pair(0, 1, 1)
    assert nothing.pair("text>fused:image") == Pair(0, 1, 1)
    assert nothing.pair("text>image").reliability < 0.1, "never as much as direct evidence"


@pytest.mark.parametrize("n", [0, 1, 7])
def test_too_few_products_say_nothing(n: int) -> None:
    assert calibrate(shop_of(n, noise=0.1), None, {}).pairs == {}
    assert measured(shop_of(n, noise=0.1), fitted(shop_of(50, noise=0.1))) == {}


def test_products_that_are_all_alike_have_a_spread_above_zero() -> None:
    same = np.tile(np.array([[1, 0]], np.float32), (20, 1))
    pair = calibrate(Batch({"text": same}, {"text": np.ones(20, bool)}), None, {}).pair("text>text")
    assert pair.mean == pytest.approx(1)
    assert pair.std > 0


def test_the_same_seed_measures_the_same() -> None:
    batch = shop_of(500, noise=0.5)
    assert calibrate(batch, fitted(batch), {}, 3) == calibrate(batch, fitted(batch), {}, 3)


def test_the_top_of_a_ranking_is_fair_to_products_without_a_photo() -> None:
    """SPEC: with half of the photos removed at random, products without one hold 45 to 55 % of the top-10 places."""
    batch = shop_of(1_000, noise=0.7, seed=5)
    fuser = fitted(batch)
    known = calibrate(batch, fuser, measured(shop_of(400, noise=0.7, seed=6), fuser))
    assert 0.2 < known.tails[together(("text>text", "text>image"))] < 2
    queries = shop_of(300, noise=0.7, seed=7).vectors["text"]
    photo_gone = np.random.default_rng(8).random(1_000) < 0.5
    direct = queries @ batch.vectors["text"].T
    cross = fuser.project("text", Side(queries)) @ fuser.project("image", Side(batch.vectors["image"])).T
    held = []
    for one, other in zip(direct.astype(float), np.where(photo_gone, np.nan, cross).astype(float), strict=True):
        evidence = [
            Evidence(0, 1.0, kind, s, np.nanmean(s), np.nanstd(s), known.pair(kind).reliability)
            for kind, s in (("text>text", one), ("text>image", other))
        ]
        total = Calibrated().combine(evidence, Joint(known.correlations, known.tails)).total
        held.append(photo_gone[np.argsort(-total)[:10]].mean())
    assert 0.45 <= np.mean(held) <= 0.55


def test_as_json_and_back() -> None:
    batch = shop_of(100, noise=0.3, without=0.2)
    found = calibrate(batch, fitted(batch), {"text>image": 0.4})
    assert Calibration.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert Calibration.from_json(None) == Calibration()


def test_of_two_calibrations_the_second_wins() -> None:
    one = Calibration({"text>text": Pair(1, 1), "image>image": Pair(2, 1)}, {"a|b": 0.1})
    both = one.merged(Calibration({"text>text": Pair(3, 1)}, {"a|b": 0.2, "a|c": 0.3}))
    assert both.pairs == {"text>text": Pair(3, 1), "image>image": Pair(2, 1)}
    assert both.correlations == {"a|b": 0.2, "a|c": 0.3}


def test_patterns() -> None:
    assert pattern(["text", "image"]) == "image+text"
    batch = Batch(
        {m: np.zeros((3, 1), np.float32) for m in ("text", "image")},
        {"text": np.array([True, True, False]), "image": np.array([True, False, False])},
    )
    assert patterns(batch, ["text", "image"]).tolist() == ["image+text", "text", ""]


def test_a_sample_stands_for_a_larger_catalogue() -> None:
    """Means and spreads are the sample's; how far down the top ten reach is the whole catalogue's."""
    batch = shop_of(3_000, noise=0.5)
    whole, sample = calibrate(batch, fitted(batch), {}), calibrate(batch.take(np.arange(2_400)), fitted(batch), {}, products=3_000)
    assert sample.pair("text>image").mean == pytest.approx(whole.pair("text>image").mean, abs=0.01)
    assert sample.tails.keys() == whole.tails.keys()
    for kind, tail in whole.tails.items():
        assert sample.tails[kind] == pytest.approx(tail, rel=0.15)
