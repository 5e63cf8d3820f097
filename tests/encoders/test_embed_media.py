"""Nasty photos through an embed: each costs itself only, with a reason that a shop keeper understands, in bounded memory."""

from __future__ import annotations

import functools
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from embed_shop import FAKES, Shop, alone, outcome
from fake_encoders import FakeImage
from PIL import Image

from mmsearch.encoders.pipeline import embed
from mmsearch.media import content
from mmsearch.media.fetch import fetched_path

TESTS = Path(__file__).parents[1]


def jpeg(size: tuple[int, int] = (40, 30), colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *extra: bytes) -> bytes:
    """A PNG of black pixels, compressed as tightly as it goes: what a bomb is."""
    rows = zlib.compressobj(9)
    line = b"\0" * (width // 8 + 2)
    data = b"".join(rows.compress(line) for _ in range(min(height, 100))) + rows.flush()
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


@functools.cache
def text_bomb(megabytes: int) -> bytes:
    return png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (megabytes << 20), 9))


def gif(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("P", (2, 2)).save(file, "GIF")
    data = bytearray(file.getvalue())
    data[6:10] = struct.pack("<HH", width, height)  # the canvas; the one frame stays small
    return bytes(data)


def tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8), (278, 4, 1, height)]
    tags += [(279, 4, 1, 16)]
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0" * 24


