"""Synonyms beside the words of a query: what is found, what is said of it, and that saying a thing twice is not worth more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import small_shop

from mmsearch.search.understand.synonyms import Synonyms
from mmsearch.shop import Shop

ROWS = [
    ("notebook", "Pavilion notebook 15 inch"),
    ("both", "Sleeve for a laptop or notebook"),
    ("laptop", "Sleeve made for a laptop"),
    ("tennis", "Tennis racket"),
    ("tennis-shoe", "Court tennis shoe white"),
    ("zh", "红色跑步鞋男款"),
    *((f"x{n}", f"Plain thing number {n}") for n in range(10)),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Read only."""
    yield made(tmp_path_factory.mktemp("synonyms"))


def made(folder: Path) -> Shop:
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_csv(folder / "p.csv", ("id", "title"), [dict(zip(("id", "title"), row, strict=True)) for row in ROWS]))
    (folder / "s.txt").write_text("laptop, notebook\nsneakr, sneaker => tennis shoe\n跑鞋, 跑步鞋\njogging shoe, 跑鞋\n", encoding="utf-8")
    shop.ingest(folder / "s.txt", kind="synonyms")
    shop.embed(text="fake-text")
    return shop


def words_of(shop: Shop, text: str, id: str) -> dict[str, float]:
    (hit,) = shop.search(text, where=f"id = '{id}'", explain=True)
    assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)
    return {c.evidence: c.contribution for c in hit.explain if c.evidence.startswith("words")}


def test_a_synonym_finds_what_the_word_does_not(shop: Shop) -> None:
    assert "words: notebook for laptop (title)" in words_of(shop, "laptop", "notebook")
    assert shop.search("laptop", k=1, weights="text=0,words=1", understand=False).hits[0].id == "laptop"
    found = [hit.id for hit in shop.search("laptop", k=3, weights="text=0,words=1")]
    assert set(found) == {"laptop", "both", "notebook"}


def test_who_says_both_is_no_better_for_it(shop: Shop) -> None:
    assert not any("notebook" in name for name in words_of(shop, "laptop", "both")), "the better word counts, and alone"


def test_several_words_are_a_phrase_and_an_arrow_goes_one_way(shop: Shop) -> None:
    found = shop.search("sneaker", k=20, weights="text=0,words=1")
    assert found.hits[0].id == "tennis-shoe"
    assert "words: tennis shoe for sneaker (title)" in words_of(shop, "sneaker", "tennis-shoe")
    assert not words_of(shop, "sneaker", "tennis") or max(words_of(shop, "sneaker", "tennis").values()) <= 0
    assert found.understood == [{"kind": "synonym", "value": "tennis shoe", "text": "sneaker"}]
    assert not any(one["kind"] == "synonym" for one in shop.search("tennis shoe").understood)


def test_chinese_inside_a_text_and_across_languages(shop: Shop) -> None:
    assert "words: 跑步鞋 for 跑鞋 (title)" in words_of(shop, "男款跑鞋", "zh")
    assert any(name.endswith(" for jogging shoes (title)") for name in words_of(shop, "jogging shoes", "zh"))


def test_a_word_with_synonyms_is_no_typing_error(shop: Shop) -> None:
    assert any("looking for" in line for line in shop.search("notebok", k=1).notes)
    assert not any("looking for" in line for line in shop.search("sneakr", k=1).notes)
    assert "understood: sneakr is also tennis shoe" in shop.search("sneakr", k=1).notes


def test_switched_off_and_beside_expand(shop: Shop) -> None:
    assert not shop.search("laptop", understand=False).understood
    assert not shop.search("laptop", expand=True).understood, "what a query is widened by is a part of its own"


@pytest.mark.parametrize("text", ["laptop", "sneaker", "男款跑鞋", "jogging shoe laptop"])
def test_a_large_store_answers_as_a_small_one(shop: Shop, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = [hit.id for hit in shop.search(text, k=1)]
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", "5")
    large = shop.search(text, k=3, explain=True)
    assert [large.hits[0].id] == small
    for hit in large:
        assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)


def test_new_synonyms_are_seen(tmp_path: Path) -> None:
    shop = made(tmp_path)
    assert not shop.search("folio", k=1).understood
    (tmp_path / "t.txt").write_text("folio, sleeve\n")
    shop.ingest(tmp_path / "t.txt", kind="synonyms")
    assert shop.search("folio", k=1).understood == [{"kind": "synonym", "value": "sleeve", "text": "folio"}]


def test_only_synonyms_are_read(shop: Shop, tmp_path: Path) -> None:
    own = made(tmp_path)
    (tmp_path / "k.csv").write_text("head,relation,tail\nlaptop,broader,computer\nlaptop,Same_As,portable\n")
    own.ingest(tmp_path / "k.csv")
    assert {one.label for one in Synonyms(own.store).of("a laptop")} == {"notebook", "portable"}
    assert Synonyms(own.store).of("nothing") == ()
