"""Training a gate over modalities: products that belong together are to lie together, whatever each of them lacks.

InfoNCE with the other products of a batch as negatives (van den Oord et al., "Representation learning with contrastive predictive
coding", 2018), those that belong together left out of the negatives, as in Khosla et al., "Supervised contrastive learning", NeurIPS 2020;
modality dropout as in Neverova et al., "ModDrop: adaptive multi-modal gesture recognition", TPAMI 2016; a product seen twice through other
components of its vector as in Yao et al., "Self-supervised learning for large-scale item recommendations", CIKM 2021.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Batch, Matrix
from mmsearch.fusion.gate import Tower, shares, weighed
from mmsearch.fusion.gated_network import Adam, Values, batches, blank, contrast, finite, initial, look, towers, trace
from mmsearch.fusion.together import Relation

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

_COMPONENTS = 256  # principal components of a modality's vectors that are seen, at most
_POWER = 0.5  # each is divided by its standard deviation to this power
_LEAST_VARIANCE = 1e-8  # of a component, as a share of the first: less is rounding
_COVARIANCE_ROWS = 20_000  # products that say what the components are
_BATCH = 256
_LEAST_STEPS = 10  # a round, however small the catalogue
_PATIENCE = 5  # rounds without a better one on the products held out
_AT = 10  # places of a ranking that are measured
_VEILED = 0.5  # components that are hidden from each side where a product of one modality is told from all others
_MOST_OWN = 0.5  # of the pairs of products that have a choice, at most, are such a product and itself
_QUERIES = 256  # products held out that are asked, at most, after a round; more of them tell no better when to stop


@dataclass(frozen=True)
class Settings:
    """What the user may choose; see `mmsearch.fusion.gated.Gated`."""

    dim: int
    dropout: float
    own: float
    temperature: float
    rate: float
    rounds: int


@dataclass(frozen=True)
class Trained:
    """What came out: the towers, the round they are of (0: before training), and how training ended ('settled', 'rounds', 'not finite')."""

    towers: dict[str, Tower]
    round: int
    ended: str


@dataclass(frozen=True)
class Seen:
    """n products as the network sees them: components of each modality's vectors (n, k), zero rows where it is missing."""

    components: dict[str, Matrix]
    present: Mapping[str, Mask]  # modality → (n,)
    mean: dict[str, Matrix]  # (d,)
    rotation: dict[str, Matrix]  # (d, k)

    @functools.cached_property
    def choice(self) -> float:
        """The share of products with several modalities among those that have any."""
        counts = np.sum(list(self.present.values()), axis=0)
        return float((counts > 1).sum() / max(1, (counts > 0).sum()))


def varies(X: Matrix) -> bool:
    """Whether vectors (n, d) differ from each other at all."""
    return len(X) > 1 and float(X.astype(np.float64).var(axis=0).sum()) > 1e-9


def seen(batch: Batch, modalities: list[str], seed: int) -> Seen:
    """The principal components of each modality's vectors, each divided by its deviation to the power .5, of mean square length 1."""
    components, mean, rotation = {}, {}, {}
    for m in modalities:
        here = np.flatnonzero(batch.present[m])
        some = np.sort(np.random.default_rng(seed).permutation(here)[:_COVARIANCE_ROWS])
        X = batch.vectors[m][some].astype(np.float64)
        middle = X.mean(axis=0)
        values, vectors = np.linalg.eigh((X - middle).T @ (X - middle) / len(X))
        values, vectors = values[::-1][:_COMPONENTS], vectors[:, ::-1][:, :_COMPONENTS]
        kept = values > _LEAST_VARIANCE * values[0]
        values, vectors = values[kept], vectors[:, kept]
        turned = vectors * values ** (-_POWER / 2)
        turned /= math.sqrt(float((values ** (1 - _POWER)).sum()))
        # An eigenvector's sign is the library's choice: the largest entry is made positive.
        turned *= np.sign(turned[np.abs(turned).argmax(axis=0), np.arange(turned.shape[1])])
        mean[m], rotation[m] = middle.astype(np.float32), turned.astype(np.float32)
        components[m] = np.where(batch.present[m][:, None], (batch.vectors[m] - mean[m]) @ rotation[m], 0).astype(np.float32)
    return Seen(components, {m: batch.present[m] for m in modalities}, mean, rotation)


