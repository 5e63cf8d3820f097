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
from mmsearch.ranking.shopper import Shopper

SPECS = {
    "mmr": ["mmr", "mmr(lambda=.3, depth=4)"],
    "collapse": ["collapse", "collapse(by=brand)"],
    "dedupe": ["dedupe", "dedupe(at=.8, depth=3)"],
    "boost": ["boost(margin=.2)", "boost(margin=-1, recency(half_life=30d)=.1)"],
    "stock": ["stock", "stock(by=left)"],
    "pin": ["pin(ids=[P3, P1])"],
    "bury": ["bury(ids=[P0, P2])"],
    "personal": ["personal(user=u)", "personal(user=u, taste=1, weight=-1, again=true)"],
    "session": ["session(ids=[P0, P3])"],
    "season": ["season(december)"],
    "mood": ["mood(joyful)", "mood(calm, weight=1)"],
    "calibrated": ["calibrated(by=brand)", "calibrated(by=parent, weight=.8)"],
    "cross": ["cross"],  # with a small model of random weights
}

FACTS = ("fact.emotion_reviews", *(f"fact.emotion.{emotion}" for emotion in ("joy", "anger", "fear", "disgust")))
OF_SHOPPERS = ("tastes", "going_with", "observed", "expected")  # fields of KnownCandidates


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
        {name: draw(some(numbers, n)) for name in ("margin", "stock", "left", *FACTS)},
        draw(some(st.floats(0, 1e9), n)),
        {name: draw(some(words, n)) for name in ("parent", "brand")},
        {modality: draw(some(unit_vectors, n)) for modality in ("text", "image")},
        [draw(st.sampled_from(["", "red shoe", "blue hat"])) for _ in range(n)],
        unit=draw(st.sampled_from([1.0, 0.02])),
        question=draw(st.sampled_from(["", "red hat"])),
        shopper=Shopper("u"),
        took=draw(st.sampled_from([(), ("P0",), ("P1", "P0")])),
        **{name: draw(some(numbers, n)) for name in OF_SHOPPERS},
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
        shopper=c.shopper,
        took=c.took,
        **{name: [getattr(c, name)[i] for i in turned] for name in OF_SHOPPERS},
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
    values = {
        "margin": [0, 5, None, 10],
        "stock": [3, 2, None, 1],
        "fact.emotion_reviews": [9, 4, None, 5],
        "fact.emotion.joy": [1, 0, None, 0],
    }
    known = KnownCandidates(
        list("abcd"),
        values,
        [0, 1e8, None, 2e8],
        {"parent": ["x", "x", None, None]},
        took=["d"],
        tastes=[0.9, 0.1, None, 0.5],
        going_with=[1, 0, None, 0],
        observed=[9, 0, None, 4],
        expected=[3, 3, None, 4],
    )
    shoppers = ("personal(user=u)", "session(ids=[d])", "season(may)", "mood(joyful)")
    for spec in ("boost(margin=.5)", "boost(recency(half_life=1y)=.5)", "stock", "collapse", *shoppers):
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


def test_a_calibrated_list_has_the_kinds_of_the_history_in_its_proportions() -> None:
    kinds = ["war", "war", "war", "war", "love", "love", "art", None, "war", "love"]
    known = KnownCandidates(list("abcdefghwl"), values_of_groups={"genre": kinds}, took=["w", "w", "l"], shopper=Shopper("u"))
    scores = [9.0, 8.9, 8.8, 8.7, 8.6, 8.5, 8.4, 8.3, np.nan, np.nan]
    first = order("calibrated(by=genre, weight=.9)", scores, known)
    assert first[:6] == "aebcfd", "two of war for one of love"
    assert first.index("g") == 7, "of art nothing was taken; what nothing is known of comes before it"
    assert order("calibrated(by=genre, weight=0)", scores, known) == "abcdefgh"
    plain = KnownCandidates(known.names, values_of_groups={"genre": kinds}, took=["w"])
    assert "nobody is named" in RERANKERS.create("calibrated(by=genre)").rerank(np.array(scores), plain).notes[0]
    none = KnownCandidates(known.names, values_of_groups={"genre": [None] * 10}, took=["w"], shopper=Shopper("u"))
    assert "none of the products of the history" in RERANKERS.create("calibrated(by=genre)").rerank(np.array(scores), none).notes[0]
    session = KnownCandidates(known.names, values_of_groups={"genre": kinds}, shopper=Shopper(session=("l",)))
    assert order("calibrated(by=genre, weight=.9)", scores, session)[:2] == "ef", "what is looked at is a history, too"


