"""Who asks changes the order: a user, a session, the time of the year, a mood; what is not known changes nothing, and is said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import small_shop
from fake_sounds import tone, written

from mmsearch.errors import InputError, UsageError
from mmsearch.features.base import Fact
from mmsearch.ranking.shopper import Shopper
from mmsearch.search.hits import Result
from mmsearch.search.query import Part, Query, make_query
from mmsearch.search.rerank import mood, season
from mmsearch.search.rerank.chain import chain_for
from mmsearch.search.rerank.mood import heard_mood
from mmsearch.search.rerank.personal import Personal
from mmsearch.search.rerank.season import season_days
from mmsearch.shop import Shop

ALL = 100


def ids(result: Result) -> list[str]:
    return [hit.id for hit in result]


def change(result: Result, id: str, name: str = "") -> float:
    hit = next(hit for hit in result if hit.id == id)
    return sum(one.contribution for one in hit.explain if one.part == "rerank" and one.evidence.startswith(name))


# -- a user and a session --------------------------------------------------------------------------------------------


def test_what_fits_a_user_goes_up(told: Shop) -> None:
    assert ids(told.search("chair", k=1)) != ["red-chair"]
    result = told.search("chair", k=ALL, shopper=Shopper("red-fan0"), explain=True, understand=False)
    assert result.hits[0].id == "red-chair" and not result.notes
    assert change(result, "red-chair", "personal taste: place") > 0 and change(result, "red-chair", "personal history: place") > 0
    for hit in result:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9)
    assert change(result, "red-shoe") == 0, "bought already: as it was"
    browsed = told.search(where="price > 0", k=ALL, shopper=Shopper("red-fan0"), explain=True)
    assert change(browsed, small_shop.NOTHING) == 0 != change(browsed, "red-chair"), "no vector and no events: as it was"


def test_a_session_needs_no_user(told: Shop) -> None:
    result = told.search("chair", k=ALL, shopper=Shopper(session=("green-hat", "green-bag")), explain=True)
    assert result.hits[0].id == "green-chair"
    assert change(result, "green-hat") == 0
    for hit in result:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9)
    newest = [
        told.search("chair", k=1, shopper=Shopper(session=order)).hits[0].id for order in (("red-hat", "blue-hat"), ("blue-hat", "red-hat"))
    ]
    assert newest == ["blue-chair", "red-chair"], "the newest says most"


@pytest.mark.parametrize("limit", ["100000", "5"])
def test_large_stores_do_the_same(told: Shop, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_EXACT_LIMIT", limit)
    result = told.search("chair", k=3, shopper=Shopper("red-fan0", ("red-hat",), "december", "joyful"), explain=True)
    assert result.hits[0].id == "red-chair"
    for hit in result:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9)


def test_without_a_query_the_category_is_in_their_order(told: Shop) -> None:
    assert ids(told.search(where="title like '%chair'", shopper=Shopper("red-fan0")))[0] == "red-chair"


def test_who_is_not_known_gets_what_everybody_gets(told: Shop, tmp_path: Path) -> None:
    everybody = [(hit.id, hit.score) for hit in told.search("chair", k=ALL)]
    result = told.search("chair", k=ALL, shopper=Shopper("nobody"))
    assert [(hit.id, hit.score) for hit in result] == everybody
    assert result.notes == [
        "the store knows no user nobody, and nothing is personal; ids are as in the events, pseudonyms where these have pseudonyms"
    ]
    own = small_shop.make(tmp_path, fuse=False)
    own.ingest(small_shop.write_csv(tmp_path / "users.csv", ("id", "city"), [{"id": "silent", "city": "Ulm"}]), kind="users")
    gone = [{"user": "late", "product": "gone", "event": "buy"}, {"user": "back", "product": "red-hat", "event": "remove_from_cart"}]
    own.ingest(small_shop.write_csv(tmp_path / "more.csv", ("user", "product", "event"), gone))
    for user, said in (("silent", "has no events"), ("late", "no events with products that are in the store"), ("back", "no events with")):
        assert said in own.search("chair", shopper=Shopper(user)).notes[0]
    for hostile in ("' or '1' = '1", "silent'; --", "用户😀", "\\", "x" * 10_000, "\u202eevil"):
        assert "the store knows no user" in own.search("chair", k=1, shopper=Shopper(hostile)).notes[0]
    assert own.search("chair", k=1, shopper=Shopper("")).notes == ["personal: no user is named (--user): nothing is personal"]


def test_new_events_count_at_once(tmp_path: Path) -> None:
    own = small_shop.make(tmp_path, fuse=False)
    assert own.search("chair", k=1, shopper=Shopper("fresh")).notes
    own.ingest(
        small_shop.write_csv(tmp_path / "new.csv", ("user", "product", "event"), [{"user": "fresh", "product": "red-hat", "event": "view"}])
    )
    result = own.search("chair", k=1, shopper=Shopper("fresh"))
    assert (ids(result), result.notes) == (["red-chair"], [])
    found = own.search("hat", k=ALL, shopper=Shopper("fresh"), explain=True)
    assert change(found, "red-hat") > 0, "looked at, not bought: it may be what they come back for"


def test_without_vectors_or_events_the_rest_counts(tmp_path: Path) -> None:
    bare = Shop(tmp_path / "bare.lancedb")
    bare.ingest(small_shop.write_catalogue(tmp_path))
    where = "title like '%chair'"
    with pytest.raises(UsageError, match="the store has no events: nothing is known of the user u1") as raised:
        bare.search(where=where, shopper=Shopper("u1"))
    assert "mmsearch ingest events.csv" in (raised.value.hint or "")
    alone = bare.search(where=where, shopper=Shopper(session=("red-hat",)))
    assert "session: no product of the list has a vector" in alone.notes[0]
    bare.ingest(small_shop.write_events(tmp_path))
    assert ids(bare.search(where=where, shopper=Shopper("red-fan0")))[0] == "red-chair"


def test_a_session_of_which_nothing_is_known_is_told(told: Shop) -> None:
    """A product without photo, text and events."""
    result = told.search("chair", k=ALL, shopper=Shopper(session=(small_shop.NOTHING,)), explain=True, understand=False)
    assert ids(result) == ids(told.search("chair", k=ALL))
    assert result.notes[0].startswith("session: no product of the list has a vector to compare")


def test_what_was_bought_long_ago_is_still_theirs(tmp_path: Path) -> None:
    own = small_shop.make(tmp_path, fuse=False)
    rows = [{"user": "busy", "product": "red-chair", "event": "buy", "time": 0}]
    rows += [{"user": "busy", "product": f"red-{kind}", "event": "view", "time": 1 + n} for n, kind in enumerate(small_shop.KINDS[:5] * 40)]
    own.ingest(small_shop.write_csv(tmp_path / "busy.csv", ("user", "product", "event", "time"), rows))
    result = own.search("chair", k=ALL, shopper=Shopper("busy"), explain=True)
    assert change(result, "red-chair") == 0 and change(result, "red-hat") > 0


def test_an_unknown_product_of_a_session_is_said(told: Shop) -> None:
    some = told.search("chair", k=ALL, shopper=Shopper(session=("blue-hat", "red-ht")))
    assert some.notes[0] == "session: there is no product red-ht; the rest of the session counts"
    assert some.hits == told.search("chair", k=ALL, shopper=Shopper(session=("blue-hat",))).hits
    with pytest.raises(UsageError, match="there is no product red-ht; did you mean red-hat"):
        told.search("chair", shopper=Shopper(session=("red-ht",)))
    with pytest.raises(UsageError, match="there is no product red-ht; did you mean red-hat"):
        told.search("chair", rerank="session(ids=[blue-hat, red-ht])")  # typed by a person


def test_a_step_that_is_named_takes_the_place_of_the_option(told: Shop) -> None:
    mine = Personal(weight=0.7)
    assert chain_for(Shopper("u", season="now"), [mine])[0] is mine
    assert [type(step).__name__ for step in chain_for(Shopper("u", season="now"), [mine])] == ["Personal", "Season"]
    assert chain_for(Shopper(), [mine]) == [mine]
    with pytest.raises(UsageError, match="--sort and --rerank"):
        told.search("chair", sort="price", shopper=Shopper("u"))


def test_each_query_of_a_batch_has_its_own(told: Shop) -> None:
    queries = {who: make_query(["chair"], shopper=Shopper(who or None)) for who in ("red-fan0", "blue-fan0", "")}
    found = told.search_many(queries, k=1)
    assert [found[who].hits[0].id for who in queries][:2] == ["red-chair", "blue-chair"]
    assert ids(found[""]) == ids(told.search("chair", k=1))


# -- the time of the year --------------------------------------------------------------------------------------------


def test_what_sells_at_the_time_goes_up(told: Shop) -> None:
    for time, up, down in (("december", "lamp", "hat"), ("夏天", "hat", "lamp"), ("2025-12-14", "lamp", "hat")):
        result = told.search("white", k=ALL, shopper=Shopper(season=time), explain=True, understand=False)
        assert change(result, f"white-{up}", f"season {time}") > 0 > change(result, f"white-{down}", f"season {time}"), time
        assert change(result, "twin-a") == 0, "nobody took it: as it was"
        assert not result.notes


def test_now_is_today(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(season, "today", lambda: date(2026, 12, 12))
    assert change(told.search("white", k=ALL, shopper=Shopper(season="now"), explain=True), "white-lamp") > 0


def test_what_is_new_is_not_in_season(tmp_path: Path) -> None:
    """All its events are of December, because it is sold since then: so are those of others since then."""
    own = Shop(tmp_path / "store.lancedb")
    own.ingest(small_shop.write_catalogue(tmp_path))
    start, day = 1_672_531_200, 86_400
    even = [{"user": f"u{n}", "product": "red-hat", "event": "buy", "time": start + n * day} for n in range(730)]
    new = [{"user": f"v{n}", "product": "red-cup", "event": "buy", "time": start + (730 - 20 + n) * day} for n in range(20)]
    own.ingest(small_shop.write_csv(tmp_path / "e.csv", ("user", "product", "event", "time"), even + new))
    result = own.search(where="price > 0", k=ALL, shopper=Shopper(season="december"), explain=True)
    assert change(result, "red-cup") == pytest.approx(0, abs=1e-9)


def test_places_in_an_order_are_no_dates(tmp_path: Path) -> None:
    own = Shop(tmp_path / "store.lancedb")
    own.ingest(small_shop.write_catalogue(tmp_path))
    with pytest.raises(UsageError, match="no events: nothing is known of when products sell"):
        own.search(where="price > 0", shopper=Shopper(season="may"))
    rows = [{"user": "u", "product": "red-hat", "event": "buy", "time": n} for n in range(9)]
    own.ingest(small_shop.write_csv(tmp_path / "e.csv", ("user", "product", "event", "time"), rows))
    result = own.search(where="price > 0", shopper=Shopper(season="may"), explain=True)
    assert "the events have no dates" in result.notes[0] and not any(hit.explain for hit in result)


def test_half_a_year_is_told(told: Shop, tmp_path: Path) -> None:
    own = Shop(tmp_path / "store.lancedb")
    own.ingest(small_shop.write_catalogue(tmp_path))
    own.ingest(small_shop.write_events(tmp_path))  # five days of November
    notes = [own.search(where="price > 0", shopper=Shopper(season=time)).notes[0] for time in ("november", "may")]
    assert notes[0].startswith("the events are of 5 days, less than a year")
    assert notes[1].startswith("the store has no events at this time of the year")


@pytest.mark.parametrize(
    ("text", "first", "days"),
    [
        ("January", 0, 31),
        ("feb", 31, 29),
        ("12月", 335, 31),
        ("十一月", 305, 30),
        ("winter", 335, 91),
        ("冬", 335, 91),
        ("Autumn ", 244, 91),
    ],
)
def test_times_of_the_year(text: str, first: int, days: int) -> None:
    found = season_days(text)
    assert found.sum() == days and found[first] and not found[first - 1]


@pytest.mark.parametrize("text", ["", "13月", "月", "soon", "2025-13-01", "0", "'; drop", "冬冬", "१月"])
def test_what_is_no_time_of_the_year(text: str) -> None:
    with pytest.raises(UsageError, match="no time of the year"):
        season_days(text)


# -- a mood ----------------------------------------------------------------------------------------------------------


def test_a_mood_meets_the_emotion_of_reviews(told: Shop) -> None:
    result = told.search("shoe", k=ALL, shopper=Shopper(mood="happy"), explain=True)
    assert change(result, "green-shoe", "mood joyful") > 0 > change(result, "red-shoe", "mood joyful")
    assert change(result, "white-shoe") == change(result, "blue-shoe") == 0, "nobody says so: as it was"
    for hit in result:
        assert sum(one.contribution for one in hit.explain) == pytest.approx(hit.score, abs=1e-9)
    none = told.search("shoe", where="colour = 'white'", shopper=Shopper(mood="happy"))
    assert "none of the products found has reviews" in none.notes[0]


def test_without_emotions_the_command_is_named(plain: Shop) -> None:
    with pytest.raises(UsageError, match="no emotions of its products") as raised:
        plain.search("shoe", shopper=Shopper(mood="joyful"))
    assert "embed --features emotion" in (raised.value.hint or "")
    with pytest.raises(UsageError, match="no mood 'jolyful'; did you mean joyful"):
        plain.search("shoe", shopper=Shopper(mood="jolyful"))


def test_a_mood_shapes_recommendations_as_the_step_of_its_name_does(told: Shop) -> None:
    ask = {"user": "red-fan1", "method": "content", "k": ALL, "sold_out": True, "already": "include"}
    plain, joyful, step = told.recommend(**ask), told.recommend(**ask, mood="happy"), told.recommend(**ask, rerank="mood(joyful)")
    assert [(item.id, item.score) for item in joyful.items] == [(item.id, item.score) for item in step.items]
    mine = {item.id: item for item in joyful.items}
    assert mine["green-shoe"].score > next(item.score for item in plain.items if item.id == "green-shoe")
    assert mine["green-shoe"].why[-1].relation.startswith("mood joyful: place")
    both = told.recommend(**ask, mood="happy", rerank="mood(calm)")
    moved = {part.relation.partition(":")[0] for item in both.items for part in item.why if part.relation.startswith("mood")}
    assert moved == {"mood calm"}, "a step that is named stands for the option"


def test_rerankers_know_whom_they_recommend_for(told: Shop) -> None:
    changed = told.recommend("red-fan0", method="content", rerank="personal", k=ALL)
    assert changed.notes == ["the last 3 are what nobody took yet, by id: there is evidence for no more"]
    assert any(part.relation.startswith("personal taste") for part in changed.items[0].why)
    session = told.recommend(like="green-hat", method="content", rerank="session", k=ALL)
    assert any(part.relation.startswith("session taste") for part in session.items[0].why)


@pytest.mark.parametrize(
    ("pleased", "excited", "mood_of_it", "strength"),
    [(0.9, 0.7, "excited", 0.8), (0.6, 0.1, "calm", 0.8), (0.1, 0.9, "calm", 0.8), (0.3, 0.4, "joyful", 0.4), (0.5, 0.5, "excited", 0.0)],
)
def test_a_voice_asks_for_what_mends_a_mood(
    pleased: float, excited: float, mood_of_it: str, strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mood, "_listened", lambda file: [Fact("voice_valence", pleased), Fact("voice_arousal", excited)])
    found, much, note = heard_mood(["ask.wav"])
    assert (found, pytest.approx(much)) == (mood_of_it, strength)
    assert f"pleased {pleased:.2f}" in note
    monkeypatch.setattr(mood, "_listened", lambda file: [])
    assert heard_mood(["ask.wav"])[1] == 0


def test_a_tone_is_measured_and_a_typed_query_is_not(told: Shop, tmp_path: Path) -> None:
    (tmp_path / "ask.wav").write_bytes(written(tone(180, 2)))
    assert "pleased" in heard_mood([str(tmp_path / "ask.wav")])[2]
    (tmp_path / "none.wav").write_bytes(b"%PDF")
    with pytest.raises(InputError, match="cannot be heard"):
        heard_mood([str(tmp_path / "none.wav")])
    with pytest.raises(UsageError, match="--mood heard listens to a spoken query, and there is none"):
        told.search("shoe", shopper=Shopper(mood="heard"))


def test_the_voice_is_that_of_the_spoken_parts(told: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(mood, "_listened", lambda file: heard.append(file) or [Fact("voice_valence", 0.9), Fact("voice_arousal", 0.2)])
    query = Query(
        (Part("text", "shoe", heard="ask.wav"), Part("text", "hat", negative=True, heard="not.wav")), shopper=Shopper(mood="heard")
    )
    result = told.search_many({"q": query}, k=3)["q"]
    assert heard == ["ask.wav"] and "mood calm, 80%" in result.notes[0]


def test_the_taste_is_by_vectors(told: Shop) -> None:
    result = told.search(where="title like '%hat'", k=ALL, shopper=Shopper(session=("red-shoe", "red-bag")), explain=True)
    tastes = {hit.id: change(result, hit.id, "session taste") for hit in result}
    assert max(tastes, key=lambda id: tastes[id]) == "red-hat"
