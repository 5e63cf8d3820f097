"""Models in a store: kept, found again, stale, replaced, damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_shop

from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.recommend.trained import name_for, names, recorded
from mmsearch.shop import Shop
from mmsearch.store.maintain import optimize


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Without vectors."""
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_catalogue(tmp_path))
    shop.ingest(small_shop.write_events(tmp_path))
    return shop


def answer(shop: Shop, **options: object) -> list[tuple[str, float]]:
    return [(item.id, item.score) for item in shop.recommend("red-fan0", k=3, **options).items]  # type: ignore[arg-type]


def test_a_trained_model_answers_as_one_that_is_fitted_now(shop: Shop) -> None:
    now = answer(shop, method="itemcf(decay=.7)")
    model, notes = shop.train("itemcf(decay=.7)")
    assert (model.name, model.version, model.events, model.users) == ("itemcf", 1, 6 * (3 * 6 + 5), 24)
    assert notes == ["itemcf answers from now on where neither --method nor --model is given"]
    again = Shop(shop.store.path)
    assert answer(again) == now
    assert again.recommend("red-fan0").method == "itemcf(decay=0.7)"
    assert answer(again, model="itemcf") == answer(again, method="itemcf( decay=0.70 )") == now
    assert name_for(shop.store, "itemcf(decay=.7)") == "itemcf"


def test_the_default_model_answers_and_others_by_name(shop: Shop) -> None:
    shop.train("itemcf")
    shop.train("popular", name="sellers", default=False)
    assert shop.recommend("red-fan0").method == "itemcf"
    assert shop.recommend("red-fan0", model="sellers").method == "popular"
    shop.make_default_model("sellers")
    assert shop.recommend("red-fan0").method == "popular"
    assert shop.drop_model("sellers") == "itemcf"
    assert shop.recommend("red-fan0").method == "itemcf"
    assert shop.drop_model("itemcf") is None
    assert names(shop.store) == []


def test_what_a_user_did_since_counts_without_training(shop: Shop, tmp_path: Path) -> None:
    shop.train("itemcf")
    events = [{"user": "new", "product": "red-shoe", "event": "buy", "time": 1_800_000_000}]
    shop.ingest(small_shop.write_jsonl(tmp_path / "later.jsonl", events))
    found = shop.recommend("new", k=1)
    assert found.items[0].id.startswith("red-")
    assert found.method == "itemcf"
    assert "+1 events since the model itemcf was trained: mmsearch recommend train brings it up to date" in found.notes


def test_stale_models_are_listed_and_trained_again(shop: Shop, tmp_path: Path) -> None:
    shop.train("itemcf")
    shop.train("popular", default=False)
    assert [row["state"] for row in shop.trained()] == ["fresh", "fresh"]
    assert shop.retrain().models == []
    shop.ingest(small_shop.write_jsonl(tmp_path / "later.jsonl", [{"user": "new", "product": "red-shoe", "event": "buy"}]))
    rows = shop.trained()
    assert [row["state"] for row in rows] == ["stale", "stale"]
    assert rows[0]["changes"] == ["interactions: +1 rows"]
    told: list[str] = []
    assert [(model.name, model.version) for model, _ in shop.retrain(told=told.append).models] == [("itemcf", 2), ("popular", 2)]
    assert told == ["itemcf: interactions: +1 rows", "popular: interactions: +1 rows"]
    assert recorded(shop.store, "itemcf").history == [
        {"version": 1, "spec": "itemcf", "trained": recorded(shop.store, "itemcf").history[0]["trained"], "events": 138}
    ]
    assert [row["default"] for row in shop.trained()] == [True, False]
    assert len(shop.retrain(force=True).models) == 2


