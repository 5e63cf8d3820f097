"""The contract of an encoder, and the part of the work that every encoder shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.media import MediaError

Matrix = NDArray[np.float32]


class Encoded(NamedTuple):
    """What `encode` gives back: `vectors[i]` belongs to `items[kept[i]]`, so a failed item never shifts another's vector."""

    vectors: Matrix  # (m, dim), every row of length 1, every value finite
    kept: list[int]  # (m,) indices into the items
    failures: list[tuple[int, str]]  # (index, reason) of the items that have no vector


@dataclass(frozen=True)
class Classes:
    """The classifier head of an image encoder: logits = scale · (x @ weight.T) + bias for a unit vector x."""

    names: list[str]  # (c,) English class names: synonyms separated by ', ', the most common first
    weight: Matrix  # (c, dim)
    bias: Matrix  # (c,)
    scale: float  # typical length of the raw (not normalised) vector, since stored vectors have length 1


class BrokenEncoder(ValueError):
    """An encoder does not keep the contract (another number or size of vectors than asked for): no vector of it can be trusted."""


class Encoder(ABC):
    """Media of one modality → unit vectors.

    A subclass takes its parameters as keyword arguments of `__init__` (that is what the spec's values are bound to),
    sets `dim` and `space`, and implements `fingerprint`, `encode_batch` and, where an item must be opened first, `prepare`.
    """

    modality: ClassVar[str]
    dim: int
    #: Encoders that share a space compare directly (text and image towers of one CLIP model).
    space: str
    #: Items that `mmsearch embed` gives to `encode_batch` at a time; so many prepared items and a few times more are held in memory.
    batch: ClassVar[int] = 64

    @abstractmethod
    def fingerprint(self) -> str:
        """Hex digest over everything that decides a vector: name, resolved parameters, weights. Cheap after the first call."""

    def prepare(self, item: Any) -> Any:
        """Open and decode one item (text as it is; a path or the bytes of a medium). Thread-safe: called from several threads.

        Raises
        ------
        MediaError : the item cannot be opened; the reason is shown to the user.
        """
        return item

    @abstractmethod
    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        """Prepared items (n) → raw vectors (n, dim) float32, same order; need not be normalised."""

    def encode(self, items: Sequence[Any]) -> Encoded:
        """Prepare and encode items; those that fail are named with a reason, the others keep their place."""
        prepared, kept, failures = [], [], []
        for index, item in enumerate(items):
            try:
                prepared.append(self.prepare(item))
                kept.append(index)
            except MediaError as error:
                failures.append((index, error.message))
        return self.finish(prepared, kept, failures)

    def finish(self, prepared: Sequence[Any], kept: list[int], failures: list[tuple[int, str]]) -> Encoded:
        """Encode prepared items and normalise; a vector that is zero or not finite becomes a failure."""
        if not prepared:
            return Encoded(np.empty((0, self.dim), np.float32), [], failures)
        raw = np.asarray(self.encode_batch(prepared), dtype=np.float32)
        if raw.shape != (len(prepared), self.dim):
            raise BrokenEncoder(f"{type(self).__name__}.encode_batch gave shape {raw.shape}, expected {(len(prepared), self.dim)}")
        length = np.linalg.norm(raw.astype(np.float64), axis=1)
        good = np.isfinite(length) & (length > 0)
        failures = failures + [(kept[i], "the encoder finds nothing in it") for i in np.flatnonzero(~good)]
        vectors = (raw[good] / length[good, None]).astype(np.float32)
        return Encoded(vectors, [kept[i] for i in np.flatnonzero(good)], sorted(failures))

    def classes(self) -> Classes | None:
        """The named classes that the encoder's model was trained on, if it has any (image encoders trained by classification)."""
        return None
