"""Search over the small shop: what is found, in which order, why, and what happens at the edges."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import small_shop
from fake_encoders import FakeImage, FakeText
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.errors import InputError, MMSearchError, StoreError, UsageError
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Combined, Evidence, Joint
from mmsearch.ranking.calibrated import Calibrated
from mmsearch.search.hits import Result
from mmsearch.search.query import make_query
from mmsearch.shop import Shop
from mmsearch.store.vector_index import has_index
from mmsearch.store.vectors import read_vectors

ALL = 100


@pytest.fixture
def own(tmp_path: Path) -> Shop:
    """A shop to change."""
    return small_shop.make(tmp_path, events=False)


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


def photo(shop: Shop, name: str) -> str:
    return str(Path(shop.store.path).parent / "photos" / f"{name}.png")


# -- order ---------------------------------------------------------------------------------------------------------


def test_text_finds_text_in_the_order_of_the_cosines(plain: Shop) -> None:
    rows = read_vectors(plain.store, plain.store.record.get("encoder/text")["table"])
    query = FakeText().encode(["a red hat for the day"]).vectors[0]
    cosines = dict(zip(rows.ids.to_pylist(), rows.vectors @ query, strict=True))
    result = plain.search("a red hat for the day", weights="words=0", k=ALL)
    assert ids(result) == sorted(cosines, key=lambda id: (-cosines[id], id))
    z = (np.array([cosines[id] for id in ids(result)]) - rows_mean(cosines)) / np.std(list(cosines.values()))
    np.testing.assert_allclose([hit.score for hit in result], z, atol=1e-5)


def rows_mean(cosines: dict[str, float]) -> float:
    return float(np.mean(list(cosines.values())))


@pytest.mark.parametrize("combine", ["calibrated", "rrf", "rrf(k=5)"])
def test_the_right_product_comes_first(shop: Shop, combine: str) -> None:
    assert ids(shop.search("red shoe", k=1, combine=combine)) == ["red-shoe"]
    assert ids(shop.search(image=photo(shop, "green-bag"), k=1, combine=combine)) == ["green-bag"]


def test_no_product_comes_twice_and_ranks_count_from_one(shop: Shop) -> None:
    result = shop.search("red shoe", image=photo(shop, "second"), like="blue-hat", k=ALL)
    assert len(set(ids(result))) == len(result) == result.candidates
    assert [hit.rank for hit in result] == list(range(1, len(result) + 1))
    assert [hit.score for hit in result] == sorted((hit.score for hit in result), reverse=True)


def test_equal_scores_come_in_the_order_of_their_ids(shop: Shop, own: Shop) -> None:
    for query in ("twin kettle", "red"):
        found = [hit for hit in shop.search(query, k=ALL) if hit.id in small_shop.TWINS]
        assert found[0].score == found[1].score
        assert [hit.id for hit in found] == list(small_shop.TWINS)
    assert ids(shop.search("twin kettle", k=1)) == [small_shop.TWINS[0]], "also where the cut falls between the two"
    # A row that was written again lies elsewhere in the table, and comes in the same order.
    folder = Path(own.store.path).parent
    own.ingest(small_shop.write_csv(folder / "again.csv", ("id", "title", "price"), [{"id": "twin-a", "title": "Twin kettle", "price": 8}]))
    own.embed()
    assert ids(own.search("twin kettle", k=2)) == list(small_shop.TWINS)
    assert ids(own.search("twin kettle", k=1)) == [small_shop.TWINS[0]]


def test_depth(shop: Shop) -> None:
    everything = shop.search("red shoe", k=ALL)
    assert len(everything) == 39, "all but the one of which only a brand is known that nobody asked for"
    assert small_shop.NOTHING not in ids(everything)
    assert small_shop.NOTHING in ids(shop.search("kandel", k=ALL))
    assert ids(shop.search("red shoe", k=7)) == ids(everything)[:7]
    with pytest.raises(UsageError, match="-k must be at least 1"):
        shop.search("red shoe", k=0)


def test_products_without_a_photo_or_without_a_text_surface(shop: Shop) -> None:
    assert ids(shop.search("green lamp", k=1)) == [small_shop.NO_PHOTO]
    assert small_shop.NO_TEXT in ids(shop.search("yellow hat", within="image", k=3))
    assert small_shop.NO_TEXT in ids(shop.search("yellow hat", k=ALL))
    assert small_shop.NO_TEXT in ids(shop.search(image=photo(shop, "yellow-hat"), k=10))
    assert small_shop.NO_PHOTO in ids(shop.search(image=photo(shop, "green-lamp"), k=ALL))


# -- what restricts ------------------------------------------------------------------------------------------------


def test_a_filter_restricts_before_the_ranking(shop: Shop) -> None:
    result = shop.search("red shoe", where="colour = 'black' and price >= 40", k=3)
    assert all(id.startswith("black-") for id in ids(result))
    assert len(result) == 3
    assert result.candidates == 6
    one = shop.search("red shoe", where="colour = 'black' and brand = 'Kandel'", k=3)
    everything = ids(shop.search("red shoe", k=ALL))
    assert [id for id in everything if id in ids(one)] == ids(one)


def test_a_filter_changes_no_score(shop: Shop) -> None:
    free = {hit.id: hit.score for hit in shop.search("red shoe", k=ALL)}
    for hit in shop.search("red shoe", where="stock < 2", k=ALL):
        assert hit.score == pytest.approx(free[hit.id], abs=1e-12)


def test_several_filters_must_all_hold(shop: Shop) -> None:
    queries = {"q": make_query(["shoe"], where=["colour = 'red'", "price < 13"])}
    assert sorted(ids(shop.search_many(queries, k=ALL)["q"])) == ["red-bag", "red-lamp", "red-shoe"]


def test_nothing_passes(shop: Shop) -> None:
    result = shop.search("red shoe", where="price > 1000")
    assert (ids(result), result.candidates) == ([], 0)
    assert result.notes == ["no product matches price > 1000"]


def test_in_compares_that_evidence_alone(shop: Shop) -> None:
    by_text = shop.search("red shoe", within="text", k=ALL)
    assert small_shop.NO_TEXT not in ids(by_text)
    assert {c.evidence for hit in by_text for c in hit.explain} == {"text", "words"}
    by_photo = shop.search("red shoe", within="image", k=ALL)
    assert not {small_shop.NO_PHOTO, *small_shop.TWINS} & set(ids(by_photo))
    assert all([c.evidence for c in hit.explain] == ["image through fake-fuser"] for hit in by_photo)
    by_profile = shop.search("red shoe", within="fake-fuser", k=ALL)
    assert {c.evidence for hit in by_profile for c in hit.explain} == {f"fake-fuser ({m})" for m in ("text", "image", "image+text")}


def test_in_a_profile_a_photo_alone_is_cross_modal_evidence_for_a_text(shop: Shop) -> None:
    hits = {hit.id: hit.explain[0] for hit in shop.search("yellow hat", within="fake-fuser", k=ALL)}
    assert hits[small_shop.NO_PHOTO].reliability == 1
    assert hits["yellow-hat"].reliability == 1
    assert 0 < hits[small_shop.NO_TEXT].reliability < 1


def test_a_product_is_liked_in_a_profile_by_all_that_is_known_of_it_at_once(shop: Shop) -> None:
    hits = {hit.id: hit for hit in shop.search(like="yellow-hat", within="fake-fuser", k=ALL)}
    assert "yellow-hat" not in hits
    assert all(len(hit.explain) == 1 for hit in hits.values())
    assert hits[small_shop.NO_PHOTO].explain[0].reliability == 1, "it has a text, and so has the liked one"
    by_photo = {hit.id: hit for hit in shop.search(like=small_shop.NO_TEXT, within="fake-fuser", k=ALL)}
    assert by_photo[small_shop.NO_PHOTO].explain[0].reliability < 1
    assert next(iter(by_photo)) == "yellow-hat"


def test_in_a_profile_that_does_not_compare_across_modalities(own: Shop) -> None:
    own.fuse("fake-fuser(crosses=false)", name="apart")
    found = ids(own.search("yellow hat", within="apart", k=ALL))
    assert small_shop.NO_PHOTO in found
    assert small_shop.NO_TEXT not in found
    with pytest.raises(InputError, match=r"text cannot be compared with the products' image") as raised:
        own.search("yellow hat", within="image")
    assert "mmsearch fuse" in str(raised.value.hint)


def test_in_what_is_not_there(shop: Shop, plain: Shop) -> None:
    with pytest.raises(UsageError, match="neither a modality nor a fusion profile; did you mean fake-fuser") as raised:
        shop.search("red", within="fakefuser")
    assert raised.value.hint == "there are: text, image, audio, video, fake-fuser"
    with pytest.raises(InputError, match="no audio vectors"):
        shop.search("red", within="audio")
    with pytest.raises(InputError, match="text cannot be compared with the products' image without a fusion profile") as told:
        plain.search("red", within="image")
    assert "mmsearch fuse" in str(told.value.hint)


def test_without_a_profile_only_the_same_modality_compares(plain: Shop) -> None:
    assert small_shop.NO_TEXT not in ids(plain.search("yellow hat", k=ALL))
    assert small_shop.NO_PHOTO not in ids(plain.search(image=photo(plain, "green-bag"), k=ALL))
    both = plain.search("yellow hat", image=photo(plain, "yellow-hat"), k=ALL)
    assert {small_shop.NO_TEXT, small_shop.NO_PHOTO} < set(ids(both))


# -- parts ---------------------------------------------------------------------------------------------------------


def test_like_finds_its_kin_and_leaves_itself_out(shop: Shop) -> None:
    result = shop.search(like="red-hat", k=ALL)
    assert "red-hat" not in ids(result)
    assert len(result) == 38
    assert ids(shop.search(like="twin-a", k=1)) == ["twin-b"]
    assert small_shop.NO_TEXT in ids(shop.search(like="yellow-hat", k=3))


def test_like_a_product_of_which_only_a_photo_is_known(shop: Shop) -> None:
    assert ids(shop.search(like=small_shop.NO_TEXT, k=1)) == ["yellow-hat"]


def test_like_what_is_not_there(shop: Shop) -> None:
    with pytest.raises(UsageError, match="there is no product red-sho; did you mean red-shoe"):
        shop.search(like="red-sho")
    with pytest.raises(InputError, match=f"the product {small_shop.NOTHING} has no vectors"):
        shop.search(like=small_shop.NOTHING)


@pytest.mark.parametrize("combine", ["calibrated", "rrf"])
def test_negatives_lower_but_never_exclude(shop: Shop, combine: str) -> None:
    """Nor does any of them exclude the very product that is named."""
    free = {hit.id: hit.score for hit in shop.search("hat", k=ALL, combine=combine)}
    for negative in ({"not_text": "red"}, {"not_image": photo(shop, "red-hat")}, {"unlike": "red-hat"}, {"unlike": "red-hat^3"}):
        lowered = {hit.id: hit.score for hit in shop.search("hat", **negative, k=ALL, combine=combine)}
        assert set(lowered) == set(free)
        assert all(lowered[id] <= free[id] + 1e-9 for id in free)
        assert lowered["red-hat"] < free["red-hat"]
        order = sorted(lowered, key=lambda id: -lowered[id])
        assert order.index("red-hat") > order.index("green-hat")


def test_a_part_of_weight_zero_says_nothing(shop: Shop) -> None:
    alone, beside = shop.search("red shoe", k=ALL), shop.search(["red shoe", "blue hat^0"], k=ALL)
    assert [(h.id, h.score) for h in beside] == [(h.id, h.score) for h in alone]


def test_weights_shift_the_answer(shop: Shop) -> None:
    def first(text: float, image: float) -> str:
        return ids(shop.search(f"red shoe^{text}", image=f"{photo(shop, 'green-bag')}^{image}", k=1))[0]

    assert first(1, 0.01) == "red-shoe"
    assert first(0.01, 1) == "green-bag"


def test_of_several_photos_the_best_counts_and_is_named(shop: Shop) -> None:
    for name, expected in (("second", "photos/second.png"), (small_shop.TWO_PHOTOS, f"photos/{small_shop.TWO_PHOTOS}.png")):
        result = shop.search(image=photo(shop, name), within="image", k=3)
        hit = next(h for h in result if h.id == small_shop.TWO_PHOTOS)
        assert hit.matched == {"image": expected}
        assert hit.explain[0].similarity == pytest.approx(1, abs=1e-5)
    assert shop.search("red shoe", within="text", k=1).hits[0].matched == {}


@pytest.mark.parametrize(("first", "second"), [("second", "red-shoe"), ("red-shoe", "second")])
def test_of_several_parts_the_one_that_adds_most_names_the_photo(shop: Shop, first: str, second: str) -> None:
    result = shop.search(image=[f"{photo(shop, first)}^3", photo(shop, second)], within="image", k=ALL)
    hit = next(h for h in result if h.id == small_shop.TWO_PHOTOS)
    assert hit.matched == {"image": f"photos/{first}.png"}


def test_photos_that_cannot_be_used(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the query image nowhere.png cannot be used: missing"):
        shop.search(image="nowhere.png")
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(InputError, match=r"text.jpg cannot be used"):
        shop.search(image=str(tmp_path / "text.jpg"))
    with pytest.raises(InputError, match=r"the query text !!! cannot be used"):
        shop.search("!!!")


# -- explanation ---------------------------------------------------------------------------------------------------

words = st.sampled_from(["red", "blue hat", "every day", "lamp", "yellow cup", "twin"])
weighted = st.tuples(words, st.floats(0.05, 3)).map(lambda t: f"{t[0]}^{t[1]:.3f}")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(weighted, max_size=2),
    photos=st.lists(st.sampled_from(["red-shoe", "second", "bare"]), max_size=2, unique=True),
    like=st.lists(st.sampled_from(["red-hat", "bare", "twin-a"]), max_size=1),
    not_text=st.lists(weighted, max_size=1),
    unlike=st.lists(st.sampled_from(["blue-cup", "green-lamp"]), max_size=1),
    where=st.sampled_from([None, "price < 30", "colour = 'red' or colour is null"]),
    within=st.sampled_from([None, "text", "image", "fake-fuser"]),
    combine=st.sampled_from(["calibrated", "rrf"]),
)
def test_every_score_is_the_sum_of_its_explanation(
    shop: Shop,
    text: list[str],
    photos: list[str],
    like: list[str],
    not_text: list[str],
    unlike: list[str],
    where: str | None,
    within: str | None,
    combine: str,
) -> None:
    if not (text or photos or like):
        return
    images = [photo(shop, name) for name in photos]
    result = shop.search(
        text, image=images, like=like, not_text=not_text, unlike=unlike, where=where, within=within, combine=combine, k=ALL
    )
    assert len(result)
    for hit in result:
        assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)
        assert all(0 < c.reliability <= 1 and np.isfinite(c.similarity) for c in hit.explain)
    assert not set(like) & set(ids(result))


def test_an_explanation_names_parts_and_evidence(shop: Shop) -> None:
    hit = shop.search("red shoe^3", image=photo(shop, "red-shoe"), not_text="red", k=1, understand=False).hits[0]
    assert [(c.part, c.evidence, c.share) for c in hit.explain] == [
        ("text: red shoe", "text", 0.75),
        ("text: red shoe", "image through fake-fuser", 0.75),
        ("text: red shoe", "words", 0.75),
        (f"image: {photo(shop, 'red-shoe')}", "text through fake-fuser", 0.25),
        (f"image: {photo(shop, 'red-shoe')}", "image", 0.25),
        ("not text: red", "text", -0.125),
        ("not text: red", "image through fake-fuser", -0.125),
        ("not text: red", "words", -0.125),
    ]
    assert sum(c.contribution for c in hit.explain if c.share < 0) < 0


def test_a_hit_as_json(shop: Shop) -> None:
    hit = shop.search("red shoe", k=1).hits[0]
    assert list(hit.to_json()) == ["rank", "id", "score", "title", "matched"]
    assert list(hit.to_json("q1", explain=True)) == ["query", "rank", "id", "score", "title", "matched", "explain"]
    assert hit.to_json()["title"] == "Red shoe"
    assert list(hit.to_json(explain=True)["explain"][0]) == [
        "part",
        "evidence",
        "share",
        "similarity",
        "contribution",
        "reliability",
        "weight",
    ]


# -- many queries, large stores, changing stores -------------------------------------------------------------------


def some_queries(shop: Shop) -> dict[str, dict[str, object]]:
    return {
        "text": {"text": ["red shoe"]},
        "photo": {"image": [photo(shop, "second")]},
        "mixed": {"text": ["hat^0.5"], "image": [photo(shop, "green-bag")], "not_text": ["black"]},
        "like": {"like": ["white-cup"]},
        "unlike": {"text": ["shoe"], "unlike": ["blue-shoe"]},
        "in": {"text": ["yellow hat"], "within": "image"},
        "profile": {"text": ["yellow hat"], "within": "fake-fuser"},
        "filter": {"text": ["red shoe"], "where": "stock > 1"},
        "narrow": {"text": ["red shoe"], "where": "colour = 'blue'"},
    }


def test_a_batch_answers_as_its_queries_alone(shop: Shop) -> None:
    given_queries = {id: make_query(**parts) for id, parts in some_queries(shop).items()}
    together = shop.search_many(given_queries, k=5)
    assert list(together) == list(given_queries)
    for id, query in given_queries.items():
        alone = shop.search_many({id: query}, k=5)[id]
        assert ids(together[id]) == ids(alone)
        np.testing.assert_allclose([h.score for h in together[id]], [h.score for h in alone], atol=1e-6)
    assert shop.search_many({}) == {}


def test_a_batch_is_longer_than_what_is_encoded_at_once(shop: Shop) -> None:
    given_queries = {f"{n}": make_query([f"red shoe number {n}"]) for n in range(150)}
    results = shop.search_many(given_queries, k=1)
    assert len(results) == 150
    assert ids(results["149"]) == ids(shop.search("red shoe number 149", k=1))


def test_a_query_that_cannot_be_encoded_is_named_wherever_it_stands(shop: Shop) -> None:
    given_queries = {f"{n}": make_query([f"red shoe number {n}" if n != 100 else "???"]) for n in range(150)}
    with pytest.raises(InputError, match=r"the query text \?\?\? cannot be used"):
        shop.search_many(given_queries)


def test_nearest_candidates_give_the_hits_that_comparing_everything_gives(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = {name: shop.search(k=10, **parts) for name, parts in some_queries(shop).items()}
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "5")
    fresh = Shop(shop.store.path)
    for name, parts in some_queries(fresh).items():
        near = fresh.search(k=10, **parts)
        assert ids(near) == ids(exact[name]), name
        np.testing.assert_allclose([h.score for h in near], [h.score for h in exact[name]], atol=1e-5, err_msg=name)
        assert [h.matched for h in near] == [h.matched for h in exact[name]]


def test_a_large_store_is_searched_until_enough_candidates_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest 200 are all red; the blue ones that the filter wants lie behind them."""
    rows = [{"id": f"r{i:03}", "title": f"red shoe {i}", "colour": "red"} for i in range(300)]
    rows += [{"id": f"b{i:03}", "title": f"shoe {i}", "colour": "blue"} for i in range(60)]
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="fake-text")
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "5")
    result = shop.search("red shoe", where="colour = 'blue'", k=20)
    assert len(result) == 20
    monkeypatch.delenv("MMSEARCH_EXACT_LIMIT")
    assert ids(result) == ids(shop.search("red shoe", where="colour = 'blue'", k=20))