def test_products_that_went_are_not_recommended_and_new_ones_are_told(shop: Shop, tmp_path: Path) -> None:
    shop.train("itemcf")
    rows = [row for row in small_shop.rows(tmp_path) if row["id"] != "red-chair"]
    path = small_shop.write_csv(
        tmp_path / "products.csv", small_shop.COLUMNS, [*rows, {"id": "new", "title": "New"}, {"id": "more", "title": "More"}]
    )
    shop.ingest(path, sync=True)
    found = shop.recommend("red-fan0", k=50, sold_out=True)
    assert "red-chair" not in [item.id for item in found.items]
    wait = "2 products came after the model itemcf was trained and wait: mmsearch recommend train brings it up to date"
    assert wait in found.notes
    with pytest.raises(InputError, match="the product new came after the model was trained"):
        shop.recommend(like="new")


@pytest.mark.parametrize("method", ["cold(base=itemcf)", "content", "blend(cold(base=itemcf)=.5, itemcf=.2, content=.3)"])
def test_new_products_come_without_training_where_vectors_tell_what_they_are(tmp_path: Path, method: str) -> None:
    shop = small_shop.make(tmp_path)
    model, _ = shop.train(method)
    shop.ingest(
        small_shop.write_jsonl(tmp_path / "new.jsonl", [{"id": "new", "title": "Red chair", "description": "A red chair for every day"}])
    )
    found = shop.recommend("red-fan0", k=50, sold_out=True)
    assert "new" not in [item.id for item in found.items]
    assert any(note.endswith("was trained and has no vector yet: mmsearch embed") for note in found.notes)
    shop.embed()
    shop.fuse("fake-fuser")
    [new] = [item for item in shop.recommend("red-fan0", k=50, sold_out=True).items if item.id == "new"]
    assert sum(part.contribution for part in new.why) == pytest.approx(new.score) and new.score > 0
    assert not any("wait" in note for note in shop.recommend("red-fan0").notes)
    assert recorded(shop.store, model.name).version == 1
    old = {item.id: item.score for item in shop.recommend("red-fan0", k=50, sold_out=True).items}
    assert shop.trained()[0]["changes"][0].startswith("fused_fake-fuser") or "products: +1 rows" in shop.trained()[0]["changes"]
    shop.retrain()
    assert {item.id: item.score for item in shop.recommend("red-fan0", k=50, sold_out=True).items} == pytest.approx(old, rel=1e-6), (
        "as a model that is trained with them says"
    )
    bought = [{"user": "red-fan0", "product": "new", "event": "buy", "time": 1_900_000_000}]
    shop.ingest(small_shop.write_jsonl(tmp_path / "bought.jsonl", bought))
    assert "new" not in [item.id for item in shop.recommend("red-fan0", k=50, sold_out=True).items]
    assert shop.recommend(like="new", k=3).items


def test_a_network_keeps_the_vectors_of_its_training(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path)
    shop.train("twotower(epochs=1, dim=4)")
    shop.ingest(small_shop.write_jsonl(tmp_path / "new.jsonl", [{"id": "new", "title": "Red chair"}]))
    shop.embed()
    shop.fuse("fake-fuser")
    found = shop.recommend("red-fan0", k=3)
    assert found.items and any(note.startswith("1 product came after the model twotower was trained and waits") for note in found.notes)


def test_products_bought_since_say_nothing_where_events_alone_are_known(shop: Shop, tmp_path: Path) -> None:
    shop.train("itemcf")
    before = answer(shop)
    rows = [{"id": "new", "title": "New"}]
    shop.ingest(small_shop.write_jsonl(tmp_path / "new.jsonl", rows))
    shop.ingest(
        small_shop.write_jsonl(tmp_path / "e.jsonl", [{"user": "red-fan0", "product": "new", "event": "buy", "time": 1_900_000_000}])
    )
    assert [id for id, _ in answer(shop)] == [id for id, _ in before]


