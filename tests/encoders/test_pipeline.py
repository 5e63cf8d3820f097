"""`mmsearch embed`: the right vector for each part of each product, whatever fails beside it."""

from __future__ import annotations

import doctest
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from fake_encoders import FakeImage, FakeText
from PIL import Image

from mmsearch.catalog.ingest import ingest
from mmsearch.encoders import ENCODERS, pipeline, sources
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.pipeline import EmbedReport, embed, load_encoder, recorded_encoder
from mmsearch.encoders.sources import items, product_text
from mmsearch.errors import InputError, MissingPackage, StoreError, UsageError
from mmsearch.media import MediaError
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.lock import write_lock
from mmsearch.store.vectors import read_vectors

_FAKES = {"text": "fake-text", "image": "fake-image"}


class Shop:
    """A catalogue with photos, and its vectors."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.store = Store(folder / "store")

    def photo(self, name: str, colour: tuple[int, int, int]) -> str:
        Image.new("RGB", (24, 24), colour).save(self.folder / name)
        return name

    def bring(self, *products: dict[str, Any]) -> None:
        path = self.folder / "products.jsonl"
        path.write_text("\n".join(map(json.dumps, products)))
        ingest(self.store, str(path))

    def embed(self, **chosen: str) -> EmbedReport:
        return embed(self.store, chosen or _FAKES)

    def vectors(self, modality: str) -> dict[tuple[str, str], Matrix]:
        known = recorded_encoder(self.store, modality)
        if known is None:
            return {}
        rows = read_vectors(self.store, known["table"])
        return dict(zip(zip(rows.ids.to_pylist(), rows.parts.to_pylist(), strict=True), rows.vectors, strict=True))

    def tables(self) -> set[str]:
        return {p.stem for p in Path(self.store.path).glob("vectors_*.lance")}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def alone(encoder: Encoder, item: Any) -> Matrix:
    """The vector that an encoder gives an item when nothing else is around."""
    encoded = encoder.encode([item])
    assert encoded.kept == [0]
    return encoded.vectors[0]


def outcome(report: EmbedReport, modality: str) -> tuple[int, int, int, int, int]:
    found = next(m for m in report.modalities if m.modality == modality)
    return found.total, found.new, found.unchanged, found.removed, len(found.failures)


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
    one, two, three = (i.source_hash() for i in items(shop.store, "text"))
    assert one == two != three
    a, b, c, missing = items(shop.store, "image")
    assert a.source_hash() == b.source_hash() != c.source_hash()
    with pytest.raises(MediaError, match="missing"):
        missing.source_hash()


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
    monkeypatch.setattr(pipeline, "_BATCH", 4)
    monkeypatch.setattr(pipeline, "_AHEAD", 6)
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
    failures = report.modalities[-1].failures
    assert sorted((id, part) for id, part, _ in failures) == sorted((str(n), photos[n]) for n in broken)
    assert all(reason for _, _, reason in failures)
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
    assert report.modalities[0].failures == [("2", "", "the encoder finds nothing in it")]
    assert np.array_equal(shop.vectors("text")["3", ""], alone(FakeText(), "hat"))


# -- switching, resuming -----------------------------------------------------------------------------------------------


def test_the_canonical_spec_is_recorded_and_kept(shop: Shop) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed(text="fake-text( seed = 3 )")
    known = recorded_encoder(shop.store, "text")
    assert known is not None
    assert {k: known[k] for k in ("spec", "dim", "space")} == {"spec": "fake-text(seed=3)", "dim": 64, "space": "fake-text"}
    assert known["fingerprint"] == FakeText(3).fingerprint()
    report = embed(shop.store)  # no encoder named: the recorded one, not the default
    assert (report.modalities[0].encoder, outcome(report, "text")) == ("fake-text(seed=3)", (1, 0, 1, 0, 0))
    assert np.array_equal(alone(load_encoder(shop.store, "text"), "hat"), alone(FakeText(3), "hat"))


def test_a_switch_of_the_encoder_embeds_anew_and_drops_the_old_vectors(shop: Shop) -> None:
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(3)))
    shop.embed()
    old = shop.tables()
    report = shop.embed(text="fake-text(seed=1)")
    assert outcome(report, "text") == (3, 3, 0, 0, 0)
    assert len(old) == len(shop.tables()) == 1
    assert old != shop.tables()
    assert all(np.array_equal(v, alone(FakeText(1), f"shoe {id}")) for (id, _), v in shop.vectors("text").items())


def test_the_old_vectors_go_only_when_the_new_are_complete(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_BATCH", 2)
    monkeypatch.setattr(pipeline, "_WRITE", 2)
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(7)))
    shop.embed()
    before, tables = shop.vectors("text"), shop.tables()

    def kill(modality: str, done: int, total: int) -> None:
        if done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(shop.store, {"text": "fake-text(seed=1)"}, kill)
    assert recorded_encoder(shop.store, "text")["spec"] == "fake-text"  # type: ignore[index]
    assert shop.vectors("text").keys() == before.keys()
    assert shop.tables() > tables
    report = shop.embed(text="fake-text(seed=1)")
    assert outcome(report, "text") == (7, 3, 4, 0, 0)  # what was written before the kill is not embedded again
    assert len(shop.tables()) == 1
    assert shop.tables().isdisjoint(tables)
    assert all(np.array_equal(v, alone(FakeText(1), f"shoe {id}")) for (id, _), v in shop.vectors("text").items())


def test_a_switch_that_fails_throughout_keeps_the_old_vectors(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    shop.embed()
    tables = shop.tables()
    monkeypatch.setattr(FakeText, "encode_batch", lambda self, prepared: np.zeros((len(prepared), 64), np.float32))
    assert outcome(shop.embed(text="fake-text(seed=1)"), "text") == (1, 0, 0, 0, 1)
    assert recorded_encoder(shop.store, "text")["spec"] == "fake-text"  # type: ignore[index]
    assert (shop.tables(), set(shop.vectors("text"))) == (tables, {("1", "")})


def test_photos_alone_record_who_reads_the_queries(shop: Shop) -> None:
    shop.bring({"id": "1", "images": [shop.photo("a.png", (255, 0, 0))]})
    assert outcome(shop.embed(), "text") == (0, 0, 0, 0, 0)
    assert isinstance(load_encoder(shop.store, "text"), FakeText)


def test_progress(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_BATCH", 4)
    shop.photo("a.png", (1, 2, 3))
    shop.bring(*({"id": str(n), "title": f"shoe {n}", "images": ["a.png"] if n == 0 else None} for n in range(10)))
    calls: list[tuple[str, int, int]] = []
    embed(shop.store, _FAKES, lambda *call: calls.append(call))
    assert calls == [("text", 4, 10), ("text", 8, 10), ("text", 10, 10), ("image", 1, 1)]
    calls.clear()
    embed(shop.store, None, lambda *call: calls.append(call))
    assert calls == []


def test_little_is_decoded_ahead_of_the_encoder(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_BATCH", 2)
    monkeypatch.setattr(pipeline, "_AHEAD", 4)
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
    shop.bring(*({"id": str(n), "title": f"shoe {n}"} for n in range(60)))
    shop.embed()
    assert (prepared, encoded) == (60, 60)
    assert most <= 4 + 2


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
        embed(shop.store, {**_FAKES, **chosen})
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


def test_a_second_embed_waits_for_the_first(shop: Shop) -> None:
    shop.bring({"id": "1", "title": "shoe"})
    seen: list[str] = []

    def second(modality: str, done: int, total: int) -> None:
        with pytest.raises(StoreError, match="is being written by mmsearch embed") as caught, write_lock(shop.store.path, "embed", 0.0):
            pass
        seen.append(caught.value.message)

    embed(shop.store, _FAKES, second)
    assert len(seen) == 1