def test_what_another_handle_writes_is_seen_by_the_next_search(own: Shop) -> None:
    assert ids(own.search("purple teapot", k=1)) != ["new"]
    other = Shop(own.store.path)
    folder = Path(own.store.path).parent
    other.ingest(small_shop.write_jsonl(folder / "more.jsonl", [{"id": "new", "title": "Purple teapot"}]))
    other.embed()
    assert ids(own.search("purple teapot", k=1)) == ["new"]
    other.ingest(small_shop.write_jsonl(folder / "more.jsonl", [{"id": "new", "title": "Brown sofa"}]))
    other.embed()
    assert ids(own.search("brown sofa", k=1)) == ["new"]
    assert own.search("purple teapot", k=1).hits[0].id != "new"


class Meddling(Calibrated):
    """A combiner during which another process brings a product."""

    store = ""
    calls = itertools.count()

    def combine(self, evidence: list[Evidence], joint: Joint) -> Combined:
        if next(self.calls) == 0:
            other = Shop(self.store)
            folder = Path(self.store).parent
            other.ingest(small_shop.write_jsonl(folder / "more.jsonl", [{"id": "a-new", "title": "Purple teapot", "colour": "red"}]))
            other.embed()
        return super().combine(evidence, joint)


def test_a_catalogue_that_changes_in_the_middle_of_a_batch(own: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Meddling, "store", own.store.path)
    COMBINERS.register("meddling", Meddling)
    try:
        queries = {str(n): make_query(["red shoe"], where="colour = 'red'") for n in range(3)}
        results = own.search_many(queries, k=ALL, combine="meddling")
    finally:
        COMBINERS.unregister("meddling")
    assert [ids(r) for r in results.values()] == [ids(results["0"])] * 3
    assert "a-new" in ids(own.search("red shoe", where="colour = 'red'", k=ALL))


