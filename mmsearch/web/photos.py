"""Where the pictures of products are: their photos, and the clips of those that have none."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mmsearch.fusion.contents import contents_of
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.where import id_list
from mmsearch.web.thumbnails import Thumbnails

NO_PHOTO = "no photo"


class Photos:
    """The pictures of some products of a store. Nothing is fetched: a photo that is a web address is shown if ingest has fetched it."""

    def __init__(self, store: Store, ids: Collection[str]):
        wanted = sorted(set(ids))
        self._photos: dict[str, dict[str, Path]] = {}
        self._clips: dict[str, Path] = {}
        self._named: set[str] = set()  # products whose photos are only named
        if not wanted:
            return
        for (id, part), path in contents_of(store, "image", wanted).items():
            self._photos.setdefault(id, {})[part] = Path(path)
        if bare := [id for id in wanted if id not in self._photos]:
            for (id, _), path in contents_of(store, "video", bare).items():
                self._clips.setdefault(id, Path(path))
            rows = store.read(PRODUCTS, ["id", "images"], where=id_list("id", bare))
            self._named = {id for id, images in zip(*(rows.column(n).to_pylist() for n in ("id", "images")), strict=True) if images}

    def of(self, id: str, part: str | None = None) -> tuple[Path | None, bool, str]:
        """The file of a product's photo (by default its first), whether it is a clip, and why there is none."""
        photos = self._photos.get(id, {})
        if part:
            return (photos[part], False, "") if part in photos else (None, False, "not on this machine")
        if photos:
            return next(iter(photos.values())), False, ""
        if id in self._clips:
            return self._clips[id], True, ""
        return None, False, "on the web, not fetched" if id in self._named else NO_PHOTO

    def place(self, id: str, part: str) -> tuple[int, int] | None:
        """Which of a product's photos this is, from 1, and of how many; None where it is none of them."""
        parts = list(self._photos.get(id, {}))
        return (parts.index(part) + 1, len(parts)) if part in parts else None

    def thumbnail(self, made: Thumbnails, id: str, part: str | None = None) -> tuple[str | None, str]:
        """As `Thumbnails.of`, of a product's photo."""
        path, clip, missing = self.of(id, part)
        return made.of(path, clip=clip) if path is not None else (None, missing)
