"""Vectors carried along the edges of a graph: every product takes a share from the mean of those that it has something in common with.

One hop is z' = (1 − α)·h + α·Σ_t w_t·(S_t·V_t − c) / Σ_t w_t over the types t of which a product has any edge. h is the product's own
vector, S_t (rows sum to 1) says which values it has, V_t are the values' means, c is the mean of all products. Always mixing with h again
is the personalised propagation of Gasteiger (Klicpera) et al., "Predict then Propagate", ICLR 2019, arXiv 1810.05997; that nothing is
learned between the hops is the simplified graph convolution of Wu et al., ICML 2019, arXiv 1902.07153.

What all products have in common says nothing of one of them, so it is taken off what neighbours send: the message of a hub, whose mean is
nearly that of the catalogue, is nearly nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.sparse import Sparse, as_csr, scaled

ROWS = 8_192  # products whose messages are in memory at a time


@dataclass(frozen=True)
class Relation:
    """One type of edge among n products.

    `belongs` (n, v): how much each product has to do with each of v values, ≥ 0. Without `values` the v are the products themselves.
    """

    weight: float
    belongs: Sparse
    values: bool = True


class Sent(NamedTuple):
    """What a type of edge sends: its weight, the shares (n, v) of what each product listens to, and the vectors (v, d) of those."""

    weight: float
    shares: Sparse
    vectors: Matrix


class Layer(NamedTuple):
    """The state after some hops: the mean of the products (d,), and of each relation the vectors that it sends."""

    centre: Matrix
    sent: list[Matrix]


def normalised(belongs: Sparse, rarity: NDArray[Any] | None = None) -> Sparse:
    """Rows that sum to 1 (or stay 0), columns weighted by their `rarity` (v,) first."""
    weighted = scaled(belongs, columns=rarity)
    sums = np.asarray(weighted.sum(axis=1)).ravel()
    return scaled(weighted, rows=np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0))


def rarities(belongs: Sparse, products: int) -> Matrix:
    """log(n / n_v) of values that n_v of n products have (v,), as words are weighted by their inverse document frequency:
    0 for what all have."""
    counts = np.asarray((belongs != 0).sum(axis=0)).ravel()
    rare: Matrix = np.maximum(np.log(max(products, 1) / np.maximum(counts, 1)), 0).astype(np.float32)
    return rare


def means(belongs: Sparse, Z: Matrix) -> Matrix:
    """(n, v) memberships and vectors (n, d) → the mean of each value's members (v, d), weighted by how much they belong.

    Zero rows are products without a vector: they do not count. A value without members has a zero row.
    """
    there = np.asarray(Z.any(axis=1), dtype=np.float32)
    across = as_csr(belongs.T)
    sizes = across @ there
    sums = np.asarray(across @ Z, dtype=np.float32)
    found: Matrix = np.divide(sums, sizes[:, None], out=np.zeros_like(sums), where=sizes[:, None] > 0)
    return found


def message(sent: Sequence[Sent], centre: Matrix, n: int) -> tuple[Matrix, NDArray[np.bool_]]:
    """What reaches each of n products (n, d), and which of them anything reaches (n,). Types renormalise over those that a product has."""
    total = np.zeros(n, np.float32)
    out = np.zeros((n, len(centre)), np.float32)
    for weight, shares, vectors in sent:
        heard = np.diff(shares.indptr) > 0
        if weight and heard.any():
            out[heard] += weight * (np.asarray((shares @ vectors)[heard]) - centre)
            total[heard] += weight
    reached = total > 0
    out[reached] /= total[reached, None]
    return out, reached


def mixed(H: Matrix, M: Matrix, reached: NDArray[np.bool_], alpha: float) -> Matrix:
    """(1 − α)·h + α·message for the products that have a vector and are reached (n, d); the others stay as they are."""
    share = (np.float32(alpha) * (reached & H.any(axis=1)))[:, None].astype(np.float32)
    out: Matrix = (1 - share) * H + share * M
    return out


def directions(Z: Matrix, H: Matrix) -> Matrix:
    """Z with its rows brought to length 1, in place; where the own vector and the message cancel, the product stays at its own."""
    for start in range(0, len(Z), ROWS):
        block = slice(start, start + ROWS)
        unit = unit_rows(Z[block])
        lost = ~unit.any(axis=1)
        unit[lost] = H[block][lost]
        Z[block] = unit
    return Z


def layer(Z: Matrix, relations: Sequence[Relation]) -> Layer:
    """What is sent from vectors (n, d); see `Layer`."""
    there = Z.any(axis=1)
    centre = Z[there].mean(axis=0, dtype=np.float64).astype(np.float32) if there.any() else np.zeros(Z.shape[1], np.float32)
    return Layer(centre, [means(r.belongs, Z) if r.values else Z for r in relations])


def shares_of(relation: Relation, Z: Matrix) -> Sparse:
    """The normalised shares of a relation: rare values count more, products without a vector send nothing."""
    if relation.values:
        return normalised(relation.belongs, rarities(relation.belongs, relation.belongs.shape[0]))
    return normalised(relation.belongs, np.asarray(Z.any(axis=1), dtype=np.float32))


def propagate(H: Matrix, relations: Sequence[Relation], alpha: float, hops: int) -> tuple[Matrix, list[Layer]]:
    """Unit rows (n, d; zero where a product has none) → the same after some hops, and the layers before each hop."""
    shares = [shares_of(r, H) for r in relations]
    layers: list[Layer] = []
    Z = H
    for _ in range(hops):
        now = layer(Z, relations)
        layers.append(now)
        Z = np.empty_like(H)
        for start in range(0, len(H), ROWS):
            block = slice(start, start + ROWS)
            sent = [Sent(r.weight, s[block], v) for r, s, v in zip(relations, shares, now.sent, strict=True)]
            Z[block] = mixed(H[block], *message(sent, now.centre, len(H[block])), alpha)
    return (directions(Z, H) if hops else H.copy()), layers
