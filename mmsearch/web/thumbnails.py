"""Small pictures that stand inside a page, as data URIs."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from mmsearch.media import MediaError
from mmsearch.media.image import open_image

SIDE = 320  # pixels of the long side: sharp at the 160 that a card has on a screen of double density
_QUALITY = 78
#: Bytes of a page's pictures in all: more would not open on a phone.
PAGE_BYTES = 24_000_000


class Thumbnails:
    """Makes the pictures of one page, until they fill it. What cannot be shown has its reason instead."""

    def __init__(self, limit: int = PAGE_BYTES):
        self._left = limit
        self.left_out = 0  # pictures that the page had no room for

    def of(self, path: Path | None) -> tuple[str | None, str]:
        """(data URI, '') of a photo, or (None, why there is none). A photo may have gone, or be damaged, since it was embedded."""
        if path is None:
            return None, "not on this machine"
        try:
            image = open_image(path, short_side=SIDE)
        except MediaError as error:
            return None, error.message
        image.thumbnail((SIDE, SIDE))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=_QUALITY, optimize=True)
        uri = "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
        if len(uri) > self._left:
            self.left_out += 1
            return None, "left out: the page is full"
        self._left -= len(uri)
        return uri, ""
