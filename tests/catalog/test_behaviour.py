"""How much an event says, and the events of a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from product_shelf import new_store

from mmsearch.catalog.behaviour import event_values, read_events
from mmsearch.errors import InputError
from mmsearch.shop import Shop


def test_event_kinds_have_weights_and_ratings_their_share_of_the_best() -> None:
    kinds = ["view", "BUY", "cart", "rate", "rating", "remove_from_cart"]
    assert event_values(kinds, [np.nan, 7, np.nan, 2, 4, np.nan]).tolist() == [0.2, 1, 0.6, 0.5, 1, 0]
    assert event_values(["hold"], [np.nan], {"hold": 0.3}).tolist() == [0.3]
    assert event_values(["rate", "rate"], [0, 0]).tolist() == [0, 0]
    assert event_values([], []).tolist() == []


def test_stronger_kinds_weigh_more() -> None:
    view, cart, buy = event_values(["view", "cart", "buy"], [np.nan] * 3)
    assert 0 < view < cart < buy == 1


def test_bad_events_are_refused() -> None:
    with pytest.raises(InputError, match="'veiw' have no weight; did you mean view"):
        event_values(["buy", "veiw"], [np.nan, np.nan])
    for bad in (np.nan, -1, np.inf):
        with pytest.raises(InputError, match="1 of 2 rating events have no usable value"):
            event_values(["rate", "rate"], [3, bad])
    with pytest.raises(ValueError, match="2 events but values of shape"):
        event_values(["buy", "buy"], [1])


def test_the_events_of_a_store_are_read_as_they_were_meant(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user,product,event,value,time\nu,p1,view,,1\nu,p2,,4,2\nv,p1,,,3\nv,gone,buy,,4\n", encoding="utf-8")
    Shop(tmp_path / "store").ingest(path, kind="interactions")
    found = read_events(Shop(tmp_path / "store").store)
    rows = sorted(zip(found.users, found.products, found.strengths().tolist(), found.times.tolist(), strict=True), key=lambda row: row[3])
    assert rows == [("u", "p1", 0.2, 1), ("u", "p2", 1, 2), ("v", "p1", 1, 3), ("v", "gone", 1, 4)]


def test_a_store_without_events_has_none(tmp_path: Path) -> None:
    found = read_events(new_store(tmp_path / "store"))
    assert found.users == [] and len(found.strengths()) == len(found.times) == 0
