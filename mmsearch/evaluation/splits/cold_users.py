"""Cold users: foresee what people take of whom nothing was learned."""

from __future__ import annotations

import numpy as np

from mmsearch.errors import InputError
from mmsearch.evaluation.splits.base import Split, Splitter, check_part, check_share, drawn
from mmsearch.recommend.base import Interactions


class ColdUsers(Splitter):
    """A share of the users, drawn at random, is unseen: no event of theirs is learned from.

    Their last events are held out, the ones before are their history. With `known` it is the other way round, from the first click on: the
    first events are known, none with known=0, and the next `last` ones are held out.
    The validation part has other unseen users, and those of the test part are unseen in it, too.

    Parameters
    ----------
    share : of the users, for each part, above 0 and below .5.
    last : how many events of each user are held out. Who has fewer than are known (one at least, if `known` is not given) and held out is
        not asked about.
    known : how many of the first events are known; all but the last ones if not given.
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
        sizes = np.bincount(users, minlength=len(interactions.user_ids))[users]
        before = np.arange(len(users)) - np.searchsorted(users, users)  # events of the same user before each
        first = sizes - self.last if self.known is None else np.full(len(users), self.known)  # the first one that is held out
        mine = asked[users] & (sizes >= first + self.last) & ((first > 0) | (self.known is not None))
        held_out = mine & (before >= first) & (before < first + self.last)
        if not held_out.any():
            hint = "bring more interactions, or hold out fewer"
            fewest = self.last + (1 if self.known is None else self.known)
            raise InputError(f"{self.spec}: none of the drawn users has {fewest} events", hint=hint)
        known = mine & (before < first)
        pairs = np.unique(np.stack([users[held_out], interactions.products[held_out]]), axis=1)
        return Split(interactions.take(~unseen[users]), pairs[0], pairs[1], interactions.take(known))
