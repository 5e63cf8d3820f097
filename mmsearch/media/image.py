"""Opening photos safely: what is checked before anything is decoded, and one form for everything that comes after (RGB, upright)."""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from mmsearch import settings
from mmsearch.media import MediaError
from mmsearch.media.content import check_length, looks_like, open_media

if TYPE_CHECKING:
    from PIL import Image, ImageFile

#: What a photo may be. Pillow parses some thirty more kinds; each would be one more parser open to whatever a feed brings,
#: and two of them (EPS, WMF) run other programs. JPEG includes MPO, the stereo photos of some cameras.
#: Named by Pillow's plug-in modules, so that only these are imported.
FORMATS = {"JPEG": "Jpeg", "PNG": "Png", "WEBP": "WebP", "GIF": "Gif", "BMP": "Bmp", "TIFF": "Tiff", "AVIF": "Avif"}

#: Photos of more pixels than this (60 MB decoded, and two or three such copies on the way to upright RGB) are decoded two at a
#: time, however many threads there are.
_LARGE = 20_000_000
_FEW = threading.BoundedSemaphore(2)

_ORIENTATION = 0x0112  # the EXIF tag


def open_image(source: str | Path | bytes, *, short_side: int | None = None) -> Image.Image:
    """Decode a photo into upright RGB: EXIF orientation applied, transparency laid on white, the first frame of an animation.

    Parameters
    ----------
    source : a file's path, or its bytes.
    short_side : when given, a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size as long as its short side keeps at
        least this many pixels (several times faster for camera photos that are shrunk anyway).

    Raises
    ------
    MediaError : missing, too large, not a photo, truncated or damaged. Limits: `MMSEARCH_MAX_PIXELS`, checked in the
        header before anything is decoded, and `MMSEARCH_MAX_MEDIA_BYTES`, checked before anything is read.
    """
    with _opened(source) as file:
        image = _recognise(file)
        try:
            if short_side is not None and image.format in ("JPEG", "MPO"):
                image.draft("RGB", (short_side, short_side))
            with _FEW if image.width * image.height > _LARGE else contextlib.nullcontext():
                image.load()
                return _flatten(_upright(image))
        except MediaError:
            raise
        except Exception as error:  # decoders raise nearly any kind on damaged bytes
            raise MediaError(_why(error, file, image.format or "")) from error


def probe_image(path: str | Path) -> tuple[int, int]:
    """(width, height) from a photo's header, without decoding it: what ingest checks.

    Raises
    ------
    MediaError : missing, not a regular file, empty, too large, not a photo, or too many pixels.
    """
    with _opened(path) as file:
        return _recognise(file).size


def _opened(source: str | Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        check_length(len(source), settings.max_media_bytes())
        return io.BytesIO(source)
    return open_media(source, settings.max_media_bytes())


def _recognise(file: BinaryIO) -> ImageFile.ImageFile:
    """Parse the header, and reject what is no photo or has too many pixels.

    This is `PIL.Image.open` without its check of `Image.MAX_IMAGE_PIXELS`: that one prints warnings, is a global that
    threads share, and would stand above our own limit.
    """
    from PIL import Image

    head = file.read(512)
    for name, module in FORMATS.items():
        importlib.import_module(f"PIL.{module}ImagePlugin")
        factory, accept = Image.OPEN[name]
        if accept and accept(head[:16]) is not True:  # a text means: that kind, but this Pillow was built without it
            continue
        file.seek(0)
        try:
            image: Any = factory(file, "")
        except Image.DecompressionBombError as error:
            raise MediaError(f"too many pixels: {error}") from error
        except Exception as error:  # see open_image
            raise MediaError(_why(error, file, name)) from error
        pixels, limit = image.width * image.height, settings.max_pixels()
        if pixels > limit:
            message = f"{_megapixels(pixels)} megapixels, the limit is {_megapixels(limit)} (MMSEARCH_MAX_PIXELS)"
            raise MediaError(message, kind="too many pixels")
        return image  # type: ignore[no-any-return]
    raise MediaError(f"not an image: it starts like {looks_like(head)}")


def _upright(image: Image.Image) -> Image.Image:
    from PIL import Image

    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except (SyntaxError, ValueError, KeyError, IndexError, TypeError, OSError, struct.error):
        return image  # a damaged note about the photo does not cost the photo
    return image.transpose(turn[orientation]) if orientation in turn else image


def _flatten(image: Image.Image) -> Image.Image:
    """Any mode → RGB of 8 bits, transparency on white."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255, which leaves a 16-bit photo white.
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        return _stretched(np.asarray(image, dtype=np.float64)).convert("RGB")
    if image.mode == "LAB":
        raise MediaError("its colours are stored as CIELAB, which is not supported: save it as RGB")
    if image.has_transparency_data:
        flat = Image.new("RGBA", image.size, "white")
        flat.alpha_composite(image.convert("RGBA"))
        return flat.convert("RGB")
    return image.convert("RGB")


def _stretched(values: np.ndarray) -> Image.Image:
    """32-bit grey values (height, width) have no agreed range: from the darkest to the brightest."""
    from PIL import Image

    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / (high - low) if high > low else 0.0)
    return Image.fromarray(scaled.round().astype(np.uint8))


def _why(error: Exception, file: BinaryIO, name: str) -> str:
    """Say in a shop keeper's words why a file that starts like a photo cannot be decoded."""
    text = str(error) or type(error).__name__
    length = file.seek(0, io.SEEK_END)
    # WebP's decoder only says that it failed, but the container's header says how long the file should be.
    file.seek(4)
    short = name == "WEBP" and int.from_bytes(file.read(4), "little") + 8 > length
    if (
        short
        or isinstance(error, EOFError)
        or any(sign in text.lower() for sign in ("truncated", "not enough image data", "requires a buffer"))
    ):
        return f"truncated: the file ends after {length:,} bytes, before the photo does"
    return f"damaged: it starts like a {name} photo, but cannot be decoded ({text})"


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:,.0f}" if pixels >= 10_000_000 else f"{pixels / 1e6:,.3g}"
