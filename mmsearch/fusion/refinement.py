"""Contrastive heads beside the canonical directions of a space, with a share that held-out pairs choose; a trained network below them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.contrastive import Head, Heads, Plan, fit_heads
from mmsearch.fusion.finetuning import Trained
from mmsearch.fusion.tower import Tower
from mmsearch.fusion.views import WORDS, Seen

#: What `refine` may be → units of the hidden layer.
KINDS = {"none": 0, "linear": 0, "mlp": 256}

# Chosen on the validation products of fashion (docs/decisions/0022-refinement.md).
PLAN = Plan()
SHARES: tuple[float, ...] = (0.2, 0.35, 0.5)  # of a cosine, beside none at all
LEAST_PAIRS = 500  # below, heads bring nothing that is sure
LEAST_GAIN = 0.005  # of the mean reciprocal rank of held-out pairs, below which twice the dimensions are not worth it
_WORDS = 256  # components of the words of texts
_SIDES = ("text", "image")


#: Trains the blocks below heads (how sides are seen, the heads, epochs or None to find their number).
Tune = Callable[[Mapping[str, "Dense"], Mapping[str, Head], int | None], tuple[Tower, Trained]]


@dataclass(frozen=True)
class Dense:
    """Items as heads see them: what is dense, and components of their words beside it."""

    words: Matrix | None  # (v, k); None where there are no words

    @staticmethod
    def learn(seen: Seen, seed: int) -> Dense:
        """The leading directions of the words of items (n): latent semantic analysis (Deerwester et al., JASIS 1990)."""
        from scipy.sparse.linalg import svds

        if seen.words is None or min(seen.words.shape) < 3:
            return Dense(None)
        found: NDArray[np.float64] = svds(seen.words.astype(np.float64), k=min(_WORDS, min(seen.words.shape) - 1), random_state=seed)[2][
            ::-1
        ].T
        # A singular vector's sign is the library's choice: the largest entry is made positive.
        found = found * np.where(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] < 0, -1, 1)
        return Dense(found.astype(np.float32))

    def __call__(self, seen: Seen) -> Matrix:
        """Items (n) → (n, d) unit rows."""
        if self.words is None or seen.words is None:
            return seen.dense
        return unit_rows(np.hstack([seen.dense, math.sqrt(WORDS) * unit_rows(np.asarray(seen.words @ self.words))]))


@dataclass(frozen=True)
class Refinement:
    """Heads of both modalities, their share of a cosine, and the network by which they see photos where its last blocks were trained."""

    share: float
    epochs: int  # that they were trained for
    dense: Mapping[str, Dense]
    heads: Mapping[str, Head]
    tower: Tower | None = None
    below: int = 0  # epochs that the tower was trained for

    @property
    def dim(self) -> int:
        """Dimensions that it adds to the space."""
        return len(self.heads["text"].bias)

    def beside(self, modality: str, seen: Seen, block: Matrix) -> Matrix:
        """Canonical directions (n, k), unit rows → (n, k + dim): cosines mix by their shares. Sounds and videos have no heads."""
        if modality not in self.heads:
            return np.hstack([block, np.zeros((len(block), self.dim), np.float32)])
        heads = self.heads[modality](self.dense[modality](seen))
        return np.hstack([math.sqrt(1 - self.share) * block, math.sqrt(self.share) * heads])

    def state(self) -> tuple[dict[str, Matrix], dict[str, Any]]:
        """Named arrays and JSON values, for a fuser's own."""
        arrays = {f"{m}.{name}": array for m, head in self.heads.items() for name, array in head.arrays().items()}
        arrays |= {f"{m}.words": dense.words for m, dense in self.dense.items() if dense.words is not None}
        values: dict[str, Any] = {"share": self.share, "epochs": self.epochs, "below": self.below}
        if self.tower is not None:
            weights, values["tower"] = self.tower.state()
            arrays |= {f"tower.{name}": array for name, array in weights.items()}
        return arrays, values

    @staticmethod
    def restored(arrays: Mapping[str, Matrix], values: Mapping[str, Any]) -> Refinement:
        """What `state` gave."""
        names = [field.name for field in dataclasses.fields(Head)]
        heads = {m: Head(**{name: arrays[f"{m}.{name}"] for name in names}) for m in _SIDES}
        dense = {m: Dense(arrays.get(f"{m}.words")) for m in _SIDES}
        tower = None
        if "tower" in values:
            weights = {name.removeprefix("tower."): array for name, array in arrays.items() if name.startswith("tower.")}
            tower = Tower.restored(weights, values["tower"])
        return Refinement(float(values["share"]), int(values.get("epochs", 0)), dense, heads, tower, int(values.get("below", 0)))


@dataclass(frozen=True)
class Choice:
    """What held-out pairs say: the share of the heads (0: none), after how many epochs they were best, and the mean reciprocal ranks."""

    share: float
    epochs: int
    qualities: Mapping[float, float]  # share → of both directions; 0 is without heads
    ended: str  # 'settled', 'epochs' or 'not finite'; see `mmsearch.fusion.contrastive.Heads`
    tower: TowerChoice | None = None  # where the network below them was trained

    def to_json(self) -> dict[str, Any]:
        """For a report."""
        return {"share": self.share, "epochs": self.epochs, "ended": self.ended, "RR": {f"{r:g}": q for r, q in self.qualities.items()}}


