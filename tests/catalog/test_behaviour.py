"""How much an event says, and the events of a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from product_shelf import new_store

from mmsearch.catalog.behaviour import Events, Names, read_events
from mmsearch.errors import UsageError
from mmsearch.shop import Shop


def event_values(kinds: list[str], values: list[float], highest: float | None = None) -> np.ndarray:
    return Events.of([""] * len(kinds), [""] * len(kinds), kinds, values).strengths(highest)


def test_a_column_of_names_is_a_sequence_that_keeps_each_name_once() -> None:
    names = Names.of("abcab")
    assert (names.distinct, names.codes.tolist()) == (["a", "b", "c"], [0, 1, 2, 0, 1])
    assert (list(names), len(names), names[3], names[-1], names[1:3]) == (list("abcab"), 5, "a", "b", ["b", "c"])
    assert names.each([1, 2, 3]).tolist() == [1, 2, 3, 1, 2]
    assert list(Names.of([])) == Names.of([]).each([]).tolist() == []


def test_event_kinds_have_weights_and_ratings_their_share_of_the_best() -> None:
    kinds = ["view", "BUY", "cart", "rate", "rating", "remove_from_cart"]
    assert event_values(kinds, [np.nan, 7, np.nan, 2, 4, np.nan]).tolist() == [0.2, 1, 0.6, 0.5, 1, 0]
    assert event_values(["rate", "rate"], [0, 0]).tolist() == [0, 0]
    assert event_values([], []).tolist() == []


def test_stronger_kinds_weigh_more() -> None:
    view, cart, buy = event_values(["view", "cart", "buy"], [np.nan] * 3)
    assert 0 < view < cart < buy == 1


def test_what_has_no_weight_and_no_number_says_nothing_and_is_told() -> None:
    assert event_values(["buy", "veiw"], [np.nan, np.nan]).tolist() == [1, 0]
    assert event_values(["rate", "rate", "rate"], [3, np.nan, np.inf]).tolist() == [1, 0, 0]
    events = Events.of("uvw", "abc", ["buy", "veiw", "rate"], [np.nan] * 3)
    kind, rating = events.unheard()
    assert "1 events of the kind 'veiw' have no weight and count nothing; did you mean view" in kind
    assert rating == "1 ratings without a number count nothing"


def test_what_was_taken_back_and_what_is_rated_below_0_is_evidence_against() -> None:
    assert event_values(["buy", "buy", "cart"], [2, -1, -3]).tolist() == [1, -1, -0.6]
    assert event_values(["rate", "rate", "rate"], [1, -1, -2]).tolist() == [0.5, -0.5, -1]
    assert event_values(["rate", "rate"], [2, 9], highest=4).tolist() == [0.5, 1]


def test_a_shop_has_its_own_kinds_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events.of("uv", "ab", ["impression", "view"], [np.nan] * 2)
    monkeypatch.setenv("MMSEARCH_EVENT_WEIGHTS", "Impression=.05, view = .5")
    assert events.strengths().tolist() == [0.05, 0.5]
    assert events.unheard() == []
    for wrong in ("view", "view=2", "=.5", "view=much"):
        monkeypatch.setenv("MMSEARCH_EVENT_WEIGHTS", wrong)
        with pytest.raises(UsageError, match="MMSEARCH_EVENT_WEIGHTS: "):
            events.strengths()


def test_the_events_of_a_store_are_read_as_they_were_meant(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user,product,event,value,time\nu,p1,view,,1\nu,p2,,4,2\nv,p1,,,3\nv,gone,buy,,4\n", encoding="utf-8")
    Shop(tmp_path / "store").ingest(path, kind="interactions")
    found = read_events(Shop(tmp_path / "store").store)
    rows = sorted(zip(found.users, found.products, found.strengths().tolist(), found.times.tolist(), strict=True), key=lambda row: row[3])
    assert rows == [("u", "p1", 0.2, 1), ("u", "p2", 1, 2), ("v", "p1", 1, 3), ("v", "gone", 1, 4)]


def test_a_store_without_events_has_none(tmp_path: Path) -> None:
    found = read_events(new_store(tmp_path / "store"))
    assert len(found) == len(found.users) == len(found.strengths()) == len(found.times) == 0
