"""Weights learned from judged queries."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import small_shop

from mmsearch.errors import InputError, UsageError
from mmsearch.evaluation import tune_fusion
from mmsearch.evaluation.bootstrap import Interval, interval
from mmsearch.evaluation.search import evaluate_search
from mmsearch.evaluation.tune_fusion import FEWEST, GRID, choose, compared, halves, tune
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.keeping import weigh
from mmsearch.measures import parse_measure
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Evidence, Joint
from mmsearch.search.engine import Engine
from mmsearch.search.kept import Kept, shortened, weighed_anew
from mmsearch.search.query import Query, make_query
from mmsearch.shop import Shop

CALIBRATED = COMBINERS.create("calibrated")
TEXTS, PHOTOS = "image>text", "image>image"


Judged = tuple[dict[str, Kept], dict[str, dict[str, int]]]


def made_up(seed: int, queries: int = 60, products: int = 40, *, good: str = PHOTOS, parts: int = 1) -> Judged:
    """Queries whose right product is told by one kind of evidence, while the other is noise."""
    rng = np.random.default_rng(seed)
    kept, qrels = {}, {}
    for number in range(queries):
        right = int(rng.integers(products))
        told = rng.normal(size=products) + 3 * (np.arange(products) == right)
        noise = rng.normal(size=products)
        by = {good: told, TEXTS if good == PHOTOS else PHOTOS: noise}
        evidence = [Evidence(part, 1 / parts, kind, by[kind].copy(), reliability=0.7) for part in range(parts) for kind in sorted(by)]
        asked = Query(make_query(image=[f"{number}-{part}.jpg" for part in range(parts)]).parts)
        kept[str(number)] = Kept(asked, [str(p) for p in range(products)], evidence, Joint())
        qrels[str(number)] = {str(right): 1}
    return kept, qrels


def asked_of(kept: dict[str, Kept]) -> dict[str, Query]:
    return {id: one.query for id, one in kept.items()}


# -- choosing --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("good", [PHOTOS, TEXTS])
def test_noise_is_turned_down(good: str) -> None:
    kept, qrels = made_up(0, good=good)
    train, out, split = halves(asked_of(kept), qrels, 0)
    found = tune(kept, qrels, train, out, {}, seed=0, split=split)
    noise = TEXTS if good == PHOTOS else PHOTOS
    assert found.weights[good] == 1 and found.weights[noise] <= 0.3
    row = found.rows[0]
    assert found.better and found.sure and row["difference"]["low"] > 0
    assert row["difference"]["mean"] == pytest.approx(row["after"]["mean"] - row["before"]["mean"])
    assert row["train"]["after"] > row["train"]["before"]


def test_it_is_the_best_of_all_proportions_for_two_kinds() -> None:
    kept, qrels = made_up(1)
    measure = parse_measure("nDCG@10")
    chosen = choose(kept, qrels, measure, [PHOTOS, TEXTS], {PHOTOS: 1.0, TEXTS: 1.0}, CALIBRATED)
    ids = list(kept)
    reached = compared(kept, qrels, measure, ids, ids, {}, chosen, CALIBRATED, 0)["after"]["mean"]
    for weight in GRID:
        tried = compared(kept, qrels, measure, ids, ids, {}, {PHOTOS: 1.0, TEXTS: weight}, CALIBRATED, 0)["after"]["mean"]
        assert tried <= reached + 1e-9


def test_equally_good_weights_are_left_as_they_were() -> None:
    """One product alone is judged and there is one product: every weight is perfect."""
    kept, qrels = made_up(0, products=1)
    chosen = choose(kept, qrels, parse_measure("nDCG@10"), [PHOTOS, TEXTS], {PHOTOS: 0.7, TEXTS: 1.0}, CALIBRATED)
    assert chosen == {PHOTOS: 0.7, TEXTS: 1.0}


def test_one_seed_one_result() -> None:
    kept, qrels = made_up(2)
    train, out, split = halves(asked_of(kept), qrels, 5)
    one, other = (tune(kept, qrels, train, out, {}, seed=5, split=split) for _ in range(2))
    assert one == other


def test_a_kind_that_few_queries_meet_stays_as_it_is() -> None:
    """The six that have words would have them decide alone, and six are too few to say so."""
    kept, qrels = made_up(0)
    for id in list(kept)[:6]:
        one = kept[id]
        words = np.zeros(len(one.candidates))
        words[int(next(iter(qrels[id])))] = 5.0
        kept[id] = Kept(one.query, one.candidates, [*one.evidence, Evidence(0, 1.0, "image>words", words)], one.joint)
    found = tune(kept, qrels, list(kept), list(kept), {"image>words": 0.4})
    largest = max(choose(kept, qrels, parse_measure("nDCG@10"), [PHOTOS, TEXTS], found.before, CALIBRATED).values())
    assert found.weights["image>words"] == pytest.approx(0.4 / largest, abs=1e-6)
    assert found.notes == ["image>words: 6 queries to choose on are too few, its weight stays"]


def test_queries_of_several_parts_are_weighed_together() -> None:
    kept, qrels = made_up(0, parts=2)
    found = tune(kept, qrels, list(kept), list(kept), {})
    assert max(found.weights.values()) == 1 and found.weights[TEXTS] <= 0.3


def test_one_kind_of_evidence_alone() -> None:
    kept, qrels = made_up(0)
    alone = {id: Kept(k.query, k.candidates, [e for e in k.evidence if e.kind == PHOTOS], k.joint) for id, k in kept.items()}
    with pytest.raises(InputError, match=r"the queries meet one kind of evidence alone \(image>image\)") as raised:
        tune(alone, qrels, list(kept), list(kept), {})
    assert "mmsearch fuse" in str(raised.value.hint)


def test_noise_alone_is_reported_as_no_better() -> None:
    """What looks good on the queries that it was chosen on is told by the others."""
    rng = np.random.default_rng(3)
    kept, qrels = made_up(3)
    for one in kept.values():
        for e in one.evidence:
            e.similarity[:] = rng.normal(size=len(e.similarity))
    train, out, split = halves(asked_of(kept), qrels, 0)
    found = tune(kept, qrels, train, out, {}, split=split)
    row = found.rows[0]
    assert row["train"]["after"] > row["train"]["before"]
    assert row["difference"]["low"] < 0
    assert ("no better" in found.told()) != found.better and not found.sure
    assert found.better is (row["difference"]["mean"] > 0)


# -- parting ---------------------------------------------------------------------------------------------------------------------


def test_halves_of_every_make_of_query() -> None:
    queries = {f"t{n}": make_query(["x"]) for n in range(20)} | {f"p{n}": make_query(image=["x.jpg"]) for n in range(11)}
    qrels = {id: {"1": 1} for id in queries} | {"t0": {"1": 0}}
    train, out, split = halves(queries, qrels, 7)
    assert not set(train) & set(out) and set(train) | set(out) == set(queries) - {"t0"}
    assert (sum(id[0] == "t" for id in out), sum(id[0] == "p" for id in out)) == (9, 5)
    assert split == "half at random, seed 7"
    shuffled = dict(sorted(queries.items(), key=lambda pair: pair[0][::-1]))
    assert set(halves(shuffled, qrels, 7)[1]) == set(out), "the order of the file decides nothing"
    assert set(halves(queries, qrels, 8)[1]) != set(out)


def test_a_given_part_to_report_on() -> None:
    queries = {str(n): make_query(["x"]) for n in range(30)}
    first, second = ({str(n): {"1": 1} for n in part} for part in (range(12), range(12, 25)))
    train, out, split = halves(queries, first, 0, second)
    assert (len(train), len(out), split) == (12, 13, "as given")
    with pytest.raises(InputError, match="12 queries are judged in both files, the first of them 0"):
        halves(queries, first, 0, first | second)


@pytest.mark.parametrize("count", [0, 5, FEWEST - 1])
def test_too_few_queries(count: int) -> None:
    queries = {str(n): make_query(["x"]) for n in range(40)}
    qrels = {str(n): {"1": int(n < count)} for n in range(40)}
    with pytest.raises(InputError, match=f"of those judged {count} have a relevant product"):
        halves(queries, qrels, 0)


# -- with a store ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tuned")
    small_shop.make(folder, events=False)
    return folder


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Shop:
    shutil.copytree(built, tmp_path / "shop")
    return Shop(tmp_path / "shop" / "store.lancedb")


def judged(shop: Shop, *, by: str = "photo") -> tuple[dict[str, Query], dict[str, dict[str, int]]]:
    """Every product with a photo asked by its own photo (its colour is right), or every colour and kind asked in words."""
    queries, qrels = {}, {}
    for colour in small_shop.COLOURS:
        for kind in small_shop.KINDS:
            id, photo = f"{colour}-{kind}", Path(shop.store.path).parent / f"photos/{colour}-{kind}.png"
            if by == "photo" and not photo.exists():
                continue
            queries[id] = make_query(image=[str(photo)]) if by == "photo" else make_query([f"{colour} {kind}"])
            qrels[id] = {f"{colour}-{other}": 1 for other in small_shop.KINDS}
    return queries, qrels


@pytest.mark.parametrize("weights", [{}, {TEXTS: 0.0}, {TEXTS: 0.3, PHOTOS: 1.0}, {TEXTS: 1.0, PHOTOS: 0.1}])
def test_what_is_kept_ranks_as_a_search_with_these_weights_does(shop: Shop, weights: dict[str, float]) -> None:
    queries, qrels = judged(shop)
    queries["mixed"] = make_query(["red hat^2"], image=[str(Path(shop.store.path).parent / "photos/blue-hat.png")], not_text=["shoe"])
    kept = Engine(shop.store).keep(queries, 10, 1_000, understand=False)
    given = {id: Query(q.parts, weights=tuple(weights.items())) for id, q in queries.items()}
    for id, result in shop.search_many(given, k=10, understand=False).items():
        assert kept[id].best(weights, CALIBRATED, 10) == pytest.approx({hit.id: hit.score for hit in result}), id
    found, _ = evaluate_search(shop, given, qrels, ["nDCG@10"])
    ids = list(qrels)
    row = compared(kept, qrels, parse_measure("nDCG@10"), ids, ids, {}, weights, CALIBRATED, 0)
    assert row["after"]["mean"] == pytest.approx(found.means["nDCG@10"])


@pytest.mark.parametrize("limit", ["100000", "5"])
def test_what_queries_name_lifts_products_under_all_weights(shop: Shop, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the search that the weights are for: a colour, a brand, a price that is taken out of the text, and a typing error."""
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    texts = ("red hat", "Kandel shoe under 30", "yelow bag", "kettle")
    queries = {text: make_query([text]) for text in texts}
    weights = {TEXTS: 0.2, PHOTOS: 1.0, "text>words": 0.4}
    weigh(shop.store, "fake-fuser", weights, {})
    kept = Engine(shop.store).keep(queries, 10, 1_000)
    for id, result in shop.search_many(queries, k=10).items():
        assert kept[id].best(weights, CALIBRATED, 10) == pytest.approx({hit.id: hit.score for hit in result}), id
    assert [bool(kept[text].softly) for text in texts] == [True, True, True, False]
    plain = Engine(shop.store).keep(queries, 10, 1_000, understand=False)
    assert plain["red hat"].best(weights, CALIBRATED, 10) != kept["red hat"].best(weights, CALIBRATED, 10)


