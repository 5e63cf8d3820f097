"""Queries in one go: whatever stands beside a query, it is answered as alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mmsearch.search import engine
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
