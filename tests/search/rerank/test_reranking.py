"""Reranking over the small shop: what the store knows, explanations that add up, pages, and what is wrong."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import small_shop

from mmsearch.errors import UsageError
from mmsearch.search.hits import Result
from mmsearch.shop import Shop

ALL = 100
BOOST = "boost(price=.3, popularity=.2, recency(by=listed, half_life=30d)=.1)"
CHAIN = f"mmr(lambda=.8) | {BOOST} | stock | pin(ids=[blue-hat]) | collapse(by=colour)"


@pytest.fixture(scope="module")
def shop(told: Shop) -> Shop:
    return told


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


@pytest.mark.parametrize("combine", ["calibrated", "rrf", "wsum"])
@pytest.mark.parametrize("limit", ["100000", "5"])
def test_contributions_add_up_to_the_score_that_is_printed(shop: Shop, combine: str, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    for hit in shop.search("red shoe", k=ALL, combine=combine, rerank=CHAIN):
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9), (
            "the page has bars without --explain, too"
        )
    result = shop.search("red shoe", k=ALL, combine=combine, explain=True, rerank=CHAIN)
    assert result.hits[0].id == "blue-hat"
    for hit in result:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9), hit.id
    assert all(a.score >= b.score for a, b in itertools.pairwise(result)), "the order is that of the scores"
    steps = {one.evidence.partition(":")[0] for hit in result for one in hit.explain if one.part == "rerank"}
    assert {"mmr", "boost price", "boost popularity", "pin"} <= steps
    [pinned] = [one.evidence for one in result.hits[0].explain if one.evidence.startswith("pin")]
    assert pinned.startswith("pin: place ") and pinned.endswith(" → 1")


def test_places_are_told_as_they_were(shop: Shop) -> None:
    """Those of equal scores too, which the id decides."""
    was = {hit.id: hit.rank for hit in shop.search(where="price > 0", k=ALL)}
    for hit in shop.search(where="price > 0", k=ALL, explain=True, rerank="bury(ids=[black-bag, twin-a])"):
        moved = [one.evidence for one in hit.explain]
        assert moved == ([f"bury: place {was[hit.id]} → {hit.rank}"] if hit.id in ("black-bag", "twin-a") else [])


def test_a_boost_has_the_unit_of_the_scores(shop: Shop) -> None:
    """.1 of a standard deviation is a small step whatever the scores are like."""
    for combine in ("calibrated", "rrf", "wsum"):
        plain = {hit.id: hit.score for hit in shop.search("red shoe", k=ALL, combine=combine)}
        spread = max(plain.values()) - min(plain.values())
        boosted = {hit.id: hit.score for hit in shop.search("red shoe", k=ALL, combine=combine, rerank="boost(price=.1)")}
        most = max(abs(boosted[id] - plain[id]) for id in plain)
        assert 0.005 * spread < most < 0.2 * spread, combine


def test_variants_are_one_with_their_parent(shop: Shop) -> None:
    shoes = "colour in ('red', 'blue', 'green') and title like '%shoe'"
    result = shop.search("shoe", where=shoes, rerank="collapse")
    assert [sorted([hit.id, *(hit.stands_for or [])]) for hit in result] == [["blue-shoe", "green-shoe", "red-shoe"]]
    assert result.candidates == 3
    assert result.hits[0].to_json()["stands_for"] == result.hits[0].stands_for
    assert "stands_for" not in shop.search("shoe", k=1).hits[0].to_json()
    assert [hit.stands_for for hit in shop.search("lamp", k=1, rerank="collapse")] == [[]]


def test_one_step_stands_for_what_a_step_before_put_together(shop: Shop) -> None:
    result = shop.search(where="title like '%shoe'", k=ALL, rerank="collapse | collapse(by=brand)")
    found = itertools.chain(*([hit.id, *(hit.stands_for or [])] for hit in result))
    assert sorted(found) == sorted(f"{colour}-shoe" for colour in small_shop.COLOURS)


def test_twins_are_one(shop: Shop) -> None:
    assert {"twin-a", "twin-b"} <= set(ids(shop.search("twin kettle", k=ALL)))
    result = shop.search("twin kettle", k=ALL, rerank="dedupe")
    assert (result.hits[0].id, result.hits[0].stands_for) == ("twin-a", ["twin-b"])
    assert "twin-b" not in ids(result)


def test_ratings_of_reviews_are_shrunk(shop: Shop) -> None:
    where = "title like '%shoe'"
    changes = {
        hit.id: sum(one.contribution for one in hit.explain) for hit in shop.search(where=where, explain=True, rerank="boost(rating=1)")
    }
    assert changes["green-shoe"] > changes["blue-shoe"] > 0 > changes["red-shoe"], "twenty reviews say more than one"
    assert changes["white-shoe"] == 0, "without reviews: neutral"


def test_without_a_query_a_boost_orders_the_category(shop: Shop) -> None:
    result = shop.search(where="title like '%shoe'", rerank="boost(price=1)")
    assert ids(result) == [f"{colour}-shoe" for colour in reversed(small_shop.COLOURS)]


@pytest.mark.parametrize("limit", ["100000", "5"])
def test_pages_are_cut_from_the_reranked_list(shop: Shop, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    chain = "mmr(lambda=.5) | collapse(by=colour)"
    whole = shop.search("red shoe", k=9, rerank=chain)
    pages = [shop.search("red shoe", k=3, page=page, rerank=chain) for page in (1, 2, 3)]
    assert [hit.id for page in pages for hit in page] == ids(whole)
    assert [hit.rank for page in pages for hit in page] == list(range(1, 10))


def test_facets_are_of_all_that_matches(shop: Shop) -> None:
    one, other = (shop.search("shoe", facets="brand", rerank=spec).facets for spec in (None, "collapse(by=brand)"))
    assert one == other


def test_pinned_products_pass_no_filter(shop: Shop) -> None:
    result = shop.search("red shoe", where="colour = 'red'", rerank="pin(ids=[blue-hat, red-cup])", understand=False)
    assert result.hits[0].id == "red-cup" and "blue-hat" not in ids(result)
    assert result.notes == ["the pinned product blue-hat is not in the list: a filter, the query or a step before left it out"]


def test_vectors_are_not_needed_where_they_are_not_asked_for(tmp_path: Path) -> None:
    made = Shop(tmp_path / "store.lancedb")
    made.ingest(small_shop.write_catalogue(tmp_path))
    assert len(made.search(where="colour = 'red'", rerank="mmr | dedupe | collapse | stock")) == 6


@pytest.mark.parametrize("where", ["colour = 'none'", "id = 'red-shoe'"])
def test_lists_of_none_and_of_one(shop: Shop, where: str) -> None:
    chain = "mmr | dedupe | dedupe(at=.9) | collapse | boost(price=1, popularity=1) | stock | pin(ids=[red-shoe]) | bury(ids=[red-cup])"
    plain, result = (shop.search("red shoe", where=where, rerank=spec, explain=True) for spec in (None, chain))
    assert [(hit.id, hit.explain[0]) for hit in result] == [(hit.id, hit.explain[0]) for hit in plain]
    assert result.candidates == plain.candidates == len(result)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mr", "unknown reranker 'mr'; did you mean mmr"),
        ("mmr |", "expected a name"),
        ("boost(prize=.1)", "no attribute|no product has an attribute 'prize'; did you mean price"),
        ("boost(brand=.1)", "brand has no numbers"),
        ("boost(listed=.1)", "listed has no numbers"),
        ("boost(recency(by=price)=.1)", "price has no dates"),
        ("collapse(by=images)", "images is a list"),
        ("collapse(by=colr)", "did you mean colour"),
        ("stock(by=brand)", "brand has no numbers"),
        ("pin(ids=[red-sho])", "there is no product red-sho; did you mean red-shoe"),
        ("bury(ids=[1, 2])", "there is no product 1 and 1 more"),
    ],
)
def test_what_is_wrong_is_said(shop: Shop, spec: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        shop.search("red shoe", rerank=spec)


def test_what_the_store_does_not_have_is_said(tmp_path: Path) -> None:
    made = Shop(tmp_path / "store.lancedb")
    made.ingest(small_shop.write_catalogue(tmp_path))
    reasons = {
        "popularity": "the store has none",
        "rating": "nor reviews with ratings",
        "recency": "no product has an attribute with dates",
    }
    for name, said in reasons.items():
        with pytest.raises(UsageError, match=said):
            made.search(where="price > 0", rerank=f"boost({name}=1)")


def test_a_list_is_either_sorted_or_reranked(shop: Shop) -> None:
    with pytest.raises(UsageError, match="--sort and --rerank"):
        shop.search("red shoe", sort="price", rerank="mmr")
