"""What a store's events and reviews say, as interactions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import small_shop

from mmsearch.recommend.evidence import Evidence, Scale, read_evidence
from mmsearch.shop import Shop


def evidence(folder: Path, rows: list[dict[str, Any]], reviews: list[dict[str, Any]] | None = None, **options: Any) -> Evidence:
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", [{"id": i, "title": i} for i in "abcd"]))
    if rows:
        shop.ingest(small_shop.write_jsonl(folder / "e.jsonl", rows))
    if reviews:
        shop.ingest(small_shop.write_jsonl(folder / "r.jsonl", reviews), kind="reviews")
    return read_evidence(shop.store, list("abcd"), **options)


def said(found: Evidence) -> list[tuple[str, str, float]]:
    all_ = found.interactions
    rows = zip(all_.users.tolist(), all_.products.tolist(), all_.values.tolist(), strict=True)
    return [(all_.user_ids[u], all_.product_ids[p], value) for u, p, value in rows]


def test_an_event_without_a_kind_is_a_rating_if_it_has_a_value_and_else_a_purchase(tmp_path: Path) -> None:
    rows = [{"user": "u", "product": "a", "time": 1}, {"user": "u", "product": "b", "value": 2, "time": 2}]
    found = evidence(tmp_path, [*rows, {"user": "u", "product": "c", "value": 4, "time": 3}])
    assert said(found) == [("u", "a", 1), ("u", "b", 0.5), ("u", "c", 1)]
    assert (found.notes, found.scale) == ([], Scale(4, None))


def test_what_says_nothing_is_no_history(tmp_path: Path) -> None:
    rows = [{"user": "u", "product": p, "event": e} for p, e in (("a", "buy"), ("b", "remove_from_cart"), ("c", "seen"))]
    found = evidence(tmp_path, rows)
    assert said(found) == [("u", "a", 1)]
    assert found.notes[0].startswith("1 events of the kind 'seen' have no weight")


def test_reviews_say_what_their_stars_do_and_else_half(tmp_path: Path) -> None:
    rows = [{"user": "u", "product": "a", "event": "view"}]
    reviews = [
        {"user": "u", "product": "a", "text": "Broke at once", "rating": 1},
        {"user": "u", "product": "b", "text": "Good", "rating": 5},
        {"user": "u", "product": "c", "text": "Wonderful, I love it"},
        {"product": "d", "text": "Nobody knows who says so", "rating": 5},
    ]
    found = evidence(tmp_path, rows, reviews)
    assert said(found) == [("u", "a", 0.2), ("u", "b", 1), ("u", "c", 0.5)]
    assert found.notes == ["1 review without stars counts half: mmsearch embed --features sentiment tells whether it praises"]


@pytest.mark.models
def test_reviews_without_stars_say_what_their_words_do(tmp_path: Path) -> None:
    reviews = [
        {"user": "u", "product": "a", "text": "Wonderful, I love it, it is the best", "time": 1},
        {"user": "u", "product": "b", "text": "Terrible, it broke, I hate it", "time": 2},
        {"user": "v", "product": "b", "text": "质量很好,非常喜欢", "time": 3},
    ]
    evidence(tmp_path, [], reviews)
    shop = Shop(tmp_path / "store.lancedb")
    shop.embed(text="fake-text", features="sentiment")
    found = read_evidence(shop.store, list("abcd"))
    (_, _, praise), (_, _, blame), (_, _, chinese) = said(found)
    assert blame < 0.3 < 0.8 < praise
    assert chinese > 0.8
    assert found.notes == []


def test_events_after_today_count_as_of_today(tmp_path: Path) -> None:
    times = {"a": time.time() + 400 * 86_400, "b": 1_700_000_000}
    found = evidence(tmp_path, [{"user": "u", "product": p, "event": "buy", "time": t} for p, t in times.items()])
    assert found.interactions.times.max() < time.time() + 2 * 86_400
    assert [product for _, product, _ in said(found)] == ["b", "a"]
    assert found.notes == ["1 event after today counts as of today"]


def test_seconds_milliseconds_and_dates_are_one_clock(tmp_path: Path) -> None:
    times = {"c": "2023-11-16T00:00:00", "a": 1_700_000_000, "b": 1_700_050_000_000}
    found = evidence(tmp_path, [{"user": "u", "product": p, "event": "buy", "time": t} for p, t in times.items()])
    assert [product for _, product, _ in said(found)] == ["a", "b", "c"]


def test_ordinals_are_no_times_of_the_future(tmp_path: Path) -> None:
    rows = [{"user": "u", "product": p, "event": "buy", "time": t} for p, t in (("b", 7), ("a", 90_000_000))]
    found = evidence(tmp_path, rows)
    assert [product for _, product, _ in said(found)] == ["b", "a"]
    assert found.notes == []


def test_the_evidence_of_one_user_on_the_scale_of_all(tmp_path: Path) -> None:
    rows = [{"user": u, "product": "a", "value": v} for u, v in (("u", 5), ("v", 2), ("v'; drop", 4))]
    evidence(tmp_path, rows)
    store = Shop(tmp_path / "store.lancedb").store
    assert said(read_evidence(store, list("abcd"), users=["v"], scale=Scale(5, None))) == [("v", "a", 0.4)]
    assert said(read_evidence(store, list("abcd"), users=["v'; drop"], scale=Scale(5, None))) == [("v'; drop", "a", 0.8)]
    assert said(read_evidence(store, list("abcd"), users=["w"])) == []
