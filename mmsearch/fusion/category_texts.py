"""The path of a product's category as a further text of it: people ask for 'women shoes heels', and titles say less, or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.catalog.categories import SEPARATOR
from mmsearch.encoders.base import Encoder
from mmsearch.fusion.base import Matrix, Side
from mmsearch.store import PRODUCTS, Store

_LEAST_KINDS = 2  # categories that tell anything apart


@dataclass(frozen=True)
class CategoryTexts:
    """The categories of products (n): which one each has, −1 for none, and the text and vector of each category."""

    of: NDArray[np.int64]  # (n,)
    names: list[str]  # (c,)
    vectors: Matrix  # (c, d)

    def __len__(self) -> int:
        return len(self.names)

    @staticmethod
    def read(ids: Sequence[str], store: Store | None, encoders: Mapping[str, Encoder]) -> CategoryTexts | None:
        """Of some products (n) of a store; None where it tells none apart."""
        if store is None or not store.has(PRODUCTS) or "text" not in encoders:
            return None
        rows = store.read(PRODUCTS, ["id", "category"])
        known = dict(zip(rows.column("id").to_pylist(), rows.column("category").to_pylist(), strict=True))
        texts = [" ".join((known.get(id) or "").split(SEPARATOR)) for id in ids]
        names = sorted({text for text in texts if text.strip()})
        if len(names) < _LEAST_KINDS:
            return None
        encoded = encoders["text"].encode(names)
        place = {names[index]: at for at, index in enumerate(encoded.kept)}
        of = np.array([place.get(text, -1) for text in texts], np.int64)
        return CategoryTexts(of, [names[index] for index in encoded.kept], encoded.vectors) if (of >= 0).any() else None

    def take(self, rows: NDArray[np.int64]) -> CategoryTexts:
        """The same, for some products."""
        return CategoryTexts(self.of[rows], self.names, self.vectors)

    def texts(self) -> tuple[NDArray[np.int64], Side]:
        """The products that have one (m,), and their categories as texts."""
        rows = np.flatnonzero(self.of >= 0)
        return rows, Side(self.vectors[self.of[rows]], [self.names[at] for at in self.of[rows].tolist()])
