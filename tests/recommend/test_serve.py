"""Recommending from a store: for a user, from likes, for strangers, within a filter, and with little to go by."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop

from mmsearch.errors import InputError, ParseError, StoreError, UsageError
from mmsearch.recommend.evidence import catalogue, load_products
from mmsearch.recommend.serve import Recommendations
from mmsearch.shop import Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Read only. The fans of a colour have all of it, but for `…-fan0`, who has everything but the chair."""
    return small_shop.make(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Without events. Read only, too."""
    return small_shop.make(tmp_path_factory.mktemp("cold"), events=False)


def ids(found: Recommendations) -> list[str]:
    return [item.id for item in found.items]


def test_a_user_gets_what_others_like_them_took(shop: Shop) -> None:
    found = shop.recommend("red-fan0", k=1)
    assert (found.method, found.notes) == ("cold(base=itemcf)", [])
    assert ids(found) == ["red-chair"]
    assert found.items[0].title == "Red chair"
    assert [item.rank for item in found.items] == list(range(1, len(found.items) + 1))
    assert [item.score for item in found.items] == sorted((item.score for item in found.items), reverse=True)


@pytest.mark.parametrize("method", ["itemcf", "itemcf(k=3, decay=.5)", "content", "popular"])
def test_nobody_gets_what_they_had(shop: Shop, method: str) -> None:
    found = shop.recommend("red-fan0", method=method, k=100)
    assert found.items
    assert found.method == method
    assert not {f"red-{kind}" for kind in small_shop.KINDS[:5]} & set(ids(found))
    assert len(set(ids(found))) == len(found.items)


def test_reasons_add_up_to_the_score(shop: Shop) -> None:
    for method in ("itemcf", "content"):
        for item in shop.recommend("green-fan0", method=method).items:
            assert sum(part.contribution for part in item.why) == pytest.approx(item.score, abs=1e-9)
            assert {part.id for part in item.why} <= {None, *(f"green-{kind}" for kind in small_shop.KINDS)}


def test_a_recommendation_as_json(shop: Shop) -> None:
    item = shop.recommend("red-fan0", k=1).items[0]
    assert list(item.to_json()) == ["rank", "id", "score", "title"]
    assert item.to_json(why=True)["why"][0] == {"id": item.why[0].id, "relation": "taken with", "contribution": item.why[0].contribution}


def test_a_stranger_gets_what_sells_and_is_told_so(shop: Shop) -> None:
    found = shop.recommend("nobody", k=3)
    assert found.method == "popular"
    assert found.notes == ["nothing is known of a user nobody: showing popular"]
    assert all(item.score == 4 for item in found.items)


def test_from_likes(shop: Shop) -> None:
    found = shop.recommend(like=["blue-shoe", "blue-lamp^2"], k=3)
    assert all(id.startswith("blue-") for id in ids(found))
    assert not {"blue-shoe", "blue-lamp"} & set(ids(found))
    assert {part.id for part in found.items[0].why} == {"blue-shoe", "blue-lamp"}


def test_what_is_not_liked_lowers_its_kin(shop: Shop) -> None:
    both = {item.id: item.score for item in shop.recommend(like=["blue-shoe", "red-shoe"], method="content", k=100).items}
    less = {item.id: item.score for item in shop.recommend(like=["blue-shoe"], unlike="red-shoe", method="content", k=100).items}
    much = {item.id: item.score for item in shop.recommend(like=["blue-shoe"], unlike="red-shoe^1", method="content", k=100).items}
    assert both["green-shoe"] > less["green-shoe"] > much.get("green-shoe", 0.0)
    assert "red-shoe" not in less


def test_likes_join_the_history_of_a_user_as_the_newest(shop: Shop) -> None:
    found = shop.recommend("red-fan1", like="blue-shoe", k=3)
    assert all(id.startswith("blue-") for id in ids(found)), "of the red ones there is none left"
    assert found.items[0].why[0].id == "blue-shoe"
    before, after = (
        {
            item.id: {part.id: part.contribution for part in item.why}
            for item in shop.recommend("red-fan0", like=like, method="content(decay=.5)", k=100).items
        }
        for like in (None, "blue-shoe")
    )
    assert after["green-cup"]["red-cup"] == pytest.approx(before["green-cup"]["red-cup"] / 2), "one step older"


def test_a_filter_restricts(shop: Shop) -> None:
    found = shop.recommend("red-fan0", method="content", where="colour = 'green'", k=100)
    assert ids(found)
    assert all(id.startswith("green-") for id in ids(found))


def test_a_filter_that_leaves_nothing_is_no_reason_to_fall_back(shop: Shop) -> None:
    found = shop.recommend("red-fan0", where="price > 1000")
    assert (ids(found), found.method, found.notes) == ([], "cold(base=itemcf)", ["no product matches price > 1000"])


def test_when_everything_is_had_already(shop: Shop) -> None:
    found = shop.recommend("red-fan1", where="colour = 'red'")
    assert (ids(found), found.notes) == ([], ["every product is in the history already"])


def test_a_method_without_an_answer_falls_back_and_says_why(shop: Shop) -> None:
    """Nobody took the twins, so no other product goes with them."""
    found = shop.recommend(like="twin-a", method="itemcf", k=2)
    assert found.method == "popular"
    assert found.notes == ["itemcf finds nothing for this history: showing popular"]


def test_without_events_content_answers(cold: Shop) -> None:
    found = cold.recommend(like="twin-a", k=1)
    assert (found.method, ids(found)) == ("content", ["twin-b"])
    assert cold.recommend(like=small_shop.NO_TEXT, k=1).items[0].id == "yellow-hat"


def test_without_events_there_is_nothing_to_say_to_a_stranger(cold: Shop) -> None:
    with pytest.raises(InputError, match="no interactions to learn from") as raised:
        cold.recommend("u1")
    assert "mmsearch ingest" in str(raised.value.hint)


def test_without_vectors_there_is_no_content(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_catalogue(tmp_path))
    with pytest.raises(InputError, match="no product has a vector") as raised:
        shop.recommend(like="red-hat")
    assert raised.value.hint == "make them: mmsearch embed"
    shop.ingest(small_shop.write_events(tmp_path))
    assert shop.recommend("red-fan0", k=1).items[0].id == "red-chair", "events need no vectors"


def test_events_alone(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_events(tmp_path))
    with pytest.raises(InputError, match="the store has no products"):
        shop.recommend("red-fan0")


def test_events_of_unknown_products_are_left_out_and_counted(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}]))
    events = [{"user": u, "product": p, "event": "buy", "time": t} for u in ("u1", "u2", "u3") for t, p in enumerate(("a", "b", "gone"))]
    shop.ingest(small_shop.write_jsonl(tmp_path / "e.jsonl", [*events, {"user": "u4", "product": "a", "event": "view", "time": 9}]))
    found = shop.recommend("u4", k=2)
    assert ids(found) == ["b"]
    assert found.notes == ["3 events of products that are not in the catalogue are left out"]


def test_where_all_events_are_of_unknown_products_that_is_told(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "abc", [("u", "gone", 1.0), ("v", "lost", 1.0)])
    for ask in (
        lambda: shop.recommend("u", method="itemcf"),
        lambda: shop.recommend("u", method="popular"),
        lambda: shop.recommend_everyone(tmp_path / "r.csv", method="usercf"),
        lambda: shop.evaluate_recommend(["popular"], ["HR@5"]),
    ):
        with pytest.raises(InputError, match="2 events, all of products that are not in the catalogue") as raised:
            ask()
        assert raised.value.hint == "bring products: mmsearch ingest products.csv"


def test_content_goes_by_the_default_profile(shop: Shop, tmp_path: Path) -> None:
    products = catalogue(shop.store)
    fused = load_products(shop.store, products).vectors
    assert fused is not None
    present = dict(zip(products, fused.any(axis=1), strict=True))
    assert present[small_shop.NO_TEXT]
    assert present[small_shop.NO_PHOTO]
    assert not present[small_shop.NOTHING]
    plain = small_shop.make(tmp_path, fuse=False, events=False)
    text = load_products(plain.store, products).vectors
    assert text is not None
    assert text.shape[1] == 64
    assert not text[products.index(small_shop.NO_TEXT)].any()


def test_a_profile_that_must_be_refitted(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path)
    shop.embed(text="fake-text(seed=2)")
    with pytest.raises(StoreError, match="another text encoder"):
        shop.recommend(like="red-hat", method="content")
    found = shop.recommend("red-fan0", k=1)
    assert (ids(found), found.method) == (["red-chair"], "itemcf")
    assert found.notes[0].startswith("new products do not come: the fusion profile fake-fuser was made with another text encoder")


def test_a_stranger_and_one_without_events_are_told_apart(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "ab", [("u", "a", 1.0), ("ghost", "gone", 1.0)])
    shop.ingest(small_shop.write_jsonl(tmp_path / "users.jsonl", [{"id": "new", "city": "Ulm"}]), kind="users")
    told = {user: shop.recommend(user, k=1).notes[-1] for user in ("new", "ghost", "nobody")}
    assert told == {
        "new": "the user new has no events: showing popular",
        "ghost": "the user ghost has no event that counts: showing popular",
        "nobody": "nothing is known of a user nobody: showing popular",
    }
    told_once = "1 event of a product that is not in the catalogue is left out"
    assert shop.recommend("u").notes[0] == told_once
    assert shop.recommend_everyone(tmp_path / "r.csv").notes == [told_once]


def test_a_stranger_with_attributes_gets_what_people_like_them_take(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_catalogue(tmp_path))
    shop.ingest(small_shop.write_events(tmp_path))
    users = [{"id": f"{colour}-fan{n}", "likes": colour} for colour in small_shop.COLOURS for n in range(4)]
    shop.ingest(small_shop.write_jsonl(tmp_path / "users.jsonl", [*users, {"id": "new", "likes": "blue"}]), kind="users")
    found = shop.recommend("new", k=3)
    assert found.method == "popular"
    assert all(id.startswith("blue-") for id in ids(found))
    assert [part.relation for part in found.items[0].why] == ["is popular with likes blue"]
    assert sum(part.contribution for part in found.items[0].why) == pytest.approx(found.items[0].score)
    done = shop.recommend_everyone(tmp_path / "recs.jsonl", k=3)
    assert f'{{"user": "new", "rank": 1, "product": "{ids(found)[0]}"' in done.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "nobody to recommend for"),
        ({"unlike": "red-hat"}, "--unlike alone does not say what to look for"),
        ({"user": ""}, "--user names nobody"),
        ({"like": ["red-hat", "blue-hat"], "unlike": "blue-hat"}, "blue-hat stands behind --unlike and behind --like"),
        ({"basket": "red-hat", "unlike": "red-hat"}, "red-hat stands behind --unlike and behind --basket"),
        ({"like": "red-ha"}, "there is no product red-ha; did you mean red-hat"),
        ({"user": "red-fan0", "unlike": "nope"}, "there is no product nope"),
        ({"user": "red-fan0", "k": 0}, "-k must be at least 1, not 0"),
        ({"user": "red-fan0", "method": "nope"}, "unknown recommender 'nope'"),
        ({"user": "red-fan0", "method": "itemcf(k=0)"}, "itemcf"),
        ({"user": "red-fan0", "where": "nope = 1"}, "no product has an attribute 'nope'"),
        ({"user": "red-fan0", "where": "price <"}, "bad filter"),
        ({"user": "red-fan0", "already": "twice"}, "--already twice: it is one of exclude, include, only"),
        ({"user": "red-fan0", "explore": 1.5}, "--explore must be from 0 to 1, not 1.5"),
        ({"user": "red-fan0", "speed": 1}, "recommend: .*unexpected keyword argument 'speed'"),
        ({"user": "red-fan0", "model": "nope"}, "there is no model 'nope'"),
        ({"user": "red-fan0", "model": "x", "method": "itemcf"}, "--method and --model exclude each other"),
        ({"user": "red-fan0", "rerank": "nope"}, "unknown reranker 'nope'"),
        ({"basket": ["red-hat", "red-ha"]}, "there is no product red-ha; did you mean red-hat"),
    ],
)
def test_wrong_requests(shop: Shop, request_: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shop.recommend(**request_)


def test_places_without_evidence_go_to_what_is_popular(shop: Shop) -> None:
    found = shop.recommend("red-fan0", method="itemcf", k=4, sold_out=True)
    assert ids(found)[0] == "red-chair"
    assert found.notes == ["the last 3 are what is popular: itemcf has evidence for no more"]
    assert [item.why[0].relation for item in found.items] == ["taken with", *["is popular"] * 3]
    scores = [item.score for item in found.items]
    assert scores == sorted(scores, reverse=True)
    assert all(sum(part.contribution for part in item.why) == pytest.approx(item.score) for item in found.items)


def shop_of(folder: Path, products: str, events: list[tuple[str, str, float]]) -> Shop:
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", [{"id": id, "title": f"Thing {id}"} for id in products]))
    rows = [{"user": u, "product": p, "event": "buy", "value": v, "time": n} for n, (u, p, v) in enumerate(events)]
    shop.ingest(small_shop.write_jsonl(folder / "e.jsonl", rows))
    return shop


@pytest.mark.parametrize("method", ["itemcf", "usercf", "popular"])
def test_where_nothing_is_popular_products_that_nobody_took_come(tmp_path: Path, method: str) -> None:
    """Everybody took the same two."""
    shop = shop_of(tmp_path, "edcba", [(user, product, 1.0) for user in "uvw" for product in "ac"])
    found = shop.recommend("u", method=method, k=2)
    assert (ids(found), found.method) == (["b", "d"], "untaken")
    assert found.notes[-1].endswith(": showing what nobody took yet, by id")
    assert "showing popular" not in " ".join(found.notes)
    assert [(part.relation, part.contribution) for item in found.items for part in item.why] == [("nobody took yet", 0.0)] * 2
    found = shop.recommend("stranger", method=method, k=4)
    assert ids(found) == ["c", "a", "b", "d"], "behind what is popular"
    assert found.notes[-1] == "the last 2 are what nobody took yet, by id: there is evidence for no more"
    done = shop.recommend_everyone(tmp_path / "recs.jsonl", method=method, k=2)
    assert (done.rows, done.untaken, done.nothing) == (6, 6, 0)
    row = '{"user": "u", "rank": 1, "product": "b", "score": 0.0, "method": "untaken"}'
    assert done.path.read_text(encoding="utf-8").splitlines()[0] == row


def test_what_was_sent_back_is_not_shown_for_want_of_better(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, "abc", [("u", "a", -1.0), ("v", "b", -1.0)])
    assert ids(shop.recommend("stranger", method="itemcf")) == ["c"]
    found = shop.recommend("stranger", method="itemcf", where="id in ('a', 'b')")
    assert (found.items, len(found.notes)) == ([], 1)
    assert found.notes[0].startswith("nothing is left to show: ")
    done = shop.recommend_everyone(tmp_path / "recs.csv", method="itemcf", where="id in ('a', 'b')")
    assert (done.rows, done.users, done.nothing) == (0, 2, 2)


def test_a_cart_is_answered_by_what_goes_with_all_of_it(shop: Shop) -> None:
    found = shop.recommend(basket=["blue-shoe", "blue-lamp"], k=2)
    assert all(id.startswith("blue-") for id in ids(found))
    assert {part.id for part in found.items[0].why} == {"blue-shoe", "blue-lamp"}


def test_what_was_had_may_come_again(shop: Shop) -> None:
    had = {f"red-{kind}" for kind in small_shop.KINDS[:5]}
    assert had & set(ids(shop.recommend("red-fan0", already="include", k=6, sold_out=True)))
    again = shop.recommend("red-fan0", already="only", k=10, sold_out=True)
    assert set(ids(again)) == had
    assert shop.recommend("nobody", already="only").notes[0] == "none of them is in the history"


def test_what_is_sold_out_is_not_recommended(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    rows = [{"id": "a", "stock": 3}, {"id": "b", "stock": 0}, {"id": "c"}, {"id": "d", "stock": False}]
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [row | {"title": "T"} for row in rows]))
    events = [{"user": user, "product": product, "event": "buy"} for user in "xyz" for product in "abcd"]
    shop.ingest(small_shop.write_jsonl(tmp_path / "e.jsonl", events))
    assert set(ids(shop.recommend("x", already="include"))) == {"a", "c"}
    assert set(ids(shop.recommend("x", already="include", sold_out=True))) == set("abcd")
    assert "every product is sold out: --sold-out recommends them all the same" in shop.recommend(like="a", where="stock = 0").notes


def test_some_places_go_by_lot(shop: Shop) -> None:
    ask = {"user": "red-fan1", "method": "content", "k": 5}
    plain, drawn = shop.recommend(**ask), shop.recommend(**ask, explore=0.5, seed=1)
    assert ids(drawn) == ids(shop.recommend(**ask, explore=0.5, seed=1))
    lots = {item.id for item in drawn.items if any(part.relation.startswith("came by lot") for part in item.why)}
    assert lots and not lots & set(ids(plain))
    assert [one for one in ids(drawn) if one not in lots] == [one for one in ids(plain) if one in ids(drawn)]


def test_rerankers_shape_recommendations_and_say_what_they_did(shop: Shop) -> None:
    plain = shop.recommend("red-fan1", method="content", k=20)
    last = ids(plain)[-1]
    pinned = shop.recommend("red-fan1", method="content", k=20, rerank=f"pin(ids=[{last}])")
    assert ids(pinned)[0] == last
    item = pinned.items[0]
    assert item.why[-1].relation.startswith("pin")
    assert sum(part.contribution for part in item.why) == pytest.approx(item.score)


def test_a_malformed_weight(shop: Shop) -> None:
    with pytest.raises(ParseError, match="bad weight"):
        shop.recommend(like="red-hat^much")
