"""How far cross-modal evidence can be trusted: how well it foretells the direct evidence of products that taught nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmsearch.encoders.base import Encoder
from mmsearch.errors import InputError
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch, Fuser
from mmsearch.fusion.calibration import LEAST_RELIABILITY, PRODUCTS, QUERIES, correlation, similarities_of, trusted

_FOLDS = 5  # a fifth of the products with two modalities or more is held out
_ENOUGH = 200  # held-out products, of one fold or several, that are enough
_FEWEST = 8  # held-out products with both sides of a comparison, below which nothing is known of it; and those of a fold
_FEWEST_AT_ONCE = 3  # of one fold: two have a single similarity, which goes with anything
#: What the assumption that cross-modal evidence says next to nothing is worth: the similarities of so many products with each other, beside
#: those of the products that were measured (`python -m bench.reliability`, docs/decisions/0030-few-pairs.md).
PRIOR = 10


@dataclass(frozen=True)
class Agreement:
    """The correlation of a cross-modal similarity with the direct one, over unrelated pairs of so many products that have both sides."""

    correlation: float
    products: int

    def reliability(self, prior: float = PRIOR) -> float:
        """A factor to shrink by, within .05 and .95: the fewer products, the nearer to the least. See `mmsearch.ranking.base.Evidence`."""
        share = self.products**2 / (self.products**2 + prior**2)
        return trusted(LEAST_RELIABILITY + share * (float(np.nan_to_num(self.correlation)) - LEAST_RELIABILITY))


def agreements(batch: Batch, fuser: Fuser, seed: int = 0) -> dict[str, Agreement]:
    """How well each cross-modal kind ('text>image') foretells the direct one ('text>text').

    The correlation is the factor by which least squares shrinks a standardised cross-modal score towards the direct score that it
    stands in for. `batch` should hold products that `fuser` was not fitted on. Kinds of which fewer than three products have both sides
    are left out.
    """
    rng = np.random.default_rng(seed)
    some = [batch.present[m] for m in fuser.modalities() if m in batch.present]
    rows = rng.permutation(np.flatnonzero(np.sum(some, axis=0) > 1) if some else np.empty(0, np.int64))[:PRODUCTS]
    if len(rows) < _FEWEST_AT_ONCE:
        return {}
    queries = np.arange(min(QUERIES, len(rows)))
    unrelated = queries[:, None] != np.arange(len(rows))[None, :]
    similarities = similarities_of(batch.take(rows), fuser, queries)
    found = {}
    for kind, matrix in similarities.items():
        query, _, product = kind.partition(">")
        direct = similarities.get(f"{query}>{query}")
        if product == query or product not in fuser.modalities() or direct is None:
            continue
        usable = unrelated & np.isfinite(matrix) & np.isfinite(direct)  # a catalogue may have no product with every modality
        both = min(int(np.count_nonzero(usable.any(axis=axis))) for axis in (0, 1))
        if both >= _FEWEST_AT_ONCE:
            found[kind] = Agreement(correlation(matrix[usable], direct[usable]), both)
    return found


def held_out_agreements(spec: str, fitted: Fuser, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> dict[str, Agreement]:
    """`agreements` on products that a method did not see: refitted on the others, for a learned map flatters its own pairs.

    Where a fold is small several are taken together; {} where there are too few products to leave any out.
    """
    modalities = fitted.modalities()
    if not set(modalities) <= set(batch.present):
        return {}
    both = np.flatnonzero(np.sum([batch.present[m] for m in modalities], axis=0) > 1)
    folds = np.array_split(np.random.default_rng(seed).permutation(both), max(1, min(_FOLDS, len(both) // _FEWEST)))
    if len(folds) == 1:
        return {}
    found: dict[str, list[Agreement]] = {}
    learned = fitted.state()
    for held in folds[: -(-_ENOUGH // len(folds[0]))]:
        fuser: Fuser = FUSERS.create(spec)
        fuser.load_state(*learned)
        try:
            fuser.refit(batch.take(np.setdiff1d(np.arange(len(batch)), held)), encoders, seed)
        except InputError:  # what is left is too little to fit on
            continue
        for kind, one in agreements(batch.take(held), fuser, seed).items():
            found.setdefault(kind, []).append(one)
    return {kind: _together(several) for kind, several in found.items()}


def _together(several: list[Agreement]) -> Agreement:
    products = [one.products for one in several]
    return Agreement(float(np.average([one.correlation for one in several], weights=products)), sum(products))


def reliabilities(found: Mapping[str, Agreement]) -> dict[str, float]:
    """Of the kinds of which enough is known; the others count least (`mmsearch.fusion.calibration.Calibration.pair`)."""
    return {kind: one.reliability() for kind, one in found.items() if one.products >= _FEWEST}
