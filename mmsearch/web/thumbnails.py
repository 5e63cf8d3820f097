"""Small pictures that stand inside a page, as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

from mmsearch.media import MediaError
from mmsearch.media.image import open_image

if TYPE_CHECKING:
    from PIL import Image

SIDE = 320  # pixels of the long side: sharp at the 160 that a card has on a screen of double density
_QUALITY = 78
#: Bytes of a page's pictures in all: more would not open on a phone.
PAGE_BYTES = 24_000_000


def shrunk(path: Path, side: int = SIDE, *, clip: bool = False) -> Image.Image:
    """A photo, or the first frame of a clip, of `side` pixels at most. Raises MediaError where it cannot be opened."""
    image = _first_frame(path, side) if clip else open_image(path, short_side=side)
    image.thumbnail((side, side))
    return image


class Thumbnails:
    """Makes the pictures of one page, until they fill it (`limit` bytes). What cannot be shown has its reason instead."""

    def __init__(self, limit: int = PAGE_BYTES):
        self._left = limit
        self._made: dict[tuple[Path, bool], tuple[str | None, str]] = {}
        self.left_out = 0  # pictures that the page had no room for

    def of(self, path: Path | None, *, clip: bool = False) -> tuple[str | None, str]:
        """(data URI, '') of a photo or a clip, or (None, why there is none). It may have gone, or be damaged, since it was embedded."""
        if path is None:
            return None, "not on this machine"
        if (path, clip) not in self._made:
            self._made[path, clip] = _made(path, clip)
        uri, missing = self._made[path, clip]
        if uri is None:
            return None, missing
        if len(uri) > self._left:
            self.left_out += 1
            return None, "left out: the page is full"
        self._left -= len(uri)
        return uri, ""


def _made(path: Path, clip: bool) -> tuple[str | None, str]:
    try:
        image = shrunk(path, clip=clip)
    except MediaError as error:
        return None, error.message
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii"), ""


def _first_frame(path: Path, side: int) -> Image.Image:
    from mmsearch.media.frame import Scaler
    from mmsearch.media.video import open_video

    with open_video(path) as video:
        for frame in video.frames():
            return Scaler().picture(frame, side)
    raise MediaError("no frames: there is nothing to be seen in it")
