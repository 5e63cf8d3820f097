"""`mmsearch embed`: the right vector for each part of each product, whatever fails beside it."""

from __future__ import annotations

import doctest
import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from embed_shop import FAKES, Shop, alone, outcome
from fake_encoders import FakeImage, FakeText

from mmsearch import settings
from mmsearch.encoders import ENCODERS, sources, stages
from mmsearch.encoders.base import Matrix
from mmsearch.encoders.pipeline import embed
from mmsearch.encoders.recorded import load_encoder, recorded_encoder
from mmsearch.encoders.report import Progress
from mmsearch.encoders.sources import items, product_text
from mmsearch.errors import InputError, MissingPackage, StoreError, UsageError
from mmsearch.media import MediaError
from mmsearch.store import PRODUCTS, maintain


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


# -- what is embedded --------------------------------------------------------------------------------------------------


def test_the_text_of_a_product() -> None:
    assert doctest.testmod(sources).failed == 0
    assert product_text("Red shoe", "x" * 300) == "Red shoe. " + "x" * 200
    assert product_text("Red shoe", None) == "Red shoe"
    assert product_text(None, "Light. ") == "Light."
    assert product_text(None, None) == ""


def test_items(shop: Shop) -> None:
    shop.photo("a.png", (255, 0, 0))
    shop.bring({"id": "1", "title": "Red shoe", "description": "Light", "images": ["a.png", "no.png", "http://x.org/b.png"]}, {"id": "2"})
    assert [(i.id, i.part, i.content) for i in items(shop.store, "text")] == [("1", "", "Red shoe. Light")]
    assert [(i.id, i.part, i.content) for i in items(shop.store, "image")] == [
        ("1", "a.png", shop.folder / "a.png"),
        ("1", "no.png", shop.folder / "no.png"),
    ]
    assert list(items(shop.store, "audio")) == []


def test_the_hash_of_an_item_is_that_of_its_content(shop: Shop) -> None:
    shop.photo("a.png", (255, 0, 0))
    shop.photo("b.png", (255, 0, 0))
    shop.photo("c.png", (254, 0, 0))
    shop.bring(
        {"id": "1", "title": "x", "images": ["a.png", "b.png", "c.png", "no.png"]}, {"id": "2", "title": "x"}, {"id": "3", "title": "y"}
    )
    one, two, three = (i.load()[1] for i in items(shop.store, "text"))
    assert one == two != three
    a, b, c, missing = items(shop.store, "image")
    assert a.load()[1] == b.load()[1] != c.load()[1]
    with pytest.raises(MediaError, match="missing"):
        missing.load()


# -- new, changed, unchanged, removed ----------------------------------------------------------------------------------


def test_each_vector_is_the_encoders_own(shop: Shop) -> None:
    photos = [shop.photo(f"{n}.png", (n * 10, 255 - n * 10, 99)) for n in range(20)]
    titles = [f"shoe {n} 号 {'x' * n}" for n in range(20)]
    shop.bring(*({"id": f"p{n}", "title": titles[n], "images": [photos[n], photos[(n + 7) % 20]]} for n in range(20)))
    report = shop.embed()
    assert outcome(report, "text") == (20, 20, 0, 0, 0)
    assert outcome(report, "image") == (40, 40, 0, 0, 0)
    assert report.exit_code == 0
    json.dumps(report.to_json())
    text, image = FakeText(), FakeImage()
    for n in range(20):
        assert np.array_equal(shop.vectors("text")[f"p{n}", ""], alone(text, titles[n]))
        for photo in (photos[n], photos[(n + 7) % 20]):
            assert np.array_equal(shop.vectors("image")[f"p{n}", photo], alone(image, shop.folder / photo))


def test_only_what_is_new_or_changed_is_embedded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(FakeText, "prepare", lambda self, item: seen.append(item) or item)
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(5)))
    shop.embed()
    shop.bring({"id": "1", "title": "boot 1"}, {"id": "2", "price": 5}, {"id": "9", "title": "hat"})
    seen.clear()
    report = shop.embed()
    assert sorted(seen) == ["boot 1", "hat"]
    assert outcome(report, "text") == (6, 2, 4, 0, 0)
    assert np.array_equal(shop.vectors("text")["1", ""], alone(FakeText(), "boot 1"))
    seen.clear()
    before = shop.store.dataset(recorded_encoder(shop.store, "text")["table"]).version  # type: ignore[index]
    assert outcome(shop.embed(), "text") == (6, 0, 6, 0, 0)
    assert seen == []
    assert shop.store.dataset(recorded_encoder(shop.store, "text")["table"]).version == before  # type: ignore[index]


