"""Leave-last-out: foresee what everybody did last."""

from __future__ import annotations

import numpy as np

from mmsearch.errors import InputError
from mmsearch.evaluation.splits.base import Split, Splitter, check_part
from mmsearch.recommend.base import Interactions


class LeaveLastOut(Splitter):
    """Each user's last event is held out for the test, the last but one for validation.

    Whoever has no event before the held-out one is not asked about. With part=validation the history is everything before the last
    but one: the test event is not seen at all, so that what is chosen on validation is still to be tested.

    Parameters
    ----------
    part : test or validation.
    """

    def __init__(self, part: str = "test"):
        self.part = check_part(part)
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
