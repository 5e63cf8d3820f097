"""Training of `mm-model`: Adam on binary cross-entropy, with sampled negatives, modality dropout and early stopping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.fusion.mm_network import USER, Brought, Network

if TYPE_CHECKING:
    from torch import Tensor

Rows = NDArray[np.int64]

RATE = 0.002  # Adam's learning rate, if nothing else is asked for

_CHUNK = 256  # products or users whose branches are computed at once
_PAIRS = 16_384  # pairs that are answered at once
_LARGEST_GRADIENT = 1.0
_LARGEST_RATE = 1e30  # a step of it makes no numbers either; PyTorch fails on one that single precision cannot hold
_STEPS, _SMALLEST_STEP = 20, 16  # of few examples an epoch has this many steps, as long as a step has that many


@dataclass(frozen=True)
class Plan:
    """How it is trained."""

    rate: float
    epochs: int  # at most
    patience: int  # epochs without a better validation loss before it ends
    samples: int  # examples an epoch
    batch: int  # examples a step at most
    negatives: int  # sampled for each example that was taken
    pool: int  # products that a step's negatives are drawn from
    forget: float  # share of the times that a branch is left out
    forget_words: float


@dataclass(frozen=True)
class Inputs:
    """What the network sees of n products: branch → what it takes of each, None where a product has no such."""

    of: Mapping[str, Sequence[NDArray[Any] | None]]

    def present(self, name: str, rows: Rows) -> NDArray[np.bool_]:
        known = self.of[name]
        return np.array([known[row] is not None for row in rows.tolist()], bool)


@dataclass(frozen=True)
class Pairs:
    """k pairs of a context (what is known of a user at that example; its words may be none) and a product, and what is true of them."""

    context: Rows  # (k,)
    product: Rows  # (k,)
    yes: NDArray[np.bool_]  # (k,)

    def __len__(self) -> int:
        return len(self.context)

    def take(self, rows: Rows) -> Pairs:
        return Pairs(self.context[rows], self.product[rows], self.yes[rows])


def joined(one: Pairs, other: Pairs) -> Pairs:
    """The pairs of both."""
    context, product = np.concatenate([one.context, other.context]), np.concatenate([one.product, other.product])
    return Pairs(context, product, np.concatenate([one.yes, other.yes]))


@dataclass(frozen=True)
class Sampler:
    """Draws products that a user did not take."""

    products: Rows  # (m,) that may be drawn
    shares: NDArray[np.float64]  # (m,) how often
    user: Rows  # (contexts,) whose context it is
    known: Rows  # sorted user · n + product of all that was taken, held-out pairs too
    n: int

    def draw(self, context: Rows, number: int, pool: int, rng: np.random.Generator) -> Pairs:
        """`number` products for each context (c,), from `pool` that are drawn for all of them; those that the user took are left out."""
        drawn = rng.choice(self.products, size=pool, p=self.shares)
        product = drawn[rng.integers(0, pool, size=len(context) * number)]
        contexts = np.repeat(context, number)
        key = self.user[contexts] * self.n + product
        at = np.minimum(np.searchsorted(self.known, key), len(self.known) - 1)
        new = np.flatnonzero(self.known[at] != key)
        return Pairs(contexts[new], product[new], np.zeros(len(new), bool))


@dataclass(frozen=True)
class Learned:
    """How training went: epochs, the validation loss of the weights that are kept, and what ended it early, if anything went wrong."""

    epochs: int
    loss: float
    trouble: str = ""


def train(
    network: Network,
    inputs: Inputs,
    contexts: Sequence[Rows],
    known: Pairs,
    validation: Pairs,
    sampler: Sampler | None,
    plan: Plan,
    rng: np.random.Generator,
) -> Learned:
    """Learn from `known` (with negatives of `sampler`, where there is one), keeping the weights that do best on `validation`.

    A loss that is no number ends it, and the last good weights are kept.

    Raises
    ------
    InputError : it was no number before anything was learned; or nothing was learned that holds for `validation`.
    """
    import torch

    optimizer = torch.optim.Adam(network.parts.parameters(), lr=min(plan.rate, _LARGEST_RATE))
    best, best_loss, best_epoch = network.arrays(), _loss_of(network, inputs, contexts, validation), 0
    trouble, epoch = "", 0
    for epoch in range(1, plan.epochs + 1):
        network.parts.train()
        good = True
        for pairs in _steps(known, sampler, plan, rng):
            optimizer.zero_grad()
            loss = _loss(_answers(network, inputs, contexts, pairs, plan, rng), pairs)
            good = bool(torch.isfinite(loss))
            if not good:
                break
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parts.parameters(), _LARGEST_GRADIENT)
            optimizer.step()
        network.parts.eval()
        value = _loss_of(network, inputs, contexts, validation) if good else float("nan")
        if not np.isfinite(value):
            trouble = f"the loss was no number in epoch {epoch}: the weights of epoch {best_epoch} are kept"
            break
        if value < best_loss:
            best, best_loss, best_epoch = network.arrays(), value, epoch
        elif epoch - best_epoch >= plan.patience:
            break
    network.load(best)
    network.parts.eval()
    slower = f"learn more slowly: mm-model(rate={min(plan.rate / 10, RATE):g})"
    if trouble and not best_epoch:
        raise InputError("mm-model: the loss was no number before anything was learned", hint=slower)
    if not best_epoch:
        message = f"mm-model learned nothing: in {epoch} epochs its answers to other examples became no better than at random"
        more = "bring more interactions or labels, or take a method that needs none: mmsearch fuse"
        raise InputError(message, hint=f"{slower}; or {more}" if plan.rate > RATE else more)
    return Learned(epoch, best_loss, trouble)


def probabilities(network: Network, inputs: Inputs, contexts: Sequence[Rows], pairs: Pairs) -> NDArray[np.float64]:
    """How likely each pair (k,) is a yes."""
    import torch

    if not len(pairs):
        return np.empty(0)
    with torch.inference_mode():
        products, where = np.unique(pairs.product, return_inverse=True)
        of_product = _together([_of_products(network, inputs, products[at]) for at in _chunks(len(products))])
        of_user, whose = None, where
        if USER in network.shape.branches:
            users, whose = np.unique(pairs.context, return_inverse=True)
            of_user = _together([_of_users(network, [contexts[i] for i in users[at].tolist()]) for at in _chunks(len(users))])
        answers = [
            _logits(network, of_product, where[at], of_user, whose[at]).sigmoid().double().cpu() for at in _chunks(len(pairs), _PAIRS)
        ]
    return np.asarray(torch.cat(answers).numpy(), np.float64)


def penultimate(network: Network, inputs: Inputs, rows: Rows, layer: str = "dense") -> NDArray[np.float32]:
    """What is seen of products (m) without any user; nothing is known of a product that has nothing.

    Parameters
    ----------
    layer : 'dense', the penultimate layer (m, dim); or 'branches', the mean output of the branches (m, width), which meets the user's.
    """
    import torch

    found = [np.empty((0, network.shape.size(layer)), np.float32)]
    with torch.inference_mode():
        for at in _chunks(len(rows)):
            brought = _of_products(network, inputs, rows[at])
            found.append((brought.output if layer == "branches" else network.hidden(brought)).cpu().numpy())
    return np.concatenate(found)


def _steps(known: Pairs, sampler: Sampler | None, plan: Plan, rng: np.random.Generator) -> Iterator[Pairs]:
    order = rng.permutation(len(known))[: plan.samples]
    size = min(plan.batch, max(_SMALLEST_STEP, len(order) // _STEPS))
    for start in range(0, len(order), size):
        step = known.take(order[start : start + size])
        if sampler is not None:
            step = joined(step, sampler.draw(step.context, plan.negatives, plan.pool, rng))
        yield step


def _answers(network: Network, inputs: Inputs, contexts: Sequence[Rows], pairs: Pairs, plan: Plan, rng: np.random.Generator) -> Tensor:
    """Logits (k,) in training: of every product a branch is left out at times, but never all; and of every user."""

    products, where = np.unique(pairs.product, return_inverse=True)
    left_out = {name: rng.random(len(products)) < plan.forget for name in inputs.of}
    of_product = _of_products(network, inputs, products, left_out, plan.forget_words)
    of_user, whose = None, where
    if USER in network.shape.branches:
        users, whose = np.unique(pairs.context, return_inverse=True)
        forgotten = rng.random(len(users)) < plan.forget
        words = [contexts[i][: 0 if gone else None] for i, gone in zip(users.tolist(), forgotten.tolist(), strict=True)]
        of_user = _of_users(network, words, plan.forget_words)
    return _logits(network, of_product, where, of_user, whose)


def _logits(network: Network, products: Brought, where: Rows, users: Brought | None, whose: Rows) -> Tensor:
    """Of pairs (k,): `where` is each one's product, `whose` its user."""
    import torch

    of_product = products.take(torch.from_numpy(where).to(network.device))
    of_user = None if users is None else users.take(torch.from_numpy(whose).to(network.device))
    return network.logit(network.hidden(of_product, of_user))


