"""Blocks below the heads learn from the shop's pairs: kept where held-out pairs say so, and nothing is lost where it goes wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_tower
from tiny_tower import TinyPhotos

from mmsearch.encoders import ENCODERS
from mmsearch.errors import InputError, MMSearchError, UsageError
from mmsearch.fusion import aligned, finetuning, profile, refinement, tower, tower_photos
from mmsearch.fusion.aligned import Aligned
from mmsearch.fusion.base import Batch, FitReport, Side
from mmsearch.fusion.contrastive import Plan as HeadsPlan
from mmsearch.fusion.finetuning import Plan, Sight
from mmsearch.fusion.tower_photos import Photos
from mmsearch.fusion.views import Views
from mmsearch.shop import Shop

PAIRS = 220
METHOD = "aligned(finetune=1, dim=8, landmarks=0, words=false, categories=false)"
ENCODERS_OF = {"image": TinyPhotos()}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Little is learned here, and fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aligned, "LEAST_PAIRS", 200)
        patch.setattr(refinement, "PLAN", HeadsPlan(batch=128, epochs=8, rate=0.01, least_steps=1))
        patch.setattr(finetuning, "PLAN", Plan(batch=64, rate=0.03, epochs=8))
        ENCODERS.register("tiny-photos", TinyPhotos)
        yield
        ENCODERS.unregister("tiny-photos")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return tiny_tower.batch(tmp_path_factory.mktemp("photos"), PAIRS)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    return tiny_tower.batch(tmp_path_factory.mktemp("asked"), 60, seed=5)


def new(**params: Any) -> Aligned:
    return Aligned(**{"finetune": 1, "dim": 12, "landmarks": 0, "hubness": 0, "words": False, "categories": False} | params)


@pytest.fixture(scope="module")
def fitted(quick: None, pairs: Batch) -> tuple[Aligned, FitReport]:
    fuser = new()
    return fuser, fuser.fit(pairs, ENCODERS_OF, 0)


def found(fuser: Aligned, asked: Batch) -> float:
    """How often a title that was never seen finds its own photo first."""
    everything = np.arange(len(asked))
    T, G = fuser.query("text", asked.side("text", everything)), fuser.project("image", asked.side("image", everything))
    return float(((T @ G.T).argmax(axis=1) == everything).mean())


def test_blocks_join_where_held_out_pairs_say_so(fitted: tuple[Aligned, FitReport], pairs: Batch, asked: Batch) -> None:
    fuser, report = fitted
    kept = report.scores["finetune"]
    assert kept["kept"] and kept["epochs"] > 0 and kept["RR"]["after"] >= kept["RR"]["before"] + refinement.LEAST_GAIN
    assert f"the last block of the photo network trained for {kept['epochs']} epochs" in report.summary
    heads = new(finetune=0, refine="linear")
    heads.fit(pairs, ENCODERS_OF, 0)
    assert found(fuser, asked) > found(heads, asked) + 0.05


def test_a_profile_keeps_them(fitted: tuple[Aligned, FitReport], asked: Batch) -> None:
    fuser, _ = fitted
    arrays, values = fuser.state()
    assert all(array.dtype == np.float32 for array in arrays.values())
    assert values["refinement"]["tower"] == {"encoder": "tiny-photos", "blocks": 1}
    again = new()
    again.load_state(arrays, values)
    photos = asked.side("image", np.arange(20))
    np.testing.assert_allclose(again.project("image", photos), fuser.project("image", photos), atol=1e-6)
    np.testing.assert_array_equal(
        again.query("text", asked.side("text", np.arange(20))), fuser.query("text", asked.side("text", np.arange(20)))
    )


def test_a_text_opens_no_network(fitted: tuple[Aligned, FitReport], asked: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    again = new()
    again.load_state(*fitted[0].state())

    def never(*_: Any) -> None:
        raise AssertionError("the network was opened")

    monkeypatch.setattr(tower, "create_encoder", never)
    again.query("text", asked.side("text", np.arange(3)))
    with pytest.raises(AssertionError, match="the network was opened"):
        again.query("image", asked.side("image", np.arange(3)))


def test_one_seed_gives_the_same_weights(fitted: tuple[Aligned, FitReport], pairs: Batch) -> None:
    again = new()
    again.fit(pairs, ENCODERS_OF, 0)
    for name, array in fitted[0].state()[0].items():
        np.testing.assert_array_equal(array, again.state()[0][name])


def test_what_is_not_a_photo_is_mapped_by_its_vector(fitted: tuple[Aligned, FitReport], asked: Batch, tmp_path: Path) -> None:
    """Frames of clips have no contents, and a photo may be gone."""
    photos = asked.side("image", np.arange(3))
    plain = fitted[0].project("image", Side(photos.X))
    gone = fitted[0].project("image", Side(photos.X, [tmp_path / "gone.png", None, photos.contents[2] if photos.contents else None]))
    np.testing.assert_allclose(np.linalg.norm(plain, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(gone[:2], plain[:2], atol=1e-6)
    assert np.abs(gone[2] - plain[2]).max() > 1e-3


def test_photos_that_are_gone_are_counted_and_named(tmp_path: Path) -> None:
    some = tiny_tower.batch(tmp_path, PAIRS)
    for row in (3, 4, 70, 71, 100, 200, 201):
        some.contents["image"][row].unlink()
    fuser = new()
    report = fuser.fit(some, ENCODERS_OF, 0)
    assert report.scores["finetune"]["unreadable"] == 7
    assert "7 photos could not be opened (p3, p4, p70, p71, p100 …): their vectors stand in" in report.summary
    assert found(fuser, some) > 0.3


def test_a_loss_that_is_no_number_keeps_the_last_good_epoch(pairs: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, loss = [0], finetuning.info_nce

    def breaks(*args: Any) -> Any:
        steps[0] += 1
        return loss(*args) * (float("nan") if steps[0] > 10 else 1.0)

    trainable = TinyPhotos().trainable(1)
    photos = Photos.read(trainable, pairs.contents["image"])
    X = pairs.vectors["image"]
    head = refinement.Head(*(np.zeros(s, np.float32) for s in ((16,), (16, 20), (20,), (16, 0), (0,), (0, 20))))
    head = dataclasses.replace(head, weight=np.random.default_rng(3).normal(size=(16, 20)).astype(np.float32))
    task = finetuning.Task(photos, Sight.of(Views.learn(Side(X), {}), Side(X)), pairs.vectors["text"], (pairs.vectors["text"], X))
    held = dataclasses.replace(task, photos=photos.take(np.arange(100)), texts=task.texts[:100], raw=(task.raw[0][:100], X[:100]))
    whole = finetuning.train(trainable, task, held, head, Plan(batch=52, rate=0.03, epochs=2), 0)
    monkeypatch.setattr(finetuning, "info_nce", breaks)
    broken = finetuning.train(trainable, task, held, head, Plan(batch=52, rate=0.03, epochs=9), 0)
    assert broken.ended == "not finite" and broken.epoch == whole.epoch > 0 and broken.score == whole.score
    for name, array in whole.weights.items():
        np.testing.assert_array_equal(broken.weights[name], array)


def test_blocks_that_bring_nothing_stay_as_published(pairs: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetuning, "info_nce", lambda A, B, sharpness, twins: (A * float("nan")).sum())
    fuser, heads = new(), new(finetune=0, refine="linear")
    report = fuser.fit(pairs, ENCODERS_OF, 0)
    heads.fit(pairs, ENCODERS_OF, 0)
    assert not report.scores["finetune"]["kept"] and "the last block of the photo network left as published" in report.summary
    assert "the loss was no number in the end" in report.summary
    assert "tower" not in fuser.state()[1].get("refinement", {})
    for name, array in heads.state()[0].items():
        np.testing.assert_array_equal(array, fuser.state()[0][name])


def test_too_few_pairs_open_no_photo(pairs: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Photos, "read", staticmethod(lambda *_: pytest.fail("photos were read")))
    report = new().fit(pairs.take(np.arange(100)), ENCODERS_OF, 0)
    assert "not refined: 500 pairs are needed" in report.summary and not report.scores["finetune"]["kept"]


def test_who_cannot_be_trained_is_named(pairs: Batch) -> None:
    from fake_encoders import FakeImage

    with pytest.raises(UsageError, match=r"finetune=1.*fakeimage, has no blocks that can be trained") as refused:
        new().fit(pairs, {"image": FakeImage()}, 0)
    assert "efficientnet" in str(refused.value.hint)
    with pytest.raises(UsageError, match=r"finetune=3.*the last 1 block can be trained, not 3"):
        new(finetune=3).fit(pairs, ENCODERS_OF, 0)
    with pytest.raises(UsageError, match="there is none"):
        new().fit(pairs, {}, 0)
    with pytest.raises(ValueError, match="finetune must be at least 0"):
        new(finetune=-1)


def test_it_needs_the_photos_themselves(pairs: Batch, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are only their vectors"):
        new().fit(dataclasses.replace(pairs, contents={}), ENCODERS_OF, 0)
    with pytest.raises(InputError, match="not one photo can be opened"):
        new().fit(dataclasses.replace(pairs, contents={"image": [tmp_path / "gone.png"] * PAIRS}), ENCODERS_OF, 0)


@pytest.mark.parametrize("rooted", [False, True])
def test_blocks_are_trained_on_what_the_head_sees(rooted: bool) -> None:
    """`Sight` is `Views` in PyTorch, with another vector."""
    import torch

    rng = np.random.default_rng(0)
    X, other = (np.abs(rng.normal(size=(40, 16))).astype(np.float32) for _ in range(2))
    X[:, 0] = 0
    views = np.abs(rng.normal(size=(40, 30))).astype(np.float32)
    X, views = X / np.linalg.norm(X, axis=1, keepdims=True), views / np.linalg.norm(views, axis=1, keepdims=True)
    side = Side(X, None, views if rooted else None)
    look = Views.learn(side, {"means": 30} if rooted else {})
    assert look.rooted == rooted
    rows = np.array([3, 1, 17])
    seen = Sight.of(look, side).seen(torch.from_numpy(5 * other[rows]), rows).numpy()
    unit = other / np.linalg.norm(other, axis=1, keepdims=True)
    np.testing.assert_allclose(seen, look(dataclasses.replace(side, X=unit)).dense[rows], atol=1e-4)


def test_what_lies_on_disk_is_what_lies_in_memory(pairs: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    trainable, contents = TinyPhotos().trainable(1), [*pairs.contents["image"][:70], None]
    inside = Photos.read(trainable, contents)
    monkeypatch.setattr(tower_photos, "_IN_MEMORY", 0)
    outside = Photos.read(trainable, contents)
    assert isinstance(outside.lower, np.memmap) and not isinstance(inside.lower, np.memmap)
    np.testing.assert_array_equal(inside.lower, outside.lower)
    assert inside.readable.sum() == 70 and not inside.readable[70]
    some = outside.take(np.array([5, 2])).take(np.array([1]))
    np.testing.assert_array_equal(some.at(np.array([0]), np.array([1])), inside.lower[2:3, 1])


def catalogue(folder: Path, name: str, rows: range) -> Path:
    """Products whose titles say in words what their photos show."""
    lines = ["id,title,images"]
    for row, code in zip(rows, tiny_tower.codes(rows.stop)[rows.start :], strict=True):
        words = " ".join(f"{'abc'[int(code[place]) // 86]}{place}" for place in (1, 4, 7, 9))
        lines.append(f"p{row},{words},{tiny_tower.paint(folder / f'{row}.png', code).name}")
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_shop_is_tuned_and_searched_and_ctrl_c_leaves_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligned, "LEAST_PAIRS", 60)
    monkeypatch.setattr(refinement, "LEAST_GAIN", -1.0)  # kept whatever it brings: it is about the way through a store
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(catalogue(tmp_path / "photos", "first.csv", range(100)))
    shop.embed(text="fake-text", image="tiny-photos")
    shop.fuse(METHOD)
    tuned = profile.load_fuser(shop.store, profile.load(shop.store, "aligned"))
    assert tuned.reads == ("text", "image") and "tower" in tuned.state()[1]["refinement"]

    shop.ingest(catalogue(tmp_path / "photos", "second.csv", range(100, 110)))  # mapped without a refit
    shop.embed()
    hits = shop.search(image=str(tmp_path / "photos" / "105.png"), within="aligned", k=3)
    assert "p105" in [hit.id for hit in hits]

    before = shop.store.record.get("profile/aligned"), shop.store.tables()

    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finetuning, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        shop.fuse(METHOD, force=True)
    assert (shop.store.record.get("profile/aligned"), shop.store.tables()) == before


def test_too_little_room_is_said(pairs: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tower_photos, "_IN_MEMORY", 0)
    monkeypatch.setattr(tower_photos.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(MMSearchError, match="there is no room for it"):
        Photos.read(TinyPhotos().trainable(1), pairs.contents["image"][:2])
