"""Cold users: foresee what people take of whom nothing was learned."""

from __future__ import annotations

import numpy as np

from mmsearch.errors import InputError
from mmsearch.evaluation.splits.base import Split, Splitter, check_part, check_share, drawn
from mmsearch.recommend.base import Interactions


class ColdUsers(Splitter):
    """A share of the users, drawn at random, is unseen: no event of theirs is learned from.

    Their last events are held out, the ones before are their history. With known=0 nothing is known of them but who they are.
    The validation part has other unseen users, and those of the test part are unseen in it, too.

    Parameters
    ----------
    share : of the users, for each part, above 0 and below .5.
    last : how many of a user's newest events are held out. Who has no more than these is not asked about, whatever `known` is.
    known : how many of the events before these are known, the newest ones; all of them if not given.
    seed : of the draw.
    part : test or validation.
    """

    def __init__(self, share: float = 0.1, last: int = 1, known: int | None = None, seed: int = 0, part: str = "test"):
        if last < 1:
            raise ValueError(f"last must be at least 1, not {last}")
        if known is not None and known < 0:
            raise ValueError(f"known must be 0 or more, not {known}")
        self.share, self.last, self.known = check_share("share", share), last, known
        self.seed, self.part = seed, check_part(part)
        some = "" if known is None else f"known={known}, "
        self.spec = f"cold-users(share={share:g}, last={last}, {some}seed={seed}, part={part})"

    def split(self, interactions: Interactions) -> Split:
        test, validation = drawn(len(interactions.user_ids), self.share, self.seed)
        asked, unseen = (test, test) if self.part == "test" else (validation, test | validation)
        users = interactions.users
        position = np.arange(len(users))
        sizes = np.bincount(users, minlength=len(interactions.user_ids))
        after = np.searchsorted(users, users, side="right") - 1 - position
        mine = asked[users] & (sizes[users] > self.last)
        held_out = mine & (after < self.last)
        if not held_out.any():
            hint = "bring more interactions, or hold out fewer"
            raise InputError(f"{self.spec}: none of the drawn users has more than {self.last} events", hint=hint)
        known = mine & ~held_out
        if self.known is not None:
            known &= after < self.last + self.known
        pairs = np.unique(np.stack([users[held_out], interactions.products[held_out]]), axis=1)
        return Split(interactions.take(~unseen[users]), pairs[0], pairs[1], interactions.take(known))
