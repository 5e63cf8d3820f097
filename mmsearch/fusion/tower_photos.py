"""Photos as the last blocks of a network take them, kept for the length of a fit: what lies below is run once, whatever is trained."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.encoders.trainable import Lower, Trainable
from mmsearch.errors import MMSearchError
from mmsearch.media import MediaError

Rows = NDArray[np.int64]

_AT_ONCE = 64  # photos that are opened at a time
_IN_MEMORY = 2**28  # bytes; more lies in a file without a name, which is gone when nobody needs it


def opened(trainable: Trainable, contents: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    """Contents (n,) → (where a piece begins, its photos as the encoder prepares them; None where there is none or it cannot be opened)."""

    def one(content: Any) -> Any:
        if content is None:
            return None
        try:
            return trainable.encoder.prepare(content)
        except (MediaError, OSError):
            return None  # gone since it was embedded: its stored vector stands in, and the fit counts it

    with ThreadPoolExecutor(settings.threads(), "tower") as pool:
        for start in range(0, len(contents), _AT_ONCE):
            yield start, list(pool.map(one, contents[start : start + _AT_ONCE]))


@dataclass(frozen=True)
class Photos:
    """n photos below the blocks that are trained, as they are and mirrored."""

    lower: Lower  # (m, 2, *shape), n of them or more
    rows: Rows  # (n,) where each stands in it
    readable: NDArray[np.bool_]  # (n,); what could not be opened is zero

    def __len__(self) -> int:
        return len(self.rows)

    @staticmethod
    def read(trainable: Trainable, contents: Sequence[Any]) -> Photos:
        """Open photos (n,) and run the lower part over each of them twice. Raises MMSearchError where there is no room for that."""
        n, shape = len(contents), (2, *trainable.shape)
        readable = np.zeros(n, bool)
        lower = _room((n, *shape))
        for start, prepared in opened(trainable, contents):
            there = [at for at, one in enumerate(prepared) if one is not None]
            some = [prepared[at] for at in there]
            rows = start + np.array(there, np.int64)
            readable[rows] = True
            for way in (0, 1):
                lower[rows, way] = trainable.lower(some, mirrored=bool(way))
        return Photos(lower, np.arange(n), readable)

    def take(self, rows: Rows) -> Photos:
        """Some of them, without a copy."""
        return Photos(self.lower, self.rows[rows], self.readable[rows])

    def at(self, rows: Rows, mirrored: NDArray[np.int64]) -> Lower:
        """Some (k), each as it is (0) or mirrored (1): (k, *shape)."""
        found: Lower = self.lower[self.rows[rows], mirrored]
        return found


def _room(shape: tuple[int, ...]) -> Lower:
    """Zeros, in memory or on disk."""
    size = 2 * math.prod(shape)
    if size <= _IN_MEMORY:
        return np.zeros(shape, np.float16)
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < size:  # a mapping that finds no room later ends the process
        message = f"finetune keeps {size / 1e9:.1f} GB of what lies below the blocks in {folder}, and there is no room for it"
        raise MMSearchError(message, hint="TMPDIR names another folder; fewer blocks need less")
    with tempfile.TemporaryFile(dir=folder) as file:  # the mapping keeps it alive
        file.truncate(size)
        return np.memmap(file, np.float16, "r+", shape=shape)
