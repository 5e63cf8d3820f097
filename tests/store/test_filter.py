"""Filters over columns and sparse attributes alike: the same answers, wherever the values are."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from filter_trees import POOLS, Row, trees, truth, write
from hypothesis import given, settings
from hypothesis import strategies as st
from product_shelf import bring, new_store, passing, product, with_columns

from mmsearch.errors import ParseError, UsageError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store import filter as filters
from mmsearch.store.attributes import Attributes, load_attributes
from mmsearch.store.facts import replace_facts
from mmsearch.store.where import Node, written

# `price` and `title` are fields of every product: those stay columns.
_CHANCE = random.Random(11)
ROWS: list[Row] = [{name: _CHANCE.choice(pool) for name, pool in POOLS.items() if _CHANCE.random() < 0.6} for _ in range(120)]
_OWN = [name for name in POOLS if name not in ("price", "title")]
_FACTS = {"new": "bool", "标签": "list"}
LAYOUTS = [[], _OWN, *([n for n in _OWN if _CHANCE.random() < 0.5] for _ in range(3))]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    """The same rows in every layout."""
    made = []
    for number, layout in enumerate(LAYOUTS):
        store = new_store(tmp_path_factory.mktemp("filter") / str(number))
        with pytest.MonkeyPatch.context() as patch:
            with_columns(patch, layout)
            bring(store, [product(str(i), row) for i, row in enumerate(ROWS)], chunk=50)
        names = load_attributes(store)
        assert set(layout) == {n for n in names.columns if n in _OWN}
        assert set(_OWN) - set(layout) == set(names.sparse)
        made.append(store)
    made.append(_with_facts(tmp_path_factory.mktemp("filter") / "facts"))
    return made


def _with_facts(path: Path) -> Store:
    """The same rows, two names of which are not the shop's own but what features found."""
    store = new_store(path)
    bring(store, [product(str(i), {name: v for name, v in row.items() if name not in _FACTS}) for i, row in enumerate(ROWS)])
    facts = {str(i): {name: (_FACTS[name], v) for name, v in row.items() if name in _FACTS} for i, row in enumerate(ROWS)}
    with store.writing("test"):
        replace_facts(store, "feature", facts)
    assert set(load_attributes(store).facts) == set(_FACTS)
    return store


@settings(max_examples=250, derandomize=True, deadline=None)
@given(tree=trees, seed=st.integers(0, 1000))
def test_every_layout_answers_as_the_evaluator(stores: list[Store], tree: Node, seed: int) -> None:
    text = write(tree, random.Random(seed))
    expected = {str(i) for i, row in enumerate(ROWS) if truth(tree, row) is True}
    refused = 0
    for store in stores:
        try:
            assert passing(store, text) == expected, text
        except UsageError as error:
            assert not isinstance(error, ParseError)
            assert re.match(r"--where: .* (holds|is a list|is not a list)", error.message)
            refused += 1
    assert refused in (0, len(stores)), "whether a filter can be asked does not depend on the layout"


def test_the_deepest_and_the_longest_filters_run(stores: list[Store]) -> None:
    many = " or ".join(f"size = '{n}'" for n in range(998))
    nested = "size not in ('42', 'M')"
    for depth in range(7):
        nested = f"not ({nested})" if depth % 2 else f"(mixed = 'x' or (title = 'y' and {nested}))"
    answers = {(frozenset(passing(s, f"{many} or new = true or price > 0")), frozenset(passing(s, nested))) for s in stores}
    assert len(answers) == 1


@pytest.mark.parametrize(
    "where", ["size is null", "size is not null", "not (size is null or mixed is null)", "size is null and new = true"]
)
def test_missing_values(stores: list[Store], where: str) -> None:
    assert len({frozenset(passing(store, where)) for store in stores}) == 1
    assert passing(stores[0], where)


