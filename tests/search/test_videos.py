"""Clips in the embed and in searches: seen scene by scene, heard by their tracks, and in one space with photos."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_clip
from fake_sounds import tone
from fake_videos import COLOURS, RATE, scene, video
from PIL import Image

from mmsearch.encoders.recorded import load_encoder, meetings, recorded_encoder
from mmsearch.encoders.report import Interrupted
from mmsearch.encoders.sources import count_items, items
from mmsearch.errors import InputError, UsageError
from mmsearch.media.video import Video
from mmsearch.search.queries import read_queries
from mmsearch.shop import Shop

NAMES = ("red", "green", "blue", "yellow", "cyan", "pink", "white", "orange")


def clip(*colours: int, seconds: float = 2, **given: Any) -> bytes:
    return video([scene(COLOURS[c]) for c in colours for _ in range(round(seconds * RATE))], **given)


def photo(path: Path, colour: int) -> str:
    Image.fromarray(scene(COLOURS[colour])).save(path)
    return str(path)


def ingest(folder: Path, products: list[dict[str, Any]], name: str = "store") -> Shop:
    (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, products)))
    shop = Shop(folder / f"{name}.lancedb")
    shop.ingest(folder / f"{name}.jsonl")
    return shop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of two scenes each; one with a sound; and what is none."""
    folder = tmp_path_factory.mktemp("clips")
    for i in range(8):
        (folder / f"{NAMES[i]}.mp4").write_bytes(clip(i, (i + 1) % 8, sound=tone(500 + 700 * i, 4) if i == 2 else False))
        photo(folder / f"{NAMES[i]}.png", i)
    (folder / "asked.avi").write_bytes(clip(3, seconds=1, format="avi", codec="mpeg4"))
    (folder / "text.mp4").write_text("not a clip")
    (folder / "cut.mp4").write_bytes((folder / "red.mp4").read_bytes()[:1500])
    (folder / "mute.mp4").write_bytes(clip(0, sound=np.zeros(32_000, np.float32)))
    return folder


@pytest.fixture(scope="module")
def shop(folder: Path) -> Shop:
    """Eight products with a clip each, four of them with a photo, too."""
    products = [{"id": name, "title": f"a {name} thing", "video": f"{name}.mp4"} for name in NAMES]
    for product in products[:4]:
        product["images"] = f"{product['id']}.png"
    made = ingest(folder, products, "shop")
    report = made.embed(text="fake-text", image="fake-image", audio="fake-audio")
    assert {m.modality: (m.items, m.new, m.failed) for m in report.modalities} == {
        "text": (8, 8, 0),
        "image": (4, 4, 0),
        "audio": (8, 1, 0),  # a clip without a sound is no failure
        "video": (8, 8, 0),
    }
    return made


def test_a_clip_finds_the_clip_and_the_second(shop: Shop, folder: Path) -> None:
    found = shop.search(video=str(folder / "asked.avi"), within="video", k=2)
    assert {hit.id for hit in found} == {"blue", "yellow"}, "both show that scene"
    by_id = {hit.id: hit.matched["video"] for hit in found}
    assert by_id == {"yellow": "yellow.mp4@0.4", "blue": "blue.mp4@2.6"}


def test_a_clip_finds_photos_and_a_photo_finds_clips(shop: Shop, folder: Path) -> None:
    asked = shop.search(video=str(folder / "asked.avi"), within="image", k=1)
    assert (asked.hits[0].id, asked.hits[0].matched) == ("yellow", {"image": "yellow.png"})
    shown = shop.search(image=str(folder / "pink.png"), within="video", k=2)
    assert {hit.id: hit.matched["video"] for hit in shown} == {"pink": "pink.mp4@0.4", "cyan": "cyan.mp4@2.6"}
    assert recorded_encoder(shop.store, "video")["space"] == recorded_encoder(shop.store, "image")["space"]
    assert {"image>video", "video>image"} <= set(meetings(shop.store))


