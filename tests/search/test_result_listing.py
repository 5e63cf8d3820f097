"""Pages, sorting, facets and browsing over the small shop."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import small_shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.errors import UsageError
from mmsearch.ranking.base import Combined, Joint
from mmsearch.search.answers import Scored, matches
from mmsearch.search.hits import Result
from mmsearch.search.query import make_query
from mmsearch.shop import Shop
from mmsearch.store.attributes import load_attributes

ALL = 100


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Products without vectors. Read only."""
    folder = tmp_path_factory.mktemp("products")
    made = Shop(folder / "store.lancedb")
    made.ingest(small_shop.write_catalogue(folder))
    return made


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


def rows(tmp_path: Path) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in small_shop.rows(tmp_path)}


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", [[], ["price desc"], ["brand", "price"]])
@pytest.mark.parametrize("limit", ["100000", "5"])
def test_pages_cut_one_list(shop: Shop, monkeypatch: pytest.MonkeyPatch, sort: list[str], limit: str) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    fresh = Shop(shop.store.path)
    whole = fresh.search("hat", k=ALL, sort=sort)
    pages = math.ceil(len(whole) / 4)
    cut = [fresh.search("hat", k=4, page=page, sort=sort) for page in range(1, pages + 2)]
    assert [id for page in cut for id in ids(page)] == ids(whole)
    assert [hit.rank for page in cut for hit in page] == list(range(1, len(whole) + 1))
    assert [len(page) for page in cut[:-2]] == [4] * (pages - 1)
    assert pages > 1
    assert (ids(cut[-1]), cut[-1].notes[-1]) == ([], f"page {pages + 1} is beyond the last: there are {pages} pages of 4")
    assert len({page.candidates for page in [*cut, whole]}) == 1


