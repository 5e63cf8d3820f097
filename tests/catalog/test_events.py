"""What shoppers did and said: rows → events, and what makes two rows the same event."""

from __future__ import annotations

from typing import Any

import pytest

from mmsearch.catalog.clean import Cleaner
from mmsearch.catalog.events import EVENT_KINDS
from mmsearch.catalog.problems import BadRow


def read(kind: str, order: int = 9, **values: Any) -> dict[str, Any]:
    names = [field.name for field in EVENT_KINDS[kind].fields]
    return EVENT_KINDS[kind].read({name: values.get(name) for name in names}, {name: name for name in names}, Cleaner(), order)


def test_interactions() -> None:
    made = read("interactions", user="u", product=5, event=" Buy ", value="4.5", time="1970-01-02")
    assert made == {"user": "u", "product": "5", "event": "Buy", "value": 4.5, "time": 86_400.0}
    bare = {"user": "u", "product": "p", "event": None, "value": None, "time": 9.0}
    assert read("interactions", user="u", product="p") == bare
    assert read("interactions", user="u", product="p", event="", value=" ", time="") == bare


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"user": ""}, "no user (column user)"),
        ({"product": None}, "no product (column product)"),
        ({"value": "many"}, "bad value ('many' is not a finite number)"),
        ({"value": "nan"}, "bad value ('nan' is not a finite number)"),
        ({"value": 10**400}, "bad value (" + "1" + "0" * 78 + "… is not a finite number)"),
        ({"value": [1]}, "bad value ([1] is not a finite number)"),
        ({"time": "soon"}, "bad time ('soon' is neither a number nor an ISO 8601 time)"),
        ({"time": "inf"}, "bad time ('inf' is not finite)"),
    ],
)
def test_bad_interactions(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRow) as caught:
        read("interactions", **{"user": "u", "product": "p", **change})
    assert str(caught.value) == reason


def test_reviews() -> None:
    made = read("reviews", user="u", product="p", text="<b>Fine</b>  shoe", rating="4", time="5")
    assert made == {"id": None, "user": "u", "product": "p", "title": None, "text": "Fine shoe", "rating": 4.0, "time": 5.0}
    assert read("reviews", product="p", rating=5)["user"] is None
    for values, reason in (
        ({"text": "x"}, "no product (column product)"),
        ({"product": "p", "text": " "}, "no text and no rating (column text)"),
    ):
        with pytest.raises(BadRow) as caught:
            read("reviews", **values)
        assert str(caught.value) == reason


def test_searches() -> None:
    assert read("searches", user="u", text=" red  shoe", time="1970-01-02", clicked="a;b") == {
        "user": "u",
        "text": "red shoe",
        "time": 86_400.0,
        "clicked": ["a", "b"],
    }
    assert read("searches", text="x") == {"user": None, "text": "x", "time": 9.0, "clicked": []}
    with pytest.raises(BadRow, match=r"no text \(column text\)"):
        read("searches", user="u")


def test_triples() -> None:
    assert read("triples", head="trainers", relation="synonym", tail=" 跑鞋 ") == {
        "head": "trainers",
        "relation": "synonym",
        "tail": "跑鞋",
    }
    with pytest.raises(BadRow, match=r"no tail \(column tail\)"):
        read("triples", head="a", relation="b")


def test_what_makes_an_event_the_same() -> None:
    base = {"user": "u", "product": "p", "event": "buy", "value": 1.0, "time": 5.0}
    identity = EVENT_KINDS["interactions"].identity
    for name, other in (("user", "v"), ("product", "q"), ("event", None), ("value", None), ("time", 6.0)):
        assert identity(base | {name: other}) != identity(base)
    assert identity(base | {"extra": "{}"}) == identity(base)


def test_a_corrected_review_is_the_same_review() -> None:
    identity = EVENT_KINDS["reviews"].identity
    base = read("reviews", user="u", product="p", text="fine", rating=4, time=5)
    assert identity(base | {"text": "fine!", "rating": 2.0}) == identity(base)
    assert identity(base | {"time": 6.0}) != identity(base)
    undated = base | {"time": None}
    assert identity(undated | {"text": "bad"}) != identity(undated)  # nothing else tells two of them apart
    assert identity(base | {"id": "r1"}) == identity(undated | {"id": "r1", "text": "x"})
