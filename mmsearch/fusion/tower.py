"""A photo network whose last blocks learned from the shop's pairs: it gives photos other vectors than the store has."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.recorded import create_encoder
from mmsearch.encoders.trainable import Trainable
from mmsearch.fusion.base import Matrix, Side, unit_rows
from mmsearch.fusion.tower_photos import Photos, opened

_KEPT = 50_000  # vectors of photos that were looked at last: they are asked for several times while a profile is made


class Tower:
    """Photos → vectors by trained weights. The network is opened when the first photo is looked at: for a text it never is."""

    def __init__(self, spec: str, blocks: int, weights: Mapping[str, Matrix], trainable: Trainable | None = None):
        """
        Parameters
        ----------
        spec : of the image encoder. blocks : how many of its last blocks have other weights.
        weights : parameter → values, as `Trainable.module` names them.
        """
        self._spec, self._blocks, self.weights = spec, blocks, dict(weights)
        self._trainable = trainable
        self._kept: OrderedDict[Hashable, Matrix] = OrderedDict()

    def __call__(self, side: Side) -> Side:
        """The same photos (n) by their new vectors; one that cannot be opened, or has no content (a clip's frame), keeps its own."""
        if side.contents is None:
            return side
        X = side.X.copy()
        keys = [_key(content) for content in side.contents]
        missing = []
        for row, key in enumerate(keys):
            known = self._kept.get(key) if key is not None else None
            if known is None:
                missing.append(row)
            else:
                X[row] = known
        network = self._network()
        for start, prepared in opened(network, [side.contents[row] for row in missing]):
            there = [at for at, one in enumerate(prepared) if one is not None]
            rows = [missing[start + at] for at in there]
            found = network.top(network.lower([prepared[at] for at in there]), self.weights)
            X[rows] = self._remember([keys[row] for row in rows], found, X[rows])
        return dataclasses.replace(side, X=X)

    def know(self, contents: Sequence[Any], photos: Photos) -> None:
        """Look at photos (n) whose lower part is there already."""
        network = self._network()
        keys = [_key(content) for content in contents]
        rows = np.array([row for row, key in enumerate(keys) if key is not None and photos.readable[row]], np.int64)
        if len(rows):
            found = network.top(photos.at(rows, np.zeros(len(rows), np.int64)), self.weights)
            self._remember([keys[row] for row in rows.tolist()], found, np.zeros_like(found))

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """Named arrays and JSON values, for a fuser's own."""
        return dict(self.weights), {"encoder": self._spec, "blocks": self._blocks}

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> Tower:
        """What `state` gave."""
        return Tower(str(values["encoder"]), int(values["blocks"]), arrays)

    def _network(self) -> Trainable:
        if self._trainable is None:
            self._trainable = create_encoder(self._spec, "image").trainable(self._blocks)
        if self._trainable is None:
            raise ValueError(f"the encoder {self._spec} has no blocks that can be trained")
        return self._trainable

    def _remember(self, keys: Sequence[Hashable | None], raw: Matrix, otherwise: Matrix) -> Matrix:
        """Raw vectors (k, d) → unit rows; `otherwise` where one is nothing, or no number."""
        good: NDArray[np.bool_] = np.isfinite(raw).all(axis=1) & (raw != 0).any(axis=1)
        found = np.where(good[:, None], unit_rows(np.where(good[:, None], raw, 0)), otherwise).astype(np.float32)
        for key, vector, ok in zip(keys, found, good.tolist(), strict=True):
            if key is not None and ok:
                self._kept[key] = vector
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


def _key(content: Any) -> Hashable | None:
    """What a photo is known by; None for one that cannot be told from another (bytes, a file that is gone)."""
    if not isinstance(content, Path):
        return None
    try:
        status = content.stat()
    except OSError:
        return None
    return (str(content), status.st_mtime_ns, status.st_size)
