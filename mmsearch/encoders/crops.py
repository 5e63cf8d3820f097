"""The regions that an image encoder looks at, drawn on the photos: `mmsearch embed --show-crops FOLDER`."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from mmsearch import settings
from mmsearch.encoders.recorded import create_encoder, load_encoder, pending_encoder, recorded_encoder
from mmsearch.encoders.sources import items
from mmsearch.errors import InputError, UsageError
from mmsearch.media import MediaError
from mmsearch.media.image import open_image
from mmsearch.store import Store

_UNSAFE = re.compile(r"[^\w-]+")
_SIDE = 800  # pixels of the long side of what is written


def check_crops(store: Store, chosen: str | None, folder: str | Path) -> None:
    """Before an embed: that the image encoder (`chosen`, else the store's) crops, and that the folder can be written.

    Raises
    ------
    UsageError : it encodes whole photos. InputError : the folder cannot be made.
    """
    known = pending_encoder(store, "image") or recorded_encoder(store, "image")
    spec = chosen or (known["spec"] if known else settings.DEFAULT_ENCODERS["image"])
    if not create_encoder(spec, "image").crops:
        raise UsageError(
            f"the image encoder {spec} crops no photos", hint="one that does: mmsearch embed --image 'efficientnet(crop=auto)'"
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error


def draw_crops(store: Store, folder: str | Path) -> int:
    """Every photo of the store as a JPEG in a folder, the region that is encoded in a red frame. How many.

    Photos that cannot be opened were named by the embed, and are passed over.
    """
    from PIL import ImageDraw

    encoder = load_encoder(store, "image")
    drawn = 0
    for item in items(store, "image"):
        try:
            image = open_image(item.load()[0], short_side=_SIDE)
        except MediaError:
            continue
        if (box := encoder.region(image)) is None:
            continue
        ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline="red", width=max(2, min(image.size) // 100))
        image.thumbnail((_SIDE, _SIDE))
        digest = hashlib.sha256(f"{item.id}\x1f{item.part}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = _UNSAFE.sub("_", item.id)[:60]  # ids may hold anything; the digest keeps them, and several photos of one, apart
        path = Path(folder) / f"{name}-{digest}.jpg"
        try:
            image.save(path, quality=85)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror or error}") from error
        drawn += 1
    return drawn
