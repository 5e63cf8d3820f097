"""Two heads, linear or with one hidden layer, that bring the two rows of a pair together and away from the other pairs' rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.shared_space import pair_recall, same_product

if TYPE_CHECKING:
    from torch import Tensor

Rows = NDArray[np.int64]

_COVARIANCE_ROWS = 20_000  # pairs that say what the components are
_LEAST_VARIANCE = 1e-7  # of a component, as a share of the first: less is rounding
_FLAT = 1e-5  # total variance (of vectors of length 1) below which a view is constant
_SHARPEST = 100.0  # 1 / temperature, at most: beyond it one neighbour decides everything
_LARGEST_GRADIENT = 5.0
_SAME = 1e-5  # difference in every dimension below which two rows are of the same text or photo: no negatives of each other
_WATCHED = 500  # held-out pairs at most by which the best epoch is chosen


@dataclass(frozen=True)
class Plan:
    """How heads are trained."""

    components: int = 512  # of each view, at most
    power: float = 0.0  # each component is divided by its deviation to this power; 1 is whitening
    dropout: float = 0.3  # of components, and of hidden units
    rate: float = 1e-3
    decay: float = 1e-4
    batch: int = 1024
    temperature: float = 0.2  # to begin with; it is learned
    hard: float = 0.0  # share of a batch that is filled group by group
    epochs: int = 60
    steps: int = 300  # at most, in all: many pairs need fewer epochs
    patience: int = 6  # epochs without a better one on the held-out pairs
    least_steps: int = 4  # an epoch, however few pairs there are

    def most_epochs(self, pairs: int) -> int:
        """Epochs at most, of so many pairs."""
        return max(1, min(self.epochs, self.steps // max(self.least_steps, round(pairs / self.batch))))


@dataclass(frozen=True)
class Head:
    """x → unit(s @ weight + bias + relu(s @ inner + inner_bias) @ outer), s = x − mean; without hidden units the last part is missing."""

    mean: Matrix  # (d,)
    weight: Matrix  # (d, k)
    bias: Matrix  # (k,)
    inner: Matrix  # (d, h); h is 0 for a linear head
    inner_bias: Matrix  # (h,)
    outer: Matrix  # (h, k)

    def __call__(self, X: Matrix) -> Matrix:
        """(n, d) → (n, k) unit rows."""
        centred = X - self.mean
        out = centred @ self.weight + self.bias
        if len(self.outer):
            out += np.maximum(centred @ self.inner + self.inner_bias, 0) @ self.outer
        return unit_rows(out)

    def arrays(self) -> dict[str, Matrix]:
        """Name → array, as `Head(**arrays)` takes them."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class Heads:
    """What `fit_heads` finds."""

    x: Head
    y: Head
    epoch: int  # that they are of
    score: float  # mean reciprocal rank of the held-out pairs, both directions; NaN where none were given
    ended: str  # 'settled', 'epochs' or 'not finite'


