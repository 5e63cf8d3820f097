"""Encoders that learn from the store's own items: once, kept in the store, anew only when asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from embed_shop import Shop, alone, outcome
from fake_encoders import FakeLearned

from mmsearch.encoders import stages
from mmsearch.encoders.base import BrokenEncoder, spread
from mmsearch.encoders.learned import pack, unpack
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import load_encoder, pending_encoder, recorded_encoder
from mmsearch.encoders.sources import StoreItems
from mmsearch.errors import InputError, StoreError

LEARNED = {"text": "fake-learned"}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path)
    made.bring(*({"id": str(n), "title": f"shoe number{n}"} for n in range(5)))
    return made


def fingerprint_of(shop: Shop) -> str:
    known = recorded_encoder(shop.store, "text")
    assert known is not None
    return str(known["fingerprint"])


def test_it_learns_once_and_a_query_is_encoded_by_what_was_learned(shop: Shop) -> None:
    told: list[tuple[str, str]] = []
    embed(shop.store, LEARNED, learning=lambda *what: told.append(what))
    assert told == [("text", "fake-learned")]
    taught = FakeLearned()
    taught.fit(StoreItems(shop.store, "text"))
    assert fingerprint_of(shop) == taught.fingerprint()
    loaded = load_encoder(shop.store, "text")
    assert np.array_equal(alone(loaded, "shoe number3"), alone(taught, "shoe number3"))
    assert np.array_equal(shop.vectors("text")[("3", "")], alone(taught, "shoe number3"))
    before = fingerprint_of(shop)
    shop.bring({"id": "9", "title": "a hat"})
    for chosen in ({}, LEARNED):  # named again or not: it keeps what it knows
        report = embed(shop.store, chosen, learning=lambda *what: told.append(what))
        assert outcome(report, "text")[:2] == ((6, 1) if not chosen else (6, 0))
    assert (fingerprint_of(shop), len(told)) == (before, 1)


def test_refit_learns_anew_and_switches_at_once(shop: Shop) -> None:
    shop.embed(**LEARNED)
    before = fingerprint_of(shop)
    shop.bring({"id": "9", "title": "a shoe"})
    report = embed(shop.store, refit=True)
    assert outcome(report, "text") == (6, 6, 0, 0, 0)
    assert fingerprint_of(shop) != before
    assert len(shop.tables()) == 1
    assert outcome(embed(shop.store, refit=True), "text") == (6, 0, 6, 0, 0), "the same items teach the same"


def test_nothing_to_refit(shop: Shop) -> None:
    shop.embed()
    assert embed(shop.store, refit=True).notes == ["nothing to refit: none of the store's encoders learns from its items"]


def test_a_kill_on_the_way_to_what_was_learned_anew(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store answers by the old state and its vectors, the next embed goes on with the new state without learning again."""
    shop.embed(**LEARNED)
    old = alone(load_encoder(shop.store, "text"), "a shoe number3")
    shop.bring({"id": "9", "title": "a shoe"})
    monkeypatch.setattr(FakeLearned, "batch", 2)
    monkeypatch.setattr(stages, "WRITE", 2)
    whole, left = FakeLearned.encode_batch, [4]

    def encode_batch(self, prepared):  # type: ignore[no-untyped-def]
        left[0] -= len(prepared)
        if left[0] < 0:
            raise BrokenEncoder("killed")
        return whole(self, prepared)

    with monkeypatch.context() as patch:
        patch.setattr(FakeLearned, "encode_batch", encode_batch)
        with pytest.raises(BrokenEncoder):
            embed(shop.store, refit=True)
    assert np.array_equal(alone(load_encoder(shop.store, "text"), "a shoe number3"), old)
    pending = pending_encoder(shop.store, "text")
    assert pending is not None
    with monkeypatch.context() as patch:
        patch.setattr(FakeLearned, "fit", lambda self, items: pytest.fail("it learns again"))
        assert outcome(embed(shop.store), "text") == (6, 2, 4, 0, 0)
    assert fingerprint_of(shop) == pending["fingerprint"]
    assert not np.array_equal(alone(load_encoder(shop.store, "text"), "a shoe number3"), old)


def test_going_back_to_what_was_learned_before(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.embed(**LEARNED)
    before = fingerprint_of(shop)
    shop.bring({"id": "9", "title": "a shoe"})
    with monkeypatch.context() as patch:
        patch.setattr(FakeLearned, "encode_batch", lambda self, prepared: (_ for _ in ()).throw(BrokenEncoder("killed")))
        with pytest.raises(BrokenEncoder):
            embed(shop.store, refit=True)
    embed(shop.store, LEARNED)
    assert (fingerprint_of(shop), pending_encoder(shop.store, "text")) == (before, None)


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "price": 3})
    with pytest.raises(InputError, match="nothing to learn from"):
        shop.embed(**LEARNED)
    assert shop.tables() == set()
    assert shop.store.record.keys("encoder") == []


def test_a_damaged_state(shop: Shop) -> None:
    shop.embed(**LEARNED)
    known = recorded_encoder(shop.store, "text")
    for state in (None, b"\x80\x04N."):
        shop.store.record.put("encoder/text", known, state)
        for attempt in (lambda: load_encoder(shop.store, "text"), lambda: embed(shop.store)):
            with pytest.raises(StoreError, match="what the store's text encoder fake-learned had learned is damaged") as caught:
                attempt()
            assert caught.value.hint == "let it learn anew: mmsearch embed --refit"
    assert outcome(embed(shop.store, refit=True), "text")[2] == 5, "the same items teach the same: no vector is made anew"
    assert load_encoder(shop.store, "text").fingerprint() == fingerprint_of(shop)


def test_texts_to_learn_from_are_longer_than_those_embedded(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "title": "shoe", "description": "light " * 300, "title_zh": "鞋"})
    (text,) = StoreItems(shop.store, "text")
    assert text == "shoe. 鞋. " + ("light " * 300).strip()
    assert len(StoreItems(shop.store, "text")) == 1


def test_media_to_learn_from_are_paths(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.bring({"id": "1", "title": "shoe", "images": [shop.photo("a.png", (1, 2, 3)), "missing.png"]})
    assert list(StoreItems(shop.store, "image")) == [tmp_path / "a.png", tmp_path / "missing.png"]


def test_spread() -> None:
    assert list(spread(range(10), 100)) == list(range(10))
    assert list(spread(range(10), 5)) == [0, 2, 4, 6, 8]
    assert list(spread([], 5)) == []
    assert all(len(list(spread(range(n), most))) <= most for n in range(40) for most in range(1, 40))


def test_pack_and_unpack() -> None:
    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3).T, "a": np.zeros((0, 4), np.int64)}
    found, facts = unpack(pack(arrays, {"words": ["鞋", 'a"b'], "n": 1.5}))
    assert facts == {"words": ["鞋", 'a"b'], "n": 1.5}
    assert sorted(found) == ["a", "b"]
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert pack(arrays, {"x": 1, "y": 2}) == pack(dict(reversed(arrays.items())), {"y": 2, "x": 1})


@pytest.mark.parametrize("state", [b"", b"\0" * 8, json.dumps({"a": 1}).encode(), b"\xff" * 40, pack({}, {})[:-3]])
def test_unpack_refuses_anything_else(state: bytes) -> None:
    with pytest.raises(ValueError, match="not what an encoder learned"):
        unpack(state)
