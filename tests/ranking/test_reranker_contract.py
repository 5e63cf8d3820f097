"""What every reranker must do with any list: scores are changed by what is said, nothing appears, what is missing changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_candidates import KnownCandidates
from small_models import small_cross_encoder

from mmsearch.errors import UsageError
from mmsearch.ranking import RERANKERS
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import Reranked, Reranker

SPECS = {
    "mmr": ["mmr", "mmr(lambda=.3, depth=4)"],
    "collapse": ["collapse", "collapse(by=brand)"],
    "dedupe": ["dedupe", "dedupe(at=.8, depth=3)"],
    "boost": ["boost(margin=.2)", "boost(margin=-1, recency(half_life=30d)=.1)"],
    "stock": ["stock", "stock(by=left)"],
    "pin": ["pin(ids=[P3, P1])"],
    "bury": ["bury(ids=[P0, P2])"],
    "cross": ["cross"],  # with a small model of random weights
}


@pytest.fixture(scope="module", params=[spec for specs in SPECS.values() for spec in specs])
def reranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    spec = request.param
    if spec == "cross":
        spec = f'cross(model="{small_cross_encoder(tmp_path_factory.mktemp("cross"))}", depth=4)'
    return RERANKERS.create(spec)


def test_every_one_is_here() -> None:
    assert sorted(SPECS) == RERANKERS.names()


def some(values: st.SearchStrategy[object], n: int) -> st.SearchStrategy[list[object]]:
    return st.lists(st.one_of(st.none(), values), min_size=n, max_size=n)


unit_vectors = st.floats(0, 2 * np.pi).map(lambda angle: [float(np.cos(angle)), float(np.sin(angle))])
numbers = st.integers(0, 4).map(float)


@st.composite
def lists(draw: st.DrawFn) -> tuple[np.ndarray, KnownCandidates]:
    n = draw(st.integers(0, 8))
    scores = np.array(draw(st.lists(st.one_of(st.just(np.nan), st.floats(-4, 9, width=32)), min_size=n, max_size=n)), dtype=np.float64)
    words = st.sampled_from(["a", "b"])
    known = KnownCandidates(
        [f"P{i}" for i in draw(st.permutations(range(n)))],
        {name: draw(some(numbers, n)) for name in ("margin", "stock", "left")},
        draw(some(st.floats(0, 1e9), n)),
        {name: draw(some(words, n)) for name in ("parent", "brand")},
        {modality: draw(some(unit_vectors, n)) for modality in ("text", "image")},
        [draw(st.sampled_from(["", "red shoe", "blue hat"])) for _ in range(n)],
        unit=draw(st.sampled_from([1.0, 0.02])),
        question=draw(st.sampled_from(["", "red hat"])),
    )
    return scores, known


def after(scores: np.ndarray, made: Reranked) -> np.ndarray:
    changed = scores + sum(made.changes.values(), np.zeros(len(scores)))
    return changed if made.behind is None else np.where(made.behind >= 0, np.nan, changed)


@settings(max_examples=30, deadline=None)
@given(drawn=lists())
def test_any_list(reranker: Reranker, drawn: tuple[np.ndarray, KnownCandidates]) -> None:
    scores, candidates = drawn
    before = scores.copy()
    made = reranker.rerank(scores, candidates)
    np.testing.assert_array_equal(scores, before, "what was given is as it was")
    assert all(np.isfinite(change).all() and change.shape == scores.shape for change in made.changes.values())
    new = after(scores, made)
    assert not (np.isnan(scores) & ~np.isnan(new)).any(), "nothing appears"
    if made.behind is None:
        assert (np.isnan(scores) == np.isnan(new)).all(), "nothing is lost"
        return
    gone = made.behind >= 0
    assert (gone <= ~np.isnan(scores)).all()
    assert not np.isnan(new[made.behind[gone]]).any(), "what stands for others is in the list"
    assert (scores[made.behind[gone]] >= scores[gone]).all(), "and is the best of them"


@settings(max_examples=15, deadline=None)
@given(drawn=lists(), data=st.data())
def test_the_order_in_which_candidates_come_says_nothing(
    reranker: Reranker, drawn: tuple[np.ndarray, KnownCandidates], data: st.DataObject
) -> None:
    scores, c = drawn
    turned = data.draw(st.permutations(range(len(scores))))
    other = KnownCandidates(
        [c.names[i] for i in turned],
        {name: [v[i] for i in turned] for name, v in c.values.items()},
        [c.dates[i] for i in turned],
        {name: [v[i] for i in turned] for name, v in c.values_of_groups.items()},
        {name: [v[i] for i in turned] for name, v in c.vectors.items()},
        [c.titled[i] for i in turned],
        unit=c.unit,
        question=c.question,
    )
    one, two = after(scores, reranker.rerank(scores, c)), after(scores[turned], reranker.rerank(scores[turned], other))
    np.testing.assert_allclose(two, one[turned], atol=1e-4)


def test_of_products_nothing_is_known_of_none_moves(reranker: Reranker) -> None:
    n, names = 4, [f"Q{i}" for i in range(4)]
    none: list[None] = [None] * n
    nothing = KnownCandidates(
        names,
        dict.fromkeys(("margin", "stock", "left"), none),
        none,
        dict.fromkeys(("parent", "brand"), none),
        {"text": none, "image": none},
        [""] * n,
        question="red shoe",
    )
    scores = np.array([3.0, 1.0, 2.0, np.nan])
    np.testing.assert_array_equal(after(scores, reranker.rerank(scores, nothing)), scores)


def test_one_of_which_nothing_is_known_is_neutral() -> None:
    """Its score is as it was: never that of a product with a value of 0."""
    scores = np.array([3.0, 2.5, 2.0, 1.5])
    known = KnownCandidates(
        list("abcd"), {"margin": [0, 5, None, 10], "stock": [3, 2, None, 1]}, [0, 1e8, None, 2e8], {"parent": ["x", "x", None, None]}
    )
    for spec in ("boost(margin=.5)", "boost(recency(half_life=1y)=.5)", "stock", "collapse"):
        assert after(scores, RERANKERS.create(spec).rerank(scores, known))[2] == 2.0, spec


def order(spec: str, scores: list[float], candidates: KnownCandidates) -> str:
    new = after(np.array(scores), RERANKERS.create(spec).rerank(np.array(scores), candidates))
    return "".join(candidates.names[i] for i in best(candidates.ids, new, len(scores)))


# -- each by itself ----------------------------------------------------------------------------------------------------


def test_mmr_takes_another_kind_before_the_second_of_one() -> None:
    two_kinds = KnownCandidates(list("abcd"), vectors={"image": [[1, 0], [1, 0], [0, 1], [1, 0]]})
    assert order("mmr(lambda=.5)", [3, 2.9, 2.0, 1.9], two_kinds) == "acbd"
    assert order("mmr(lambda=1)", [3, 2.9, 2.0, 1.9], two_kinds) == "abcd"
    assert order("mmr(lambda=.5, depth=2)", [3, 2.9, 2.0, 1.9], two_kinds) == "abcd", "below the depth the order goes on"


def test_mmr_is_the_greedy_choice_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(12, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = rng.normal(size=12)
    names = "abcdefghijkl"
    cosines = vectors @ vectors.T
    mean = cosines[~np.eye(12, dtype=bool)].mean()
    likeness = np.clip((cosines - mean) / (1 - mean), 0, 1)
    relevance = scores / np.ptp(scores)
    chosen: list[int] = []
    while len(chosen) < 12:
        left = [i for i in range(12) if i not in chosen]
        chosen.append(max(left, key=lambda i: 0.6 * relevance[i] - 0.4 * max((likeness[i, j] for j in chosen), default=0.0)))
    known = KnownCandidates(list(names), vectors={"text": vectors.tolist()})
    assert order("mmr(lambda=.6)", scores.tolist(), known) == "".join(names[i] for i in chosen)


def test_collapse_says_who_stands_for_whom() -> None:
    brands = KnownCandidates(list("abcde"), values_of_groups={"brand": ["x", "y", "x", None, "x"]})
    scores = np.array([1.0, 2.0, 3.0, np.nan, 3.0])
    made = RERANKERS.create("collapse(by=brand)").rerank(scores, brands)
    assert made.behind is not None
    assert made.behind.tolist() == [2, -1, -1, -1, 2], "of equal ones the first id stays"


def at(cosine: float) -> list[float]:
    """A vector that has this cosine with [1, 0]."""
    return [cosine, float(np.sqrt(1 - cosine**2))]


@pytest.mark.parametrize(
    ("words", "photo", "text", "same"),
    [
        (True, 0.9, 0.0, True),
        (True, 0.89, 0.99, False),  # colours of one shirt
        (False, 0.95, 0.85, True),
        (False, 0.95, 0.84, False),
        (False, 0.94, 1.0, False),
        (False, 0.99, 0.0, True),
        (True, None, 0.0, True),
        (False, None, 1.0, False),
    ],
)
def test_dedupe_takes_two_for_one(words: bool, photo: float | None, text: float, same: bool) -> None:
    known = KnownCandidates(
        list("ab"),
        vectors={"text": [[1, 0], at(text)], "image": [[1, 0], None if photo is None else at(photo)]},
        titled=["red shoe", "shoe red" if words else "blue hat"],
    )
    assert order("dedupe", [2, 1], known) == ("a" if same else "ab")


def test_dedupe_at_a_cosine_needs_every_modality_that_two_share() -> None:
    text = [[1, 0], [1, 0], [1, 0], None, None]
    image = [[1, 0], [0, 1], None, [0, 1], None]
    assert order("dedupe(at=.97)", [5, 4, 3, 2, 1], KnownCandidates(list("abcde"), vectors={"text": text, "image": image})) == "abe"
    titled = KnownCandidates(list("ab"), vectors={"text": [[1, 0], [0, 1]]}, titled=["red shoe", "red shoe"])
    assert order("dedupe(at=.97)", [2, 1], titled) == "a", "the same words are the same text"


def test_a_boost_adds_so_many_standard_deviations() -> None:
    known = KnownCandidates(list("abcd"), {"margin": [1, 3, None, 1e9]}, unit=0.5)
    made = RERANKERS.create("boost(margin=.2)").rerank(np.array([1.0, 1.0, 1.0, np.nan]), known)
    assert list(made.changes) == ["boost margin"]
    np.testing.assert_allclose(made.changes["boost margin"], [-0.1, 0.1, 0.0, 0.3], err_msg="products out of the list set no scale")
    same = KnownCandidates(list("ab"), {"margin": [7, 7]})
    assert not RERANKERS.create("boost(margin=1)").rerank(np.ones(2), same).changes["boost margin"].any()


def test_recency_halves_and_hangs_on_no_clock() -> None:
    day = 86_400.0
    found = []
    for start in (0.0, 1e9):
        known = KnownCandidates(list("abc"), dates=[start, start + 30 * day, start + 60 * day])
        found.append(RERANKERS.create("boost(recency(half_life=30d)=1)").rerank(np.ones(3), known).changes["boost recency(half_life=30d)"])
    ages = np.array([0.25, 0.5, 1.0])
    np.testing.assert_allclose(found[0], (ages - ages.mean()) / ages.std())
    np.testing.assert_allclose(found[1], found[0])


def test_out_of_stock_goes_behind_what_fits_and_before_what_does_not() -> None:
    known = KnownCandidates(list("abcdef"), {"stock": [0, 5, 0, None, 0, 9]})
    assert order("stock", [9, 8, 7, 6, 1, 0.5], known) == "bdacef"
    assert order("stock", [9, 1, 1, 1, 1, 1], known) == "abcdef", "nothing else fits: who looks for it finds it"


def test_pinned_come_first_in_their_order_and_buried_last() -> None:
    known = KnownCandidates(list("abcd"))
    assert order("pin(ids=[d, b])", [4, 3, 2, 1], known) == "dbac"
    assert order("bury(ids=[a, c])", [4, 3, 2, 1], known) == "bdac"
    made = RERANKERS.create("pin(ids=[d, z, d])").rerank(np.array([4, 3, 2, np.nan]), known)
    assert [note.split()[3] for note in made.notes] == ["d", "z"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mmr(lambda=0)", "lambda must be above 0"),
        ("mmr(lambda=1.5)", "at most 1"),
        ("mmr(lamda=.5)", "no parameter lamda"),
        ("mmr(depth=0)", "depth must be at least 1"),
        ("dedupe(at=2)", "at must be above 0"),
        ("dedupe(depth=0)", "depth must be at least 1"),
        ("boost", "what to boost"),
        ("boost(margin=high)", "must be a number"),
        ("boost(recency(half_life=0d)=1)", "no length of time"),
        ("boost(recency(half_life=soon)=1)", "no length of time"),
        ("boost(recency(since=3)=1)", "no parameter 'since'"),
        ("boost(fresh(half_life=3d)=1)", "only recency"),
        ("pin(ids=[])", "needs ids"),
        ("bury(ids=[])", "needs ids"),
        ("pin", "needs ids"),
    ],
)
def test_what_is_wrong_is_said(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        RERANKERS.create(spec)