def fit_heads(
    X: Matrix,
    Y: Matrix,
    held_X: Matrix | None = None,
    held_Y: Matrix | None = None,
    *,
    groups: Rows | None = None,
    hidden: int = 0,
    dim: int = 256,
    seed: int = 0,
    plan: Plan = Plan(),
) -> Heads | None:
    """InfoNCE in both directions on pairs, the other pairs of a batch as negatives, until held-out pairs find each other no better.

    Van den Oord et al., "Representation learning with contrastive predictive coding", 2018, arXiv 1807.03748, symmetric and with a
    learned temperature as in Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021,
    arXiv 2103.00020. Rows are described by principal components, so that a head has fewer weights than there is to learn from.
    One seed gives one result on one number of threads.

    Parameters
    ----------
    X, Y : (n, dx) and (n, dy), rows of length 1; row i of both is one pair.
    held_X, held_Y : (m, dx) and (m, dy), pairs by which the best epoch is chosen; without them all `plan.epochs` are trained.
    groups : (n,) what pairs are alike by (a number of their category); −1 is none. Alike pairs meet in one batch: the hard negatives.
    hidden : units of the hidden layer; 0 for linear heads.
    dim : of the common space.

    Returns
    -------
    None where one of the views is constant.
    """
    import torch

    seen = [components(V, plan, seed) for V in (X, Y)]
    if seen[0] is None or seen[1] is None:
        return None
    means, turns = zip(*(found for found in seen if found is not None), strict=True)
    inputs = [torch.from_numpy(np.ascontiguousarray((V - m) @ t)) for V, m, t in zip((X, Y), means, turns, strict=True)]
    rng = np.random.default_rng(seed)
    values = _initial([t.shape[1] for t in turns], hidden, dim, plan, rng)
    optimizer = torch.optim.AdamW(values.values(), lr=plan.rate, weight_decay=plan.decay)
    generator = torch.Generator().manual_seed(seed)
    watched = held_X is not None and held_Y is not None and len(held_X) > 1
    same = same_product(held_X[:_WATCHED], held_Y[:_WATCHED]) if watched and held_X is not None and held_Y is not None else None

    def heads() -> tuple[Head, Head]:
        return _head("x", values, means[0], turns[0]), _head("y", values, means[1], turns[1])

    def score(found: tuple[Head, Head]) -> float:
        if same is None or held_X is None or held_Y is None:
            return math.nan
        recall = pair_recall(found[0](held_X[:_WATCHED]), found[1](held_Y[:_WATCHED]), same)
        return float(np.mean([way["RR"] for way in recall.values()]))

    best, best_epoch, ended = heads(), 0, "epochs"
    best_score = score(best)
    codes = np.full(len(X), -1) if groups is None else groups
    twins = [twins_of(V, rng) for V in (X, Y)]
    for epoch in range(1, plan.most_epochs(len(X)) + 1):
        for rows in batches(codes, plan, rng):
            loss = _loss(values, inputs, torch.from_numpy(rows), [codes[rows] for codes in twins], plan.dropout, generator)
            if not bool(torch.isfinite(loss)):
                return Heads(*best, best_epoch, best_score, "not finite")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(values.values(), _LARGEST_GRADIENT)
            optimizer.step()
        if not all(bool(torch.isfinite(value).all()) for value in values.values()):  # the last step may have done it
            ended = "not finite"
            break
        found = heads()
        now = score(found)
        if not now <= best_score:  # also where nothing is watched (NaN): then the last epoch is the best
            best, best_epoch, best_score = found, epoch, now
        elif epoch - best_epoch >= plan.patience:
            ended = "settled"
            break
    return Heads(*best, best_epoch, best_score, ended)