def test_a_changed_photo_of_the_same_name(shop: Shop) -> None:
    shop.photo("a.png", (255, 0, 0))
    shop.bring({"id": "1", "images": ["a.png"]})
    shop.embed()
    shop.photo("a.png", (0, 255, 0))
    assert outcome(shop.embed(), "image") == (1, 1, 0, 0, 0)
    assert np.array_equal(shop.vectors("image")["1", "a.png"], alone(FakeImage(), shop.folder / "a.png"))


def test_what_is_gone_is_removed(shop: Shop) -> None:
    for name in "abc":
        shop.photo(f"{name}.png", (255, 0, 0))
    shop.bring({"id": "1", "title": "x", "images": ["a.png", "b.png"]}, {"id": "it's", "title": "y", "images": ["c.png"]})
    shop.embed()
    shop.bring({"id": "1", "images": ["b.png"]}, {"id": "it's", "title": None})
    report = shop.embed()
    assert outcome(report, "text") == (1, 0, 1, 1, 0)
    assert outcome(report, "image") == (2, 0, 2, 1, 0)
    assert (set(shop.vectors("text")), set(shop.vectors("image"))) == ({("1", "")}, {("1", "b.png"), ("it's", "c.png")})
    shop.store.delete(PRODUCTS, "id = '1'")
    shop.bring({"id": "it's", "images": None})
    report = shop.embed()
    assert (outcome(report, "text"), outcome(report, "image")) == ((0, 0, 0, 1, 0), (0, 0, 0, 2, 0))
    assert (shop.vectors("text"), shop.vectors("image")) == ({}, {})


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_truncated_photo_in_the_middle_costs_only_itself(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through batches of four, so that failures stand at the beginning, in the middle and at the end of one."""
    monkeypatch.setattr(FakeImage, "batch", 4)
    monkeypatch.setattr(stages, "AHEAD", 6)
    monkeypatch.setattr(stages, "_BLOCK_MEDIA", 3)
    photos = [shop.photo(f"{n:02}.png", (n * 9, 255 - n * 9, 50)) for n in range(24)]
    broken = {0, 5, 11, 12, 13, 14, 15, 16, 23}
    for n in broken - {5, 11}:
        whole = (shop.folder / photos[n]).read_bytes()
        (shop.folder / photos[n]).write_bytes(whole[: len(whole) // 2])
    (shop.folder / photos[5]).write_text("no photo")
    (shop.folder / photos[11]).unlink()
    shop.bring(*({"id": str(n), "images": [photos[n]]} for n in range(24)))
    report = shop.embed()
    assert outcome(report, "image") == (24, 24 - len(broken), 0, 0, len(broken))
    assert report.exit_code == 3
    assert [(id, part) for _, id, part, _ in shop.failures] == [(str(n), photos[n]) for n in sorted(broken)]
    assert all(reason for _, _, _, reason in shop.failures)
    assert report.modalities[-1].reasons == {"missing": 1, "not an image": 1, "truncated": 7}
    vectors = shop.vectors("image")
    assert set(vectors) == {(str(n), photos[n]) for n in range(24) if n not in broken}
    for (_, part), vector in vectors.items():
        assert np.array_equal(vector, alone(FakeImage(), shop.folder / part))


@pytest.mark.parametrize("damage", ["truncated", "missing"])
def test_a_photo_that_breaks_later_loses_its_vector(shop: Shop, damage: str) -> None:
    for name in "ab":
        shop.photo(f"{name}.png", (255, 0, 0))
    shop.bring({"id": "1", "images": ["a.png", "b.png"]})
    shop.embed()
    if damage == "missing":
        (shop.folder / "a.png").unlink()
    else:
        (shop.folder / "a.png").write_bytes((shop.folder / "a.png").read_bytes()[:60])
    assert outcome(shop.embed(), "image") == (2, 0, 1, 1, 1)
    assert set(shop.vectors("image")) == {("1", "b.png")}
    shop.photo("a.png", (0, 0, 255))
    assert outcome(shop.embed(), "image") == (2, 1, 1, 0, 0)
    assert np.array_equal(shop.vectors("image")["1", "a.png"], alone(FakeImage(), shop.folder / "a.png"))


def test_a_text_in_which_the_encoder_finds_nothing(shop: Shop) -> None:
    shop.bring({"id": "1", "title": "shoe"}, {"id": "2", "title": "!!!"}, {"id": "3", "title": "hat"})
    report = shop.embed()
    assert outcome(report, "text") == (3, 2, 0, 0, 1)
    assert shop.failures == [("text", "2", "", "the encoder finds nothing in it")]
    assert np.array_equal(shop.vectors("text")["3", ""], alone(FakeText(), "hat"))


# -- progress ----------------------------------------------------------------------------------------------------------


def test_photos_alone_record_who_reads_the_queries(shop: Shop) -> None:
    shop.bring({"id": "1", "images": [shop.photo("a.png", (255, 0, 0))]})
    assert outcome(shop.embed(), "text") == (0, 0, 0, 0, 0)
    assert isinstance(load_encoder(shop.store, "text"), FakeText)


def test_progress(shop: Shop) -> None:
    shop.photo("a.png", (1, 2, 3))
    shop.bring(*({"id": str(n), "title": f"shoe {n}", "images": ["a.png", "http://x.org/a.png"] if n == 0 else None} for n in range(10)))
    calls: list[Progress] = []
    embed(shop.store, FAKES, progress=calls.append)
    last = {call.modality: call for call in calls}
    assert [call.modality for call in calls] == sorted((call.modality for call in calls), reverse=True)
    assert {m: (c.items, c.seen, c.encoded, c.unchanged, c.done) for m, c in last.items()} == {
        "text": (10, 10, 10, 0, True),
        "image": (1, 1, 1, 0, True),
    }
    calls.clear()
    embed(shop.store, progress=calls.append)
    last = {call.modality: call for call in calls}
    assert {m: (c.seen, c.encoded, c.unchanged) for m, c in last.items()} == {"text": (10, 0, 10), "image": (1, 0, 1)}


def test_little_is_decoded_ahead_of_the_encoder(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeText, "batch", 2)
    monkeypatch.setattr(stages, "AHEAD", 4)
    monkeypatch.setattr(stages, "_BLOCK_TEXT", 1)
    prepared, encoded, most = 0, 0, 0

    def prepare(self: FakeText, item: str) -> str:
        nonlocal prepared
        prepared += 1
        return item

    def encode_batch(self: FakeText, batch: Sequence[str]) -> Matrix:
        nonlocal encoded, most
        most = max(most, prepared - encoded)
        encoded += len(batch)
        return np.ones((len(batch), 64), np.float32)

    monkeypatch.setattr(FakeText, "prepare", prepare)
    monkeypatch.setattr(FakeText, "encode_batch", encode_batch)
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(200)))
    shop.embed()
    assert (prepared, encoded) == (200, 200)
    assert most <= 4 + 2 + settings.threads() + 1


def test_many_small_writes_are_merged_as_they_grow(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search opens every file of a table."""
    monkeypatch.setattr(FakeText, "batch", 1)
    monkeypatch.setattr(stages, "WRITE", 1)
    monkeypatch.setattr(maintain, "_SMALL_FILES", 5)
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(12)))
    assert outcome(shop.embed(), "text") == (12, 12, 0, 0, 0)
    assert len(shop.store.dataset(recorded_encoder(shop.store, "text")["table"]).get_fragments()) <= 5  # type: ignore
    assert outcome(shop.embed(), "text") == (12, 0, 12, 0, 0)
    assert all(np.array_equal(v, alone(FakeText(), f"shoe {id}")) for (id, _), v in shop.vectors("text").items())


