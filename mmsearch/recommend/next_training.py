"""Learning to foresee the next product: softmax over all products, or over sampled ones where there are many.

The loss matters more than the network: with the softmax over all products SASRec is well above what its paper's one sampled negative gives
(Klenitskiy and Vasilev, "Turning dross into gold loss: is BERT4Rec really better than SASRec?", RecSys 2023; Petrov and Macdonald,
"gSASRec: reducing overconfidence in sequential recommendation trained with negative sampling", RecSys 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.attention import Array
from mmsearch.recommend.network import Network, Noise
from mmsearch.recommend.sequences import Batch, Rows, Windows

if TYPE_CHECKING:
    from torch import Tensor

_LEAST_STEPS = 10  # an epoch, however few events there are
_LARGEST_GRADIENT = 5.0
_WATCHED_AT_ONCE = 64  # held-out histories
_UNIFORM = 0.5  # share of the negatives that are drawn without regard to how often they were taken
_AHEAD = 5  # events that are foreseen from each; all but the first say little, but they tell what is alike
_DECAY = 1e-4  # of the values, as in Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019


@dataclass(frozen=True)
class Plan:
    """How a network is trained."""

    rate: float
    epochs: int  # at most
    patience: int  # epochs without a better one on the held-out events
    dropout: float
    events: int  # to look ahead from, a batch
    negatives: int  # products that the softmax is over; all of them where there are no more


class Learned(NamedTuple):
    """What came out: the values of the best epoch (0: before learning), its score on the held-out events (NaN: none), how it ended
    ('settled', 'epochs' or 'not finite')."""

    values: dict[str, NDArray[np.float32]]
    epoch: int
    score: float
    ended: str


class _Dropout(Noise):
    """Dropout (Srivastava et al., JMLR 2014) from a generator of its own."""

    def __init__(self, share: float, device: str, seed: int):
        import torch

        self._share, self._device = share, device
        self._generator = torch.Generator(device).manual_seed(seed)

    def thin(self, X: Tensor, share: float | None = None) -> Tensor:
        share = self._share if share is None else share
        return X * self._kept(X.shape, share) / (1 - share) if share else X

    def forget(self, X: Tensor, share: float) -> Tensor:
        return X * self._kept((len(X), 1), share) if share else X

    def _kept(self, shape: Any, share: float) -> Tensor:
        import torch

        return torch.rand(shape, generator=self._generator, device=self._device) >= share


class Negatives:
    """Products that a batch is to tell from those that came next: the same for all its events."""

    def __init__(self, among: Rows, foreseen: Rows, number: int):
        """
        Parameters
        ----------
        among : the products that something is known of.
        foreseen : as `Windows.foreseen`: what is taken often is drawn often, half of the times.
        number : that are drawn; where `among` has no more, all of them are taken.
        """
        self._among, self._number = among, number
        self.all = len(among) <= number
        if not self.all:
            counts = np.bincount(foreseen, minlength=int(among.max()) + 1)[among]
            self._chance = _UNIFORM / len(among) + (1 - _UNIFORM) * counts / counts.sum()
            self._upto = np.cumsum(self._chance)

    def draw(self, rng: np.random.Generator) -> tuple[Rows, NDArray[np.float32]]:
        """Different products (k,), and the logarithm of the chance that each had to be among them, by which their scores are corrected:
        so the sum over them is, on average, that over all (Bengio and Senécal, "Adaptive importance sampling to accelerate training of a
        neural probabilistic language model", IEEE TNN 2008)."""
        if self.all:
            return self._among, np.zeros(len(self._among), np.float32)
        drawn = np.unique(np.searchsorted(self._upto, rng.random(self._number) * self._upto[-1], side="right"))
        return self._among[drawn], np.log(-np.expm1(self._number * np.log1p(-self._chance[drawn]))).astype(np.float32)


def train(network: Network, windows: Windows, watched: Windows, among: Rows, plan: Plan, device: str, seed: int) -> Learned:
    """Learn from windows, keeping the values that rank the last events of watched windows best; without any, those of the last epoch.

    One seed gives one result on one machine: on a CPU it learns in one thread, because several add up gradients in the order in which they
    end, and from such a small difference the same seed has come to nDCG from .077 to .091. A loss that is no number ends it, and the last
    good values are kept.

    Parameters
    ----------
    among : the products (k,) that are told from each other, ascending.
    device : cpu or cuda.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1 if device == "cpu" else threads)
    try:
        return _train(network, windows, watched, among, plan, device, seed)
    finally:
        torch.set_num_threads(threads)


def _train(network: Network, windows: Windows, watched: Windows, among: Rows, plan: Plan, device: str, seed: int) -> Learned:
    import torch

    rng = np.random.default_rng(seed)
    values = {
        name: torch.from_numpy(array).to(device).requires_grad_(name not in network.fixed) for name, array in network.initial(rng).items()
    }
    learned = [value for name, value in values.items() if name not in network.fixed]
    optimizer = torch.optim.AdamW(learned, lr=plan.rate, weight_decay=_DECAY)
    noise = _Dropout(plan.dropout, device, seed)
    negatives = Negatives(among, windows.foreseen(), plan.negatives)
    best, best_epoch, best_score, ended = _copied(values), 0, -math.inf, "epochs"
    for epoch in range(1, plan.epochs + 1):
        for batch in _steps(windows, plan, rng):
            loss = loss_of(network, values, batch, *negatives.draw(rng), noise)
            if not bool(torch.isfinite(loss)):
                return Learned(best, best_epoch, best_score, "not finite")
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(learned, _LARGEST_GRADIENT)
            optimizer.step()
        score = watch(network, values, watched, among)
        if not score <= best_score:  # also where nothing is watched (NaN): then the last epoch is the best
            best, best_epoch, best_score = _copied(values), epoch, score
        elif epoch - best_epoch >= plan.patience:
            ended = "settled"
            break
    return Learned(best, best_epoch, best_score, ended)


def loss_of(
    network: Network, values: dict[str, Tensor], batch: Batch, others: Rows, correction: NDArray[np.float32], noise: Noise
) -> Tensor:
    """Mean of −log p(what came after), weighted by its strength; p is over itself and the `others` (k,) that did not come after the same
    event. The scores of others are lowered by `correction` (k,)."""
    import torch

    device = next(iter(values.values())).device
    there = batch.read.there()
    read = batch.read.products[there]
    rows, where = np.unique(np.concatenate([read, batch.next, others]), return_inverse=True)
    place = torch.from_numpy(where).to(device)
    own, sampled = place[len(read) : len(read) + len(batch.next)], place[len(read) + len(batch.next) :]
    seen = network.products(values, torch.from_numpy(rows).to(device), torch, noise)
    mask = torch.from_numpy(there).to(device)
    padded = torch.zeros(there.shape, dtype=torch.long, device=device)
    padded[mask] = place[: len(read)]
    past = torch.nn.functional.embedding(padded, seen.past)
    asked = network.read(values, past, torch.from_numpy(batch.read.loud).to(device), torch, noise)[mask]
    scores = asked @ seen.next[sampled].T - torch.from_numpy(correction).to(device)
    at = torch.from_numpy(batch.at).to(device)
    right = (asked[at] * seen.next[own]).sum(-1)
    column = np.minimum(np.searchsorted(others, batch.next), len(others) - 1)
    twice = np.flatnonzero(others[column] == batch.next)
    scores[at[twice], torch.from_numpy(column[twice]).to(device)] = -math.inf
    total = torch.logaddexp(right, torch.logsumexp(scores, 1)[at])
    strength = torch.from_numpy(batch.strength).to(device)
    return ((total - right) * strength).sum() / strength.sum()  # type: ignore[no-any-return]


def watch(network: Network, values: dict[str, Tensor], watched: Windows, among: Rows) -> float:
    """Mean of 1 / log2(1 + place) of the last event of each window among the products (k,): nDCG without a depth, which tells epochs
    apart by fewer held-out events than one that looks at the first twenty. NaN without windows."""
    import torch

    if not len(watched):
        return math.nan
    device = next(iter(values.values())).device
    gained = []
    with torch.inference_mode():
        seen = network.products(values, None, torch, Noise())
        candidates = seen.next[torch.from_numpy(among).to(device)]
        for start in range(0, len(watched), _WATCHED_AT_ONCE):
            rows = np.arange(start, min(start + _WATCHED_AT_ONCE, len(watched)))
            batch = watched.batch(rows)
            ends = watched.stops[rows] - watched.starts[rows] - 2
            past = seen.past[torch.from_numpy(batch.read.products).to(device)]
            read = network.read(values, past, torch.from_numpy(batch.read.loud).to(device), torch, Noise())
            asked = read[torch.arange(len(ends), device=device), torch.from_numpy(ends).to(device)]
            last = torch.from_numpy(watched.products[watched.stops[rows] - 1]).to(device)
            right = (asked * seen.next[last]).sum(-1, keepdim=True)
            better = (asked @ candidates.T > right).sum(1)
            gained.append(1 / torch.log2(2 + better.double()))
    return float(torch.cat(gained).mean())


def _steps(windows: Windows, plan: Plan, rng: np.random.Generator) -> Iterator[Batch]:
    """An epoch: all windows, or more than once where there are few."""
    steps = 0
    while steps < _LEAST_STEPS:
        for batch in windows.batches(plan.events, _AHEAD, rng):
            steps += 1
            yield batch


def _copied(values: dict[str, Array]) -> dict[str, NDArray[np.float32]]:
    return {name: value.detach().cpu().numpy().copy() for name, value in values.items()}
