"""The contract of a split, and what the splits are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.recommend.base import Interactions
from mmsearch.spec import Registry

SPLITS = Registry("split", "mmsearch.splits")

PARTS = ("test", "validation")


@dataclass(frozen=True)
class Split:
    """Training events, and held-out (user, product) pairs; indices are those of `train.user_ids` and `train.product_ids`."""

    train: Interactions
    users: NDArray[np.int64]  # (t,) ascending
    products: NDArray[np.int64]  # (t,)
    #: What is known of the users who are asked about, where it is not what is learned from.
    known: Interactions | None = None
    #: (n,) the products that are ranked; None: all.
    candidates: NDArray[np.bool_] | None = None

    @property
    def histories(self) -> Interactions:
        """The events that histories are made of."""
        return self.train if self.known is None else self.known


class Splitter(ABC):
    """Interactions → training events and held-out pairs. Parameters are arguments of `__init__`; `spec`, with all of them, is printed
    with every number.

    What the validation part asks for is never asked for by the test part, and the validation part learns from nothing that the test
    part asks for: what is chosen on validation is still to be tested.
    """

    spec: str

    @abstractmethod
    def split(self, interactions: Interactions) -> Split:
        """Raises InputError when nobody has events enough to hold one out."""


def check_part(part: str) -> str:
    """Raises ValueError for anything but test and validation."""
    if part not in PARTS:
        raise ValueError(f"part must be test or validation, not {part}")
    return part


def check_share(name: str, share: float) -> float:
    """Raises ValueError for a share that leaves nothing to learn from once test and validation have theirs."""
    if not 0 < share < 0.5:
        raise ValueError(f"{name} must be above 0 and below .5 (test and validation take as much each), not {share:g}")
    return share


def drawn(count: int, share: float, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(test, validation), each (count,): share · count of them at random for each, at least one, none for both."""
    order = np.random.default_rng(seed).permutation(count)
    size = max(1, round(share * count))
    test, validation = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    test[order[:size]] = True
    validation[order[size : 2 * size]] = True
    return test, validation


def asked_with_history(
    spec: str, interactions: Interactions, held_out: NDArray[np.bool_], histories: Interactions
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The held-out pairs, each once, of users with a history. Raises InputError for none."""
    has = np.zeros(len(interactions.user_ids), np.bool_)
    has[histories.users] = True
    held_out = held_out & has[interactions.users]
    if not held_out.any():
        raise InputError(f"{spec}: nobody with events that are known has one that is held out", hint="bring more interactions")
    pairs = np.unique(np.stack([interactions.users[held_out], interactions.products[held_out]]), axis=1)
    return pairs[0], pairs[1]
