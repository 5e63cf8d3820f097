from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile, features

from mmsearch.errors import UsageError
from mmsearch.media import MediaError
from mmsearch.media.image import FORMATS, open_image, probe_image

# 40 wide, 20 high: the left half red, the right half blue, and a green corner top left that shows which way is up.
PIXELS = np.zeros((20, 40, 3), np.uint8)
PIXELS[:, :20, 0] = 255
PIXELS[:, 20:, 2] = 255
PIXELS[:8, :8] = (0, 255, 0)
PHOTO = Image.fromarray(PIXELS)

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def near(colour: object, expected: tuple[int, int, int], within: int = 40) -> bool:
    return isinstance(colour, tuple) and len(colour) == 3 and all(abs(a - b) <= within for a, b in zip(colour, expected, strict=True))


def reason(source: str | Path | bytes) -> str:
    with pytest.raises(MediaError) as caught:
        open_image(source)
    return caught.value.message


def png_header(width: int, height: int) -> bytes:
    """A PNG of which only the header is there: enough to claim a size."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (chunk, data, b"IEND")
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_from_path_and_bytes(kind: str, tmp_path: Path) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    data = saved(PHOTO, kind)
    path = tmp_path / "photo.dat"  # the name says nothing: the bytes decide
    path.write_bytes(data)
    for source in (data, path, str(path)):
        image = open_image(source)
        assert (image.mode, image.size) == ("RGB", (40, 20))
        assert near(image.getpixel((2, 2)), GREEN)
        assert near(image.getpixel((12, 15)), RED)
        assert near(image.getpixel((30, 10)), BLUE)
    assert probe_image(path) == (40, 20)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind: str, orientation: int) -> None:
    # What a camera stores so that, turned as the tag says, the photo is upright again.
    stored = {
        1: PIXELS,
        2: PIXELS[:, ::-1],
        3: PIXELS[::-1, ::-1],
        4: PIXELS[::-1],
        5: PIXELS.transpose(1, 0, 2),
        6: np.rot90(PIXELS, 1),
        7: PIXELS[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(PIXELS, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    image = open_image(saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, **options))
    assert image.size == (40, 20)
    assert near(image.getpixel((2, 2)), GREEN)
    assert near(image.getpixel((30, 10)), BLUE)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_damaged_exif_does_not_cost_the_photo() -> None:
    data = saved(PHOTO, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7fgarbage")
    assert open_image(data).size == (40, 20)


def transparent(mode: str) -> Image.Image:
    image = PHOTO.convert("RGBA")
    alpha = np.full((20, 40), 255, np.uint8)
    alpha[:, 20:] = 0
    image.putalpha(Image.fromarray(alpha))
    if mode == "P":
        return image.quantize(8)
    return image.convert(mode)


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("RGBA", "WEBP"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "GIF")])
def test_transparency_lies_on_white(mode: str, kind: str) -> None:
    image = open_image(saved(transparent(mode), kind))
    assert image.mode == "RGB"
    assert near(image.getpixel((30, 10)), WHITE, 2)
    assert not near(image.getpixel((12, 15)), WHITE)


def test_a_transparent_colour_lies_on_white() -> None:
    image = open_image(saved(PHOTO, "PNG", transparency=BLUE))
    assert image.getpixel((30, 10)) == WHITE
    assert image.getpixel((12, 15)) == RED


def test_palette_grey_bilevel_and_cmyk() -> None:
    assert near(open_image(saved(PHOTO.quantize(4), "PNG")).getpixel((30, 10)), BLUE)
    assert near(open_image(saved(PHOTO.convert("CMYK"), "JPEG", quality=95)).getpixel((30, 10)), BLUE)
    assert near(open_image(saved(PHOTO.convert("CMYK"), "TIFF")).getpixel((30, 10)), BLUE)
    grey = open_image(saved(PHOTO.convert("L"), "PNG")).getpixel((30, 10))
    assert near(grey, (29, 29, 29), 1)
    assert open_image(saved(Image.new("1", (8, 8), 1), "PNG")).getpixel((0, 0)) == WHITE


def test_16_bit_keeps_its_range() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        image = np.asarray(open_image(saved(Image.fromarray(ramp), kind)))
        np.testing.assert_allclose(image[..., 0], np.arange(256).reshape(16, 16), atol=1)


@pytest.mark.parametrize(
    ("colour_type", "samples", "expected"),
    [
        (0, (0x4000,), (64, 64, 64)),
        (2, (0xC000, 0x4000, 0x8000), (192, 64, 128)),
        (4, (0x4000, 0xFFFF), (64, 64, 64)),
        (4, (0x4000, 0), WHITE),
        (6, (0xC000, 0x4000, 0x8000, 0xFFFF), (192, 64, 128)),
        (6, (0xC000, 0x4000, 0x8000, 0), WHITE),
    ],
)
def test_16_bit_png_of_every_kind(colour_type: int, samples: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    """Pillow writes none of these but the first, so the file is put together here: grey, RGB, and both with transparency."""
    rows = (b"\0" + struct.pack(f">{len(samples)}H", *samples) * 4) * 4
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", 4, 4, 16, colour_type, 0, 0, 0), b"IDAT" + zlib.compress(rows), b"IEND")
    data = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    assert near(open_image(b"\x89PNG\r\n\x1a\n" + data).getpixel((1, 1)), expected, 1)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_turned_transparent_and_animated() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_image(saved(PHOTO, "AVIF", exif=exif)).size == (20, 40)
    assert near(open_image(saved(transparent("RGBA"), "AVIF")).getpixel((30, 10)), WHITE, 4)
    second = Image.new("RGB", PHOTO.size, "yellow")
    assert near(open_image(saved(PHOTO, "AVIF", save_all=True, append_images=[second])).getpixel((30, 10)), BLUE)


def test_32_bit_grey_is_stretched() -> None:
    values = np.linspace(-3, 5, 64, dtype=np.float32).reshape(8, 8)
    values[0, 3] = np.nan
    image = np.asarray(open_image(saved(Image.fromarray(values), "TIFF")))
    assert (image.min(), image.max()) == (0, 255)
    flat = np.asarray(open_image(saved(Image.fromarray(np.full((4, 4), 7, np.int32)), "TIFF")))
    assert (flat == flat[0, 0]).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_several(kind: str) -> None:
    second = Image.new("RGB", PHOTO.size, "yellow")
    image = open_image(saved(PHOTO, kind, save_all=True, append_images=[second]))
    assert near(image.getpixel((30, 10)), BLUE)


def test_reduced_decoding_keeps_enough() -> None:
    large = saved(PHOTO.resize((1600, 800)), "JPEG")
    assert open_image(large).size == (1600, 800)
    reduced = open_image(large, short_side=200)
    assert reduced.size == (400, 200)
    assert near(reduced.getpixel((20, 20)), GREEN)
    assert near(reduced.getpixel((300, 100)), BLUE)
    assert open_image(saved(PHOTO, "PNG"), short_side=4).size == (40, 20)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty file"),
        (b"id,title\n1,shoe\n", "not an image: it starts like text"),
        ("标题：红色跑步鞋\n".encode() * 40, "not an image: it starts like text"),
        (b"<!DOCTYPE html><html><body>404", "not an image: it starts like a web page"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "not an image: it starts like an SVG drawing"),
        (b"%PDF-1.7\n", "not an image: it starts like a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image: it starts like a PostScript document"),
        (b"PK\x03\x04rest", "not an image: it starts like a ZIP archive"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "not an image: it starts like an HEIC photo"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "not an image: it starts like an MP4 video"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "not an image: it starts like a WAV sound"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "not an image: it starts like a macOS resource file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not an image: it starts like a Git LFS pointer"),
        (b"\0" * 1000, "not an image: it starts like nothing but zero bytes"),
        (b"\x93\x01\xfe\xff\x80junk", "not an image: it starts like unknown data"),
    ],
)
def test_what_is_no_photo(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    assert reason(path).startswith(expected)
    assert reason(content).startswith(expected)
    with pytest.raises(MediaError, match=expected[:12]):
        probe_image(path)


@pytest.mark.parametrize(
    "make", [lambda: saved(PHOTO, "PPM"), lambda: saved(PHOTO, "PDF"), lambda: saved(PHOTO, "EPS"), lambda: saved(PHOTO, "ICO")]
)
def test_formats_outside_the_list(make: Callable[[], bytes]) -> None:
    assert reason(make()).startswith("not an image")


@pytest.mark.parametrize("kind", [k for k in FORMATS if k != "AVIF" or features.check("avif")])
def test_truncated_is_rejected(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (100, 120, 3), dtype=np.uint8))
    whole = saved(noise, kind)
    half = reason(whole[: len(whole) // 2])
    assert half == f"truncated: the file ends after {len(whole) // 2:,} bytes, before the photo does" or half.startswith(
        "damaged: it starts like"
    )
    if kind in ("JPEG", "PNG", "WEBP", "BMP"):
        assert half.startswith("truncated")


def test_damaged_in_the_middle() -> None:
    data = bytearray(saved(PHOTO, "PNG"))
    data[len(data) // 2 : len(data) // 2 + 8] = b"\xff" * 8
    assert reason(bytes(data)).startswith(("damaged: it starts like a PNG photo", "truncated"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, on damaged EXIF
def test_random_damage_never_raises_anything_else(kind: str) -> None:
    rng = random.Random(kind)
    whole = saved(PHOTO, kind)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        del data[rng.randint(len(data) // 3, len(data)) :]
        try:
            assert open_image(bytes(data)).mode == "RGB"
        except MediaError as error:
            assert error.message


def test_pixel_limit_is_checked_in_the_header(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(12_000, 10_000))
    assert reason(path) == "120 megapixels, the limit is 50 (MMSEARCH_MAX_PIXELS)"
    with pytest.raises(MediaError, match="120 megapixels"):
        probe_image(path)
    monkeypatch.setenv("MMSEARCH_MAX_PIXELS", "799")
    assert reason(saved(PHOTO, "PNG")) == "0.0008 megapixels, the limit is 0.000799 (MMSEARCH_MAX_PIXELS)"
    monkeypatch.setenv("MMSEARCH_MAX_PIXELS", "800")
    assert open_image(saved(PHOTO, "PNG")).size == (40, 20)
    assert not recwarn.list


def test_our_limit_stands_above_pillows_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "poster.png"
    path.write_bytes(png_header(20_000, 10_000))  # Pillow's own limit is 179 megapixels
    monkeypatch.setenv("MMSEARCH_MAX_PIXELS", "300_000_000")
    assert probe_image(path) == (20_000, 10_000)
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    probe_image(path)
    assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)


def test_size_limit_before_reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(300_000_000)  # sparse: no disk is used, and reading it would take a while
    assert reason(path) == "300.0 MB, the limit is 200.0 MB (MMSEARCH_MAX_MEDIA_BYTES)"
    monkeypatch.setenv("MMSEARCH_MAX_MEDIA_BYTES", "10")
    assert reason(b"x" * 11) == "11 bytes, the limit is 10 bytes (MMSEARCH_MAX_MEDIA_BYTES)"


def test_a_wrong_limit_is_the_users_error_not_the_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMSEARCH_MAX_PIXELS", "many")
    with pytest.raises(UsageError, match="MMSEARCH_MAX_PIXELS"):
        open_image(saved(PHOTO, "PNG"))


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert reason(tmp_path / "nowhere.jpg") == "missing"
    assert reason(tmp_path / "nowhere.jpg" / "deeper.jpg") == "missing"
    assert reason("bad\0name.jpg").startswith("missing")
    assert reason(str(tmp_path / ("x" * 300 + ".jpg"))) == "missing"
    assert reason(tmp_path) == "a folder, not a file"
    assert reason("https://example.com/shoe.jpg").startswith("a web address")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert reason(tmp_path / "loop.jpg").startswith("cannot be read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert reason(tmp_path / "pipe.jpg") == "not a regular file"


def test_many_threads(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(saved(PHOTO, "PNG"))
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(open_image, [path] * 64))
    assert all(np.array_equal(np.asarray(image), PIXELS) for image in images)