def test_another_refit_is_used_by_the_next_search(own: Shop) -> None:
    own.search("red shoe", within="image")
    Shop(own.store.path).fuse("fake-fuser(ridge=100)")
    assert own.search("red shoe", within="image", k=ALL).hits == Shop(own.store.path).search("red shoe", within="image", k=ALL).hits


# -- stores that cannot answer -------------------------------------------------------------------------------------


def test_a_profile_whose_encoder_was_replaced_asks_for_a_refit(own: Shop) -> None:
    report = own.embed(text="fake-text(seed=1)")
    hint = "refit it: mmsearch fuse --name fake-fuser --method 'fake-fuser'"
    assert any(hint in line for line in report.notes)
    with pytest.raises(StoreError, match="made with another text encoder") as raised:
        own.search("red shoe")
    assert raised.value.hint == hint
    own.fuse("fake-fuser", name="fake-fuser")
    assert ids(own.search("red shoe", k=1)) == ["red-shoe"]


@pytest.mark.parametrize("stage", ["nothing", "events", "products"])
def test_a_store_that_is_not_ready(tmp_path: Path, stage: str) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    told = {"nothing": "there is no store", "events": "the store has no products", "products": "the store has no text vectors"}
    if stage == "events":
        shop.ingest(small_shop.write_events(tmp_path))
    if stage == "products":
        shop.ingest(small_shop.write_catalogue(tmp_path))
    with pytest.raises(MMSearchError, match=told[stage]) as raised:
        shop.search("red")
    assert "mmsearch" in str(raised.value.hint)


