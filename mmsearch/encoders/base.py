"""The contract of an encoder, and the part of the work that every encoder shares."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from mmsearch import settings
from mmsearch.errors import MMSearchError
from mmsearch.media import MediaError

if TYPE_CHECKING:
    from mmsearch.encoders.trainable import Trainable

Matrix = NDArray[np.float32]


class Encoded(NamedTuple):
    """What `encode` gives back: `vectors[i]` belongs to `items[kept[i]]`, so a failed item never shifts another's vector."""

    vectors: Matrix  # (m, dim), every row of length 1, every value finite
    kept: list[int]  # (m,) indices into the items
    failures: list[tuple[int, str]]  # (index, reason) of the items that have no vector
    views: Matrix | None = None  # (m, Σ of `Encoder.views`), of an encoder that has any


@dataclass(frozen=True)
class Pieces:
    """A medium in pieces, each of which gets a vector: where each begins, and what `encode_batch` takes of it (or its vector)."""

    seconds: tuple[float, ...]  # (k,) ascending, at least a tenth of a second apart
    values: list[Any]  # (k,)


def in_pieces(value: Any) -> list[Any]:
    """What `encode_batch` takes of what `prepare` gave: its pieces, or itself."""
    return value.values if isinstance(value, Pieces) else [value]


@dataclass(frozen=True)
class Classes:
    """The classifier head of an image encoder: logits = scale · (x @ weight.T) + bias for a unit vector x."""

    names: list[str]  # (c,) English class names: synonyms separated by ', ', the most common first
    weight: Matrix  # (c, dim)
    bias: Matrix  # (c,)
    scale: float  # typical length of the raw (not normalised) vector, since stored vectors have length 1


class BrokenEncoder(ValueError):
    """An encoder does not keep the contract (another number or size of vectors than asked for): no vector of it can be trusted."""


class NotFitted(MMSearchError):
    """An encoder that learns from the store's items was asked for something before it had learned (see `Encoder.learns`)."""

    def __init__(self, name: str):
        super().__init__(f"the encoder {name} has learned nothing yet", hint="mmsearch embed lets it learn from the store's own items")


class Items(Protocol):
    """What an encoder learns from: items as `Encoder.prepare` takes them, none held or opened. One can go through them again and again."""

    def __len__(self) -> int:
        """About how many there are."""

    def __iter__(self) -> Iterator[Any]: ...