def ndcg(queries: Matrix, rows: Rows, relation: Relation, items: Matrix | None = None) -> float:
    """nDCG@10, binary, of some products (q,) as queries among all: do those that belong with a product come first?

    Parameters
    ----------
    queries : (n, d) how a product asks; zero rows for those that cannot.
    items : (n, d) how it is found, the same by default.

    Products without a relation are not asked; NaN where none is left.
    """
    X = queries if items is None else items
    asked = rows[relation.some()[rows] & (np.linalg.norm(queries[rows], axis=1) > 0.5)]
    there = np.flatnonzero(np.linalg.norm(X, axis=1) > 0.5)
    if not len(asked) or len(there) < 2:
        return math.nan
    right = relation.related(asked, there)
    similarity = queries[asked] @ X[there].T
    similarity[(asked[:, None] == there[None, :]) & ~right] = -np.inf
    depth = min(_AT, len(there))
    best = np.argpartition(-similarity, depth - 1, axis=1)[:, :depth]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(similarity, best, axis=1), axis=1, kind="stable"), axis=1)
    discount = 1 / np.log2(np.arange(depth) + 2)
    ideal = np.concatenate(([0.0], np.cumsum(discount)))[np.minimum(right.sum(axis=1), depth)]
    gained = np.take_along_axis(right, best, axis=1) @ discount
    return float((gained[ideal > 0] / ideal[ideal > 0]).mean()) if (ideal > 0).any() else math.nan


class _Itself(Relation):
    """Every product that is there belongs to itself alone: the question is whether it is found."""

    def __init__(self, there: Mask):
        self._there, self.pairs = there, int(there.sum())

    def some(self) -> Mask:
        return self._there

    def partners(self, rows: Rows, rng: np.random.Generator) -> Rows:
        return np.where(self._there[rows], rows, -1)

    def related(self, rows: Rows, columns: Rows) -> Mask:
        same: Mask = (rows[:, None] == columns[None, :]) & self._there[rows][:, None]
        return same

    def strength(self) -> NDArray[np.float64]:
        return self._there.astype(np.float64)

    def take(self, rows: Rows) -> _Itself:
        return _Itself(self._there[rows])

    def among(self, kept: Mask) -> _Itself:
        return _Itself(self._there & kept)


def train(batch: Batch, modalities: list[str], relation: Relation, kept: Mask, watched: Rows, settings: Settings, seed: int) -> Trained:
    """Learn the towers from the products that are kept (n,), as long as those that are watched are ranked better.

    Parameters
    ----------
    relation : of all products; pairs with one that is not kept are not learned from.
    watched : products that are not kept, on which the best round is chosen; where there are none, the last round is it.
    """
    data = seen(batch, modalities, seed)
    rng = np.random.default_rng(seed)
    values = initial(data.components, settings.dim, settings.temperature, seed)
    adam = Adam(values, settings.rate)
    count = np.sum([data.present[m] for m in modalities], axis=0)
    learned = relation.among(kept & (count > 0))
    anchors = np.flatnonzero(kept & (learned.some() | (count > 1)))
    if len(watched) > _QUERIES:
        watched = np.sort(rng.permutation(watched)[:_QUERIES])
    best = towers(values, modalities)
    best_round, best_score, ended = 0, _watch(best, data, relation, watched), "rounds"
    for number in range(1, settings.rounds + 1):
        if not _round(values, adam, data, learned, anchors, settings, rng):
            ended = "not finite"
            break
        found = towers(values, modalities)
        score = _watch(found, data, relation, watched)
        if not score <= best_score:  # also where nothing is watched (NaN): then the last round is the best
            best, best_round, best_score = found, number, score
        elif number - best_round >= _PATIENCE:
            ended = "settled"
            break
    return Trained({m: tower.before(data.mean[m], data.rotation[m]) for m, tower in best.items()}, best_round, ended)


def _watch(found: Mapping[str, Tower], data: Seen, relation: Relation, watched: Rows) -> float:
    """Mean of what is measured of the watched products: see `measured`."""
    parts = measured(found, data.components, data.present, relation, watched)
    scores = [value for part in parts.values() for value in part.values()]
    return float(np.mean(scores)) if scores else math.nan