@dataclass(frozen=True)
class TowerChoice:
    """What held-out pairs say of trained blocks: whether they are kept, after how many epochs they were best, and RR with and without."""

    kept: bool
    epochs: int
    before: float
    after: float
    ended: str  # as `mmsearch.fusion.finetuning.Trained` has it

    def to_json(self) -> dict[str, Any]:
        """For a report."""
        return {"kept": self.kept, "epochs": self.epochs, "ended": self.ended, "RR": {"before": self.before, "after": self.after}}


def choose(
    kind: str,
    pairs: tuple[Seen, Seen],
    held: tuple[Seen, Seen],
    quality: Callable[[Refinement | None], float],
    *,
    groups: NDArray[np.int64] | None = None,
    hard: float = 0.0,
    dim: int = 256,
    seed: int = 0,
    tune: Tune | None = None,
) -> Choice:
    """Learn heads from pairs until held-out pairs find each other no better, then try them beside the space that was learned from the same.

    Parameters
    ----------
    kind : 'linear' or 'mlp'.
    pairs, held : texts and photos, row i of both one pair; n and m of them.
    quality : what the held-out pairs say of the space with a refinement, or without.
    groups, hard : (n,) as `fit_heads` takes them, and the share of a batch that is filled group by group.
    tune : trains the network below the heads, too, and is asked for once the heads have settled.
    """
    found = _heads(kind, pairs, held, groups, dim, seed, dataclasses.replace(PLAN, hard=hard))
    before = quality(None)
    if found is None or not found[1].epoch:
        return Choice(0.0, 0, {0.0: before}, "settled" if found is None else found[1].ended)
    dense, heads = found
    of = {"text": heads.x, "image": heads.y}

    def tried(tower: Tower | None) -> tuple[float, dict[float, float]]:
        found = {0.0: before} | {share: quality(Refinement(share, heads.epoch, dense, of, tower)) for share in SHARES}
        best = max(found, key=lambda share: found[share])
        return best if found[best] - before >= LEAST_GAIN else 0.0, found

    share, qualities = tried(None)
    if tune is None:
        return Choice(share, heads.epoch, qualities, heads.ended)
    tower, trained = tune(dense, of, None)
    if not trained.epoch:  # no epoch was better than what is published
        return Choice(share, heads.epoch, qualities, heads.ended, TowerChoice(False, 0, qualities[share], qualities[share], trained.ended))
    other, others = tried(tower)
    kept = others[other] - qualities[share] >= LEAST_GAIN
    below = TowerChoice(kept, trained.epoch, qualities[share], max(others.values()), trained.ended)
    return Choice(other if kept else share, heads.epoch, others if kept else qualities, heads.ended, below)


def refined(
    kind: str,
    share: float,
    epochs: int,
    pairs: tuple[Seen, Seen],
    *,
    groups: NDArray[np.int64] | None = None,
    hard: float = 0.0,
    dim: int = 256,
    seed: int = 0,
    tune: Tune | None = None,
    below: int = 0,
) -> Refinement | None:
    """Heads learned from all pairs (n), for as many epochs and with the share that were chosen. None where a side does not vary.

    So are the blocks of the network below them, where `below`, the epochs that they were best after, is not 0.
    """
    found = _heads(kind, pairs, None, groups, dim, seed, dataclasses.replace(PLAN, hard=hard, epochs=epochs))
    if found is None:
        return None
    dense, heads = found
    of = {"text": heads.x, "image": heads.y}
    tower = tune(dense, of, below)[0] if tune is not None and below else None
    return Refinement(share, epochs, dense, of, tower, below if tower is not None else 0)


def _heads(
    kind: str,
    pairs: tuple[Seen, Seen],
    held: tuple[Seen, Seen] | None,
    groups: NDArray[np.int64] | None,
    dim: int,
    seed: int,
    plan: Plan,
) -> tuple[dict[str, Dense], Heads] | None:
    dense = {m: Dense.learn(seen, seed) for m, seen in zip(_SIDES, pairs, strict=True)}
    X, Y = (dense[m](seen) for m, seen in zip(_SIDES, pairs, strict=True))
    watched = [None, None] if held is None else [dense[m](seen) for m, seen in zip(_SIDES, held, strict=True)]
    found = fit_heads(X, Y, *watched, groups=groups, hidden=KINDS[kind], dim=dim, seed=seed, plan=plan)
    return None if found is None else (dense, found)


def told(scores: Mapping[str, Any]) -> str:
    """What a report of a fit says of refinement, for people: how well held-out pairs found each other before, and after."""
    found = scores.get("refine")
    if found is None:
        return ""
    if "share" not in found:
        return f"; not refined: {LEAST_PAIRS} pairs are needed"
    if not found["kept"]:
        return f"; not refined: with {found['kind']} heads held-out pairs find each other no better"
    ways = []
    for way, name in (("text>image", "title → photo"), ("image>text", "photo → title")):
        changes = [f"{m} {scores['unrefined'][way][m]:.3f} → {scores['recall'][way][m]:.3f}" for m in ("R@1", "R@10")]
        ways.append(f"{name} {', '.join(changes)}")
    return f"; {found['kind']} heads are {found['share']:.0%} of a cosine: {'; '.join(ways)}"
