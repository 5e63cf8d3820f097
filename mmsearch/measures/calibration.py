"""Calibration: whether people are shown the kinds of products that they took, in the proportions in which they took them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.measures.lists import ListMeasure, Lists

#: How much of the target is mixed into what is shown, so that a kind that is not shown costs much and not infinitely much (Steck's α).
SMOOTHING = 0.01


@dataclass(frozen=True)
class Calibration(ListMeasure):
    """How far what people are shown is from what they had: KL(p ‖ q̃) in nats, averaged over users; 0 is the same.

    p is the mean over the products of a user's history of how each belongs to the values of an attribute, q the same of the first k, and
    q̃ = .99·q + .01·p. Steck, "Calibrated recommendations", RecSys 2018. Products without a value are left out, and so are users of
    whose history or list none has one. `by` is an attribute: of a path each level counts, of a list each item.
    """

    name = "calibration"

    by: str = "category"

    def compute(self, lists: Lists) -> float:
        known = lists.belonging.get(self.by)
        if known is None:
            raise InputError(f"calibration compares values of {self.by}, which are not known here")
        values = []
        for shown, had in zip(lists.top(self.k), lists.histories, strict=True):
            both = shares([known[i] for i in (*had.tolist(), *shown.tolist())])
            p, q = mixture(both[: len(had)]), mixture(both[len(had) :])
            if p.any() and q.any():
                values.append(divergence(p, q))
        return float(np.mean(values)) if values else nan


def shares(belonging: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """What each product belongs to, (p,), as shares (p, g) of the g values that any of them has; a row of zeros where it has none."""
    place = {value: i for i, value in enumerate(dict.fromkeys(value for mine in belonging for value in mine))}
    found = np.zeros((len(belonging), len(place)))
    for row, mine in zip(found, belonging, strict=True):
        for value in mine:
            row[place[value]] += 1 / len(mine)
    return found


def mixture(rows: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """The weighted mean (g,) of the shares (p, g) of products that have any; zeros where none has."""
    counts = rows.any(axis=1) * (1.0 if weights is None else weights)
    total = float(np.sum(counts))
    return np.asarray(counts @ rows / total if total > 0 else np.zeros(rows.shape[1]))


def divergence(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """KL(p ‖ q̃) of two mixtures (g,), q̃ being q with a little of p."""
    there = p > 0
    smooth = (1 - SMOOTHING) * q[there] + SMOOTHING * p[there]
    return max(0.0, float(p[there] @ np.log(p[there] / smooth)))