def measured(
    found: Mapping[str, Tower], vectors: Mapping[str, Matrix], present: Mapping[str, Mask], relation: Relation, rows: Rows
) -> dict[str, dict[str, float]]:
    """How well some products (q,) find among all those that belong with them ('belongs': by all that products have, and by each modality
    alone), and through one modality themselves by another ('itself': 'text>image'). nDCG@10; what cannot be measured is left out."""
    names = list(found)
    alone = {m: np.where(present[m][:, None], found[m].project(vectors[m]), 0) for m in names}
    fused = weighed(alone, shares({m: found[m].loudness(vectors[m]) for m in names}, present))
    seen_by = {"all": fused} | (alone if len(names) > 1 else {})
    own = {f"{a}>{b}": ndcg(alone[a], rows, _Itself(present[b]), alone[b]) for a in names for b in names if a != b}
    both = {"belongs": {name: ndcg(items, rows, relation) for name, items in seen_by.items()}, "itself": own}
    return {part: {name: value for name, value in values.items() if not math.isnan(value)} for part, values in both.items()}


def _round(values: Values, adam: Adam, data: Seen, relation: Relation, anchors: Rows, settings: Settings, rng: np.random.Generator) -> bool:
    """Every anchor once, or more often where there are few. False as soon as a loss or a value is no number."""
    with np.errstate(over="ignore", invalid="ignore"):  # it is seen by its loss
        for rows in batches(anchors, min(_BATCH, len(anchors)), _LEAST_STEPS, rng):
            loss, gradients = loss_of(values, data, relation, rows, settings, rng)
            if not math.isfinite(loss):
                return False
            adam.step(values, gradients)
    return finite(values)


def loss_of(
    values: Values, data: Seen, relation: Relation, rows: Rows, settings: Settings, rng: np.random.Generator
) -> tuple[float, Values]:
    """InfoNCE, both ways, of products (b,) and a partner of each: one that it belongs with, or itself seen through other modalities.

    Returns the loss and the gradients of the values.
    """
    there = np.stack([data.present[m][rows] for m in data.components], axis=1)
    partners = relation.partners(rows, rng)
    lone = there.sum(axis=1) == 1
    chance = np.where(lone, settings.own, min(_MOST_OWN, settings.own / data.choice) if data.choice else 0)
    itself = (rng.random(len(rows)) < chance) | (partners < 0)
    partners = np.where(itself, rows, partners)
    its = np.stack([data.present[m][partners] for m in data.components], axis=1)
    # Itself: one modality on this side, the others on that side, so that what is learned is how they go together. One modality alone is
    # seen twice through other components: else nothing would keep what tells products of a kind apart.
    single = _one_of(there, rng)
    left = np.where(itself[:, None], single, _thinned(there, settings.dropout, rng))
    right = np.where(itself[:, None], np.where(lone[:, None], there, there & ~single), _thinned(its, settings.dropout, rng))
    # No negatives: the same product again, and, for a pair that belongs together, what else belongs to it.
    same = (rows[:, None] == partners[None, :]) | (partners[:, None] == partners[None, :]) | (rows[:, None] == rows[None, :])
    belong = relation.related(rows, partners)
    ignored, ignored_back = same | (belong & ~itself[:, None]), same | (belong & ~itself[None, :])
    np.fill_diagonal(ignored, False)
    np.fill_diagonal(ignored_back, False)
    one, other = (
        look(values, data.components, which, through, _veil(data, itself & lone, rng))
        for which, through in ((rows, left), (partners, right))
    )
    loss, to_one, to_other, sharper = contrast(one.out, other.out, float(values["sharpness"][0]), ignored, ignored_back)
    gradients = blank(values)
    trace(values, data.components, one, to_one, gradients)
    trace(values, data.components, other, to_other, gradients)
    gradients["sharpness"][0] = sharper
    return loss, gradients


def _veil(data: Seen, veiled: Mask, rng: np.random.Generator) -> dict[str, Matrix] | None:
    """For some of the products (b,) half of the components of each modality at random, twice as large; None where it is for none."""
    if not veiled.any():
        return None
    found = {}
    for m, X in data.components.items():
        hidden = rng.random((len(veiled), X.shape[1])) < _VEILED
        found[m] = np.where(veiled[:, None], np.where(hidden, 0, 1 / (1 - _VEILED)), 1).astype(X.dtype)
    return found


def _thinned(there: Mask, dropout: float, rng: np.random.Generator) -> Mask:
    """Modalities (b, m) of which each is lost with a chance, but never the last one."""
    left: Mask = there & (rng.random(there.shape) >= dropout)
    return np.where(left.any(axis=1, keepdims=True), left, _one_of(there, rng))


def _one_of(there: Mask, rng: np.random.Generator) -> Mask:
    """One modality at random of those that are there (b, m); none where there is none."""
    drawn = np.where(there, rng.random(there.shape), -1)
    chosen: Mask = there & (np.arange(there.shape[1]) == drawn.argmax(axis=1)[:, None])
    return chosen