def test_wrong_requests_are_told_before_anything_is_encoded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(*_: object) -> None:
        raise AssertionError("encoded")

    monkeypatch.setattr(FakeText, "encode", encode)
    monkeypatch.setattr(FakeImage, "encode", encode)
    for wrong in ({"where": "price <"}, {"where": "nope = 1"}, {"combine": "nope"}, {"k": -1}):
        with pytest.raises(UsageError):
            shop.search("red", **wrong)


def test_a_batch_on_several_threads_answers_as_on_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    given_queries = {f"{colour} {kind}": make_query([f"{colour} {kind}"]) for colour in ("red", "blue") for kind in ("hat", "bag", "cup")}
    monkeypatch.setenv("MMSEARCH_THREADS", "4")
    several = Shop(shop.store.path).search_many(given_queries, k=7)
    monkeypatch.setenv("MMSEARCH_THREADS", "1")
    assert several == Shop(shop.store.path).search_many(given_queries, k=7)


def test_a_large_store_is_searched_by_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`embed` makes it, and what it finds is what comparing everything finds."""
    colours, kinds = sorted(small_shop.COLOURS), small_shop.KINDS
    rows = [{"id": f"{i:04}", "title": f"{colours[i % 6]} {kinds[i // 6 % 6]} number {i}", "stock": i % 50} for i in range(1_200)]
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "1000")
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", rows))
    shop.embed(text="fake-text")
    assert has_index(shop.store.dataset(shop.store.record.get("encoder/text")["table"]))
    queries = {f"{c} {k}": make_query([f"{c} {k}"]) for c in colours for k in kinds}
    queries |= {f"few {c}": make_query([f"{c} hat"], where="stock < 1") for c in colours}
    by_index = shop.search_many(queries, k=10)
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "100000")
    exact = Shop(shop.store.path).search_many(queries, k=10)
    recall = [len(set(ids(by_index[id])) & set(ids(exact[id]))) / len(exact[id]) for id in queries]
    assert np.mean(recall) > 0.9
    assert all(ids(by_index[f"few {c}"]) == ids(exact[f"few {c}"]) for c in colours), "of few that pass all are compared"
