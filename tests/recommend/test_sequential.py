"""`sasrec` and `twotower`: what they share, and what each of them knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation.recommend import evaluate_recommender
from mmsearch.evaluation.splits import LeaveLastOut
from mmsearch.measures import parse_measure
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.base import BASE, History, Interactions, Products
from mmsearch.recommend.interactions import build
from mmsearch.recommend.sasrec import SASRec
from mmsearch.recommend.sequential import Sequential
from mmsearch.recommend.twotower import TwoTower

SCIENTIFIC = Path(__file__).resolve().parents[3] / "shared" / "data" / "scientific"
N = 12
NEW = N - 1  # nobody took it; it looks like the even ones
SMALL = {"dim": 8, "epochs": 8}


def interactions() -> Interactions:
    """Everyone takes products of one parity, all but the new one, in a random order."""
    rng = np.random.default_rng(0)
    rows = [(f"u{u:02}", f"p{p:02}") for u in range(40) for p in rng.permutation(np.arange(u % 2, N - 1, 2)).tolist()]
    return build([u for u, _ in rows], [p for _, p in rows], product_ids=[f"p{i:02}" for i in range(N)]).interactions


def products() -> Products:
    rng = np.random.default_rng(1)
    kind = np.arange(N) % 2
    kind[NEW] = 0
    vectors = rng.normal(size=(2, 16))[kind] + 0.2 * rng.normal(size=(N, 16))
    return Products(interactions().product_ids, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))


def history(*taken: int, values: list[float] | None = None) -> History:
    return History(np.array(taken, np.int64), np.array(values or [1.0] * len(taken)), np.arange(len(taken))[::-1].astype(float))


def fitted(made: Sequential) -> Sequential:
    made.fit(interactions(), products())
    return made


@pytest.fixture(scope="module")
def sasrec() -> Sequential:
    return fitted(SASRec(**SMALL))


@pytest.fixture(scope="module")
def twotower() -> Sequential:
    return fitted(TwoTower(**SMALL))


def test_a_product_nobody_took_is_known_to_two_towers_alone(sasrec: Sequential, twotower: Sequential) -> None:
    asked = [history(0, 2, 4)]
    assert sasrec.score(asked)[0, NEW] == 0
    assert sasrec.similar([NEW], 3)[0].products.size == 0
    scores = twotower.score(asked)[0]
    assert scores[NEW] > scores[1:NEW:2].max()
    assert (twotower.similar([NEW], 3)[0].products % 2 == 0).all()


def test_scores_are_surprises_of_probabilities(sasrec: Sequential, twotower: Sequential) -> None:
    """ln(1 + m·p), p of the m products that are known, adding up to 1."""
    for made, m in ((sasrec, N - 1), (twotower, N)):
        p = np.expm1(made.score([history(0, 2)])[0]) / m
        assert p.sum() == pytest.approx(1)
        assert (p >= 0).all()


def test_only_events_against_products_lower_all(sasrec: Sequential) -> None:
    liked, disliked, mixed = sasrec.score([history(0), history(0, values=[-0.5]), history(2, 0, values=[1.0, -0.5])])
    np.testing.assert_allclose(disliked, -0.5 * liked)
    np.testing.assert_allclose(mixed, sasrec.score([history(2)])[0] + disliked)
    assert sasrec.recommend([history(0, values=[-0.5])], 5)[0].products.size == 0


def test_the_newest_events_are_read() -> None:
    made = fitted(SASRec(longest=2, **SMALL))
    np.testing.assert_array_equal(made.score([history(1, 3, 0, 2)]), made.score([history(0, 2)]))


def test_reasons_are_what_is_lost_without_a_product(sasrec: Sequential) -> None:
    asked = history(0, 2, 0, 4)
    said = {reason.product: reason.value for reason in sasrec.why(asked, 6)}
    full, without = sasrec.score([asked, history(2, 4)])[:, 6]
    assert said[0] == pytest.approx(full - without)
    assert set(said) == {0, 2, 4, BASE}
    assert sum(said.values()) == pytest.approx(full)
    assert [reason.product for reason in sasrec.why(history(2), 6)] == [2]


def test_answers_without_torch(tmp_path: Path, sasrec: Sequential) -> None:
    arrays, values = sasrec.state()
    assert all(array.dtype in (np.float32, np.int64) for array in arrays.values())
    np.savez(tmp_path / "state.npz", **arrays)
    (tmp_path / "state.json").write_text(json.dumps(values, allow_nan=False))
    code = """
