from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mm_people import IDS, people, write

from mmsearch.errors import InputError, UsageError
from mmsearch.fusion.mm_examples import labelled, taken
from mmsearch.shop import Shop
from mmsearch.store import Store

COLUMNS = ["user", "product", "event", "value", "time", "liked", "mood"]


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Thirty ratings of two people, of which red things are liked, and five products that say themselves whether they are good."""
    folder = tmp_path_factory.mktemp("rated")
    rows: list[list[object]] = []
    for number, id in enumerate(IDS):
        red = id.startswith("red")
        rows.append([f"u{number % 2}", id, "rate", 5 if red else 2, 100 + number, "yes" if red else "no", "calm" if red else "cross"])
    rows.append(["u0", IDS[0], "rate", 1, 99, "no", ""])  # before the other: the later word counts
    rows.append(["u0", "gone", "rate", 1, 99, "no", ""])
    shop = Shop(folder / "rated.lancedb")
    good = [[id, "true" if number % 2 else "false", "yes", number] for number, id in enumerate(IDS)]
    shop.ingest(write(folder / "products.csv", ["id", "good", "sold", "size"], good))
    shop.ingest(write(folder / "events.csv", COLUMNS, rows), kind="interactions")
    return shop.store


def test_pairs_of_who_took_what(tmp_path: Path) -> None:
    found = taken(people(tmp_path, searches=False), IDS)
    assert len(found) == 3 * 8 * 7 and found.sampled and found.yes.all()
    pairs = {(found.users[u], IDS[p]) for u, p in zip(found.user, found.product, strict=True)}
    assert len(pairs) == len(found)
    assert all(user.split("-")[0] == product.split("-")[0] for user, product in pairs)


def test_what_was_put_back_was_not_taken(tmp_path: Path) -> None:
    events = [[f"u{i % 3}", id, "Remove_from_cart" if i == 0 else "buy", i] for i, id in enumerate(IDS)]
    shop = Shop(tmp_path / "store")
    shop.ingest(write(tmp_path / "products.csv", ["id"], [[id] for id in IDS]))
    shop.ingest(write(tmp_path / "events.csv", ["user", "product", "event", "time"], events))
    assert sorted(taken(shop.store, IDS).product) == list(range(1, len(IDS)))


def test_the_last_label_of_a_pair_counts(rated: Store) -> None:
    for label, at_least in (("rating", 4.0), ("value", 4.0), ("liked", None)):
        found = labelled(rated, IDS, label, at_least)
        assert not found.sampled and len(found) == len(IDS)
        np.testing.assert_array_equal(found.yes, [IDS[p].startswith("red") for p in found.product])


def test_a_label_may_be_an_attribute_of_products(rated: Store) -> None:
    found = labelled(rated, IDS[:25], "good", None)
    assert (found.user == -1).all() and found.users == []
    np.testing.assert_array_equal(found.yes, [number % 2 == 1 for number in range(25)])
    assert labelled(rated, IDS, "size", 10).yes.sum() == len(IDS) - 10


def test_an_attribute_comes_before_another_name_of_a_column(tmp_path: Path) -> None:
    """The shop's events have a `value`, which a label `rating` means; but its products have a `rating` of their own."""
    shop = Shop(tmp_path / "store")
    shop.ingest(write(tmp_path / "products.csv", ["id", "rating"], [[id, number % 5] for number, id in enumerate(IDS)]))
    events = [["u1", id, "buy", 1, 1] for id in IDS]
    shop.ingest(write(tmp_path / "events.csv", ["user", "product", "event", "value", "time"], events), kind="interactions")
    found = labelled(shop.store, IDS, "rating", 4)
    assert (found.user == -1).all() and found.yes.sum() == 6


@pytest.mark.parametrize(
    ("label", "at_least", "kind", "message"),
    [
        ("lied", None, UsageError, "no label 'lied'.*did you mean liked"),
        ("goood", None, UsageError, "did you mean good"),
        ("mood", None, UsageError, "neither yes nor no: it is calm, cross"),
        ("value", None, UsageError, "neither yes nor no: it is"),
        ("mood", 3.0, UsageError, "is no number"),
        ("sold", None, InputError, "is yes of all 30"),
        ("value", 9.0, InputError, "is no of all 30"),
        ("size", 29.0, InputError, "too little to learn from: only 1 of the 30"),
    ],
)
def test_a_label_that_teaches_nothing_is_refused(
    rated: Store, label: str, at_least: float | None, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        labelled(rated, IDS, label, at_least)


def test_a_label_of_numbers_is_told_with_its_middle_value(rated: Store) -> None:
    """`size` is 0 to 29."""
    with pytest.raises(UsageError) as raised:
        labelled(rated, IDS, "size", None)
    assert str(raised.value.hint).endswith("mmsearch fuse --method 'mm-model(label=size, at_least=15)'")


def test_too_few_labels(rated: Store) -> None:
    with pytest.raises(InputError, match="only 12 "):
        labelled(rated, IDS[:12], "good", None)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "mmsearch ingest events.csv"),
        ([["u", id, "buy", 1] for id in IDS], "of one user"),
        ([[f"u{i}", id, "buy", 1] for i, id in enumerate(IDS[:9])], "only 9 pairs"),
        ([[f"u{i}", f"other-{i}", "buy", 1] for i in range(30)], "none of the products"),
    ],
)
def test_interactions_that_teach_nothing_are_refused(tmp_path: Path, events: list[list[object]], message: str) -> None:
    shop = Shop(tmp_path / "store")
    shop.ingest(write(tmp_path / "products.csv", ["id"], [[id] for id in IDS]))
    if events:
        shop.ingest(write(tmp_path / "events.csv", ["user", "product", "event", "time"], events))
    with pytest.raises(InputError, match=message):
        taken(shop.store, IDS)


def test_without_a_store_it_says_what_is_missing() -> None:
    with pytest.raises(InputError, match="no interactions"):
        taken(None, IDS)
    with pytest.raises(InputError, match="read from a store"):
        labelled(None, IDS, "liked", None)
