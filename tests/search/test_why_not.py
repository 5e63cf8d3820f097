"""`why_not`: the first thing that kept a product out of a list."""

from __future__ import annotations

import pytest
import small_shop

from mmsearch.search.why_not import WhyNot
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only."""
    return small_shop.make(tmp_path_factory.mktemp("why"), events=False)


def why(shop: Shop, id: str, *args: object, **options: object) -> WhyNot:
    told = shop.search(*args, why_not=id, **options).why_not  # type: ignore[arg-type]
    assert told is not None and told.id == id and told.reasons
    return told


def test_it_does_not_exist(shop: Shop) -> None:
    told = why(shop, "red-sho", "red shoe")
    assert told.reasons[0].startswith("the store has no product red-sho") and "red-shoe" in told.reasons[0]
    assert why(shop, "' or 1=1 --", "red").reasons[0].startswith("the store has no product ' or 1=1 --")


def test_it_is_there(shop: Shop) -> None:
    told = why(shop, "red-shoe", "red shoe")
    assert (told.reasons, told.place) == (["it is in the list, at place 1"], 1)


def test_a_filter_keeps_it_out(shop: Shop) -> None:
    told = why(shop, "red-shoe", "shoe", where="price > 20 and colour = 'blue' and stock >= 0")
    assert told.reasons == [
        "it does not pass the filter price > 20: its price is 10.0",
        "it does not pass the filter colour = 'blue': its colour is 'red'",
    ]
    assert why(shop, "bare", where="colour = 'red'").reasons == ["it does not pass the filter colour = 'red': it has no colour"]


def test_what_is_required_keeps_it_out(shop: Shop) -> None:
    assert why(shop, "red-hat", 'title:"red shoe"').reasons == ['the query requires title:"red shoe", which it does not have']
    assert why(shop, "red-hat", "brand:ulm hat").reasons == ["the query requires brand:ulm, which it does not have"]


def test_it_has_nothing_to_compare(shop: Shop) -> None:
    assert why(shop, "empty", "red shoe", within="image").reasons[0].startswith("it has nothing that the query can be compared with")


def test_it_is_what_the_others_are_to_be_like(shop: Shop) -> None:
    assert "like it" in why(shop, "red-shoe", like="red-shoe").reasons[0]


def test_others_are_ahead_of_it(shop: Shop) -> None:
    told = why(shop, "black-lamp", "red shoe", k=3)
    whole = [hit.id for hit in shop.search("red shoe", k=100)]
    assert told.place == whole.index("black-lamp") + 1
    assert told.reasons[0] == f"by score it is at place {told.place} of {len(whole)}; 3 are shown, -k {told.place} would show it"
    assert (told.last, told.last_place) == (whole[2], 3)
    for of, score in (("product", told.score), ("last", told.last_score)):
        assert sum(getattr(one, of) or 0.0 for one in told.against) == pytest.approx(score, abs=1e-9)
    assert told.last in told.reasons[-1]


def test_a_page(shop: Shop) -> None:
    told = why(shop, "black-lamp", "red shoe", k=3, page=2)
    assert "this page shows the places 4 to 6" in told.reasons[0]


def test_a_step_put_it_together_with_another(shop: Shop) -> None:
    told = why(shop, "blue-shoe", "red shoe", k=3, rerank="collapse(by=brand)")
    assert told.reasons[0].startswith("collapse put it together with ") and "stands for it; it was at place" in told.reasons[0]


def test_a_step_moved_it(shop: Shop) -> None:
    told = why(shop, "red-shoe", "red shoe", k=3, rerank="bury(ids=[red-shoe])")
    assert any(line.startswith("bury took it from place 1 to ") for line in told.reasons)


def test_sorted_lists(shop: Shop) -> None:
    whole = [hit.id for hit in shop.search("shoe", sort="price", k=100)]
    told, end = why(shop, whole[-1], "shoe", sort="price", k=1), f"place {len(whole)} of the {len(whole)} that fit"
    assert len(whole) > 2 and told.place == len(whole)
    assert told.reasons == [f"in the order that --sort asks for it is at {end}; 1 is shown, -k {len(whole)} would show it"]
    assert f"at {end}; this page shows the places 2 to 2" in why(shop, whole[-1], "shoe", sort="price", k=1, page=2).reasons[0]
    every = [hit.id for hit in shop.search(sort="price desc", k=100)]
    assert why(shop, "red-shoe", sort="price desc", k=1).place == every.index("red-shoe") + 1
    outside = next(hit.id for hit in shop.search("shoe", k=100) if hit.id not in whole)
    assert "below half" in why(shop, outside, "shoe", sort="price", k=1).reasons[0]


def test_a_large_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "2")
    assert why(shop, "red-shoe", "red shoe").place == 1
    assert why(shop, "white-chair", "red shoe", k=1).reasons


def test_as_json(shop: Shop) -> None:
    out = why(shop, "black-lamp", "red shoe", k=1).to_json("q")
    assert (out["query"], out["why_not"], out["last"]["place"]) == ("q", "black-lamp", 1)
    assert {"part", "evidence", "product", "last"} == set(out["against"][0])
    assert why(shop, "nobody", "red").to_json()["last"] is None