def test_the_same_rows_in_other_files_make_no_model_stale(shop: Shop, tmp_path: Path) -> None:
    shop.train("itemcf")
    for n in range(3):
        more = [{"user": f"new{n}", "product": "red-shoe", "event": "buy", "time": 1_800_000_000}]
        shop.ingest(small_shop.write_jsonl(tmp_path / f"more{n}.jsonl", more))
    shop.train("itemcf")
    files = shop.store.identity("interactions")
    optimize(shop.store)
    assert shop.store.identity("interactions") != files
    assert [row["state"] for row in shop.trained()] == ["fresh"]
    shop.ingest(small_shop.write_jsonl(tmp_path / "price.jsonl", [{"id": "red-shoe", "price": 3}]))
    assert [row["state"] for row in shop.trained()] == ["fresh"], "what a product costs is not learned"
    other = [{"user": "new0", "product": "red-shoe", "event": "view", "time": 1_800_000_000}]
    shop.ingest(small_shop.write_jsonl(tmp_path / "other.jsonl", other))
    shop.store.delete("interactions", "user = 'new1'")
    assert shop.trained()[0]["state"] == "stale"


def test_who_is_taken_out_of_the_events_leaves_a_model_stale_until_it_is_trained(shop: Shop) -> None:
    shop.train("itemcf")
    shop.store.delete("interactions", "user = 'red-fan1'")
    assert shop.trained()[0]["changes"] == ["interactions: -6 rows"]
    assert [(model.users, model.events) for model, _ in shop.retrain().models] == [(23, 132)]


def test_models_of_vectors_are_stale_when_vectors_change(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path)
    shop.train("content")
    shop.train("itemcf")
    shop.fuse("fake-fuser", force=True)
    assert {row["model"]: row["state"] for row in shop.trained()} == {"content": "stale", "itemcf": "fresh"}


def test_a_model_that_cannot_be_trained_hinders_no_other(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path)
    for method in ("content", "itemcf", "popular"):
        shop.train(method)
    value = shop.store.record.get("model/itemcf")
    shop.store.record.put("model/itemcf", {**value, "spec": "gone-method"}, shop.store.record.blob("model/itemcf"))
    done = shop.retrain(force=True)
    assert [model.name for model, _ in done.models] == ["content", "popular"]
    assert list(done.failed) == ["itemcf"] and "unknown recommender 'gone-method'" in done.failed["itemcf"].message
    assert recorded(shop.store, "itemcf").version == 1


def test_wrong_models(shop: Shop) -> None:
    shop.train("itemcf")
    with pytest.raises(UsageError, match="the name itemcf is taken by another method"):
        shop.train("itemcf(k=5)")
    shop.train("itemcf(k=5)", replace=True)
    assert recorded(shop.store, "itemcf").version == 2
    for name in ("a/b", "\n"):
        with pytest.raises(UsageError, match="a model cannot be called"):
            shop.train("itemcf", name=name)
    with pytest.raises(UsageError, match="there is no model 'itemc'; did you mean itemcf"):
        shop.recommend("red-fan0", model="itemc")
    with pytest.raises(UsageError, match="unknown recommender"):
        shop.train("nope")
    with pytest.raises(InputError, match="no product has a vector"):
        shop.train("content")
    assert names(shop.store) == ["itemcf"]


def test_a_damaged_model_says_how_to_make_it_anew(shop: Shop) -> None:
    shop.train("itemcf")
    value = shop.store.record.get("model/itemcf")
    shop.store.record.put("model/itemcf", value, b"\x80\x04 no safetensors")
    with pytest.raises(StoreError, match=r"the model itemcf .* is damaged") as raised:
        shop.recommend("red-fan0")
    assert raised.value.hint == "train it anew: mmsearch recommend train --name itemcf --method 'itemcf'"
    shop.store.record.put("model/itemcf", {**value, "spec": "gone-method"}, b"")
    with pytest.raises(StoreError, match="was made by gone-method, which cannot be used here"):
        shop.recommend("red-fan0")
    [row] = shop.trained()
    assert row["state"] == "stale"
    assert row["changes"][0].startswith("its method cannot be used here: unknown recommender 'gone-method'")