def test_tuned_weights_are_kept_and_used_by_search(shop: Shop) -> None:
    queries, qrels = judged(shop)
    before = shop.search_many(queries, k=10)
    found = shop.tune(queries, qrels, measures=["P@5", "nDCG@10"], accept=True)
    assert found.saved and found.profile == "fake-fuser" and [row["measure"] for row in found.rows] == ["P@5", "nDCG@10"]
    profile = profiles.load(Shop(shop.store.path).store, "fake-fuser")
    assert profile.weights == {kind: w for kind, w in found.weights.items() if w != 1}
    assert profile.version == 1 and profile.scores["tuned"]["weights"] == found.weights and profile.scores["products"] == 39
    kept = Engine(shop.store).keep(queries, 10, 1_000)
    after = shop.search_many(queries, k=10)
    for id, result in after.items():
        assert kept[id].best(found.weights, CALIBRATED, 10) == pytest.approx({hit.id: hit.score for hit in result})
    if profile.weights:
        assert {id: [h.score for h in r] for id, r in before.items()} != {id: [h.score for h in r] for id, r in after.items()}


def test_weights_that_are_not_certain_are_kept_on_request_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def wide(values: Sequence[float], seed: int = 0) -> Interval:
        """So few queries that the difference may be none, though its mean is a gain."""
        found = interval(values, seed)
        return Interval(abs(found.mean) + 0.04, -0.02, 0.1)

    monkeypatch.setattr(tune_fusion, "interval", wide)
    queries, qrels = judged(shop)
    found = shop.tune(queries, qrels)
    assert found.better and not found.sure and not found.saved and "do not make it certain" in found.told()
    kept = profiles.load(shop.store, "fake-fuser")
    assert kept.weights == {} and "tuned" not in kept.scores
    assert shop.tune(queries, qrels, accept=True).saved
    assert profiles.load(shop.store, "fake-fuser").scores["tuned"]["sure"] is False


