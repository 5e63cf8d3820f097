"""Recommending by a network that foresees the next product: what SASRec and the two towers share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.fusion.mm_network import chosen_device
from mmsearch.recommend.base import BASE, History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.network import Network, Noise
from mmsearch.recommend.next_training import Plan, train
from mmsearch.recommend.sequences import Rows, Windows, hold_out, liked, read, windows

_HELD, _LEAST_HELD, _MOST_HELD = 0.1, 20, 2000  # share of the users whose newest event says when to stop; how many it takes, and is enough
DEVICES = ("auto", "cpu", "cuda")
_BATCH = 256  # products whose followers are looked for at once


class Sequential(Recommender):
    """score(i) = ln(1 + m·p_i), p_i being the probability that product i comes next and 1/m that of any of m products: ln 2 is chance.

    Events against products (values below 0) are read as a history of their own, whose scores, times the mean strength of these events, are
    taken away. Answering needs NumPy alone; learning needs PyTorch.

    The scores are no sum over the history's products, because each is read in the light of the others. The reasons are what the score
    loses without a product (all its events), and `BASE` is the rest: what only several of them say.
    """

    #: What a product is to one of the history, in the words of `why`.
    relation: ClassVar[str]
    #: Whether it can answer without having learned: where nobody took a second product, nothing came next.
    unlearned: ClassVar[bool] = False

    def __init__(self, plan: Plan, longest: int, device: str, seed: int):
        for name, number in (("longest", longest), ("epochs", plan.epochs), ("patience", plan.patience), ("negatives", plan.negatives)):
            if number < 1:
                raise ValueError(f"{name} must be at least 1, not {number}")
        if not 0 <= plan.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {plan.dropout}")
        if not 0 < plan.rate < np.inf:
            raise ValueError(f"rate must be above 0, not {plan.rate}")
        if device not in DEVICES:
            raise ValueError(f"device must be one of {', '.join(DEVICES)}, not {device}")
        self._plan, self._longest, self._device, self._seed = plan, longest, device, seed
        self._place: Rows = np.zeros(0, np.int64)  # (n,) the network's number of each product; −1 for one it does not know
        self._network: Network = self._reading()
        self._values: dict[str, NDArray[np.float64]] = {}
        self._past = self._next = np.zeros((0, 1))
        #: How learning went: the epoch that was kept, its score on events held out (None: there were none), and what ended it.
        self.learned: dict[str, Any] = {}

    @abstractmethod
    def _known(self, taken: NDArray[np.bool_], products: Products) -> NDArray[np.bool_]:
        """Which products (n,) the network is to know, given which were taken."""

    @abstractmethod
    def _make(self, kept: Rows, taken: NDArray[np.bool_], products: Products) -> Network:
        """A network over those products (m,), of which some were taken (m,)."""

    @abstractmethod
    def _reading(self) -> Network:
        """A network to read histories with: its products are not asked for."""

    def fit(self, interactions: Interactions, products: Products) -> None:
        """See `Recommender.fit`. Also raises UsageError where a GPU is asked for and there is none."""
        interactions.require_events()
        taken = np.zeros(len(products.product_ids), np.bool_)
        taken[interactions.products[interactions.values > 0]] = True
        kept = np.flatnonzero(self._known(taken, products))
        place = np.full(len(taken), -1, np.int64)
        place[kept] = np.arange(len(kept))
        network = self._make(kept, taken[kept], products)
        sequences = windows(interactions, place, self._longest)
        if len(sequences):
            values = self._learn(network, sequences, np.flatnonzero(taken[kept]))
        else:
            values = network.initial(np.random.default_rng(self._seed))
            self.learned = {"epoch": 0, "score": None, "ended": "nothing came next"}
            if not self.unlearned:
                place[:] = -1
        seen = network.products(values, None, np, Noise())
        self._place, self._network = place, network
        self._hold({name: values[name] for name in network.reader()}, seen.past, seen.next)

    def _learn(self, network: Network, sequences: Windows, among: Rows) -> dict[str, NDArray[np.float32]]:
        learning, watched = hold_out(sequences, _HELD, _LEAST_HELD, _MOST_HELD, np.random.default_rng(self._seed))
        found = train(network, learning, watched, among, self._plan, chosen_device(self._device), self._seed)
        if found.ended == "not finite" and not found.epoch:
            message = "the loss was no number before anything was learned"
            raise InputError(message, hint=f"learn more slowly: rate={self._plan.rate / 10:g}")
        score = found.score if np.isfinite(found.score) else None
        self.learned = {"epoch": found.epoch, "score": score, "ended": found.ended}
        return found.values

    def _hold(self, values: Mapping[str, NDArray[Any]], past: NDArray[Any], following: NDArray[Any]) -> None:
        # In float64, so that a history's scores do not depend on what else is asked with it.
        self._values = {name: value.astype(np.float64) for name, value in values.items()}
        self._past, self._next = past.astype(np.float64), following.astype(np.float64)

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        scores = np.zeros((len(histories), len(self._place)))
        known = np.flatnonzero(self._place >= 0)
        for sign in (1.0, -1.0):
            sides = [liked(history, self._place, self._longest, sign) for history in histories]
            some = np.flatnonzero([len(products) for products, _ in sides])
            if len(some):
                heard = [sides[row] for row in some.tolist()]
                weights = np.array([1.0 if sign > 0 else -float(strengths.mean()) for _, strengths in heard])
                scores[np.ix_(some, known)] += weights[:, None] * self._surprise(heard)
        return scores

    def _surprise(self, sequences: Sequence[tuple[Rows, NDArray[np.float64]]]) -> NDArray[np.float64]:
        """ln(1 + m·p) of the m products the network knows, after sequences (u) of events: (u, m)."""
        batch = read(sequences)
        heard = self._network.read(self._values, self._past[batch.products], batch.loud.astype(np.float64), np, Noise())
        asked = heard[np.arange(len(sequences)), [len(products) - 1 for products, _ in sequences]]
        scores = asked @ self._next.T
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores *= scores.shape[1] / scores.sum(axis=1, keepdims=True)
        found: NDArray[np.float64] = np.log1p(scores, out=scores)
        return found

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """What is likely after the product alone; nothing for one that the network does not know."""
        found = []
        for start in range(0, len(products), _BATCH):
            asked = np.asarray(products[start : start + _BATCH], dtype=np.int64)
            one = np.ones(1)
            scores = self.score([History(asked[i : i + 1], one, np.zeros(1)) for i in range(len(asked))])
            scores[np.arange(len(asked)), asked] = -np.inf
            found += [top(row, k) for row in scores]
        return found

    def why(self, history: History, product: int) -> list[Reason]:
        """What the score loses without each product of the history, and the rest. See the class."""
        taken = np.unique(history.products)
        without = [history.products != one for one in taken]
        scores = self.score([history, *(History(*(column[kept] for column in history)) for kept in without)])[:, product]
        lost = scores[0] - scores[1:]
        reasons = [Reason(int(one), float(part), self.relation) for one, part in zip(taken, lost, strict=True)]
        return sorted_reasons([*reasons, Reason(BASE, float(scores[0] - lost.sum()), "after all of them together")])

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays = {f"value.{name}": value for name, value in self._values.items()} | {"past": self._past, "next": self._next}
        small = {name: value.astype(np.float32) for name, value in arrays.items()}
        return small | {"place": self._place}, dict(self.learned)

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self._place, self.learned = np.asarray(arrays["place"], np.int64), dict(values)
        own = {name.removeprefix("value."): array for name, array in arrays.items() if name.startswith("value.")}
        self._hold(own, arrays["past"], arrays["next"])