def spread(items: Items, most: int) -> Iterator[Any]:
    """At most `most` of the items, spread evenly over all: what is learned of a catalogue should not be learned of its first shelf.

    >>> list(spread(range(10), 3))
    [0, 4, 8]
    """
    return itertools.islice(items, 0, None, max(1, -(-len(items) // most)))


class Encoder(ABC):
    """Media of one modality → unit vectors.

    A subclass takes its parameters as keyword arguments of `__init__` (that is what the spec's values are bound to),
    sets `dim` and `space`, and implements `fingerprint`, `encode_batch` and, where an item must be opened first, `prepare`.

    One that learns from the store's own items, or standardises by them, sets `learns` and implements `fit`, `state` and `restore`,
    too. What it learned is kept in the store and used by every later embed and search; it learns anew only on `mmsearch embed --refit`.
    Before `fit` or `restore` it raises `NotFitted`.
    """

    modality: ClassVar[str]
    dim: int
    #: Encoders that share a space compare directly (text and image towers of one CLIP model).
    space: str
    #: Items that `mmsearch embed` gives to `encode_batch` at a time; so many prepared items and a few times more are held in memory.
    batch: ClassVar[int] = 64
    learns: ClassVar[bool] = False
    #: What `mmsearch models` says of it: the packages it imports besides numpy, and what it downloads when it is first used.
    packages: ClassVar[tuple[str, ...]] = ()
    download: ClassVar[str] = ""
    #: `prepare` gives `Pieces`: a long sound has a vector for each of its windows (`mmsearch.media.moment` names them).
    pieces: ClassVar[bool] = False
    #: Further views of each item, which only fusion looks at: name → dimensions. `encode_batch` gives them after the vector, in this
    #: order, and each is brought to length 1 by itself (a view in which there is nothing stays zero).
    views: Mapping[str, int] = MappingProxyType({})
    #: The modality whose encoder of the store it works with (`frames`: that of photos); '' for one that stands alone.
    follows: ClassVar[str] = ""

    #: An embed sets it: `prepare` of what takes many seconds (a long clip) calls it now and then, and it raises
    #: `mmsearch.encoders.stopping.Stopped` once the embed was told to stop.
    go_on: Callable[[], None] = staticmethod(lambda: None)

    def follow(self, other: Encoder) -> None:
        """Work with this encoder of the modality `follows`. Called before anything else; what the other learned counts as its own."""
        raise NotImplementedError(f"{type(self).__name__} follows no other encoder")

    @abstractmethod
    def fingerprint(self) -> str:
        """Hex digest over everything that decides a vector: name, resolved parameters, weights, what was learned.

        Cheap after the first call.
        """

    def fit(self, items: Items) -> None:
        """Learn from the store's items. The same items in the same order teach the same.

        Raises
        ------
        InputError : they are too few, or say nothing.
        """
        raise NotImplementedError(f"{type(self).__name__} learns nothing")

    def state(self) -> bytes:
        """What was learned, whole (`mmsearch.encoders.learned.pack`; never pickle)."""
        raise NotImplementedError(f"{type(self).__name__} learns nothing")

    def restore(self, state: bytes) -> None:
        """Take up what `state` gave: from then on it encodes as the one that was fitted did. Raises ValueError for a damaged state."""
        raise NotImplementedError(f"{type(self).__name__} learns nothing")

    def load(self) -> None:  # noqa: B027 - most have nothing to do
        """Load the model now. Called before an embed writes anything; one whose model may turn out damaged raises InputError here."""

    def tower(self, modality: str) -> Encoder | None:
        """The encoder of a modality in this one's space: itself for its own, the text tower of a CLIP model for text, else None."""
        return self if modality == self.modality else None

    def prepare(self, item: Any) -> Any:
        """Open and decode one item (text as it is; a path or the bytes of a medium). Thread-safe: called from several threads.

        Raises
        ------
        MediaError : the item cannot be opened; the reason is shown to the user.
        """
        return item

    def prepare_query(self, item: Any) -> Any:
        """As `prepare`, for what a shopper asks: some models want a query to be marked as one. What differs counts in `fingerprint`."""
        return self.prepare(item)

    #: Whether it encodes a region of each photo that it looks for, which `region` tells.
    crops: bool = False

    def region(self, image: Any) -> tuple[float, float, float, float] | None:
        """(left, top, right, bottom) in pixels: the region of an opened photo that is encoded; None where none is looked for."""
        return None

    @property
    def width(self) -> int:
        """Dimensions of the vector and all views together."""
        return self.dim + sum(self.views.values())

    @abstractmethod
    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        """Prepared items (n) → raw vectors (n, width) float32, same order; need not be normalised."""

    def encode(self, items: Sequence[Any], *, query: bool = False) -> Encoded:
        """Prepare and encode items (`query`: as queries); those that fail are named with a reason, the others keep their place.

        Of an item in pieces the mean direction is given.
        """
        prepared, kept, failures = [], [], []
        for index, pieces in enumerate(self._opened(items, self.prepare_query if query else self.prepare)):
            if isinstance(pieces, MediaError):
                failures.append((index, pieces.message))
            else:
                prepared += pieces
                kept += [index] * len(pieces)
        encoded = self.finish(prepared, kept, failures)
        if self.pieces:
            encoded = self._one_each(encoded)
        if not self.views:
            return encoded
        return Encoded(encoded.vectors[:, : self.dim], encoded.kept, encoded.failures, encoded.vectors[:, self.dim :])

    def _opened(self, items: Sequence[Any], prepare: Callable[[Any], Any]) -> list[list[Any] | MediaError]:
        """What each item was prepared to, or why it could not be. Media on all cores: opening one takes a fair part of its encoding."""

        def opened(item: Any) -> list[Any] | MediaError:
            try:
                return in_pieces(prepare(item))
            except MediaError as error:
                return error

        threads = min(settings.threads(), len(items))
        if threads < 2 or self.modality == "text":
            return [opened(item) for item in items]
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(opened, items))

    def finish(self, prepared: Sequence[Any], kept: list[int], failures: list[tuple[int, str]]) -> Encoded:
        """Encode prepared items and normalise; a vector that is zero or not finite becomes a failure.

        The rows are as wide as `width`: the vector, and after it the views.
        """
        if not prepared:
            return Encoded(np.empty((0, self.width), np.float32), [], failures)
        raw = np.asarray(self.encode_batch(prepared), dtype=np.float32)
        if raw.shape != (len(prepared), self.width):
            raise BrokenEncoder(f"{type(self).__name__}.encode_batch gave shape {raw.shape}, expected {(len(prepared), self.width)}")
        finite = np.isfinite(raw.sum(axis=1, dtype=np.float64))
        good = finite & (np.linalg.norm(raw[:, : self.dim].astype(np.float64), axis=1) > 0)
        failures = failures + [(kept[i], "the encoder finds nothing in it") for i in np.flatnonzero(~good)]
        return Encoded(self._unit(raw[good]), [kept[i] for i in np.flatnonzero(good)], sorted(failures))

    def _unit(self, rows: NDArray[Any]) -> Matrix:
        """The vector and each view of every row (n, width) → length 1; zero where there is nothing."""
        out = np.empty(rows.shape, np.float32)
        start = 0
        for size in (self.dim, *self.views.values()):
            block = rows[:, start : start + size].astype(np.float64)
            length = np.linalg.norm(block, axis=1, keepdims=True)
            out[:, start : start + size] = block / np.where(length > 0, length, 1)
            start += size
        return out

    def _one_each(self, encoded: Encoded) -> Encoded:
        """The vectors of pieces → the mean direction of each item; one fails only where all of its pieces do."""
        sums: dict[int, NDArray[np.float64]] = {}
        for index, vector in zip(encoded.kept, encoded.vectors, strict=True):
            sums[index] = sums.get(index, 0) + vector.astype(np.float64)
        lengths = {index: float(np.linalg.norm(total[: self.dim])) for index, total in sums.items()}
        kept = [index for index, length in lengths.items() if length > 1e-6]
        failed = dict(reversed([failure for failure in encoded.failures if failure[0] not in lengths]))  # the first reason of each
        failed |= {index: "its pieces say the opposite of each other" for index in lengths if index not in kept}
        vectors = self._unit(np.array([sums[index] for index in kept]).reshape(-1, encoded.vectors.shape[1]))
        return Encoded(vectors, kept, sorted(failed.items()))

    def trainable(self, blocks: int) -> Trainable | None:
        """The last blocks of its network, apart from the rest, so that they can be trained on; None where that is not possible.

        Raises ValueError for more blocks than can be trained.
        """
        return None

    def classes(self) -> Classes | None:
        """The named classes that the encoder's model was trained on, if it has any (image encoders trained by classification)."""
        return None
