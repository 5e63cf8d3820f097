"""Texts met word by word beside their vectors: order, explanations, codes, typing errors, what is required, large stores."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.errors import InputError, MMSearchError
from mmsearch.lexical.fields import TABLE
from mmsearch.search.hits import Result
from mmsearch.shop import Shop

ALL = 100


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


def test_words_alone_find_what_has_them_and_nothing_else(shop: Shop) -> None:
    found = shop.search("scarlet kettle", weights="text=0,image=0,words=1", k=ALL)
    assert ids(found) == list(small_shop.TWINS)
    none = shop.search("xylophone", weights="text=0,image=0,words=1", k=ALL)
    assert (ids(none), none.candidates) == ([], 0) and none.notes


def test_a_text_that_shares_no_word_is_met_by_vectors_alone(shop: Shop) -> None:
    by_vectors = shop.search("xylophone", weights="words=0", k=ALL)
    assert {id: hit.score for id, hit in zip(ids(by_vectors), by_vectors, strict=True)} == {
        hit.id: hit.score for hit in shop.search("xylophone", k=ALL)
    }


def test_an_explanation_names_words_and_fields_and_adds_up(shop: Shop) -> None:
    hit = shop.search("red hat", k=1, explain=True).hits[0]
    told = {c.evidence: c.contribution for c in hit.explain}
    assert {"text", "words: red (title)", "words: red (description)", "words: hat (title)"} <= set(told)
    assert sum(told.values()) == pytest.approx(hit.score, abs=1e-9)
    short = shop.search("red hat", k=1).hits[0]
    assert [c.evidence for c in short.explain if c.evidence.startswith("words")] == ["words"]
    assert short.score == hit.score


def test_a_typing_error_is_told_and_forgiven(shop: Shop) -> None:
    found = shop.search("yelow kettel", k=2)
    assert ids(found) == list(small_shop.TWINS)
    assert found.notes == [
        "understood: colour yellow (boost)",
        "no product says 'yelow': looking for 'yellow' instead",
        "no product says 'kettel': looking for 'kettle' instead",
    ]
    assert not shop.search("yellow kettle", k=2, understand=False).notes


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('title:"red hat"', {"red-hat"}),
        ('"hat red"', set()),
        ("brand:kandel hat", {"red-hat", "green-hat", "blue-hat", "yellow-hat", "white-hat", "black-hat"}),
        ("品牌:kandel title:hat", {"red-hat", "green-hat", "blue-hat", "yellow-hat", "white-hat", "black-hat"}),
    ],
)
def test_what_a_query_requires(shop: Shop, query: str, found: set[str]) -> None:
    result = shop.search(query, k=ALL)
    if query.startswith("brand"):
        brands = {hit.id: (shop.show([hit.id])[hit.id]["fields"]).get("brand") for hit in result}
        assert set(brands.values()) == {"Kandel"} and found & set(brands)
    elif query.startswith("品牌"):
        assert set(ids(result)) <= found and len(result)
    else:
        assert set(ids(result)) == found
    if not found:
        assert result.notes == ['no product matches "hat red"']


@pytest.mark.parametrize("limit", [None, "2"])
def test_a_product_in_the_other_language_is_not_held_to_words_it_cannot_have(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, limit: str | None
) -> None:
    """By vectors the Chinese twin of the English title is as near; a lamp that shares but a Chinese word is not before it."""
    folder = tmp_path_factory.mktemp("both")
    rows = [
        {"id": "en", "title": "red running shoes for men"},
        {"id": "zh", "title": "红色男士跑步鞋"},
        {"id": "lamp", "title": "红色台灯"},
        *({"id": f"x{n}", "title": f"Plain thing number {n}"} for n in range(12)),
    ]
    own = Shop(folder / "store.lancedb")
    own.ingest(small_shop.write_csv(folder / "p.csv", ("id", "title"), rows))
    own.embed(text="fake-text")
    if limit is not None:
        monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    hits = {hit.id: hit for hit in own.search("red running shoes", k=20)}
    assert next(iter(hits)) == "en"
    told = [c.evidence for c in hits["zh"].explain]
    assert "words" not in told, "no word of it could match"
    assert "words" in [c.evidence for c in hits["x1"].explain]
    for hit in hits.values():
        assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)


@pytest.mark.parametrize("limit", [None, "2"])
def test_no_product_is_excused_from_a_code_by_its_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None) -> None:
    """Chinese titles have codes as English ones do; what does not have the one that is asked for is far behind."""
    rows = [
        {"id": "en", "title": "One very plain phone case"},
        *({"id": f"zh-{n}", "title": f"手机壳 保护套 A22{n}"} for n in range(10, 30)),
        *({"id": f"x{n}", "title": f"Plain thing number {n}"} for n in range(12)),
    ]
    own = Shop(tmp_path / "store.lancedb")
    own.ingest(small_shop.write_csv(tmp_path / "p.csv", ("id", "title"), rows))
    own.embed(text="fake-text")
    if limit is not None:
        monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    for code in ("A2220", "a2220", "A-2220"):
        first, *others = own.search(code, k=40)
        assert first.id == "zh-20" and first.score > others[0].score + 1
        assert all("words" in [c.evidence for c in hit.explain] for hit in others)


def test_a_large_store_answers_as_a_small_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ("red hat", "yelow hat", "brand:kandel hat", "kettle")
    small = {query: shop.search(query, k=3) for query in queries}
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "5")
    for query in queries:
        large = shop.search(query, k=3)
        assert ids(large)[0] == ids(small[query])[0], query
        for hit in shop.search(query, k=3, explain=True):
            assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)


def test_a_store_without_words_is_searched_by_vectors_and_says_what_it_lacks(tmp_path_factory: pytest.TempPathFactory) -> None:
    old = small_shop.make(tmp_path_factory.mktemp("old"), fuse=False, events=False)
    old.store.drop(TABLE)
    assert ids(old.search("red hat", k=1)) == ["red-hat"]
    with pytest.raises(InputError, match="has no words to look for brand:kandel in") as raised:
        old.search("brand:kandel hat")
    assert "mmsearch embed" in (raised.value.hint or "")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=60))
def test_no_text_breaks_a_search(shop: Shop, text: str) -> None:
    try:
        result = shop.search(text.replace("^", " "), k=5, explain=True)
    except MMSearchError as error:
        assert str(error)
        return
    for hit in result:
        assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)
