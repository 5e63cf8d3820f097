"""The media that a row names: where they lie, whether they may be read, and whether they are what they should be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmsearch.catalog.clean import split_list
from mmsearch.catalog.problems import Problem, shown
from mmsearch.catalog.records import Product, is_empty
from mmsearch.media import MediaError
from mmsearch.media.audio import probe_sound
from mmsearch.media.image import probe_image
from mmsearch.media.video import probe_video

_NO_PATH = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

Fetch = Callable[[str], Path]


class MediaCheck:
    """Checks the media cells of rows; counts them by outcome.

    Parameters
    ----------
    allow_outside : accept media outside the folder of the file.
    fetch : brings a web address to a file; None keeps addresses as they are. Raises MediaError.
    """

    def __init__(self, allow_outside: bool, fetch: Fetch | None = None):
        self.outcomes: dict[str, Counter[str]] = {}
        self._allow_outside, self._fetch = allow_outside, fetch

    def add(self, product: Product, name: str, value: Any) -> None:
        """Add the media of a cell to `product.fields[name]` (several columns may hold some).

        What cannot be used now is kept, since it may be put right later, but no path that must not be followed.
        """
        have: list[str] = product.fields.get(name) or []
        for item in [] if is_empty(value) else split_list(value):
            if item in have:
                continue
            keep, problem = self._look(name, item, Path(product.folder))
            if keep:
                have.append(item)
            if problem is not None:
                product.problems.append(problem)
            self.outcomes.setdefault(name, Counter())[problem.kind.partition(": ")[2] if problem else "ok"] += 1
        product.fields[name] = have or None

    def _look(self, name: str, item: str, folder: Path) -> tuple[bool, Problem | None]:
        """Whether an item is kept, and what is wrong with it."""
        path = None
        if "://" in item:
            if self._fetch is None:
                return True, Problem(f"{name}: a web address is kept but not fetched", item)
        else:
            try:
                path = media_path(item, folder, self._allow_outside)
            except MediaError as error:
                return False, Problem(f"{name}: {error.message}", shown(item))
        try:
            if path is None:
                assert self._fetch is not None
                path = self._fetch(item)
            if name == "images":
                probe_image(path)
            elif name == "audio":
                probe_sound(path)
            else:
                probe_video(path)
        except MediaError as error:
            return True, Problem(f"{name}: {error.message}", item)
        return True, None


def media_path(item: str, folder: Path, allow_outside: bool = True) -> Path:
    """Where a medium lies. Raises MediaError for a path that leaves the catalogue's folder without `--allow-outside`."""
    if _NO_PATH.search(item):
        raise MediaError("not a usable path")
    try:
        path = (folder / item).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links
        raise MediaError("not a usable path") from error
    if not allow_outside and not path.is_relative_to(folder.resolve()):
        raise MediaError("outside the catalogue's folder; allow it with --allow-outside")
    return path
