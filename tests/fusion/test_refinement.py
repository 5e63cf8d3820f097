"""Heads beside the canonical directions: cosines mix by the share, held-out pairs decide, and a profile keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from mmsearch.fusion import aligned, refinement
from mmsearch.fusion.aligned import Aligned
from mmsearch.fusion.base import Batch, FitReport, Side, unit_rows
from mmsearch.fusion.category_texts import CategoryTexts
from mmsearch.fusion.contrastive import Plan
from mmsearch.fusion.refinement import Choice, Dense, Refinement, choose, refined, told
from mmsearch.fusion.views import Seen


def pairs(n: int, noise: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows (n, 20) and (n, 30) that share eight latent numbers."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(n, 8))
    T, G = (Z @ np.random.default_rng(1 + d).normal(size=(8, d)) + noise * rng.normal(size=(n, d)) for d in (20, 30))
    return unit_rows(T), unit_rows(G)


def batch(n: int, seed: int = 0) -> Batch:
    T, G = pairs(n, seed=seed)
    return Batch({"text": T, "image": G}, {m: np.ones(n, bool) for m in ("text", "image")})


def seen(T: np.ndarray, G: np.ndarray) -> tuple[Seen, Seen]:
    return Seen(T), Seen(G)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Little is learned here, and fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refinement, "PLAN", Plan(batch=128, epochs=6, rate=0.01, least_steps=1))
        yield


@pytest.fixture(scope="module")
def fitted(quick: None) -> tuple[Aligned, FitReport]:
    """A space of which a coarse closed form (one direction) leaves much to heads."""
    fuser = Aligned(dim=2, landmarks=0, hubness=0, refine="linear")
    return fuser, fuser.fit(batch(600), {}, 0)


def test_heads_join_where_held_out_pairs_say_so(fitted: tuple[Aligned, FitReport]) -> None:
    fuser, report = fitted
    found = report.scores["refine"]
    assert found["kept"] and found["share"] in refinement.SHARES and found["epochs"] > 0
    assert fuser.dim == 4
    for way in ("text>image", "image>text"):
        assert report.scores["recall"][way]["RR"] > report.scores["unrefined"][way]["RR"]
    assert "linear heads are" in report.summary and report.summary.count("→") == 6


def test_a_profile_keeps_them(fitted: tuple[Aligned, FitReport]) -> None:
    fuser, _ = fitted
    again = Aligned(refine="linear")
    arrays, values = fuser.state()
    assert all(array.dtype == np.float32 for array in arrays.values())
    again.load_state(arrays, values)
    T, G = pairs(20, seed=5)
    for modality, X in (("text", T), ("image", G)):
        np.testing.assert_array_equal(again.query(modality, Side(X)), fuser.query(modality, Side(X)))
        np.testing.assert_allclose(np.linalg.norm(fuser.project(modality, Side(X)), axis=1), 1, atol=1e-5)
    assert again.dim == fuser.dim


def test_one_seed_gives_one_space(fitted: tuple[Aligned, FitReport]) -> None:
    again = Aligned(dim=2, landmarks=0, hubness=0, refine="linear")
    again.fit(batch(600), {}, 0)
    T, _ = pairs(20, seed=5)
    np.testing.assert_array_equal(again.query("text", Side(T)), fitted[0].query("text", Side(T)))


def test_a_refit_keeps_the_share_of_the_heads_and_how_long_they_learned(
    fitted: tuple[Aligned, FitReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(aligned, "choose")
    again = Aligned(dim=2, landmarks=0, hubness=0, refine="linear")
    again.load_state(*fitted[0].state())
    again.refit(batch(600), {}, 0)
    T, _ = pairs(20, seed=5)
    np.testing.assert_array_equal(again.query("text", Side(T)), fitted[0].query("text", Side(T)))
    again.refit(batch(300), {}, 0)
    found, known = again.state()[1]["refinement"], fitted[0].state()[1]["refinement"]
    assert found == known and not np.array_equal(again.query("text", Side(T)), fitted[0].query("text", Side(T)))


def test_without_heads_nothing_changes() -> None:
    plain, asked = Aligned(landmarks=0), Aligned(landmarks=0, refine="linear")
    plain.fit(batch(200), {}, 0)
    report = asked.fit(batch(200), {}, 0)
    assert "not refined: 500 pairs are needed" in report.summary
    T, _ = pairs(20, seed=5)
    np.testing.assert_array_equal(plain.query("text", Side(T)), asked.query("text", Side(T)))


def test_heads_that_bring_nothing_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refinement, "LEAST_GAIN", 2.0)  # more than a mean reciprocal rank can gain
    fuser = Aligned(dim=2, landmarks=0, refine="linear")
    report = fuser.fit(batch(500), {}, 0)
    assert not report.scores["refine"]["kept"] and report.scores["refine"]["share"] == 0
    assert "not refined: with linear heads held-out pairs find each other no better" in report.summary
    assert "refinement" not in fuser.state()[1]


@pytest.mark.parametrize("spec", [{"refine": "deep"}, {"refine": "linear", "hard": 1.5}, {"hard": float("nan")}])
def test_wrong_parameters_are_named(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"refine must be none, linear, mlp|hard must be from 0 to 1"):
        Aligned(**spec)


def test_the_best_share_is_chosen_if_it_is_worth_it() -> None:
    T, G = pairs(300)
    fit, held = seen(T[:250], G[:250]), seen(T[250:], G[250:])

    def worth(gain: float, share: float) -> Choice:
        return choose("linear", fit, held, lambda r: 0.5 + gain * (r is not None and r.share == share), dim=4)

    assert worth(0.1, 0.35).share == 0.35 and worth(0.1, 0.2).share == 0.2
    assert worth(refinement.LEAST_GAIN / 2, 0.35).share == 0
    assert worth(0, 0.35).share == 0
    chosen = worth(0.1, 0.35)
    found = refined("linear", chosen.share, chosen.epochs, fit, dim=4)
    assert found is not None and found.dim == 4 and chosen.to_json()["RR"]["0.35"] == pytest.approx(0.6)


def test_hard_negatives_change_what_is_learned() -> None:
    T, G = pairs(400)
    kinds = np.arange(400) % 20
    found = [refined("linear", 0.35, 2, seen(T, G), groups=groups, hard=0.5, dim=4) for groups in (None, kinds, kinds)]
    weights = [one.heads["text"].weight for one in found if one is not None]
    np.testing.assert_array_equal(weights[1], weights[2])
    assert not np.array_equal(weights[0], weights[1])


def test_a_catalogues_categories_give_the_hard_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    T, _ = pairs(3, seed=7)
    of = np.arange(500) % 4 - 1  # −1: a product without a category
    named = CategoryTexts(of, ["shoes", "bags", "hats"], T)
    monkeypatch.setattr(CategoryTexts, "read", staticmethod(lambda ids, store, encoders: named))
    asked: list[np.ndarray] = []
    learn = refinement.fit_heads

    def watched(X: np.ndarray, Y: np.ndarray, *held: Any, groups: np.ndarray, plan: Plan, **rest: Any) -> Any:
        assert len(groups) == len(X) and plan.hard == 0.5
        asked.append(groups)
        return learn(X, Y, *held, groups=groups, plan=plan, **rest)

    monkeypatch.setattr(refinement, "fit_heads", watched)
    Aligned(dim=2, landmarks=0, hubness=0, refine="linear", hard=0.5).fit(batch(500), {}, 0)
    assert len(asked) == 6 and set(asked[0].tolist()) == {-1, 0, 1, 2}  # to choose, four splits that are measured, and of all
    np.testing.assert_array_equal(asked[-1], of)


def test_cosines_mix_by_the_share() -> None:
    T, G = pairs(100)
    found = refined("mlp", 0.35, 3, seen(T, G), dim=4)
    assert found is not None
    blocks = {m: unit_rows(np.random.default_rng(i).normal(size=(100, 6))) for i, m in enumerate(("text", "image"))}
    both = {m: found.beside(m, Seen(X), blocks[m]) for m, X in (("text", T), ("image", G))}
    heads = {m: found.heads[m](X) for m, X in (("text", T), ("image", G))}
    expected = 0.65 * blocks["text"] @ blocks["image"].T + 0.35 * heads["text"] @ heads["image"].T
    np.testing.assert_allclose(both["text"] @ both["image"].T, expected, atol=1e-5)
    arrays, values = found.state()
    np.testing.assert_array_equal(Refinement.restored(arrays, values).beside("text", Seen(T), blocks["text"]), both["text"])


def test_a_sound_beside_them_has_no_heads() -> None:
    rng = np.random.default_rng(0)
    T, G = pairs(600)
    audio = unit_rows(np.hstack([T, G]) @ rng.normal(size=(50, 12)))
    everywhere = dict.fromkeys(("text", "image", "audio"), np.ones(600, bool))
    fuser = Aligned(dim=2, landmarks=0, hubness=0, refine="linear")
    report = fuser.fit(Batch({"text": T, "image": G, "audio": audio}, everywhere), {}, 0)
    assert report.scores["refine"]["kept"] and fuser.modalities() == ["text", "image", "audio"]
    heard, known = fuser.query("audio", Side(audio)), fuser.project("text", Side(T))
    np.testing.assert_array_equal(heard[:, -2:], 0)
    np.testing.assert_allclose(np.linalg.norm(heard, axis=1), 1, atol=1e-5)
    similarity = heard @ known.T
    assert np.diag(similarity).mean() > similarity.mean() + 0.2


def test_words_become_components() -> None:
    """Ten words of which each stands in a tenth of the texts: texts with the same word are alike, others are not."""
    place = np.repeat(np.arange(10), 6)
    words = csr_array((np.ones(60, np.float32), place, np.arange(61)), shape=(60, 10))
    same = Seen(np.tile(np.float32([[1, 0]]), (60, 1)), words)
    dense = Dense.learn(same, 0)
    X = dense(same)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-5)
    assert (X[0] @ X[1]) > 0.99 > X[0] @ X[7]
    np.testing.assert_array_equal(Dense.learn(same, 0)(same), X)
    assert Dense.learn(Seen(same.dense), 0)(same) is same.dense


def test_nothing_is_told_where_nobody_asked() -> None:
    assert told({"method": "cca"}) == ""