def test_mixed_and_lowered(shop: Shop, folder: Path) -> None:
    clip = str(folder / "asked.avi")
    assert shop.search("green", video=f"{clip}^0.1", k=1).hits[0].id == "green"
    assert shop.search("green^0.1", video=clip, k=1).hits[0].id == "yellow"
    plain = {hit.id: hit.score for hit in shop.search(video=clip, within="video", k=8)}
    lowered = {hit.id: hit.score for hit in shop.search(video=clip, not_video=str(folder / "yellow.mp4"), within="video", k=8)}
    assert plain["yellow"] - lowered["yellow"] > plain["pink"] - lowered["pink"] > 0
    for hit in shop.search("green", video=clip):
        assert sum(part.contribution for part in hit.explain) == pytest.approx(hit.score)


def test_like_a_product_by_its_clip(shop: Shop) -> None:
    assert {hit.id for hit in shop.search(like="white", within="video", k=2)} == {"pink", "orange"}


def test_a_sound_finds_the_track_of_a_clip(shop: Shop, folder: Path) -> None:
    from fake_sounds import written

    (folder / "tone.wav").write_bytes(written(tone(1_900, 1)))
    (hit,) = shop.search(audio=str(folder / "tone.wav"), k=1)
    assert (hit.id, hit.matched["audio"].partition("@")[0]) == ("blue", "blue.mp4")
    assert count_items(shop.store, "audio", tracks=True) == count_items(shop.store, "video") == 8
    assert list(items(shop.store, "audio")) == [], "what features hear of clips they ask for as clips"
    assert [item.part for item in items(shop.store, "video")] == [f"{name}.mp4" for name in NAMES]


def test_queries_files(shop: Shop, folder: Path) -> None:
    (folder / "queries.csv").write_text("id,video,text\n1,asked.avi,\n2,,pink thing\n")
    queries = read_queries(str(folder / "queries.csv"))
    assert [part.kind for part in queries["1"].parts] == ["video"]
    assert shop.search_many(queries, k=1)["1"].hits[0].id in ("yellow", "blue")


def test_what_cannot_be_asked(shop: Shop, folder: Path) -> None:
    with pytest.raises(InputError, match=r"the query video .*text.mp4 cannot be used: not a video: it starts like text"):
        shop.search(video=str(folder / "text.mp4"))
    with pytest.raises(UsageError, match="only negative"):
        shop.search(not_video=str(folder / "asked.avi"))


def test_bad_clips_are_rejects_with_a_reason(folder: Path) -> None:
    names = ("red.mp4", "text.mp4", "cut.mp4", "none.mp4", "mute.mp4")
    made = ingest(folder, [{"id": name, "title": name, "video": name} for name in names], "bad")
    report = made.embed(text="fake-text", image="fake-image", audio="fake-audio", rejects=str(folder / "rejects.jsonl"))
    by = {m.modality: m for m in report.modalities}
    assert (by["video"].new, by["video"].failed) == (2, 3)
    told = [json.loads(line) for line in (folder / "rejects.jsonl").read_text().splitlines()]
    reasons = {one["part"]: one["_reason"] for one in told}
    assert len(told) == 3, "one reject a clip, though its sound track cannot be had either"
    assert by["audio"].failed == 3, "but each encoder counts what it has no vector of"
    assert set(reasons) == {"text.mp4", "cut.mp4", "none.mp4"}
    assert "it starts like text" in reasons["text.mp4"] and "truncated" in reasons["cut.mp4"] and "missing" in reasons["none.mp4"]
    assert not any("mute" in str(one) or "red.mp4" in str(one) for one in told)
    assert made.search("text.mp4", k=1).hits[0].id == "text.mp4"


