"""Pictures inside a page: small, and never a failure."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from mmsearch.web.thumbnails import SIDE, Thumbnails


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))


def test_a_large_photo_becomes_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (900, 2000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    uri, why = Thumbnails().of(tmp_path / "large.png")
    assert why == "" and uri is not None
    assert opened(uri).size == (SIDE, 144)
    assert len(uri) < 60_000
    Image.new("RGBA", (20, 10), (255, 0, 0, 0)).save(tmp_path / "small.png")
    small, _ = Thumbnails().of(tmp_path / "small.png")
    assert small is not None and opened(small).size == (20, 10), "a small one is not blown up"


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    Image.new("RGB", (100, 100)).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:300])
    made = Thumbnails()
    assert made.of(None) == (None, "not on this machine")
    assert made.of(tmp_path / "gone.jpg") == (None, "missing")
    assert made.of(tmp_path / "broken.jpg") == (None, "not an image: it starts like text")
    assert (made.of(tmp_path / "cut.jpg")[0], made.of(tmp_path)[0]) == (None, None)
    assert made.left_out == 0


def test_a_page_has_room_for_so_much(tmp_path: Path) -> None:
    Image.new("RGB", (100, 100), "red").save(tmp_path / "a.png")
    length = len(Thumbnails().of(tmp_path / "a.png")[0] or "")
    made = Thumbnails(2 * length + 10)
    assert [made.of(tmp_path / "a.png")[0] is not None for _ in range(4)] == [True, True, False, False]
    assert made.left_out == 2