def put(folder: Path) -> dict[str, str]:
    """Nasty photos in a folder: name → what the reason must hold."""
    whole = jpeg((400, 300))
    files: dict[str, tuple[bytes, str]] = {
        "megapixels.png": (png(10_000, 10_000), "100 megapixels, the limit is 50 (MMSEARCH_MAX_PIXELS)"),
        "bomb.png": (png(200_000, 200_000), "40,000 megapixels"),
        "texts.png": (png(64, 64, text_bomb(5)), "damaged"),
        "canvas.gif": (gif(65_535, 65_535), "4,295 megapixels"),
        "huge.tiff": (tiff(100_000, 100_000), "10,000 megapixels"),
        "empty.jpg": (b"", "empty file"),
        "zeros.jpg": (b"\0" * 2_000, "nothing but zero bytes"),
        "truncated.jpg": (whole[: len(whole) // 2], "truncated"),
        "half.png": (png(64, 64)[:45], "truncated"),
        "._x.jpg": (b"\x00\x05\x16\x07\0\2\0\0" + b"\0" * 100, "a macOS resource file"),
        "page.jpg": (b"<!DOCTYPE html><html>", "a web page"),
        "large.jpg": (whole + b"\0" * 3_000_000, "the limit is 2.0 MB (MMSEARCH_MAX_MEDIA_BYTES)"),
    }
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "loop.jpg").symlink_to("loop2.jpg")
    (folder / "loop2.jpg").symlink_to("loop.jpg")
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    expected = {name: reason for name, (_, reason) in files.items()}
    expected |= {"folder.jpg": "a folder, not a file", "pipe.jpg": "not a regular file", "loop.jpg": "cannot be read: Too many levels"}
    return expected | {"dangling.jpg": "missing", "nowhere.jpg": "missing"}


def test_each_nasty_photo_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_MAX_MEDIA_BYTES", "2_000_000")
    shop = Shop(tmp_path)
    expected = put(tmp_path)
    (tmp_path / "good.jpg").write_bytes(jpeg())
    shop.bring({"id": "good", "title": "a good one", "images": ["good.jpg"]})
    # As a catalogue that was fine when it was ingested: ingest itself would drop what is missing already.
    shop.bring(*({"id": name, "title": f"shoe {name}", "images": ["good.jpg"]} for name in expected))
    rows = shop.store.read("products").to_pylist()
    import pyarrow as pa

    for row in rows:
        if row["id"] != "good":
            row["images"] = [row["id"], "good.jpg"]
    shop.store.upsert("products", pa.Table.from_pylist(rows, schema=shop.store.dataset("products").schema), "id")  # type: ignore[union-attr]
    report = shop.embed()
    assert outcome(report, "text") == (len(expected) + 1, len(expected) + 1, 0, 0, 0), "every product stays searchable by its text"
    reasons = {part: reason for _, id, part, reason in shop.failures}
    assert sorted(reasons) == sorted(expected)
    for name, reason in expected.items():
        assert reason in reasons[name], name
    vectors = shop.vectors("image")
    assert set(vectors) == {(id, "good.jpg") for id in ["good", *expected]}
    assert len(np.unique(np.stack(list(vectors.values())), axis=0)) == 1
    assert {"too many pixels", "too large", "missing", "truncated"} <= set(report.modalities[1].reasons)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_photo_that_may_not_be_read(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "a.jpg").write_bytes(jpeg())
    shop.bring({"id": "1", "title": "x", "images": ["a.jpg"]})
    (tmp_path / "a.jpg").chmod(0)
    assert outcome(shop.embed(), "image") == (1, 0, 0, 0, 1)
    assert shop.failures == [("image", "1", "a.jpg", "no permission to read it")]


def test_a_photo_that_may_not_be_read_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "a.jpg").write_bytes(jpeg())
    shop.bring({"id": "1", "title": "x", "images": ["a.jpg"]})
    real = os.open

    def refused(path: object, *rest: int) -> int:
        if str(path).endswith("a.jpg"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(content.os, "open", refused)
    shop.embed()
    assert shop.failures == [("image", "1", "a.jpg", "no permission to read it")]


_BOUNDED = """
import resource, sys
from fake_encoders import FakeImage, FakeText
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.pipeline import embed
from mmsearch.store import Store
ENCODERS.register("fake-text", FakeText)
ENCODERS.register("fake-image", FakeImage)
store = Store(sys.argv[1])
embed(store, {"text": "fake-text"})  # everything is imported
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = embed(store, {"text": "fake-text", "image": "fake-image"})
print(report.modalities[-1].failed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is counted otherwise elsewhere")
def test_bombs_do_not_go_off(tmp_path: Path) -> None:
    """Bombs that would take terabytes: the process grows by less than 200 MB."""
    shop = Shop(tmp_path)
    names = []
    for n in range(4):
        for kind, data in (("png", png(60_000, 60_000)), ("gif", gif(65_535, 65_535)), ("tiff", tiff(90_000, 90_000))):
            names.append(f"{n}.{kind}")
            (tmp_path / names[-1]).write_bytes(data + bytes([n]))
        names.append(f"{n}t.png")
        (tmp_path / names[-1]).write_bytes(png(64, 64, *[text_bomb(20)] * 6) + bytes([n]))
    shop.bring(*({"id": name, "title": name, "images": ["good.jpg"]} for name in names))
    (tmp_path / "good.jpg").write_bytes(jpeg())
    shop.bring(*({"id": name, "images": [name]} for name in names))
    shop.bring({"id": "whole", "images": ["good.jpg"]})
    ran = subprocess.run(
        [sys.executable, "-c", _BOUNDED, shop.store.path],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
    )
    failed, grown = map(int, ran.stdout.split())
    assert failed == len(names)
    assert grown < 200_000, f"{grown} kB"


# -- photos that do not hold still -------------------------------------------------------------------------------------


@pytest.fixture
def meddled(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None], int], None]:
    """Let something happen to a photo between its first bytes and the look at what was read, so many times."""

    def arrange(action: Callable[[], None], times: int) -> None:
        real, left = os.fstat, [2 * times]

        def fstat(descriptor: int) -> os.stat_result:
            found = real(descriptor)
            if left[0] > 0 and threading.current_thread().name.startswith("look"):
                left[0] -= 1
                action()
            return found

        monkeypatch.setattr(content.os, "fstat", fstat)

    return arrange


@pytest.mark.parametrize("how", ["grows", "shrinks", "is replaced", "is overwritten"])
@pytest.mark.parametrize("times", [1, 100])
def test_a_photo_that_changes_while_it_is_read(tmp_path: Path, meddled: Callable[..., None], how: str, times: int) -> None:
    """Either a vector of bytes that were there at one time, under their hash, or a failure; never one under another's hash."""
    shop, path = Shop(tmp_path), tmp_path / "a.jpg"
    old, new = jpeg(), jpeg(colour=(20, 200, 20))
    path.write_bytes(old)
    shop.bring({"id": "1", "title": "x", "images": ["a.jpg"]})

    def change() -> None:
        if how == "grows":
            with path.open("ab") as file:
                file.write(b"\0" * 7)
        elif how == "shrinks":
            path.write_bytes(path.read_bytes()[:-3])
        elif how == "is replaced":
            path.with_suffix(".new").write_bytes(new)
            path.with_suffix(".new").replace(path)
        else:
            path.write_bytes(new if path.read_bytes() == old else old)

    meddled(change, times)
    shop.embed()
    vectors = shop.vectors("image")
    if times == 100 and how in ("grows", "shrinks"):
        assert [reason for *_, reason in shop.failures] == ["changes while it is read: embed again when it is complete"]
    for vector in vectors.values():
        (row,) = shop.store.read(f"vectors_image_{FakeImage().fingerprint()[:12]}", ["source_hash"]).to_pylist()
        made = [old, new, *(old[:-n] for n in (3, 6, 9)), *(old + b"\0" * n for n in (7, 14, 21))]
        (data,) = {d for d in made if content.content_hash(d) == row["source_hash"]}
        assert np.array_equal(vector, alone(FakeImage(), data))


def test_a_pipe_that_takes_a_photos_place_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop, path = Shop(tmp_path), tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    shop.bring({"id": "1", "title": "x", "images": ["a.jpg"]})
    real = content.checked_size

    def swapped(source: str | Path, limit: int | None, *setting: str) -> int:
        size = real(source, limit, *setting)
        path.unlink()
        os.mkfifo(path)
        return size

    monkeypatch.setattr(content, "checked_size", swapped)
    shop.embed()
    assert [reason for *_, reason in shop.failures] == ["not a regular file"]


# -- only what changed -------------------------------------------------------------------------------------------------


def test_only_the_changed_modality_is_embedded_again(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "a.jpg").write_bytes(jpeg())
    shop.bring({"id": "1", "title": "shoe", "price": 3, "images": ["a.jpg"]})
    shop.embed()

    def encoded() -> dict[str, int]:
        return {m.modality: m.encoded for m in shop.embed().modalities}

    shop.bring({"id": "1", "title": "boot"})
    assert encoded() == {"text": 1, "image": 0}, "a changed title does not embed the photo again"
    shop.bring({"id": "1", "price": 4})
    assert encoded() == {"text": 0, "image": 0}, "a changed price embeds nothing"
    (tmp_path / "a.jpg").write_bytes(jpeg(colour=(0, 0, 255)))
    assert encoded() == {"text": 0, "image": 1}, "another photo of the same name is embedded"
    os.utime(tmp_path / "a.jpg")
    assert encoded() == {"text": 0, "image": 0}, "a file that was only touched is not"


def test_equal_photos_are_encoded_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for n in range(40):
        (tmp_path / f"{n}.jpg").write_bytes(jpeg(colour=(80 * (n % 3), 0, 0)))
    shop.bring(*({"id": str(n), "images": [f"{n}.jpg"]} for n in range(40)))
    image = shop.embed().modalities[-1]
    assert (image.new, image.encoded) == (40, 3)
    (tmp_path / "new.jpg").write_bytes(jpeg(colour=(80, 0, 0)))
    shop.bring({"id": "new", "images": ["new.jpg"]})
    image = shop.embed().modalities[-1]
    assert (image.new, image.encoded) == (1, 0), "nor what the store has a vector of"
    assert np.array_equal(shop.vectors("image")["new", "new.jpg"], shop.vectors("image")["1", "1.jpg"])


def test_a_folder_that_is_not_there_costs_no_vectors(tmp_path: Path) -> None:
    """A disk that is not mounted: hours of embedding are not thrown away for it."""
    shop = Shop(tmp_path)
    (tmp_path / "photos").mkdir()
    for n in range(40):
        (tmp_path / f"photos/{n}.jpg").write_bytes(jpeg(colour=(n, 0, 0)))
    shop.bring(*({"id": str(n), "title": str(n), "images": [f"photos/{n}.jpg"]} for n in range(40)))
    shop.embed()
    (tmp_path / "photos").rename(tmp_path / "away")
    report = shop.embed()
    assert outcome(report, "image") == (40, 0, 0, 0, 40)
    assert report.notes == ["40 image files cannot be read any more; their vectors are kept: is their folder there?"]
    assert len(shop.vectors("image")) == 40
    (tmp_path / "away").rename(tmp_path / "photos")
    assert outcome(shop.embed(), "image") == (40, 0, 40, 0, 0)


def test_a_fetched_photo_stands_for_its_address(tmp_path: Path) -> None:
    shop, address = Shop(tmp_path), "https://shop.example/a.jpg"
    shop.bring({"id": "1", "title": "shoe", "images": [address, "https://shop.example/b.jpg"]})
    assert "image" not in {m.modality for m in embed(shop.store, {"text": "fake-text"}).modalities}
    path = fetched_path(address, Path(shop.store.path) / "media")
    path.parent.mkdir()
    path.write_bytes(jpeg())
    assert outcome(embed(shop.store, FAKES), "image") == (1, 1, 0, 0, 0)
    assert list(shop.vectors("image")) == [("1", address)]


def test_the_shop_lists_failures_as_they_happen(tmp_path: Path) -> None:
    """In the reject file, also of an embed that ends in an error."""
    import mmsearch

    shop = Shop(tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    shop.bring({"id": "1", "title": "shoe", "images": ["bad.jpg"]})
    report = mmsearch.open(shop.store.path).embed(text="fake-text", image="fake-image", rejects=str(tmp_path / "rejects.jsonl"))
    (line,) = map(json.loads, (tmp_path / "rejects.jsonl").read_text().splitlines())
    assert (line["id"], line["modality"], line["part"], line["_kept"]) == ("1", "image", "bad.jpg", True)
    assert report.reject_file == str(tmp_path / "rejects.jsonl")


def test_large_photos_are_decoded_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from mmsearch.media import image

    monkeypatch.setattr(image, "_LARGE", 100)
    inside, most, lock = 0, 0, threading.Lock()
    real = image._flatten

    def flatten(opened: Image.Image) -> Image.Image:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        try:
            with tempfile.TemporaryFile():
                return real(opened)
        finally:
            with lock:
                inside -= 1

    monkeypatch.setattr(image, "_flatten", flatten)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(image.open_image, [jpeg()] * 64))) == 64
    assert most <= 2
