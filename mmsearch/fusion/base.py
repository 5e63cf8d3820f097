"""The contract of a fusion method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder

if TYPE_CHECKING:
    from mmsearch.fusion.blocks import Blocks
    from mmsearch.store import Store

Matrix = NDArray[np.float32]

EVERY, ATTRIBUTES = ("*",), "*attributes"


@dataclass(frozen=True)
class Batch:
    """The vectors of n products, row i of every matrix belonging to the same product.

    A product without a modality has a zero row there and `present[modality][i]` False.
    """

    vectors: Mapping[str, Matrix]  # modality → (n, d_modality), unit rows
    present: Mapping[str, NDArray[np.bool_]]  # modality → (n,)
    #: modality → (n,) what was encoded: a text, or the path of a medium (the product's first); None where there is none. Only of the
    #: modalities that the method `reads`.
    contents: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    ids: Sequence[str] = ()  # (n,) of the products, where they come from a store
    store: Store | None = None  # whose products they are, for a method that learns from more than their vectors
    #: modality → (n, e) further views, zero rows where there are none; in 16 bits, as the store has them.
    views: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.present.values()))) if self.present else 0

    def take(self, rows: NDArray[np.int64]) -> Batch:
        """The same, for some rows."""
        return Batch(
            {m: v[rows] for m, v in self.vectors.items()},
            {m: p[rows] for m, p in self.present.items()},
            {m: [c[row] for row in rows.tolist()] for m, c in self.contents.items()},
            [self.ids[row] for row in rows.tolist()] if len(self.ids) else (),
            self.store,
            {m: v[rows] for m, v in self.views.items()},
        )

    def side(self, modality: str, rows: NDArray[Any]) -> Side:
        """What `Fuser.project` takes of a modality of some rows (indices, or a mask of n)."""
        at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        known, views = self.contents.get(modality), self.views.get(modality)
        if np.array_equal(at, np.arange(len(self))):  # all of them need no copy
            return Side(self.vectors[modality], known, views)
        contents = None if known is None else [known[row] for row in at.tolist()]
        return Side(self.vectors[modality][at], contents, None if views is None else views[at])


@dataclass(frozen=True)
class Side:
    """n items of one modality, as a method sees them."""

    X: Matrix  # (n, d), unit rows
    contents: Sequence[Any] | None = None  # (n,) as in `Batch`; None where the method reads none
    #: (n, e), as `mmsearch.encoders.base.Encoder.views` names them; None where there are none.
    views: NDArray[np.floating[Any]] | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: NDArray[np.int64]) -> Side:
        """The same, for some rows."""
        contents = None if self.contents is None else [self.contents[row] for row in rows.tolist()]
        return Side(self.X[rows], contents, None if self.views is None else self.views[rows])


@dataclass(frozen=True)
class FitReport:
    """What a fit learned, for people: a line to print and numbers (held-out recall and the like) to store with the profile."""

    summary: str
    scores: dict[str, Any] = field(default_factory=dict)


class Fuser(ABC):
    """Per-modality vectors → one space, for products that have any subset of the modalities and for queries of one.

    A subclass takes its parameters as keyword arguments of `__init__`. After `fit` (or `load_state`) it is read-only.
    """

    #: Dimension of the fused space; known after `fit`.
    dim: int
    #: Modalities of which it sees what was encoded, beside the vectors (`Batch.contents`, `Side.contents`).
    reads: ClassVar[tuple[str, ...]] = ()
    #: Products at most that it learns from, a random sample of a larger catalogue; None: all. What it learned maps all of them.
    learns_most: ClassVar[int | None] = None
    #: Whether it sees the further views of items, too (`Batch.views`, `Side.views`).
    sees_views: ClassVar[bool] = False
    #: Tables of the store that it learns from beside the vectors (`interactions`, `triples` …) → the columns that it reads, or `EVERY`: it
    #: is fitted anew when what stands in them changes. `ATTRIBUTES` among them: the shop's own attributes, but for numbers and dates.
    learns_from: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    #: Whether it maps by their vectors alone what it reads otherwise: a clip's frames, whose vectors stand in for photos, have no contents.
    vectors_suffice: ClassVar[bool] = True

    @abstractmethod
    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        """Learn from the catalogue. `encoders` are those that made the vectors (for their classes, or to encode class names).

        Raises
        ------
        InputError : nothing to learn from; says what is missing and which command makes it.
        """

    def refit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> None:
        """Learn from other products what `fit` learned, or `load_state` restored, with what held-out products chose then; nothing is
        chosen or measured again. A method that chooses nothing fits anew. Raises InputError as `fit` does."""
        self.fit(batch, encoders, seed)

    def held_out(self) -> NDArray[np.int64] | None:
        """Rows of the batch that `fit` was given and learned nothing from, of which cross-modal evidence is then measured. None: the
        method is refitted, several times, with others left out; not for one whose fit takes minutes."""
        return None

    @abstractmethod
    def project(self, modality: str, side: Side) -> Matrix:
        """Items of one modality (n) → the fused space (n, dim), unit rows. Raises KeyError for a modality not fitted."""

    def query(self, modality: str, side: Side) -> Matrix:
        """Queries (n) → (n, dim), unit rows. Differs from `project` only where a method treats queries specially."""
        return self.project(modality, side)

    @abstractmethod
    def items(self, batch: Batch) -> Matrix:
        """Products (n) → one vector each (n, dim), unit rows; weights renormalise over what each product has.
        A product with none of the fitted modalities gets a zero row."""

    def items_of(self, projected: Mapping[str, Matrix]) -> Matrix | None:
        """What `items` makes of products (n) that have one item of a modality at most, from the projections of these: modality → (n, dim),
        zero rows where there is none. None for a method that needs what they were projected from."""
        return None

    @abstractmethod
    def modalities(self) -> list[str]:
        """The modalities it was fitted on."""

    @abstractmethod
    def compares(self, query: str, product: str) -> bool:
        """Whether a query of one modality can be compared with product evidence of another in this space."""

    def blocks(self) -> Blocks | None:
        """Where the modalities lie in the fused vectors, so that a query can weigh them anew; None where the vectors mix them."""
        return None

    @abstractmethod
    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """What was learned: named arrays (stored as safetensors) and JSON values. Never pickle."""

    @abstractmethod
    def load_state(self, arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> None:
        """Restore what `state` gave."""


def unit_rows(X: NDArray[Any], least: float = 1e-6) -> Matrix:
    """Rows (n, d) → length 1, float32. A row shorter than `least` holds nothing but rounding and becomes zero."""
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    kept = lengths > least
    out = X / np.where(kept, lengths, 1)
    out[~kept[:, 0]] = 0
    return out.astype(np.float32, copy=False)
