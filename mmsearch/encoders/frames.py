"""Videos by their frames: each goes through the store's image encoder, so that photos, texts and clips meet in one space."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, ClassVar

from mmsearch.encoders.base import Encoder, Items, Matrix, NotFitted, Pieces
from mmsearch.encoders.weights import fingerprint
from mmsearch.media import MediaError
from mmsearch.media.scenes import sampled

_RECIPE = "frames 3"
SHORT_SIDE = 384  # pixels of a picture that the image encoder gets, where the video has as many
_QUERY = 120.0  # frames a minute of a query at most
_BATCH = 16  # frames that are held at a time
_MOST = 2_000  # frames of a clip: of one that has more, every second one is dropped, as often as it takes


class Frames(Encoder):
    """Clip → a vector for each of its scenes, and more where a long scene changes; at most `per_minute` of them a minute.

    What a frame is encoded by is the image encoder of the store (`follows`), whatever that is and has learned.
    """

    modality: ClassVar[str] = "video"
    follows: ClassVar[str] = "image"
    pieces: ClassVar[bool] = True
    batch: ClassVar[int] = 64
    packages: ClassVar[tuple[str, ...]] = ("av",)

    def __init__(self, per_minute: float = 60.0):
        """
        Parameters
        ----------
        per_minute : frames a minute at most, 1 to 300.
        """
        if not (math.isfinite(per_minute) and 1 <= per_minute <= 300):
            raise ValueError(f"per_minute must be 1 to 300, not {per_minute:g}")
        self._per_minute = per_minute
        self._image: Encoder | None = None

    def follow(self, other: Encoder) -> None:
        """See `Encoder.follow`."""
        self._image, self.dim, self.space, self.views = other, other.dim, other.space, other.views

    @property
    def image(self) -> Encoder:
        """The encoder of the frames."""
        if self._image is None:
            raise NotFitted("frames")
        return self._image

    def fingerprint(self) -> str:
        """See `Encoder.fingerprint`."""
        return fingerprint(
            "frames", {"recipe": _RECIPE, "per_minute": self._per_minute, "query": _QUERY}, {"image": self.image.fingerprint()}
        )

    @property
    def learns(self) -> bool:  # type: ignore[override]
        """Whether the image encoder does: what it learned belongs to these vectors, too."""
        return self._image is not None and self._image.learns

    def fit(self, items: Items) -> None:
        """Nothing is learned here: the image encoder has learned from photos."""
        raise NotImplementedError("frames learns nothing")

    def state(self) -> bytes:
        """See `Encoder.state`: that of the image encoder."""
        return self.image.state()

    def restore(self, state: bytes) -> None:
        """See `Encoder.restore`."""
        self.image.restore(state)

    def load(self) -> None:
        """See `Encoder.load`."""
        self.image.load()

    def tower(self, modality: str) -> Encoder | None:
        """See `Encoder.tower`: the image encoder for photos, and its towers."""
        return self if modality == self.modality else self.image.tower(modality)

    def prepare(self, item: Any) -> Pieces:
        """A clip (path, bytes or `Streamed`) → the vector of each of its frames. Raises MediaError."""
        return self._pieces(item, self._per_minute)

    def prepare_query(self, item: Any) -> Pieces:
        """As `prepare`, of more frames: a query is short."""
        return self._pieces(item, max(self._per_minute, _QUERY))

    def _pieces(self, item: Any, per_minute: float) -> Pieces:
        """The network runs here, a few frames at a time: the frames of an hour would be 300 MB to hold."""
        seconds: list[float] = []
        vectors: list[Matrix] = []
        image, step = self.image, 1
        pictures = sampled(item, per_minute=per_minute, short_side=SHORT_SIDE, go_on=self.go_on)
        while batch := list(itertools.islice(pictures, 0, _BATCH * step, step)):
            encoded = image.finish([image.prepare(picture.image) for picture in batch], list(range(len(batch))), [])
            seconds += [round(batch[i].second, 1) for i in encoded.kept]
            vectors += list(encoded.vectors)
            if len(vectors) > _MOST:
                seconds, vectors, step = seconds[::2], vectors[::2], 2 * step
        if not vectors:
            raise MediaError("the encoder finds nothing in its frames")
        return Pieces(tuple(seconds), vectors)

    def encode_batch(self, prepared: Sequence[Matrix]) -> Matrix:
        """Vectors (n) of (width,) → (n, width)."""
        import numpy as np

        return np.stack(prepared)