def test_nothing_is_done_twice_and_changes_are_seen(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(clip(0, 1))
    (tmp_path / "b.mp4").write_bytes(clip(0, 1))  # the same content
    made = ingest(tmp_path, [{"id": "a", "title": "a", "video": "a.mp4"}, {"id": "b", "title": "b", "video": "b.mp4"}])
    first = made.embed(text="fake-text", image="fake-image", audio="fake-audio").modalities[-1]
    assert (first.modality, first.new, first.encoded) == ("video", 2, 1)
    again = made.embed().modalities[-1]
    assert (again.new, again.unchanged) == (0, 2)
    (tmp_path / "a.mp4").write_bytes(clip(4))
    changed = made.embed().modalities[-1]
    assert (changed.new, changed.unchanged) == (1, 1)
    assert made.search(image=photo(tmp_path / "c.png", 4), within="video", k=1).hits[0].id == "a"
    assert made.info()["encoders"]["video"]["vectors"] == 3
    # Another number of frames is another encoder.
    other = made.embed(video="frames(per_minute=1)").modalities[-1]
    assert (other.encoder, other.new) == ("frames(per_minute=1)", 2)
    assert made.info()["encoders"]["video"]["vectors"] == 2


def test_a_long_clip_is_left_in_the_middle_when_told_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(clip(0, 1, 2, 3))
    made = ingest(tmp_path, [{"id": "a", "title": "a", "video": "a.mp4"}])
    frames, seen = Video.frames, []

    def slow(self: Video) -> Iterator[Any]:
        for frame in frames(self):
            seen.append(frame.second)
            if len(seen) == 5:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(2)  # signals are seen by the main thread, when it has its turn
            yield frame

    with monkeypatch.context() as patch, pytest.raises(Interrupted, match="0 of 1 video vectors are written"):
        patch.setattr(Video, "frames", slow)
        made.embed(text="fake-text", image="fake-image", audio="fake-audio")
    assert len(seen) == 5, "no further frame was looked at"
    report = made.embed().modalities[-1]
    assert (report.modality, report.failed) == ("video", 0) and report.new > 0


def test_clips_follow_the_image_encoder_and_what_it_learned(folder: Path, tmp_path: Path) -> None:
    from fake_encoders import FakeImage

    from mmsearch.encoders import ENCODERS
    from mmsearch.encoders.learned import digest, pack, unpack
    from mmsearch.encoders.weights import fingerprint

    class Learned(FakeImage):
        space = "fake-learned-image"
        learns = True
        seen = -1

        def fingerprint(self) -> str:
            return fingerprint("fake-learned-image", {}, {"learned": digest(self.state())})

        def fit(self, items: Any) -> None:
            self.seen = len(items)

        def state(self) -> bytes:
            return pack({}, {"seen": self.seen})

        def restore(self, state: bytes) -> None:
            self.seen = unpack(state)[1]["seen"]

        def encode_batch(self, prepared: Any) -> Any:
            assert self.seen >= 0, "it has learned"
            return super().encode_batch(prepared) + self.seen

    ENCODERS.register("fake-learned-image", Learned)
    try:
        (tmp_path / "a.mp4").write_bytes(clip(0, 1))
        photo(tmp_path / "a.png", 0)
        made = ingest(tmp_path, [{"id": "a", "title": "a", "video": "a.mp4", "images": "a.png"}])
        made.embed(text="fake-text", image="fake-image", audio="fake-audio")
        before = recorded_encoder(made.store, "video")
        report = made.embed(image="fake-learned-image")
        assert {m.modality: m.new for m in report.modalities} == {"text": 0, "image": 1, "audio": 0, "video": 1}
        after = recorded_encoder(made.store, "video")
        assert (after["beside"], after["spec"]) == ("fake-learned-image", before["spec"])
        assert after["fingerprint"] != before["fingerprint"]
        assert load_encoder(made.store, "video").image.seen == 1
        assert after["space"] == recorded_encoder(made.store, "image")["space"]
        assert made.search(image=str(tmp_path / "a.png"), within="video").hits[0].matched == {"video": "a.mp4@0.4"}
        assert sum(m.new for m in made.embed().modalities) == 0
        # It learns anew from more photos: the clips are embedded anew, too.
        photo(tmp_path / "b.png", 1)
        made.ingest(_more(tmp_path))
        refitted = made.embed(refit=True)
        assert {m.modality: m.new for m in refitted.modalities}["video"] == 1
        assert load_encoder(made.store, "video").image.seen == 2
    finally:
        ENCODERS.unregister("fake-learned-image")


def _more(folder: Path) -> Path:
    (folder / "more.jsonl").write_text(json.dumps({"id": "b", "title": "b", "images": "b.png"}))
    return folder / "more.jsonl"


def test_photos_alone_are_found_by_a_clip(folder: Path, tmp_path: Path) -> None:
    products = [{"id": name, "title": name, "images": photo(tmp_path / f"{name}.png", i)} for i, name in enumerate(NAMES)]
    made = ingest(tmp_path, products)
    made.embed(text="fake-text", image="fake-image")
    assert recorded_encoder(made.store, "video") is None
    assert made.search(video=str(folder / "asked.avi"), k=1).hits[0].id == "yellow"
    with pytest.raises(InputError, match="no video vectors"):
        made.search(video=str(folder / "asked.avi"), within="video")


def test_texts_alone_have_nothing_to_compare(folder: Path, tmp_path: Path) -> None:
    made = ingest(tmp_path, [{"id": "a", "title": "a"}])
    made.embed(text="fake-text")
    with pytest.raises(InputError, match="no video vectors"):
        made.search(video=str(folder / "asked.avi"))


@pytest.mark.models
def test_a_text_finds_clips_where_one_model_sees_and_reads(tmp_path: Path) -> None:
    model = tiny_clip.make(tmp_path / "model", steps=0)
    for i in range(2):
        (tmp_path / f"{i}.mp4").write_bytes(clip(i))
    made = ingest(tmp_path, [{"id": str(i), "video": f"{i}.mp4"} for i in range(2)])
    made.embed(text="fake-text", image=f'openclip("{model}")', audio="fake-audio")
    assert {"text>video", "image>video"} <= set(meetings(made.store))
    found = made.search("red", within="video", k=2)
    assert {hit.matched["video"] for hit in found} == {"0.mp4@0.4", "1.mp4@0.4"}


def test_a_text_finds_clips_through_what_a_profile_learned_of_photos(folder: Path, tmp_path: Path) -> None:
    products = [{"id": name, "title": f"the {name} one", "images": photo(tmp_path / f"{name}.png", i)} for i, name in enumerate(NAMES)]
    made = ingest(tmp_path, products)
    made.embed(text="fake-text", image="fake-image", audio="fake-audio")
    made.fuse("conse")
    with pytest.raises(InputError):
        made.search("green", within="video")
    for i, name in enumerate(NAMES):
        (tmp_path / f"{name}.mp4").write_bytes(clip(i))
    (tmp_path / "clips.jsonl").write_text("\n".join(json.dumps({"id": name, "video": f"{name}.mp4"}) for name in NAMES))
    made.ingest(tmp_path / "clips.jsonl")
    made.embed()  # takes the clips into the profile, without another fit
    hits = made.search("green", within="video", k=8, combine="calibrated").hits
    assert (hits[0].id, hits[0].matched["video"]) == ("green", "green.mp4@0.4")
    assert hits[0].explain[0].evidence == "video through conse"
    assert made.store.count("projected_conse_v1_video") == 8
    both = made.search("green", k=8).hits[0]
    assert both.id == "green" and {c.evidence for c in both.explain} == {"text", "words", "image through conse", "video through conse"}
    asked = made.search(video=str(tmp_path / "red.mp4"), within="conse", k=1).hits[0]
    assert asked.id == "red"
    (tmp_path / "gone.jsonl").write_text("\n".join(json.dumps({"id": name, "video": ""}) for name in NAMES))
    made.ingest(tmp_path / "gone.jsonl")
    made.embed()
    assert made.store.count("projected_conse_v1_video") == 0
