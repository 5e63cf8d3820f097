"""Queries in one go: whatever stands beside a query, it is answered as alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import small_shop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import mmsearch
from mmsearch import settings as threads_of
from mmsearch.search import engine, postings
from mmsearch.search.batches import ahead, each
from mmsearch.search.query import Query, make_query
from mmsearch.shop import Shop

ALL = 100
CLOSE = 1e-5  # a product that is completed stands between two others of a small store, which may be far from each other
WORDS = ["red", "Red,", "blue", "hat", "hats", "shoe", "twin", "kettle", "yelow", "kettel", "every", "day", "kandel", "x", "红色", "17x"]

Asked = tuple[str, str | None, str | None, str | None, str | None]
asked: st.SearchStrategy[Asked] = st.tuples(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join),
    st.sampled_from([None, None, "green-bag", "red-cup"]),
    st.sampled_from([None, None, "red hat", "twin"]),
    st.sampled_from([None, None, "stock > 1", "brand = 'Kandel'"]),
    st.sampled_from([None, None, None, "white-cup"]),
)


def query_of(shop: Shop, one: Asked) -> Query:
    said, photo, less, where, like = one
    photos = [str(Path(shop.store.path).parent / "photos" / f"{photo}.png")] if photo else []
    return make_query([said], image=photos, not_text=[less] if less else [], where=where, like=[like] if like else [])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(asked, min_size=2, max_size=6), block=st.integers(1, 7))
@example(many=[("twin kettle", None, None, None, None), ("kettle twin Twin", None, "twin", None, None)], block=2)
def test_what_is_asked_in_one_go_is_answered_as_alone(shop: Shop, many: list[Asked], block: int) -> None:
    """Ties, typing errors, photos, filters, what lowers: the same products in the same order, for the same reasons.

    Only what differs by less than vectors can be compared to may stand the other way round: one matrix product rounds otherwise.
    """
    queries = {f"q{n}": query_of(shop, one) for n, one in enumerate(many)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "BLOCK", block)
        together = shop.search_many(queries, k=ALL, explain=True)
    for id, query in queries.items():
        alone = shop.search_many({id: query}, k=ALL, explain=True)[id]
        hits, others = {h.id: h for h in together[id]}, {h.id: h for h in alone}
        assert set(hits) == set(others)
        for hit, other in zip(together[id], alone, strict=True):
            assert hit.score == pytest.approx(other.score, abs=CLOSE)
            assert others[hit.id].score == pytest.approx(hit.score, abs=CLOSE)
            assert [c.evidence for c in hit.explain] == [c.evidence for c in others[hit.id].explain]
            assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)
        if all(id in hits for id in small_shop.TWINS):  # whose scores are equal to the last digit, in one go and alone
            first, second = (hits[id] for id in small_shop.TWINS)
            assert (first.score, first.rank + 1) == (second.score, second.rank)
        assert (together[id].notes, together[id].candidates) == (alone.notes, alone.candidates)


def test_words_of_many_queries_are_looked_up_before_any_is_scored(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the steps of numpy each would take LanceDB twice as long."""
    asked: list[str] = []
    scoring = False

    def noted(store: Any, table: str, clause: Any, *others: Any) -> Any:
        assert not scoring, clause
        asked.append(clause.text)
        return find_rows(store, table, clause, *others)

    def score(*given: Any) -> Any:
        nonlocal scoring
        scoring = True
        try:
            return plain(*given)
        finally:
            scoring = False

    find_rows, plain = postings.find_rows, engine.Engine._score
    monkeypatch.setattr(threads_of, "threads", lambda: 1)
    monkeypatch.setattr(postings, "find_rows", noted)
    monkeypatch.setattr(engine.Engine, "_score", score)
    mmsearch.open(shop.store.path).search_many({text: make_query([text]) for text in ("red hat", "blue shoe", "red kettle")})
    assert sorted(asked) == sorted({"red", "hat", "blue", "shoe", "kettle"})
    asked.clear()
    mmsearch.open(shop.store.path).search_many({text: make_query([text], weights="words=0") for text in ("red hat", "blue shoe", "kettle")})
    assert asked == [], "of words that do not count nobody asks"


@pytest.mark.parametrize("threads", [1, 2])
def test_the_next_is_made_while_one_is_used(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_of, "threads", lambda: threads)
    made = [threading.Event() for _ in range(4)]
    for number in ahead(lambda n: made[n].set() or n, range(4)):
        assert threads == 1 or made[min(number + 1, 3)].wait(5)
    assert list(ahead(str, [])) == []
    assert list(ahead(str, [1])) == ["1"]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_fails_is_told(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_of, "threads", lambda: threads)
    for way in (ahead, each):
        found = way(lambda n: 1 // n, [2, 1, 0, 1])
        assert [next(found), next(found)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            next(found)
