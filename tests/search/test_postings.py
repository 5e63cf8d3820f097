"""Words of queries asked one by one: their scores add up to LanceDB's own, and are the same whatever was asked before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mmsearch.lexical.fields import PIECES, SCRIPTS, TABLE, WORDS
from mmsearch.search import postings
from mmsearch.search.postings import Postings
from mmsearch.search.rows import Rows, rows_of
from mmsearch.shop import Shop
from mmsearch.store.fulltext import Clause, find_rows, row_ids_of

texts = st.lists(
    st.sampled_from(
        ["red", "RED,", "Hat", "hats", "(shoe)", "kettle.", "twin", "every-day", "a", "xylophone", '17"', "Ünder", "红色", "kandel"]
    ),
    min_size=1,
    max_size=20,
).map(" ".join)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def located(shop: Shop) -> tuple[pa.Array, Rows]:
    products = pa.concat_arrays(shop.store.read("products", ["id"]).column("id").chunks)
    ids, _, row_ids = row_ids_of(shop.store, TABLE, SCRIPTS)
    return products, rows_of(row_ids, ids, products)


def fresh(shop: Shop) -> Postings:
    products, rows = located(shop)
    return Postings(shop.store, TABLE, rows, len(products))


@pytest.fixture(scope="module")
def kept(shop: Shop) -> Postings:
    return fresh(shop)


@many
@given(text=texts, column=st.sampled_from([WORDS, PIECES, "title"]), boost=st.sampled_from([1.0, 0.5]))
@example(text="red red Red", column=WORDS, boost=1.0)
@example(text="...", column=WORDS, boost=1.0)
@example(text='17" red 红 17x 红色 hat', column=PIECES, boost=0.5)
def test_scores_are_those_of_the_whole_text(shop: Shop, kept: Postings, text: str, column: str, boost: float) -> None:
    products, rows = located(shop)
    clause = Clause(text, column, boost)
    row_ids, bm25 = find_rows(shop.store, TABLE, clause, len(products))
    whole = np.zeros(len(products))
    whole[rows.found(row_ids)] = bm25
    scores = kept.scores(clause)
    np.testing.assert_allclose(scores, whole, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(scores > 0, whole > 0)
    assert kept.any(clause) == bool(len(row_ids))
    np.testing.assert_array_equal(scores, fresh(shop).scores(clause), "what was asked before changes no digit")


def test_codes_are_asked_together_and_characters_apart(kept: Postings) -> None:
    clause = Clause("17x 跑 ddr2 跑步", PIECES)
    assert kept.unknown([clause, clause]) == [("跑", PIECES, "any"), ("跑步", PIECES, "any"), ("17x ddr2", PIECES, "any")]
    assert kept.scores(clause) is not None
    assert kept.unknown([clause]) == []


def test_what_is_said_twice_counts_twice_and_twins_tie(kept: Postings) -> None:
    once, twice = kept.scores(Clause("twin", WORDS)), kept.scores(Clause("twin twin", WORDS))
    np.testing.assert_array_equal(twice, 2 * once)
    found = once[once > 0]
    assert len(found) == 2 and found[0] == found[1]


@pytest.mark.parametrize("how", ["all", "phrase"])
def test_words_that_belong_together_are_asked_together(kept: Postings, how: str) -> None:
    assert kept.any(Clause("red hat", WORDS, how=how))  # type: ignore[arg-type]
    assert not kept.any(Clause("red kettle", WORDS, how=how))  # type: ignore[arg-type]


def test_no_more_is_kept_than_said(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "KEPT", 10)
    small, large = fresh(shop), fresh(shop)
    for text in ("red hat", "twin", "blue hat", "kettle twin", "red hat"):
        clause = Clause(text, WORDS)
        np.testing.assert_array_equal(small.scores(clause), large.scores(clause))
        assert small.size() <= 10


def test_what_is_learned_before_it_is_needed_takes_a_quarter_at_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "KEPT", 40)
    some = fresh(shop)
    words = some.unknown([Clause("red hat kettle twin blue shoe", WORDS)])
    assert len(words) == 6
    for word in words:
        some.learn(*word)
    learned = [word for word in words if word not in some.unknown([Clause("red hat kettle twin blue shoe", WORDS)])]
    assert learned == words[: len(learned)] and 0 < len(learned) < 6
    sizes = [int(np.count_nonzero(some.scores(Clause(text, WORDS)))) for text, *_ in learned]
    assert sum(sizes[:-1]) < 10 <= sum(sizes)
    rest = some.unknown([Clause("red hat kettle twin blue shoe", WORDS)])
    for word in rest:
        some.learn(*word)
    assert len(some.unknown([Clause("kettle twin blue shoe", WORDS)])) < len(rest), "the next may learn as much again"


def test_threads_share_words(shop: Shop) -> None:
    shared = fresh(shop)
    clauses = [Clause(f"{colour} {kind}", WORDS) for colour in ("red", "blue", "black") for kind in ("hat", "bag", "twin")] * 5
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(shared.scores, clauses))
    for clause, scores in zip(clauses, together, strict=True):
        np.testing.assert_array_equal(scores, fresh(shop).scores(clause))
    assert shared.size() == sum(
        np.count_nonzero(shared.scores(Clause(word, WORDS))) for word in ("red", "blue", "black", "hat", "bag", "twin")
    )


def test_a_word_that_too_many_say_is_not_listed_and_scored_all_the_same(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ("red hat", "hat twin", "twin kettle", "yelow hat")
    listed = {limit: answers(shop, queries, limit, monkeypatch) for limit in ("100000", "5")}
    monkeypatch.setattr(postings, "COMMON", 3)
    own = fresh(shop)
    assert own.scores(Clause("twin hat", WORDS)) is None and own.any(Clause("hat", WORDS))
    assert own.scores(Clause("twin", WORDS)) is not None
    for limit, before in listed.items():
        for query, hits in answers(shop, queries, limit, monkeypatch).items():
            assert [id for id, _ in hits] == [id for id, _ in before[query]]
            np.testing.assert_allclose([score for _, score in hits], [score for _, score in before[query]], rtol=0, atol=1e-5)


def answers(shop: Shop, queries: tuple[str, ...], limit: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, float]]]:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    unasked = Shop(shop.store.path)  # it has listed no words yet
    return {query: [(hit.id, hit.score) for hit in unasked.search(query, k=5)] for query in queries}