def test_the_answer_is_about_the_products_asked(stores: list[Store]) -> None:
    for store in stores:
        ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
        some = ids.take([5, 3, 4])
        whole = dict(zip(ids.to_pylist(), filters.passing(store, "size is not null or new = true", ids), strict=True))
        assert filters.passing(store, "size is not null or new = true", some).tolist() == [whole[i] for i in some.to_pylist()]


def test_a_filter_over_columns_reads_no_sparse_names(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Attributes, "sparse", property(lambda _: pytest.fail("not needed")))
    monkeypatch.setattr(Store, "has", lambda *_: pytest.fail("not needed") if _[1] == "attributes" else True)
    assert passing(stores[0], "price > 0 and title is not null")


def test_an_unknown_name_among_thousands(tmp_path: Path) -> None:
    store = new_store(tmp_path / "store")
    bring(store, [product(str(i), {f"attr_{i}_{j}": 1.0 for j in range(50)} | {"colour": "red"}) for i in range(100)])
    with pytest.raises(UsageError) as caught:
        passing(store, "attr_99_48 = 1 and atr_99_49 = 1")
    assert caught.value.message == "--where: no product has an attribute 'atr_99_49'; did you mean attr_99_49?"
    with pytest.raises(UsageError) as caught:
        passing(store, "COLOUR = 1")
    assert str(caught.value.hint).startswith("attributes: colour, id, title")
    assert str(caught.value.hint).endswith("more (all of them: mmsearch info; of one product: mmsearch show ID)")
    assert passing(store, "attr_7_3 = 1 and colour = 'red'") == {"7"}


@pytest.mark.parametrize(
    "where",
    [
        "attr_9_1 = 1 and nope = 1",
        "colour = ",
        "COLOUR = 1",
        "colour has 3",
        "attr_9_1 = 'red'",
        "attr_9_1 has 1 or id = 'x'",
        "id = 4",
        "`fact.a` = 1",
    ],
)
def test_a_check_raises_what_an_answer_raises(tmp_path: Path, where: str) -> None:
    store = new_store(tmp_path / "store")
    bring(store, [product(str(i), {f"attr_{i}_{j}": 1.0 for j in range(3)} | {"colour": "red"}) for i in range(40)])
    filters.check(store, "attr_9_1 = 1 and colour = 'red' or id is null")
    with pytest.raises(UsageError) as answered:
        passing(store, where)
    with pytest.raises(UsageError) as checked:
        filters.check(store, where)
    assert (checked.value.message, checked.value.hint) == (answered.value.message, answered.value.hint)


@pytest.mark.parametrize("name", ["产地", "a`b", "a.b", "it's", "select", 'x" or 1=1', "' or 1=1 --", "名 字", "__proto__"])
def test_any_name(tmp_path: Path, name: str) -> None:
    store = new_store(tmp_path / "store")
    bring(store, [product(str(i), {name: "x"} if i == 7 else {}) for i in range(50)])
    assert name in load_attributes(store).sparse
    assert passing(store, f"{written(name)} = 'x'") == {"7"}
    assert passing(store, f"not {written(name)} = 'y'") == {"7"}
    assert len(passing(store, f"{written(name)} is null")) == 49


def test_a_filter_across_a_change_of_the_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ingest that ends while a filter is asked moves the values: the filter is asked again."""
    store = new_store(tmp_path / "store")
    bring(store, [product(str(i), {"size": 1.0} if i == 7 else {}) for i in range(50)])
    load, asked = filters.load_attributes, 0

    def moving(store: Store) -> Attributes:
        nonlocal asked
        asked += 1
        old = load(store)
        assert old.sparse is not None
        if asked == 1:
            with_columns(monkeypatch, ["size"])
            bring(Store(store.path), [product(str(i), {"size": 2.0}) for i in range(40)])
        return old

    monkeypatch.setattr(filters, "load_attributes", moving)
    assert passing(store, "size = 2") == {str(i) for i in range(40)}
    assert asked == 2