# -- what cannot be used -----------------------------------------------------------------------------------------------


def test_no_products(shop: Shop) -> None:
    with pytest.raises(InputError, match="the store has no products") as caught:
        shop.embed()
    assert "mmsearch ingest" in str(caught.value.hint)
    assert not Path(shop.store.path).exists()


def test_no_vectors(shop: Shop) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    with pytest.raises(InputError, match="the store has no image vectors") as caught:
        load_encoder(shop.store, "image")
    assert caught.value.hint == "make them: mmsearch embed"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"text": "fake-image"}, "the encoder fake-image encodes image, not text"),
        ({"image": "fake-text"}, "the encoder fake-text encodes text, not image"),
        ({"image": "fake-imag"}, "unknown encoder 'fake-imag'; did you mean fake-image?"),
        ({"text": "fake-text(seed=-1)"}, r"encoder fake-text\(seed=-1\): seed must be at least 0"),
        ({"text": "fake-text("}, "bad encoder: "),
        ({"smell": "fake-text"}, "cannot embed smell"),
    ],
)
def test_a_wrong_choice_costs_nothing(shop: Shop, chosen: dict[str, str], message: str) -> None:
    """Found before anything is embedded, also for the second modality and where there is nothing of it."""
    shop.bring({"id": "1", "title": "shoe"})
    with pytest.raises(UsageError, match=message):
        embed(shop.store, {**FAKES, **chosen})
    assert shop.tables() == set()


