"""What stored products say, by the signatures of ingest."""

from __future__ import annotations

from pathlib import Path

import pytest
from product_shelf import bring, new_store, product, with_columns

from mmsearch.catalog.signatures import tells_variants_apart, text_signature
from mmsearch.catalog.stored_signatures import stored_words

ROWS = {
    "a": {"title": "Red Canvas Shoes of Ulm", "brand": "Ulm", "colour": "red"},
    "b": {"title": "canvas shoe, red, of ULM", "brand": "ulm", "colour": "red"},
    "c": {"title": "Red Canvas Shoes of Ulm", "brand": "Ulm", "colour": "dark red"},
    "d": {"title": "Red Canvas Shoes of Ulm", "brand": "Ulm", "weight": 3.0},
    "e": {"title": "Shoe"},
    "f": {"price": 5.0, "parent": "a"},
}


@pytest.mark.parametrize("columns", [["colour"], []])
def test_they_are_those_of_ingest_wherever_attributes_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: list[str]) -> None:
    with_columns(monkeypatch, columns)
    store = new_store(tmp_path / "store")
    assert list(stored_words(store)) == []
    products = [product(id, row) for id, row in ROWS.items()]
    bring(store, products)
    said = {one.id: one for one in stored_words(store)}
    for one in products:
        signature = text_signature(one)
        assert said[one.id].words == (None if signature is None else signature[:8])
    assert said["a"].words == said["b"].words is not None
    assert len({said[id].words for id in "acd"}) == 3, "another colour, or none, is another product"
    assert (said["e"].words, said["f"].words) == (None, None)
    assert {id: one.family for id, one in said.items()} == {id: "a" if id == "f" else id for id in ROWS}


def test_attributes_that_tell_variants_apart() -> None:
    assert all(map(tells_variants_apart, ("colour", "Color", "shoe size", "颜色", "规格")))
    assert not any(map(tells_variants_apart, ("brand", "price", "产地")))