def test_a_profile_keeps_its_weights_in_a_refit_and_says_so(shop: Shop) -> None:
    weigh(shop.store, "fake-fuser", {TEXTS: 0.25, PHOTOS: 1.0})
    told: list[str] = []
    assert shop.fuse(name="fake-fuser", force=True, told=told.append).weights == {TEXTS: 0.25}
    assert told == ["fake-fuser: its weights of search were chosen for version 1; choose them anew: mmsearch fuse --tune"]
    assert shop.fuse("concat", name="fake-fuser", replace=True).weights == {}


def test_weights_of_a_profile_are_told_by_explain_and_give_way_to_those_of_a_query(shop: Shop) -> None:
    weigh(shop.store, "fake-fuser", {TEXTS: 0.25, "text>image": 0.0})
    photo = str(Path(shop.store.path).parent / "photos/red-hat.png")

    def weights(**options: object) -> set[tuple[str, float]]:
        return {(c.evidence.split()[0], c.weight) for hit in shop.search(image=photo, **options) for c in hit.explain}  # type: ignore[arg-type]

    assert weights() == {("image", 1.0), ("text", 0.25)}
    assert weights(weights="text=.5") == {("image", 1.0), ("text", 0.5)}
    assert weights(within="image") == {("image", 1.0)}
    assert {c.evidence for hit in shop.search("red hat", understand=False) for c in hit.explain} == {"text", "words"}
    assert shop.search("red hat", within="image", k=1).hits, "asked for by name, photos are compared"


