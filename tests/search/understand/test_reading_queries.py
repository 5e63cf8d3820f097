"""What queries name, and what that does to the order of products: lifts who has it, leaves who may have it in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmsearch.search.hits import Hit, Result
from mmsearch.search.lexical import Lexical
from mmsearch.search.query import make_query
from mmsearch.search.understand.reading import STRENGTH, Reader
from mmsearch.shop import Shop

ROWS = [
    ("a", "Runner one", "Fleet", "Shoes > Running Shoes", "Red", 60.0, "USD", "mesh"),
    ("b", "Runner two", "Fleet", "Shoes > Running Shoes", "Navy Blue", 120.0, "USD", "leather"),
    ("c", "Runner three", "Kandel", "Shoes > Boots", "", 70.0, "CNY", ""),
    ("d", "Runner four", "", "Shoes > Boots", "Black/Red", None, "", "leather"),
    ("e", "Reading lamp by Fleetwood", "Ulm Works", "Lamps", "", 30.0, "USD", ""),
    ("f", "Integral lamp", "Integral", "Lamps", "Maroon", 20.0, "USD", ""),
    *((f"i{n}", f"Lamp with integral switch {n}", "Ulm Works", "Lamps", "", 200.0 + n, "USD", "") for n in range(4)),
]
COLUMNS = ("id", "title", "brand", "category", "colour", "price", "currency", "material")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Read only."""
    folder = tmp_path_factory.mktemp("understand")
    made = Shop(folder / "store.lancedb")
    made.ingest(small_shop.write_csv(folder / "p.csv", COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]))
    made.embed(text="fake-text")
    yield made


def understood(shop: Shop, text: str) -> dict[str, str]:
    return {one["kind"]: one["value"] for one in shop.search(text, k=1).understood}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fleet runner", {"brand": "Fleet"}),
        ("FLEET red runner", {"brand": "Fleet", "colour": "red"}),
        ("红色 runner", {"colour": "red"}),
        ("boot", {"category": "Boots"}),
        ("running shoes in navy blue", {"category": "Running Shoes", "colour": "blue"}),
        ("ulm works lamps", {"brand": "Ulm Works", "category": "Lamps"}),
        ("leather runner", {"material": "leather"}),
        ("runner under 100", {"price": "under 100"}),
        ("runner under 100元", {"price": "under 100元"}),
        ("laces for fleet", {}),  # what it is for is not who made it
        ("runner without leather", {}),
        ("integral lamp", {"category": "Lamps"}),  # an ordinary word, which is also a brand
        ("green runner", {}),  # no product is
        ("runner under 3", {}),
        ("wood runner", {}),
        ("", {}),
    ],
)
def test_only_what_the_catalogue_has(shop: Shop, text: str, found: dict[str, str]) -> None:
    if not text:
        return
    assert understood(shop, text) == found


def test_who_has_it_is_lifted_and_who_may_have_it_stands_between(shop: Shop) -> None:
    plain = {hit.id: hit.score for hit in shop.search("red runner", k=20, understand=False)}
    hits = {hit.id: hit for hit in shop.search("red runner", k=20)}
    lifted = {id: hit.score - plain[id] for id, hit in hits.items()}
    assert lifted["a"] == lifted["d"] == pytest.approx(STRENGTH["colour"]), "Black/Red is red, too"
    assert lifted["b"] == pytest.approx(0), "and takes nothing from the others"
    known = [id for id, *_, colour, _, _, _ in ROWS if colour]
    assert lifted["c"] == pytest.approx(STRENGTH["colour"] * 2 / len(known)), "nobody knows its colour: what it would get on the average"


def test_an_exact_word_comes_before_its_family(shop: Shop) -> None:
    reader = Reader(shop.store, Lexical(shop.store))
    products = shop.store.read("products", ["id"]).column("id").combine_chunks()
    names = np.array(products.to_pylist())

    def having(text: str) -> set[str]:
        return set(names[reader.read(make_query([text]), products, shop.store.version("products"))[1][0].masks()[0]])

    assert having("maroon thing") == {"f"}
    assert having("red thing") == {"a", "d"}
    assert having("scarlet thing") == {"a", "d"}, "no product is scarlet: red it is"
    assert having("thing under $100") == {"a", "e", "f"}, "a price in another currency is not known"
    assert having("thing under 100") == {"a", "c", "e", "f"}


def test_the_price_is_no_word_to_look_for(shop: Shop) -> None:
    (hit,) = shop.search("runner under 100", k=1, explain=True)
    assert {c.part for c in hit.explain} == {"text: runner", "understood"}
    assert hit.score == pytest.approx(sum(c.contribution for c in hit.explain))


def test_a_boost_counts_as_much_as_its_part(shop: Shop) -> None:
    (hit,) = shop.search(["red runner", "lamp^3"], k=1, where="id = 'a'", explain=True)
    assert [c.contribution for c in hit.explain if c.part == "understood" and c.evidence.startswith("colour")] == [
        pytest.approx(STRENGTH["colour"] / 4)
    ]


def test_it_can_be_switched_off_and_is_not_where_evidence_is_chosen(shop: Shop) -> None:
    for result in (
        shop.search("red runner", understand=False),
        shop.search("red runner", within="text"),
        shop.search("red runner", weights="words=.5"),
    ):
        assert not result.understood and not any("understood" in line for line in result.notes)
    assert "understood: colour red (boost)" in shop.search("red runner").notes


@pytest.mark.parametrize("combine", ["calibrated", "wsum", "rrf", "borda"])
@pytest.mark.parametrize("limit", [None, "3"])
def test_explanations_add_up(shop: Shop, combine: str, limit: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if limit is not None:
        monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    for hit in shop.search("red fleet runner under 100", k=20, combine=combine, explain=True, rerank="mmr"):
        assert sum(c.contribution for c in hit.explain) == pytest.approx(hit.score, abs=1e-9)


@pytest.mark.parametrize(("text", "language"), [("chaussures rouges pour courir", "fr"), ("红色跑步鞋", "zh"), ("runner", None)])
def test_the_language_is_told_where_it_is_sure(shop: Shop, text: str, language: str | None) -> None:
    told = [line for line in shop.search(text, k=1, explain=True).notes if line.startswith("language")]
    assert told == ([f"language of the query: {language}"] if language else [])
    assert not any("language" in line for line in shop.search(text, k=1).notes)


def test_hits_carry_it(shop: Shop) -> None:
    result = shop.search("red runner", k=1)
    assert result.hits[0].to_json(of=result)["understood"] == [{"kind": "colour", "value": "red", "text": "red"}]
    assert "understood" not in Hit(1, "a", 1.0).to_json(of=Result([], 0))


def test_new_products_and_colours_are_seen(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]
    shop.ingest(small_shop.write_csv(tmp_path / "p.csv", COLUMNS, rows))
    shop.embed(text="fake-text")
    assert understood(shop, "green nimbus runner") == {}
    shop.ingest(small_shop.write_csv(tmp_path / "q.csv", COLUMNS, [{**rows[0], "id": "g", "colour": "green", "brand": "Nimbus"}]))
    shop.embed()
    assert understood(shop, "green nimbus runner") == {"brand": "Nimbus", "colour": "green"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(st.text(min_size=1, max_size=40), st.sampled_from(["' or 1=1 --", "red'; drop", "🟥 under 5", "أحمر 80", "`colour`"]))
)
def test_no_text_breaks_it(shop: Shop, text: str) -> None:
    if text.strip() and "^" not in text:
        for hit in shop.search(f"red {text} under 90", k=3):
            assert hit.id in {row[0] for row in ROWS}
