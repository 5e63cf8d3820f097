"""What features found, as the store keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
from product_shelf import bring, new_store, passing, product

from mmsearch.errors import StoreError, UsageError
from mmsearch.store import FACTS, Store
from mmsearch.store.facts import (
    FactRow,
    fact_names,
    facts_table,
    forget_feature,
    passages,
    read_facts,
    read_rows,
    replace_facts,
    write_rows,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = new_store(tmp_path / "store")
    bring(made, [product("a", {"colour": "red"}), product("b", {"colour": "blue"}), product("c", {"size": 1.0})])
    return made


def test_rows_are_replaced_by_their_key(store: Store) -> None:
    write_rows(store, "f", [FactRow("a", "1.jpg", "h1", [{"name": "x", "value": 1.5}]), FactRow("b", "", "h2", [])], new=True)
    write_rows(store, "f", [FactRow("a", "1.jpg", "h3", [{"name": "x", "value": "红"}])], new=False)
    assert sorted(read_rows(store, "f")) == [FactRow("a", "1.jpg", "h3", [{"name": "x", "value": "红"}]), FactRow("b", "", "h2", [])]
    assert [row.id for row in read_rows(store, "f", ["b", "z"])] == ["b"]
    assert list(read_rows(store, "other")) == []


def test_a_damaged_row_is_named(store: Store) -> None:
    write_rows(store, "f", [FactRow("a", "", "h", [])], new=True)
    store.connect().open_table(facts_table("f")).update(values={"facts": "[{"})
    with pytest.raises(StoreError, match="the facts of a in facts_f cannot be read"):
        list(read_rows(store, "f"))


def test_facts_of_a_product_are_replaced_whole_and_others_stay(store: Store) -> None:
    replace_facts(store, "f", {"a": {"mood": ("text", "glad"), "size of it": ("number", 2.0)}, "b": {"mood": ("text", "sad")}})
    replace_facts(store, "g", {"a": {"tags": ("list", ["x", "y"])}})
    replace_facts(store, "f", {"a": {"mood": ("text", "calm")}})
    assert read_facts(store, ["a", "b", "c"]) == {
        "a": {"mood": ("text", "calm"), "tags": ("list", ["x", "y"])},
        "b": {"mood": ("text", "sad")},
        "c": {},
    }
    assert fact_names(store) == {"mood": ("f", "text"), "size of it": ("f", "number"), "tags": ("g", "list")}
    forget_feature(store, "f")
    assert read_facts(store, ["a", "b"]) == {"a": {"tags": ("list", ["x", "y"])}, "b": {}} and set(fact_names(store)) == {"tags"}
    assert store.count(FACTS) == 1


def test_the_shops_own_attribute_comes_before_the_fact(store: Store) -> None:
    replace_facts(store, "f", {"a": {"colour": ("text", "pink"), "shade": ("text", "light")}, "c": {"colour": ("text", "red")}})
    assert passing(store, "colour = 'red'") == {"a"}
    assert passing(store, "`fact.colour` = 'red'") == {"c"}
    assert passing(store, "`fact.colour` is null") == {"b"}
    assert passing(store, "shade = 'light' or size = 1 or colour = 'blue'") == {"a", "b", "c"}
    assert passing(store, "not (`fact.colour` = 'red')") == {"a"}
    assert passing(store, "`fact.shade` = 'light' and colour = 'red' and `fact.colour` like 'p%'") == {"a"}
    with pytest.raises(UsageError, match=r"no product has an attribute 'fact\.size'"):
        passing(store, "`fact.size` = 1")
    with pytest.raises(UsageError, match="shad") as error:
        passing(store, "shad = 'light'")
    assert "did you mean shade" in error.value.message


def test_neighbouring_sentences_are_joined(store: Store) -> None:
    said = [(0.0, "one two"), (2.0, "three"), (4.5, "four five six"), (9.0, "x" * 30)]
    facts = [{"name": "t", "value": text, "second": second} for second, text in said]
    write_rows(
        store,
        "t",
        [FactRow("a", "m.wav", "h", [*facts[::-1], {"name": "language", "value": "en"}, {"name": "n", "value": 3, "second": 1.0}])],
        new=True,
    )
    assert list(passages(store, "t", 20)) == [
        ("a", "m.wav", 0.0, "one two three"),
        ("a", "m.wav", 4.5, "four five six"),
        ("a", "m.wav", 9.0, "x" * 30),
    ]
    assert [text for *_, text in passages(store, "t", 1)] == [text for _, text in said]
