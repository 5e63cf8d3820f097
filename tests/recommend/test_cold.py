from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np
import pytest

from mmsearch.errors import InputError, UsageError
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend import cold as module
from mmsearch.recommend.base import History, Products
from mmsearch.recommend.cold import Cold
from mmsearch.recommend.interactions import build
from mmsearch.recommend.itemcf import ItemCF

# a and b are shoes, c and d mugs; e, a new shoe, lies near a and b; f is new and has no vector
IDS = list("abcdef")
X = np.array([[1, 0.1], [1, -0.1], [0.1, 1], [-0.1, 1], [1, 0], [0, 0]], np.float32)
X[:5] /= np.linalg.norm(X[:5], axis=1, keepdims=True)
EVENTS = build([*"uuvvwwxx"], [*"cacbdadb"], product_ids=IDS).interactions  # mugs, then shoes


@pytest.fixture(scope="module", autouse=True)
def _registered() -> Iterator[None]:
    RECOMMENDERS.register("cold", Cold)  # the name that our own package declares
    yield
    RECOMMENDERS.unregister("cold")


def fitted(**given: object) -> Cold:
    made = Cold("itemcf(directed=true, shrink=0)", **given)  # type: ignore[arg-type]
    made.fit(EVENTS, Products(IDS, X))
    return made


def took(*products: int) -> History:
    return History(np.array(products), np.ones(len(products)), np.arange(len(products))[::-1].astype(float))


def test_a_new_product_scores_what_those_score_that_it_is_made_up_of() -> None:
    made, base = fitted(k=2, ridge=1e-6), ItemCF(directed=True, shrink=0)
    base.fit(EVENTS, Products(IDS))
    scores, plain = made.score([took(2), took(0)]), base.score([took(2), took(0)])
    # e = direction of a + b, whose cosine with each is .995: weights .995 / (1 + ⟨a, b⟩) each
    weight = float(X[0] @ X[4]) / (1 + float(X[0] @ X[1]))
    assert scores[0, 4] == pytest.approx(weight * (plain[0, 0] + plain[0, 1]), rel=1e-4) and scores[0, 4] > 0
    np.testing.assert_array_equal(np.delete(scores, 4, axis=1), np.delete(plain, 4, axis=1))
    assert not scores[:, 5].any(), "without a vector nothing is known"


def test_whoever_took_mugs_is_offered_the_new_shoe_and_told_why() -> None:
    made = fitted(k=2)
    assert set(made.recommend([took(2)], 3, [[2]])[0].products.tolist()) == {0, 1, 4}
    (reason,) = made.why(took(2), 4)
    assert reason.product == 2 and reason.relation == "looks like a and others, taken after"
    assert reason.value == pytest.approx(made.score([took(2)])[0, 4])


def test_reasons_add_up_with_every_ridge_and_any_history() -> None:
    for ridge in (0.01, 3.0):
        made = fitted(ridge=ridge)
        history = History(np.array([2, 0, 2, 3]), np.array([1, -0.5, 0.2, 1]), np.array([3.0, 2, 1, 0]))
        scores = made.score([history])[0]
        for product in range(6):
            assert sum(r.value for r in made.why(history, product)) == pytest.approx(scores[product], abs=1e-12)


def test_similar_products_of_a_new_one() -> None:
    best = fitted(k=2).similar([4, 5, 0], 3)
    assert set(best[0].products.tolist()[:2]) <= {0, 1, 2, 3} and 4 not in best[0].products
    assert len(best[0].products) and len(best[1].products) == 0
    base = ItemCF(directed=True, shrink=0)
    base.fit(EVENTS, Products(IDS))
    assert best[2].products.tolist() == base.similar([0], 3)[0].products.tolist()


def test_state_round_trip_keeps_new_products() -> None:
    made = fitted()
    arrays, values = made.state()
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    file.seek(0)
    other = Cold("itemcf(directed=true, shrink=0)")
    with np.load(file, allow_pickle=False) as read:
        other.load_state(dict(read), json.loads(json.dumps(values)))
    np.testing.assert_array_equal(other.score([took(2, 3)]), made.score([took(2, 3)]))
    assert other.why(took(2, 3), 4) == made.why(took(2, 3), 4)


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(60, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"p{i:02}" for i in range(60)]
    events = build([f"u{i // 4}" for i in range(120)], [names[i] for i in rng.integers(0, 30, 120)], product_ids=names).interactions
    whole, pieces = Cold(k=5), Cold(k=5)
    whole.fit(events, Products(names, vectors))
    monkeypatch.setattr(module, "_ROWS", 7)
    pieces.fit(events, Products(names, vectors))
    np.testing.assert_allclose(pieces.score([took(1, 2)]), whole.score([took(1, 2)]), atol=1e-9)


def test_a_product_taken_back_only_is_new() -> None:
    events = build([*"uuv"], [*"cae"], [1, 1, -0.5], product_ids=IDS).interactions
    made = Cold("itemcf(directed=true, shrink=0)")
    made.fit(events, Products(IDS, X))
    assert made.score([took(2)])[0, 4] > 0


def test_without_vectors_it_says_how_to_make_them() -> None:
    with pytest.raises(InputError, match="mmsearch embed"):
        Cold().fit(EVENTS, Products(IDS))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("cold(k=0)", "k must be at least 1"),
        ("cold(ridge=0)", "ridge must be above 0"),
        ("cold(base=itemfc)", "did you mean itemcf"),
        ("cold(base=content(profile=a), profile=b)", "another profile than b"),
    ],
)
def test_bad_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RECOMMENDERS.create(spec)