import json, sys, numpy as np
from mmsearch.recommend.base import History
from mmsearch.recommend.sasrec import SASRec
made = SASRec(dim=8)
made.load_state(dict(np.load("state.npz")), json.load(open("state.json")))
print(made.score([History(np.array([0, 2]), np.ones(2), np.array([1.0, 0.0]))])[0].tolist())
assert "torch" not in sys.modules, "torch was loaded"
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), sasrec.score([history(0, 2)])[0], rtol=1e-12)


@pytest.mark.parametrize("made", [SASRec(**SMALL), TwoTower(**SMALL)], ids=["sasrec", "twotower"])
def test_nobody_took_a_second_product(made: Sequential) -> None:
    alone = build(["u", "v"], ["p00", "p01"], product_ids=interactions().product_ids).interactions
    made.fit(alone, products())
    assert made.learned == {"epoch": 0, "score": None, "ended": "nothing came next"}
    scores = made.score([history(0)])[0]
    if made.unlearned:  # similarity of contents
        assert scores[2:NEW:2].min() > scores[1:NEW:2].max()
    else:
        assert not scores.any()


def test_no_vectors() -> None:
    ids = interactions().product_ids
    for none in (Products(ids), Products(ids, np.zeros((N, 4), np.float32))):
        with pytest.raises(InputError, match="no product has a vector"):
            TwoTower(**SMALL).fit(interactions(), none)


def test_vectors_that_do_not_differ_leave_the_products_own(twotower: Sequential) -> None:
    alike = Products(interactions().product_ids, np.tile(np.eye(1, 4, dtype=np.float32), (N, 1)))
    made = TwoTower(**SMALL)
    made.fit(interactions(), alike)
    scores = made.score([history(0, 2)])[0]
    assert scores[4:NEW:2].min() > scores[1:NEW:2].max()


def test_products_without_a_vector_are_known_by_those_who_took_them() -> None:
    some = products()
    assert some.vectors is not None
    some.vectors[[4, NEW]] = 0
    made = TwoTower(**SMALL)
    made.fit(interactions(), some)
    scores = made.score([history(0, 2)])[0]
    assert scores[4] > scores[1:NEW:2].max()
    assert scores[NEW] == 0


def test_learning_too_fast_says_so() -> None:
    with pytest.raises(InputError, match="no number before anything was learned") as caught:
        fitted(SASRec(rate=1e30, **SMALL))
    assert caught.value.hint == "learn more slowly: rate=1e+29"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sasrec(dim=9)", "dim must be a multiple of heads, which is 2, not 9"),
        ("sasrec(heads=0)", "heads must be at least 1"),
        ("sasrec(layers=0)", "layers must be at least 1"),
        ("sasrec(longest=0)", "longest must be at least 1"),
        ("sasrec(epochs=0)", "epochs must be at least 1"),
        ("sasrec(patience=0)", "patience must be at least 1"),
        ("sasrec(negatives=0)", "negatives must be at least 1"),
        ("sasrec(dropout=1)", "dropout must be at least 0 and below 1"),
        ("sasrec(rate=0)", "rate must be above 0"),
        ("sasrec(device=tpu)", "device must be one of auto, cpu, cuda"),
        ("twotower(dim=0)", "dim must be at least 1"),
        ("twotower(forget=2)", "forget must be from 0 to 1"),
    ],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)


@pytest.mark.data
@pytest.mark.skipif(not SCIENTIFIC.is_dir(), reason="needs ../shared/data/scientific")
def test_quality_on_purchases_of_a_real_shop() -> None:
    """Leave-last-out, full ranking over 4,344 products; rounding differs between machines, so some is left."""
    with (SCIENTIFIC / "products.jsonl").open(encoding="utf-8") as lines:
        ids = [json.loads(line)["id"] for line in lines]
    rows = [line.split(",") for line in (SCIENTIFIC / "events.csv").read_text().splitlines()[1:]]
    events = build([r[0] for r in rows], [r[1] for r in rows], times=[float(r[3]) for r in rows], product_ids=ids).interactions
    result = evaluate_recommender(SASRec(), events, Products(ids), LeaveLastOut(), [parse_measure("nDCG@20")])
    assert result.evaluation.means["nDCG@20"] >= 0.085
