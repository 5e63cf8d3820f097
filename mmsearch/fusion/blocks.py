"""Fused vectors that keep their modalities apart can be weighted anew by a query, without a refit.

A product's fused vector is [√(w_m u_m / W_p) · x_m] over the modalities m that it has: unit vectors x_m, weights w_m, units u_m (how
large a weight of 1 is), W_p = Σ w_m u_m over what it has. With weights w′ instead, the fit would have stored the same x_m, so that
its vector is what is stored, block by block times √(w′_m / w_m), times √(W_p / W′_p). The first factor does not depend on the product
and goes into the query's vector; the second depends on nothing but what the product is made of, which stands beside its vector.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmsearch.errors import UsageError, did_you_mean
from mmsearch.fusion.base import Matrix


@dataclass(frozen=True)
class Blocks:
    """Where each modality lies in the fused vectors of a method (`places`), its weight above 0, and how large a weight of 1 is."""

    places: dict[str, slice]
    weights: dict[str, float]
    units: dict[str, float]

    def reweighed(self, weights: Mapping[str, float]) -> Reweighed:
        """The same with other weights; a modality that is not named keeps its own, 0 leaves one out.

        Raises UsageError for a modality that the vectors do not have, or where all weights are 0.
        """
        for modality in weights:
            if modality not in self.places:
                have = ", ".join(self.places)
                raise UsageError(
                    f"weights: the profile's vectors have no {modality}{did_you_mean(modality, self.places)}", hint=f"they have: {have}"
                )
        wanted = self.weights | dict(weights)
        if not any(wanted.values()):
            raise UsageError("weights: all of them are 0", hint=f"give one of {', '.join(self.places)} a weight above 0")
        return Reweighed(self, wanted)

    def total(self, pattern: str, weights: Mapping[str, float]) -> float:
        """W of a product that is made of 'image+text'."""
        return sum(weights[m] * self.units[m] for m in pattern.split("+") if m in self.places)


@dataclass(frozen=True)
class Reweighed:
    """Blocks with the weights of a query: `weights` of every modality, 0 for one that is left out."""

    blocks: Blocks
    weights: dict[str, float]

    def kept(self) -> list[str]:
        """The modalities that count."""
        return [m for m, weight in self.weights.items() if weight > 0]

    def query(self, vector: Matrix) -> Matrix:
        """A query vector (d,) → the one whose dot product with stored vectors, times `factors`, is that of a fit with these weights.

        Parameters
        ----------
        vector : as such a fit would map the query: of unit length, nothing in the blocks that are left out.
        """
        out = np.zeros_like(vector)
        for modality, place in self.blocks.places.items():
            out[place] = vector[place] * math.sqrt(self.weights[modality] / self.blocks.weights[modality])
        return out

    def factor(self, pattern: str) -> float:
        """√(W / W′) of products that are made of 'image+text'; NaN for those that have nothing which counts."""
        now = self.blocks.total(pattern, self.weights)
        return math.sqrt(self.blocks.total(pattern, self.blocks.weights) / now) if now > 0 else math.nan

    def counting(self, patterns: NDArray[np.str_]) -> NDArray[np.str_]:
        """What each product (n,) is made of, as far as it counts: products that differ in what is left out alone are alike."""
        kept = set(self.kept())
        names, places = np.unique(patterns, return_inverse=True)
        return np.array(["+".join(m for m in name.split("+") if m in kept) for name in names.tolist()], np.str_)[places]

    def factors(self, patterns: pa.Array) -> NDArray[np.float64]:
        """`factor` of each (n,)."""
        coded = patterns.dictionary_encode()
        each = np.array([self.factor(name) for name in coded.dictionary.to_pylist()], np.float64)
        return each[coded.indices.to_numpy(zero_copy_only=False)] if len(each) else np.empty(0)

    def by(self, modality: str, pattern: str) -> float:
        """By how much the similarity of a query of one modality with products of a pattern grows."""
        return math.sqrt(self.weights[modality] / self.blocks.weights[modality]) * self.factor(pattern)
