"""Words that no product has, read as the words that are looked for in their place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import small_shop

from mmsearch.search.query import make_query
from mmsearch.search.understand.reading import STRENGTH
from mmsearch.search.understand.synonyms import Synonyms
from mmsearch.shop import Shop

ROWS = [
    ("run", "Aero running shoes", "Fleetwing", "Shoes", "red"),
    ("night", "Night trainers", "Kandel", "Shoes", "black"),
    ("trail", "Purple trail trainers", "Fleetwing", "Shoes", "purple"),
    ("sneak", "White sneakers", "Kandel", "Shoes", "white"),
    ("lamp", "Desk lamp", "Ulm Works", "Lamps", "purple"),
    *((f"x{n}", f"Plain thing number {n}", "Norm", "Things", "") for n in range(8)),
]
COLUMNS = ("id", "title", "brand", "category", "colour")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Read only."""
    folder = tmp_path_factory.mktemp("misspelt")
    made = Shop(folder / "store.lancedb")
    made.ingest(small_shop.write_csv(folder / "p.csv", COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]))
    (folder / "s.txt").write_text("trainers, sneakers\nrunning shoes, jogging shoes\npurpel => purple\n", encoding="utf-8")
    made.ingest(folder / "s.txt", kind="synonyms")
    made.embed(text="fake-text")
    yield made


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fleetwng trainers", "fleetwing trainers"),
        ("FLEETWNG purle", "fleetwing purple"),
        ("ulm wroks lmap 紅 lamps", "ulm works lmap 红 lamps"),
        ("runing shoes", "running shoes"),
        ("红色fleetwng", "红色fleetwing"),
    ],
)
def test_a_typing_error_is_understood_as_what_is_looked_for(shop: Shop, typed: str, meant: str) -> None:
    def named(text: str) -> set[tuple[str, str]]:
        return {(one["kind"], one["value"]) for one in shop.search(text, k=1).understood}

    assert named(typed) == named(meant) != set()
    assert not named(typed) & {("brand", "fleetwng")}


def test_it_lifts_as_much_and_is_quoted_as_typed(shop: Shop) -> None:
    found = shop.search("fleetwng trainers", k=20, explain=True)
    assert {"kind": "brand", "value": "Fleetwing", "text": "fleetwng"} in found.understood
    assert "no product says 'fleetwng': looking for 'fleetwing' instead" in found.notes
    assert found.hits[0].id == "trail"
    lifted = {hit.id for hit in found for one in hit.explain if one.evidence.startswith("brand Fleetwing") and one.contribution > 0}
    assert lifted == {"run", "trail"}
    for hit in found:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9)
        for one in hit.explain:
            if one.evidence.startswith("brand Fleetwing"):
                assert one.contribution in (pytest.approx(STRENGTH["brand"]), pytest.approx(0))


def test_a_word_that_is_known_is_read_as_it_stands(shop: Shop) -> None:
    found = shop.search("number trail", k=1)
    assert not found.understood and not any("looking for" in line for line in found.notes)
    kinds = [one["kind"] for one in shop.search("purpel lamp", k=1).understood]
    assert kinds == ["category", "synonym"], "a word with synonyms is no typing error: no colour"
    assert not shop.search("fleetwng trainers", k=1, understand=False).understood


def test_synonyms_of_what_is_meant_count_at_half_their_weight(shop: Shop) -> None:
    def words(text: str) -> dict[str, float]:
        (hit,) = shop.search(text, where="id = 'sneak'", explain=True, weights="text=0,words=1")
        return {one.evidence: one.similarity for one in hit.explain if one.evidence.startswith("words")}

    right, wrong = words("trainers")["words: sneakers for trainers (title)"], words("trainrs")["words: sneakers for trainers (title)"]
    assert wrong == pytest.approx(right / 2)
    assert shop.search("trainrs", k=1).understood == [{"kind": "synonym", "value": "sneakers", "text": "trainrs"}]


@pytest.mark.parametrize("limit", ["100000", "3"])
def test_a_large_store_and_one_that_grew(shop: Shop, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    assert [hit.id for hit in shop.search("fleetwng runing", k=1)] == ["run"]
    many = shop.search_many({"a": make_query(["fleetwng trainers"]), "b": make_query(["trainers"])}, k=3)
    assert [one["value"] for one in many["a"].understood] == ["Fleetwing", "sneakers"]
    assert [one["value"] for one in many["b"].understood] == ["sneakers"]


def test_synonyms_stand_where_the_words_were_typed(shop: Shop) -> None:
    text = "red runing shoes, trainrs"
    found = Synonyms(shop.store).of(text, {"runing": "running", "trainrs": "trainers"})
    assert {(text[one.start : one.end], one.label, one.meant) for one in found} == {
        ("runing shoes", "jogging shoes", "running shoes"),
        ("trainrs", "sneakers", "trainers"),
    }
    assert all(not one.meant for one in Synonyms(shop.store).of("running shoes", {"other": "words"}))
