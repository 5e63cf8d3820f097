"""What the methods share that bring every modality into one space: products as means, and how well pairs find each other."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Batch, Fuser, Matrix, unit_rows

#: Cosine above which two titles, or two photos, count as the same one: either answer to a held-out query is right.
_SAME = 1 - 1e-5


class SharedSpace(Fuser):
    """A fuser whose projections of text and image compare with each other, and those of further modalities where it has maps of them.

    A modality without a map is compared in its own vectors, beside this space.
    """

    def __init__(self, text: float, image: float, **further: float):
        weights = {"text": text, "image": image, **further}
        for modality, weight in weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ValueError(f"the weight of {modality} must be a number of at least 0, not {weight:g}")
        if text + image == 0:
            raise ValueError("at least one of the weights text and image must be above 0")
        self._weights = weights

    def items(self, batch: Batch) -> Matrix:
        """See `Fuser.items`: the mean direction of a product's projections, weighted.

        Every projection has length 1, so a missing one only drops out of the mean.
        """
        total = np.zeros((len(batch), self.dim), np.float32)
        mapped = self.modalities()
        for modality, weight in self._weights.items():
            if modality not in mapped:
                continue
            here = batch.present.get(modality)
            if weight and here is not None and here.any():
                total[here] += weight * self.project(modality, batch.side(modality, here))
        return unit_rows(total)

    def items_of(self, projected: Mapping[str, Matrix]) -> Matrix:
        """See `Fuser.items_of`."""
        return unit_rows(sum((np.float32(self._weights.get(m, 0)) * P for m, P in projected.items()), np.zeros((1, self.dim), np.float32)))

    def modalities(self) -> list[str]:
        """Text and image: a query of either is understood, even where no product has any text."""
        return ["text", "image"]

    def compares(self, query: str, product: str) -> bool:
        """Any with any."""
        return {query, product} <= set(self.modalities())


def pair_recall(
    T: Matrix, G: Matrix, same: NDArray[np.bool_], *, photos: Matrix | None = None, texts: Matrix | None = None
) -> dict[str, dict[str, float]]:
    """How often a text finds its own photo among n, and a photo its own text.

    Parameters
    ----------
    T, G : projected texts and photos (n, d), row i of both belonging to one product.
    photos, texts : the same photos as queries and texts as products, where a method projects these otherwise.
    same : (n, n), whether product j is as right an answer as product i itself (see `same_product`).

    Returns
    -------
    'text>image' and 'image>text' → R@1, R@10 and RR, the mean of 1/rank. Ties with a wrong answer count against.
    """
    forth = (T @ G.T).astype(np.float64)
    back = forth.T if photos is None or texts is None else (photos @ texts.T).astype(np.float64)
    return {"text>image": _recall(forth, same), "image>text": _recall(back, same)}


def same_product(T: Matrix, G: Matrix) -> NDArray[np.bool_]:
    """(n, n): products with the same title or the same photo cannot be told apart by it. Unit rows (n, d) of both."""
    same: NDArray[np.bool_] = (T @ T.T > _SAME) | (G @ G.T > _SAME)
    np.fill_diagonal(same, True)
    return same


def _recall(similarity: NDArray[np.float64], same: NDArray[np.bool_]) -> dict[str, float]:
    best = np.where(same, similarity, -np.inf).max(axis=1, keepdims=True)
    above = (~same & ~(similarity < best)).sum(axis=1)  # what is no number counts against, too
    return {"R@1": float((above < 1).mean()), "R@10": float((above < 10).mean()), "RR": float((1 / (above + 1)).mean())}