def batches(codes: Rows, plan: Plan, rng: np.random.Generator) -> Iterator[Rows]:
    """Rows of an epoch's batches: all once, in batches of equal size, a share of each filled with whole groups.

    Parameters
    ----------
    codes : (n,) the group of each row; −1 for none.

    Each batch takes `plan.hard` of its rows from the front of an order in which groups lie together (groups, and rows within them, at
    random), the rest from a random order; what the other part took already is passed over. Where there are few rows, the epoch is repeated.
    """
    n = len(codes)
    steps = max(1, round(n / plan.batch))
    for _ in range(max(1, -(-plan.least_steps // steps))):
        order = rng.permutation(n)
        if plan.hard and (codes >= 0).any():
            order = _mixed(order, codes, round(plan.hard * n), steps, rng)
        yield from np.array_split(order, steps)


def _mixed(order: Rows, codes: Rows, alike: int, steps: int, rng: np.random.Generator) -> Rows:
    """A random order of rows (n,), changed so that of the `alike` first rows, dealt evenly to `steps` batches, groups lie together."""
    front = order[:alike]
    front = front[codes[front] >= 0]
    rest = np.setdiff1d(order, front)
    rest = rest[rng.permutation(len(rest))]
    rank = rng.permutation(int(codes.max()) + 1)
    front = front[np.argsort(rank[codes[front]], kind="stable")]
    dealt = zip(np.array_split(front, steps), np.array_split(rest, steps)[::-1], strict=True)  # the longer parts of one meet the shorter
    return np.concatenate([part for both in dealt for part in both])


def twins_of(X: Matrix, rng: np.random.Generator) -> Rows:
    """(n,) a number for each row, the same where rows (n, d) are: those are neighbours in any direction."""
    order = np.argsort(X @ rng.normal(size=X.shape[1]), kind="stable")
    other = [True, *(bool(np.abs(X[a] - X[b]).max() > _SAME) for a, b in pairwise(order.tolist()))]
    codes = np.empty(len(X), np.int64)
    codes[order] = np.cumsum(other)
    return codes


def components(X: Matrix, plan: Plan, seed: int) -> tuple[Matrix, Matrix] | None:
    """The mean of rows (n, d) and what turns them into their principal components (d, k), evened out, each of mean square 1 on average.

    None where they do not vary.
    """
    some = X if len(X) <= _COVARIANCE_ROWS else X[np.sort(np.random.default_rng(seed).permutation(len(X))[:_COVARIANCE_ROWS])]
    mean = some.mean(axis=0, dtype=np.float64)
    centred = some - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(some))
    if values.sum() < _FLAT:
        return None
    values, vectors = values[::-1][: plan.components], vectors[:, ::-1][:, : plan.components]
    kept = values > _LEAST_VARIANCE * values[0]
    values, vectors = values[kept], vectors[:, kept]
    turned = vectors * values ** (-plan.power / 2)
    turned /= math.sqrt(float((values ** (1 - plan.power)).mean()))
    # An eigenvector's sign is the library's choice: the largest entry is made positive.
    turned *= np.sign(turned[np.abs(turned).argmax(axis=0), np.arange(turned.shape[1])])
    return mean.astype(np.float32), turned.astype(np.float32)


def _initial(sizes: Sequence[int], hidden: int, dim: int, plan: Plan, rng: np.random.Generator) -> dict[str, Tensor]:
    """Values before training: random linear heads, to which the hidden layer adds nothing yet."""
    import torch

    values: dict[str, NDArray[np.float64]] = {"sharpness": np.array([-math.log(plan.temperature)])}
    for side, size in zip("xy", sizes, strict=True):
        values |= {f"{side}.weight": rng.uniform(-1, 1, (size, dim)) / math.sqrt(size), f"{side}.bias": np.zeros(dim)}
        values |= {f"{side}.inner": rng.normal(size=(size, hidden)) * math.sqrt(2 / size), f"{side}.inner_bias": np.zeros(hidden)}
        values |= {f"{side}.outer": np.zeros((hidden, dim))}
    return {name: torch.tensor(value, dtype=torch.float32, requires_grad=True) for name, value in values.items()}


def _head(side: str, values: Mapping[str, Tensor], mean: Matrix, turn: Matrix) -> Head:
    """A head of raw rows: what turns them into components is multiplied into its weights."""
    found = {name: values[f"{side}.{name}"].detach().numpy() for name in ("weight", "bias", "inner", "inner_bias", "outer")}
    kept = {name: found[name].copy() for name in ("bias", "inner_bias", "outer")}
    return Head(mean=mean, weight=turn @ found["weight"], inner=turn @ found["inner"], **kept)


def _loss(
    values: Mapping[str, Tensor], inputs: Sequence[Tensor], rows: Tensor, twins: Sequence[Rows], dropout: float, generator: Any
) -> Tensor:
    """InfoNCE both ways of a batch (b,); the same title or the same photo again is no negative (`twins_of` the batch)."""
    import torch
    from torch.nn import functional

    sides = []
    for side, known in zip("xy", inputs, strict=True):
        seen = _thinned(known[rows], dropout, generator)
        out = seen @ values[f"{side}.weight"] + values[f"{side}.bias"]
        if values[f"{side}.outer"].shape[0]:
            inner = torch.relu(seen @ values[f"{side}.inner"] + values[f"{side}.inner_bias"])
            out = out + _thinned(inner, dropout, generator) @ values[f"{side}.outer"]
        sides.append(functional.normalize(out, dim=1))
    return info_nce(sides[0], sides[1], values["sharpness"], twins)


def info_nce(A: Tensor, B: Tensor, sharpness: Tensor, twins: Sequence[Rows]) -> Tensor:
    """The loss of pairs (b, k), unit rows, both ways; pairs that are alike in one of `twins` (`twins_of` the batch) are no negatives.

    `sharpness` is the logarithm of 1 / temperature.
    """
    import torch
    from torch.nn import functional

    similarity = sharpness.clamp(max=math.log(_SHARPEST)).exp() * (A @ B.T)  # the other way round its gradient overflows
    same = np.any([code[:, None] == code[None, :] for code in twins], axis=0)
    np.fill_diagonal(same, False)
    if same.any():
        similarity = similarity.masked_fill(torch.from_numpy(same).to(similarity.device), -math.inf)
    own = torch.arange(len(A), device=similarity.device)
    return (functional.cross_entropy(similarity, own) + functional.cross_entropy(similarity.T, own)) / 2


def _thinned(X: Tensor, dropout: float, generator: Any) -> Tensor:
    import torch

    if not dropout:
        return X
    return X * (torch.rand(X.shape, generator=generator) >= dropout) / (1 - dropout)
