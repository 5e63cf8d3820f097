"""The knowledge graph of a store: which nodes a product has, and which triples touch nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import small_shop
from product_shelf import bring, new_store, product

from mmsearch.fusion.graph import astray, belongs, few_valued, joined, matrix, nodes_of, read_knowledge, shared
from mmsearch.shop import Shop
from mmsearch.store import Store


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("graph")
    shop = small_shop.make(folder, fuse=False, events=False)
    shop.ingest(triples(folder))
    return shop


def triples(folder: Path) -> Path:
    rows = [
        ("footgear", "synonym", "shoe"),
        ("shoe", "broader", "clothing"),
        ("hat", "broader", "clothing"),
        ("red-shoe", "goes-with", "red-hat"),
        ("red-shoe", "goes-with", "red-hut"),
        ("blue-cup", "good-for", "picnic"),
        ("blue-bag", "good-for", "picnic"),
        ("kettle", "part-of", "kitchen"),
        ("quark", "broader", "particle"),
    ]
    path = folder / "knowledge.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("head", "relation", "tail"), *rows])
    return path


def own(store: Store, id: str, type: str) -> dict[str, float]:
    found = belongs(store, [id], read_knowledge(store), [type])[type][0]
    return {node.partition("\x1f")[2].replace("\x1f", "="): weight for node, weight in found.items()}


def test_nodes_of_a_product(shop: Shop) -> None:
    assert own(shop.store, "red-shoe", "brand") == {"kandel": 1.0}
    assert own(shop.store, "red-shoe", "attributes") == {"colour=red": 1.0}
    assert own(shop.store, "red-shoe", "category") == {}
    assert own(shop.store, "red-shoe", "given") == {"shoe": 1.0, "footgear": 0.8, "clothing": 0.3, "hat": 0.15, "red-hut": 1.0}
    assert own(shop.store, "blue-cup", "given") == {"picnic": 1.0}  # which a triple says
    assert own(shop.store, "red-lamp", "given") == {} == own(shop.store, "no such product", "brand")


def test_a_category_is_every_level_of_its_path() -> None:
    assert nodes_of("category", "category", "Shoes > Boots > Rain") == [
        f"category\x1f{p}" for p in ("shoes", "shoes > boots", "shoes > boots > rain")
    ]


def test_only_attributes_with_few_values_make_edges(tmp_path: Path) -> None:
    store = new_store(tmp_path / "store")
    rows = [
        {
            "title": f"t{i}",
            "material": "oak" if i % 2 else "ash",
            "code": f"c{i}",
            "blurb": "x" * 70,
            "width": float(i % 3),
            "new": bool(i % 2),
            "tags": ["a", "b"] if i % 2 else ["b"],
            "lone": f"{i}" if i < 3 else None,
            "title_language": "en",
        }
        for i in range(40)
    ]
    bring(store, [product(f"p{i}", {k: v for k, v in row.items() if v is not None}) for i, row in enumerate(rows)])
    assert few_valued(store) == ("material", "new", "tags")


def test_many_products_are_read_as_few_are(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ["red-shoe", "empty", "blue-cup"]
    few = belongs(shop.store, ids, read_knowledge(shop.store), ["brand", "attributes"])
    monkeypatch.setattr("mmsearch.fusion.graph._NAMED", 1)
    assert belongs(shop.store, ids, read_knowledge(shop.store), ["brand", "attributes"]) == few


def test_values_that_one_product_has_are_no_nodes() -> None:
    rows = [{"a": 1.0, "b": 1.0}, {"a": 0.5, "c": 1.0}, {"b": 1.0, "c": 1.0}, {"c": 1.0}]
    there = np.array([True, True, False, True])
    assert shared(rows, there, 10) == ["a", "c"]
    assert shared(rows, there, 1) == ["a"]
    np.testing.assert_array_equal(matrix(rows, {"c": 0, "a": 1}).toarray(), [[0, 1], [1, 0.5], [1, 0], [1, 0]])


def test_products_that_a_triple_joins(shop: Shop) -> None:
    known = read_knowledge(shop.store)
    assert known.joined == (("red-shoe", "red-hat"),)
    assert joined(known, ["red-hat", "blue-cup"], ["red-shoe", "red-hat"]).toarray().tolist() == [[1, 0], [0, 0]]


def test_what_touches_no_product_is_told_and_an_unknown_id_with_it(shop: Shop) -> None:
    assert sorted(astray(shop.store, read_knowledge(shop.store))) == ["particle", "quark", "red-hut"]


def test_a_store_without_knowledge_has_none(tmp_path: Path) -> None:
    store = new_store(tmp_path / "store")
    bring(store, [product("a", {"title": "x"})])
    known = read_knowledge(store)
    assert (known.attributes, len(known.concepts), known.joined) == ((), 0, ())
    assert belongs(store, ["a"], known, ["brand", "given"]) == {"brand": [{}]}
