"""`--thumbnails`: the pictures of hits in a terminal's table."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmsearch.cli.common import STATE, note

if TYPE_CHECKING:
    from mmsearch.cli.pictures import Picture
    from mmsearch.search.hits import Hit
    from mmsearch.store import Store

_MOST = 100  # hits with a picture: more would scroll away before anybody has seen them


def thumbnail_kind(given: str, how: str, *, single: bool) -> str:
    """The kind of pictures for a table of hits, 'none' for any other output. Of itself, a batch has none, and nothing has with `--quiet`.

    Raises UsageError for an unknown kind.
    """
    if given == "auto" and (how != "table" or not single or STATE.quiet):
        return "none"
    from mmsearch.cli.pictures import chosen

    kind = chosen(given, os.environ, terminal=sys.stdout.isatty(), columns=shutil.get_terminal_size().columns)
    if how != "table":
        kind = "none"
    if kind == "none" and given not in ("auto", "none"):
        note("no thumbnails: only a table on a terminal has them")
    return kind


def hit_pictures(store: Store, hits: Sequence[Hit], kind: str) -> list[Picture]:
    """A picture for each hit, the photo that matched where the hit names one; none at all for the kind 'none'."""
    if kind == "none" or not hits:
        return []
    from mmsearch.cli.pictures import pictures
    from mmsearch.web.photos import Photos

    photos = Photos(store, {hit.id for hit in hits[:_MOST]})
    paths = [photos.of(hit.id, hit.matched.get("image"))[:2] for hit in hits[:_MOST]]
    if len(hits) > _MOST:
        note(f"the first {_MOST} have a thumbnail")
    return pictures([*paths, *[(None, False)] * (len(hits) - _MOST)], kind)