def test_pages_of_a_large_store_do_not_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Photo and text bring other candidates: those of a page must not depend on how deep it is."""
    many = [{"id": f"p{i:03}", "title": f"{'red' if i % 3 else 'blue'} {'shoe' if i % 2 else 'lamp'} {i}"} for i in range(700)]
    big = Shop(tmp_path / "store.lancedb")
    big.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", many))
    big.embed(text="fake-text")
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "5")
    cut = [id for page in range(1, 6) for id in ids(big.search(["red shoe", "blue lamp^0.7"], k=60, page=page))]
    assert len(set(cut)) == len(cut) == 300
    assert cut == ids(big.search(["red shoe", "blue lamp^0.7"], k=300, page=1))


def test_one_page_beyond_a_single_one(shop: Shop) -> None:
    result = shop.search("red shoe", where="price < 12", k=50, page=2)
    assert (ids(result), result.notes[-1]) == ([], "page 2 is beyond the last: there is 1 page of 50")


def test_more_hits_than_the_store_has(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("100000", "5"):
        monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
        fresh = Shop(shop.store.path)
        assert len(fresh.search("red shoe", k=10**9)) == len(fresh.search("red shoe", k=ALL)) >= 39
        assert all(hit.title for hit in fresh.search("twin kettle", k=10**9).hits[:2])
        beyond = 10**400  # more than any number of the libraries
        assert len(fresh.search("hat", k=beyond, facets="brand")) == len(fresh.search("hat", k=ALL))
        assert len(fresh.search("hat", k=beyond, sort="price")) == len(fresh.search("hat", k=ALL, sort="price"))
        assert len(fresh.search(sort="price", k=beyond)) == 40
        assert fresh.search("hat", page=beyond).hits == fresh.search("hat", page=beyond, sort="price").hits == []


def test_numbers_below_one(shop: Shop) -> None:
    with pytest.raises(UsageError, match="--page counts from 1, not 0"):
        shop.search("red", page=0)
    with pytest.raises(UsageError, match="-k must be at least 1, not 0"):
        shop.search("red", k=0, page=1)


# -- sorting -----------------------------------------------------------------------------------------------------------


def matching(shop: Shop, query: str, **more: object) -> dict[str, float]:
    """id → score of what matches: at least half of the best score."""
    found = {hit.id: hit.score for hit in shop.search(query, k=ALL, **more)}  # type: ignore[arg-type]
    assert max(found.values()) > 0
    return {id: score for id, score in found.items() if score >= max(found.values()) / 2}


def test_what_matches_is_sorted_and_keeps_its_scores(shop: Shop, tmp_path: Path) -> None:
    scores, everything = matching(shop, "hat"), shop.search("hat", k=ALL)
    assert 5 < len(scores) < len(everything) - 5
    result = shop.search("hat", sort=["brand", "stock desc"], k=ALL)
    known = rows(tmp_path)

    def key(id: str) -> tuple[object, ...]:
        brand, stock = known[id].get("brand"), known[id].get("stock")
        return (brand is None, brand or "", stock is None, -int(str(stock or 0)), -scores[id], id)

    assert ids(result) == sorted(scores, key=key)
    assert {hit.id: hit.score for hit in result} == scores
    assert all(hit.explain for hit in result)
    assert result.candidates == len(everything)
    assert result.notes[-1] == f"{len(scores)} of {len(everything)} products fit the query well enough to be sorted"


@pytest.mark.parametrize(
    ("scores", "query", "expected"),
    [
        ([4.0, 2.0, 1.9, -3.0, np.nan], "hat", [True, True, False, False, False]),
        ([-1.0, -2.0, np.nan], "hat", [True, True, False]),
        ([np.nan, np.nan], "hat", [False, False]),
        ([], "hat", []),
        ([0.0, 0.0, np.nan], "", [True, True, False]),
    ],
)
def test_what_a_query_matches(scores: list[float], query: str, expected: list[bool]) -> None:
    total = np.array(scores)
    candidates = pa.array([str(i) for i in range(len(scores))], pa.string())
    scored = Scored(candidates, [], [], [], Combined(total, np.empty((0, len(scores)))), Joint())
    assert matches(make_query([query] if query else [], browse=True), scored).tolist() == expected


def test_an_unknown_attribute_is_told_before_anything_is_compared(shop: Shop) -> None:
    with pytest.raises(UsageError, match="--sort: no product has an attribute 'prise'; did you mean price"):
        shop.search("???", sort="prise")
    with pytest.raises(UsageError, match="--facet: no product has an attribute 'brnd'; did you mean brand"):
        shop.search("???", facets="brnd")


# -- facets ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["100000", "5"])
def test_facets_count_all_that_matches_not_the_page(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    fresh = Shop(shop.store.path)
    result = fresh.search("hat", where="price > 12", facets=["brand", "colour(2)", "brand"], k=1)
    known = rows(tmp_path)
    counted = [known[id] for id in matching(fresh, "hat", where="price > 12")]
    assert len(counted) > 3
    brands = Counter(row.get("brand") for row in counted)
    assert [facet["facet"] for facet in result.facets] == ["brand", "colour"], "asked twice, told once"
    assert {line["value"]: line["count"] for line in result.facets[0]["values"]} == {b: n for b, n in brands.items() if b}
    assert result.facets[0]["missing"] == brands[None]
    assert (len(result.facets[1]["values"]), result.facets[1]["more"]) == (2, len({r["colour"] for r in counted if "colour" in r}) - 2)
    assert len(result) == 1
    assert result.notes[-1].endswith("products fit the query well enough to be counted")
    for page in (1, 2, 99):
        assert fresh.search("hat", where="price > 12", facets=["brand", "colour(2)"], k=3, page=page).facets == result.facets


def test_a_click_finds_what_was_counted(products: Shop) -> None:
    for facet in products.search(where="price > 12", facets=["brand", "price(4)", "stock", "colour"]).facets:
        for line in facet["values"]:
            assert line["where"] is not None
            assert len(products.search(where=f"price > 12 and {line['where']}", k=ALL)) == line["count"]


def test_the_product_that_hits_are_to_be_like_is_not_counted(shop: Shop) -> None:
    (facet,) = shop.search(like="red-shoe", facets="id(100)", k=1).facets
    assert len(facet["values"]) > 1
    assert "red-shoe" not in [line["value"] for line in facet["values"]]


def test_facets_of_nothing(shop: Shop) -> None:
    result = shop.search("red", where="price > 1000", facets=["brand", "price"])
    assert result.facets == [{"facet": n, "values": [], "more": 0, "missing": 0} for n in ("brand", "price")]


# -- without a query ---------------------------------------------------------------------------------------------------


def test_a_filter_alone_lists_what_passes(products: Shop, tmp_path: Path) -> None:
    known = rows(tmp_path)
    assert ids(products.search(where="colour = 'red'")) == sorted(id for id, row in known.items() if row.get("colour") == "red")
    result = products.search(sort="price desc", k=3, page=2)
    assert ids(result) == sorted(known, key=lambda id: (-float(str(known[id]["price"])), id))[3:6]
    assert [(hit.rank, hit.score, hit.explain) for hit in result] == [(4, 0.0, []), (5, 0.0, []), (6, 0.0, [])]
    assert result.candidates == len(known)
    (facet,) = products.search(facets="brand", where="brand = 'Ulm'").facets
    assert facet["values"] == [{"value": "Ulm", "count": 24, "where": "brand = 'Ulm'"}]


def test_without_a_query_everything_is_sorted(products: Shop) -> None:
    assert len(products.search(sort="price", k=ALL)) == 40


def test_nothing_at_all_is_still_an_empty_query(products: Shop) -> None:
    with pytest.raises(UsageError, match="the query is empty"):
        products.search()
    with pytest.raises(UsageError, match="only negative parts"):
        products.search(not_text="red", where="price > 1")


@pytest.mark.parametrize("comparing", [{"within": "text"}, {"weights": "text=1"}, {"expand": True}])
def test_what_compares_needs_a_query(shop: Shop, comparing: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="without a query nothing is compared"):
        shop.search(where="price > 1", **comparing)  # type: ignore[arg-type]


# -- nothing found -----------------------------------------------------------------------------------------------------


def test_a_filter_that_nothing_passes_names_its_clauses(shop: Shop) -> None:
    assert shop.search("red", where="brand = 'Ulm' and price > 1000").notes[-1] == (
        "no product matches brand = 'Ulm' and price > 1000: by itself, price > 1000 leaves none, brand = 'Ulm' leaves 24; "
        "without price > 1000 there would be 24"
    )


def test_what_passes_and_has_nothing_to_compare(shop: Shop) -> None:
    result = shop.search("red", within="image", where=f"id in ('{small_shop.NO_PHOTO}', '{small_shop.NOTHING}')")
    assert result.notes == ["none of the 2 products that pass the filter has the evidence that the query compares"]
    alone = shop.search("red", within="image", where=f"id = '{small_shop.NOTHING}'")
    assert alone.notes == ["the one product that passes the filter lacks the evidence that the query compares"]


def test_only_what_the_query_asks_by_passes(shop: Shop) -> None:
    asked = shop.search(like=["red-shoe", "red-hat"], where="id in ('red-shoe', 'red-hat')")
    assert not len(asked)
    assert asked.notes == ["only products that the query asks by pass the filter (red-shoe, red-hat): they are no hits themselves"]
    besides = shop.search(like="red-shoe", where="id in ('red-shoe', 'empty')")
    assert besides.notes == ["none of the 2 products that pass the filter has the evidence that the query compares"]


# -- whatever is typed ---------------------------------------------------------------------------------------------------

_SIGNS = st.text(st.sampled_from("pricebrandstock '\"`()[]{}%_\\;-=<>,.0159\n\t红\u202e\x00\ud800"), max_size=20)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.one_of(st.sampled_from(["price", "brand", "stock"]), _SIGNS, st.text(max_size=20)),
    suffix=st.sampled_from(["", "(3)", " desc", "'", "; --"]),
)
def test_no_name_breaks_out(products: Shop, name: str, suffix: str) -> None:
    """It names an attribute, or is refused with a reason; nothing else can come of it."""
    for asked in ({"facets": name + suffix}, {"sort": name + suffix}):
        try:
            result = products.search(where="price > 0", k=3, **asked)  # type: ignore[arg-type]
        except UsageError as error:
            assert error.message
        else:
            assert len(result) == 3
            known = load_attributes(products.store)
            assert name.strip().strip("`") in {*known.columns, *known.sparse, *known.facts}