def test_an_encoder_that_is_not_installed_any_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENCODERS._local, "passing", FakeText)
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed(text="passing")
    monkeypatch.delitem(ENCODERS._local, "passing")
    for attempt in (lambda: load_encoder(shop.store, "text"), lambda: embed(shop.store)):
        with pytest.raises(StoreError) as caught:
            attempt()
        message = "the store's text vectors were made by the encoder passing, which cannot be used here: unknown encoder 'passing'"
        assert caught.value.message.startswith(message)
        assert caught.value.hint == "install it, or embed anew: mmsearch embed --text ENCODER"
    assert outcome(shop.embed(text="fake-text(seed=1)"), "text") == (1, 1, 0, 0, 0)


def test_an_encoder_whose_package_is_missing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    class Needy(FakeText):
        installed: ClassVar[bool] = True

        def __init__(self) -> None:
            super().__init__()
            if not self.installed:
                raise ModuleNotFoundError("No module named 'open_clip'", name="open_clip")

    monkeypatch.setitem(ENCODERS._local, "needy", Needy)
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed(text="needy")
    Needy.installed = False
    with pytest.raises(MissingPackage) as caught:
        load_encoder(shop.store, "text")
    assert caught.value.hint == "pip install open-clip-torch"


def test_other_weights_than_those_that_made_the_vectors(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed()
    assert isinstance(load_encoder(shop.store, "text"), FakeText)
    monkeypatch.setattr(FakeText, "fingerprint", lambda self: "0" * 64)
    with pytest.raises(StoreError, match="were made by other weights of the encoder fake-text than those installed") as caught:
        load_encoder(shop.store, "text")
    assert str(caught.value.hint).endswith("mmsearch embed --text 'fake-text'")
    assert outcome(shop.embed(), "text") == (1, 1, 0, 0, 0)  # embedding anew is what helps
    assert isinstance(load_encoder(shop.store, "text"), FakeText)
    assert shop.tables() == {"vectors_text_" + "0" * 12}


def test_an_encoder_that_breaks_its_word(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors that are not finite become failures; another number of them stops everything before anything is written."""
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(4)))

    def broken(self: FakeText, prepared: Sequence[str]) -> Matrix:
        vectors = np.ones((len(prepared), 64), np.float32)
        vectors[1] = np.nan
        vectors[2, 5] = np.inf
        return vectors

    with monkeypatch.context() as patch:
        patch.setattr(FakeText, "encode_batch", broken)
        assert outcome(shop.embed(), "text") == (4, 2, 0, 0, 2)
        assert set(shop.vectors("text")) == {("0", ""), ("3", "")}
    with monkeypatch.context() as patch:
        patch.setattr(FakeText, "encode_batch", lambda self, prepared: np.ones((1, 64), np.float32))
        with pytest.raises(ValueError, match=r"encode_batch gave shape \(1, 64\), expected \(2, 64\)"):
            shop.embed()
    assert outcome(shop.embed(), "text") == (4, 2, 2, 0, 0)
