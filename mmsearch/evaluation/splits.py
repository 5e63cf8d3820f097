"""Which events a recommender learns from and which it is asked to foresee."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmsearch.errors import InputError
from mmsearch.recommend.base import Interactions
from mmsearch.spec import Registry

SPLITS = Registry("split", "mmsearch.splits")


@dataclass(frozen=True)
class Split:
    """Training events, and held-out (user, product) pairs; indices are those of `train.user_ids` and `train.product_ids`."""

    train: Interactions
    users: NDArray[np.int64]  # (t,) ascending
    products: NDArray[np.int64]  # (t,)


class Splitter(ABC):
    """Interactions → training events and held-out pairs. Parameters are arguments of `__init__`; `spec` is printed with every number."""

    spec: str

    @abstractmethod
    def split(self, interactions: Interactions) -> Split:
        """Raises InputError when nobody has events enough to hold one out."""


class LeaveLastOut(Splitter):
    """Each user's last event is held out for the test, the last but one for validation.

    Whoever has no event before the held-out one is not asked about. With part=validation the history is everything before the last
    but one: the test event is not seen at all, so that what is chosen on validation is still to be tested.

    Parameters
    ----------
    part : test or validation.
    """

    def __init__(self, part: str = "test"):
        if part not in ("test", "validation"):
            raise ValueError(f"part must be test or validation, not {part}")
        self.part = part
        self.spec = f"leave-last-out(part={part})"

    def split(self, interactions: Interactions) -> Split:
        users = interactions.users
        position = np.arange(len(users))
        before = position - np.searchsorted(users, users)  # events of the same user before and after each event
        after = np.searchsorted(users, users, side="right") - 1 - position
        back = 0 if self.part == "test" else 1
        held_out = (after == back) & (before >= 1)
        if not held_out.any():
            raise InputError(f"{self.spec}: no user has the {back + 2} events it takes to hold one out", hint="bring more interactions")
        is_test = (after == 0) & (before >= 1)
        train = interactions.take(~(held_out | is_test))
        return Split(train, users[held_out], interactions.products[held_out])