def test_weights_that_are_no_better_are_not_kept(shop: Shop) -> None:
    queries = judged(shop, by="text")[0]
    found = shop.tune(queries, {id: {id: 1} for id in queries}, measures=["R@1"])
    assert not found.better and not found.saved, "every title finds its product as it is"
    assert "no better" in found.told()
    assert profiles.load(shop.store, "fake-fuser").weights == {}


def test_a_profile_that_is_not_the_default_is_tuned_as_if_it_were(shop: Shop) -> None:
    shop.fuse("fake-fuser(ridge=5)", name="other", default=False)
    queries, qrels = judged(shop)
    found = shop.tune(queries, qrels, name="other", accept=True)
    assert found.profile == "other" and profiles.load(shop.store, "other").scores["tuned"]["seed"] == 0
    assert "tuned" not in profiles.load(shop.store, "fake-fuser").scores


def test_wrong_requests(shop: Shop, tmp_path: Path) -> None:
    queries, qrels = judged(shop)
    with pytest.raises(UsageError, match="no fusion profile 'nope'"):
        shop.tune(queries, qrels, name="nope")
    with pytest.raises(UsageError, match="nothing to tune by"):
        shop.tune(queries, qrels, measures=[])
    shop.drop_profile("fake-fuser")
    with pytest.raises(UsageError, match="there is no fusion profile to tune"):
        shop.tune(queries, qrels)


def test_shortening_keeps_what_any_kind_has_among_its_best() -> None:
    kept, _ = made_up(0, queries=1, products=50)
    one = kept["0"]
    short, evidence, rows = shortened(one.candidates, one.evidence, 5)
    assert 5 <= len(short) <= 10 and [one.candidates[row] for row in rows] == short
    for e, before in zip(evidence, one.evidence, strict=True):
        assert len(e.similarity) == len(short)
        assert {one.candidates[i] for i in np.argsort(-before.similarity)[:5]} <= set(short)
    mine = Kept(one.query, short, evidence, one.joint).best({}, CALIBRATED, 3)
    assert set(mine.items()) <= set(one.best({}, CALIBRATED, 50).items())


def test_weights_that_leave_a_part_nothing() -> None:
    kept, _ = made_up(0, queries=1)
    one = kept["0"]
    assert weighed_anew(one.query, one.evidence, {TEXTS: 0, PHOTOS: 0}) == []
    assert one.best({TEXTS: 0, PHOTOS: 0}, CALIBRATED, 3) == {}


def test_no_kind_is_tuned_away() -> None:
    """A product that has nothing but the kind that tells the judged queries nothing can still be found."""
    kept, qrels = made_up(4)
    for id, one in kept.items():
        right = int(next(iter(qrels[id])))
        for e in one.evidence:
            e.similarity[:] = (-9.0 if e.kind == TEXTS else 9.0) * (np.arange(len(one.candidates)) == right)
    found = tune(kept, qrels, list(kept), list(kept), {})
    assert 0 < found.weights[TEXTS] < 1 and found.weights[PHOTOS] == 1