def test_calibrating_is_the_greedy_choice_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    groups = [str(g) for g in rng.integers(0, 4, 30)]
    names, took = [f"p{i:02}" for i in range(30)], [f"p{i}" for i in range(20, 30)]
    known = KnownCandidates(names, values_of_groups={"genre": groups}, took=took, shopper=Shopper("u"))
    scores = np.where(np.arange(30) < 20, rng.normal(size=30), np.nan)
    p = np.bincount([int(g) for g in groups[20:]], minlength=4) / 10
    relevance = (scores - np.nanmin(scores)) / np.ptp(scores[:20])

    def value(chosen: list[int]) -> float:
        shown = np.bincount([int(groups[i]) for i in chosen], minlength=4)
        return 0.7 * sum(relevance[i] for i in chosen) + 0.3 * float(p[p > 0] @ np.log(shown + 0.2 * p)[p > 0])

    chosen: list[int] = []
    while len(chosen) < 20:
        chosen.append(max((i for i in range(20) if i not in chosen), key=lambda i: value([*chosen, i])))
    new = after(scores, RERANKERS.create("calibrated(by=genre, weight=.3)").rerank(scores, known))
    assert best(known.ids, new, 20).tolist() == chosen


def test_pinned_come_first_in_their_order_and_buried_last() -> None:
    known = KnownCandidates(list("abcd"))
    assert order("pin(ids=[d, b])", [4, 3, 2, 1], known) == "dbac"
    assert order("bury(ids=[a, c])", [4, 3, 2, 1], known) == "bdac"
    made = RERANKERS.create("pin(ids=[d, z, d])").rerank(np.array([4, 3, 2, np.nan]), known)
    assert [note.split()[3] for note in made.notes] == ["d", "z"]


def test_what_fits_a_shopper_goes_up_and_what_they_have_stays() -> None:
    known = KnownCandidates(list("abcd"), took=["d"], tastes=[0.1, 0.9, 0.5, 1.0], going_with=[0, 0, 3, 9], unit=2.0)
    scores = np.ones(4)
    for name, spec in (("personal", "personal(user=u, weight=1, taste=.25)"), ("session", "session(ids=[d], weight=1, taste=.25)")):
        made = RERANKERS.create(spec).rerank(scores, known)
        assert list(made.changes) == [f"{name} taste", f"{name} history"]
        taste, history = np.array([-1, 1, 0]) / np.sqrt(2 / 3), np.array([-1, -1, 2]) / np.sqrt(2)
        np.testing.assert_allclose(made.changes[f"{name} taste"], [*(2 * 0.25 * taste), 0])
        np.testing.assert_allclose(made.changes[f"{name} history"], [*(2 * 0.75 * history), 0])
    again = RERANKERS.create("personal(user=u, again=true)").rerank(scores, known)
    assert after(scores, again)[3] == max(after(scores, again))


def test_a_stranger_changes_nothing_and_is_told() -> None:
    known = KnownCandidates(list("ab"), tastes=[1, 0], going_with=[1, 0])
    for spec, said in (("personal(user=u)", "nothing is known of u"), ("personal", "no user is named"), ("session", "no product is named")):
        made = RERANKERS.create(spec).rerank(np.ones(2), known)
        assert not made.changes and said in made.notes[0]
    nothing = KnownCandidates(list("ab"), took=["z"])
    assert "mmsearch embed" in RERANKERS.create("personal(user=u)").rerank(np.ones(2), nothing).notes[0]


def test_twice_as_often_is_worth_the_weight_where_enough_is_known() -> None:
    known = KnownCandidates(list("abcd"), observed=[2000, 2, 0, 1e6], expected=[1000, 1, 1000, 1], unit=0.5)
    [(name, change)] = RERANKERS.create("season(december, weight=.3)").rerank(np.ones(4), known).changes.items()
    assert name == "season december"
    assert change[0] == pytest.approx(0.15, abs=1e-3)
    assert 0 < change[1] < 0.05, "of few events little is believed"
    assert change[2] == pytest.approx(-0.3) and change[3] == pytest.approx(0.3), "four times as often is the most that counts"


def test_a_mood_meets_reviews() -> None:
    known = KnownCandidates(
        list("abc"),
        {"fact.emotion_reviews": [40, 40, 1], "fact.emotion.joy": [0.9, 0.3, 1], "fact.emotion.surprise": [0.1, 0.1, 0]}
        | {f"fact.emotion.{emotion}": [0.0, 0.6, 0] for emotion in ("anger", "fear", "disgust")},
    )
    changes = {
        mood: RERANKERS.create(f"mood({mood})").rerank(np.ones(3), known).changes for mood in ("joyful", "开心", "calm", "surprised")
    }
    joyful = changes["joyful"]["mood joyful"]
    assert joyful[0] > joyful[2] > 0 > joyful[1], "one glad review says less than forty"
    np.testing.assert_array_equal(changes["开心"]["mood joyful"], joyful)
    assert changes["calm"]["mood calm"][0] > 0 > changes["calm"]["mood calm"][1]
    assert changes["surprised"]["mood surprised"][0] == changes["surprised"]["mood surprised"][1]


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
        ("personal(taste=2)", "taste must be from 0 to 1"),
        ("session(taste=-1)", "taste must be from 0 to 1"),
        ("season(soon)", "no time of the year"),
        ("season(febuary)", "did you mean february"),
        ("calibrated(weight=1)", "weight must be from 0 to below 1"),
        ("calibrated(weight=-.1)", "weight must be from 0 to below 1"),
        ("mood(jyful)", "did you mean joyful"),
        ("mood(blah)", "joyful, excited, surprised, calm, sad, afraid, angry, disgusted"),
    ],
)
def test_what_is_wrong_is_said(spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        RERANKERS.create(spec)
