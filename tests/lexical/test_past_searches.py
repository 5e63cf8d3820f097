"""Past searches: whose are offered to others, and in which order."""

from __future__ import annotations

from pathlib import Path

import small_shop

from mmsearch.lexical.past_searches import past_searches
from mmsearch.shop import Shop
from mmsearch.store import Store

DAY = 86_400
NOW = 1_700_000_000


def stored(folder: Path, rows: list[tuple[str, str, int | None]]) -> Store:
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", [{"id": "1", "title": "lamp"}]))
    table = [{"user": user, "text": text, "time": time} for user, text, time in rows]
    shop.ingest(small_shop.write_jsonl(folder / "s.jsonl", table), kind="searches")
    return shop.store


def people(text: str, *users: str, time: int | None = NOW) -> list[tuple[str, str, int | None]]:
    return [(user, text, time) for user in users]


def test_three_people_must_have_typed_it(tmp_path: Path) -> None:
    rows = people("desk lamp", "a", "b", "c") + people("red hat", "a", "b")
    rows += [("a", "my own name", NOW + day) for day in range(9)]
    store = stored(tmp_path, rows)
    assert [past.text for past in past_searches(store, 10)] == ["desk lamp"]


def test_without_users_each_search_counts(tmp_path: Path) -> None:
    store = stored(tmp_path, [("", "desk lamp", NOW + n) for n in range(3)] + [("", "hat", NOW + n) for n in range(2)])
    assert [past.text for past in past_searches(store, 10)] == ["desk lamp"]


def test_what_names_a_person_is_not_offered(tmp_path: Path) -> None:
    store = stored(tmp_path, people("jo@shop.test", *"abcd") + people("+49 (170) 123-4567", *"abcd") + people("iphone 15", *"abcd"))
    assert [past.text for past in past_searches(store, 10)] == ["iphone 15"]


def test_spellings_are_one_search_shown_in_the_most_usual(tmp_path: Path) -> None:
    rows = people("T-Shirt", "a", "b") + people("tshirt", "c") + people("紅色 鞋", "a") + people("红色鞋", "b", "c")
    assert {past.text: round(past.weight, 3) for past in past_searches(stored(tmp_path, rows), 10)} == {"T-Shirt": 3.0, "红色鞋": 3.0}


def test_those_of_late_count_more_and_a_person_counts_once(tmp_path: Path) -> None:
    rows = people("old", "a", "b", "c", "d", time=NOW - 60 * DAY) + people("new", "a", "b", "c")
    rows += [("a", "old", NOW - 90 * DAY - n) for n in range(20)]
    rows += people("timeless", "a", "b", "c", time=None)
    found = {past.text: past.weight for past in past_searches(stored(tmp_path, rows), 10)}
    assert list(found) == ["new", "timeless", "old"]
    assert found["old"] == 4 * 0.25
    assert found["timeless"] == 3 * (3 + 4 * 0.25) / 7, "as much as the others in the mean"


def test_no_more_than_asked_for(tmp_path: Path) -> None:
    rows = [row for text in ("lamp", "hat", "bag") for row in people(text, "a", "b", "c")]
    assert [past.text for past in past_searches(stored(tmp_path, rows), 2)] == ["bag", "hat"]
