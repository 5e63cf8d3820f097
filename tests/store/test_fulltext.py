"""Full text in LanceDB: what matches, how scores behave under filters and limits, what is new to an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.errors import StoreError
from mmsearch.store import Store
from mmsearch.store.fulltext import Clause, find_ids, find_rows, index_text, row_ids_of

TEXTS = {
    "a": ("Red running shoes for men", "tn2110 跑 鞋"),
    "b": ("Blue shoe", "x9"),
    "c": ("红色男士跑步鞋", "跑 步 鞋 跑步 步鞋"),
    "d": ("The red shoe in the red box", ""),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(tmp_path_factory.mktemp("fulltext") / "store.lancedb")
    made.create()
    with made.writing("test"):
        _add(made, TEXTS)
        index_text(made, "texts", {"words": "words", "pieces": "pieces"})
    return made


def _add(store: Store, texts: dict[str, tuple[str, str]]) -> None:
    words, pieces = zip(*texts.values(), strict=True)
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("words", pa.string()), pa.field("pieces", pa.string())])
    store.append("texts", pa.table([list(texts), list(words), list(pieces)], schema=schema), "id")


def ids(store: Store, *args: object, limit: int = 10, where: str | None = None, **options: object) -> list[str]:
    return find_ids(store, "texts", Clause(*args, **options), limit, where)[0]  # type: ignore[arg-type]


def test_words_match_in_any_case_and_number_and_in_chinese(store: Store) -> None:
    assert set(ids(store, "SHOES", "words")) == {"a", "b", "d"}
    assert ids(store, "跑步", "words") == ["c"]
    assert set(ids(store, "跑 鞋", "pieces")) == {"a", "c"}
    assert ids(store, "tn2110", "pieces") == ["a"]
    assert ids(store, "lamp", "words") == []


def test_all_words_and_phrases(store: Store) -> None:
    assert set(ids(store, "red shoe", "words", how="all")) == {"a", "d"}
    assert ids(store, "red shoe", "words", how="phrase") == ["d"]
    assert ids(store, "shoe red", "words", how="phrase") == []


def test_a_filter_and_a_limit_change_no_score(store: Store) -> None:
    every = dict(zip(*find_ids(store, "texts", Clause("red shoe", "words"), 10), strict=True))
    few = dict(zip(*find_ids(store, "texts", Clause("red shoe", "words"), 2, "id IN ('a', 'b')"), strict=True))
    assert few == {id: pytest.approx(every[id]) for id in ("a", "b")}
    best = dict(zip(*find_ids(store, "texts", Clause("red shoe", "words"), 1), strict=True))
    assert list(best.values()) == [pytest.approx(max(every.values()))]
    doubled = dict(zip(*find_ids(store, "texts", Clause("red shoe", "words", boost=2.0), 10), strict=True))
    assert doubled == {id: pytest.approx(2 * score) for id, score in every.items()}


def test_scores_of_words_add_up(store: Store) -> None:
    def scores(text: str) -> dict[str, float]:
        return dict(zip(*find_ids(store, "texts", Clause(text, "words"), 10), strict=True))

    red, shoe, both = scores("red"), scores("shoe"), scores("red shoe")
    assert both == {id: pytest.approx(red.get(id, 0) + shoe.get(id, 0)) for id in both}


def test_row_ids_are_those_of_the_table(store: Store) -> None:
    named, beside, rows = row_ids_of(store, "texts", "pieces")
    assert beside.to_pylist() == [TEXTS[id][1] for id in named.to_pylist()]
    found, _ = find_rows(store, "texts", Clause("blue", "words"), 10)
    assert [named[int(np.flatnonzero(rows == row)[0])].as_py() for row in found] == ["b"]


def test_rows_that_are_new_to_the_index_are_found(tmp_path: Path) -> None:
    own = Store(tmp_path / "store.lancedb")
    own.create()
    with own.writing("test"):
        _add(own, TEXTS)
        index_text(own, "texts", {"words": "words"})
        _add(own, {"e": ("Green lamp", "")})
        assert ids(own, "lamp", "words") == ["e"]
        index_text(own, "texts", {"words": "words", "pieces": "pieces"})
    assert (ids(own, "lamp", "words"), ids(own, "x9", "pieces")) == (["e"], ["b"])


def test_no_such_table(store: Store) -> None:
    with pytest.raises(StoreError, match="has no table nope"):
        find_ids(store, "nope", Clause("red", "words"), 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_no_text_is_an_error_or_a_query_language(store: Store, text: str) -> None:
    for how in ("any", "all", "phrase"):
        assert set(ids(store, text, "words", how=how)) <= set(TEXTS)