def _together(several: Sequence[Brought]) -> Brought:
    import torch

    return Brought(torch.cat([one.dense for one in several]), torch.cat([one.output for one in several]))


def _of_products(
    network: Network, inputs: Inputs, rows: Rows, left_out: Mapping[str, NDArray[np.bool_]] | None = None, forget_words: float = 0.0
) -> Brought:
    """What products (m,) bring to the dense layer."""
    import torch

    there = {name: inputs.present(name, rows) for name in inputs.of}
    if left_out:
        kept = {name: there[name] & ~left_out[name] for name in there}
        nothing = ~np.logical_or.reduce(list(kept.values()))
        there = {name: np.where(nothing, there[name], kept[name]) for name in there}
    outputs, present = {}, {}
    for name, here in there.items():
        out = torch.zeros(len(rows), network.shape.width, device=network.device)
        if here.any():
            seen: list[NDArray[Any]] = [one for row in rows[here].tolist() if (one := inputs.of[name][row]) is not None]
            out = out.index_copy(0, torch.from_numpy(np.flatnonzero(here)).to(network.device), network.branch(name, seen, forget_words))
        outputs[name], present[name] = out, torch.from_numpy(here.astype(np.float32)).to(network.device)
    return network.product(outputs, present)


def _of_users(network: Network, words: Sequence[Rows], forget_words: float = 0.0) -> Brought:
    """What users by their words (m) bring to the dense layer: zero for those of whom nothing is known."""
    import torch

    here = np.flatnonzero([len(one) > 0 for one in words])
    out = torch.zeros(len(words), network.shape.width, device=network.device)
    if len(here):
        found = network.branch(USER, [words[i] for i in here.tolist()], forget_words)
        out = out.index_copy(0, torch.from_numpy(here).to(network.device), found)
    return network.user(out)


def _loss(logits: Tensor, pairs: Pairs) -> Tensor:
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(pairs.yes.astype(np.float32)).to(logits.device))


def _loss_of(network: Network, inputs: Inputs, contexts: Sequence[Rows], pairs: Pairs) -> float:
    likely = np.clip(probabilities(network, inputs, contexts, pairs), 1e-7, 1 - 1e-7)
    return float(-np.log(np.where(pairs.yes, likely, 1 - likely)).mean())


def _chunks(n: int, size: int = _CHUNK) -> Iterator[slice]:
    for start in range(0, n, size):
        yield slice(start, start + size)
