"""No dead ends: what gives way where nothing has all that is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.errors import UsageError
from mmsearch.search.hits import Result
from mmsearch.search.query import make_query
from mmsearch.search.relax import FIELD, FILTER, Demand, Weaker, relaxed
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(plain: Shop) -> Shop:
    return plain


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


def test_a_phrase_becomes_its_words(shop: Shop) -> None:
    found = shop.search('"shoe red"', relax="words", k=50, understand=False)
    assert ids(found) == ["red-shoe"], "its words are still required"
    assert found.relaxed == ['"shoe red"']
    assert found.notes == ['nothing matches all that is asked for; relaxed: "shoe red" (its words, in any order)']
    assert not shop.search('"shoe red"').hits, "not unless asked for"


def test_then_ordinary_words(shop: Shop) -> None:
    found = shop.search('title:"shoe unicorn"', relax="words", k=50)
    assert found.relaxed == ['title:"shoe unicorn"']
    assert found.notes[0].endswith('relaxed: title:"shoe unicorn" (as ordinary words)')
    assert found.candidates > 1 and ids(found)[0].endswith("-shoe")


def test_a_field_word_becomes_an_ordinary_word(shop: Shop) -> None:
    found = shop.search("brand:nike red shoe", relax="words")
    assert (found.relaxed, ids(found)[0]) == (["brand:nike"], "red-shoe")


def test_never_more_than_needed(shop: Shop) -> None:
    found = shop.search('brand:nike "red shoe" title:shoe', relax="words", k=50)
    assert (found.relaxed, ids(found)) == (["brand:nike"], ["red-shoe"])
    whole = shop.search('"red shoe" brand:kandel', relax="all", where="price < 1000", k=50, understand=False)
    assert (whole.relaxed, ids(whole)) == ([], ["red-shoe"]), "what has hits is left as it is"
    assert not whole.notes


def test_a_filter_gives_way_last_and_only_if_asked_for(shop: Shop) -> None:
    where = "price > 1000 and colour = 'red' and stock >= 0"
    kept = shop.search("shoe", where=where, relax="words")
    assert not kept.hits and not kept.relaxed
    assert "without price > 1000 there would be 6" in kept.notes[0]
    assert kept.notes[1:] == ["--relax would show 6 products: price > 1000 (left out)"]
    assert len(shop.search("shoe", where="price > 1000", relax="words").notes) == 1, "of a single filter that goes without saying"
    found = shop.search("shoe", where=where, relax="all")
    assert (found.relaxed, ids(found)[0]) == (["price > 1000"], "red-shoe")
    assert all(id.startswith("red-") for id in ids(found)), "the other clauses hold"
    assert shop.search('"shoe red"', where="colour = 'red'", relax="all").relaxed == ['"shoe red"']


def test_of_clauses_one_of_which_is_enough_that_which_leaves_the_most(shop: Shop) -> None:
    found = shop.search("shoe", where="colour = 'red' and title = 'Red shoe' and brand = 'Ulm'", relax="all")
    assert found.relaxed == ["title = 'Red shoe'"], "4 red ones by Ulm; without the brand 1"


def test_a_filter_alone_is_relaxed_too(shop: Shop) -> None:
    found = shop.search(where="price > 1000 and colour = 'red'", relax="all", k=50)
    assert (found.relaxed, len(found)) == (["price > 1000"], 6)


def test_more_clauses_than_are_asked_one_by_one_stay(shop: Shop) -> None:
    where = " and ".join(f"price > {n}" for n in range(1_000, 1_060))
    found = shop.search("brand:nike shoe", where=where, relax="all")
    assert not found.hits and not found.relaxed


def test_each_query_of_many_by_itself(shop: Shop) -> None:
    queries = {"a": make_query(["brand:nike shoe"]), "b": make_query(["brand:kandel shoe"])}
    found = shop.search_many(queries, relax="words")
    assert (found["a"].relaxed, found["b"].relaxed) == (["brand:nike"], [])
    assert not shop.search_many(queries)["a"].hits


def test_a_hit_says_so(shop: Shop) -> None:
    found = shop.search("brand:nike red shoe", relax="words", k=1)
    assert found.hits[0].to_json(of=found)["relaxed"] == ["brand:nike"]
    assert "relaxed" not in found.hits[0].to_json()


def test_what_may_be_relaxed_has_names(shop: Shop) -> None:
    with pytest.raises(UsageError, match="relax is 'much'"):
        shop.search("shoe", relax="much")  # type: ignore[arg-type]


# Demands of any kind on a few products: bits of who has what, weaker forms have at least these.
_MASKS = st.lists(st.booleans(), min_size=6, max_size=6).map(np.array)
_FORMS = st.sampled_from([(1, 2), (2,), (3,), ()])


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        has = mask = draw(_MASKS)
        weaker = []
        for step in draw(_FORMS):
            has = has | draw(_MASKS) if step == 1 else np.ones(6, dtype=bool)
            weaker.append(Weaker(step, "less", has))
        made.append(Demand(str(number), mask, tuple(weaker)))
    return made


@given(demands(), st.sampled_from([FIELD, FILTER]))
def test_it_is_relaxed_wherever_that_helps_and_no_further(some: list[Demand], last: int) -> None:
    weakest = [[0, *(n for n, weaker in enumerate(one.weaker, 1) if weaker.step <= last)][-1] for one in some]
    helps = np.logical_and.reduce([one.at(level) for one, level in zip(some, weakest, strict=True)]).any()
    found = relaxed(some, last)
    assert (found is not None) == helps
    if found is None:
        return
    assert found.mask.any()
    for one in some:
        if one.text in found.texts:
            assert not (found.mask & one.mask).any(), "beside the others as they are, it could not have stayed"
        else:
            assert not (found.mask & ~one.mask).any(), "it holds for all that is found"
    if (words := relaxed(some, FIELD)) is not None:
        assert found.texts == words.texts, "filters give way only where words do not suffice"
