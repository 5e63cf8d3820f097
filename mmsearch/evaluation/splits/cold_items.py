"""Cold items: foresee who takes a product that nobody has taken yet."""

from __future__ import annotations

import numpy as np

from mmsearch.evaluation.splits.base import Split, Splitter, asked_with_history, check_part, check_share, drawn
from mmsearch.recommend.base import Interactions


class ColdItems(Splitter):
    """A share of the products, drawn at random, is unseen: no event with one of them is learned from.

    Each user's last event with such a product is held out. The history is what the user did before it, without the unseen products; who has
    none is not asked about. The unseen products are ranked among themselves: chance is k / their number.
    The validation part has other unseen products, and those of the test part are unseen in it, too.

    Parameters
    ----------
    share : of the products, for each part, above 0 and below .5.
    seed : of the draw.
    part : test or validation.
    """

    def __init__(self, share: float = 0.1, seed: int = 0, part: str = "test"):
        self.share, self.seed, self.part = check_share("share", share), seed, check_part(part)
        self.spec = f"cold-items(share={share:g}, seed={seed}, part={part})"

    def split(self, interactions: Interactions) -> Split:
        test, validation = drawn(len(interactions.product_ids), self.share, self.seed)
        asked, unseen = (test, test) if self.part == "test" else (validation, test | validation)
        position = np.arange(len(interactions))
        cold = asked[interactions.products]
        last = np.full(len(interactions.user_ids), -1)
        last[interactions.users[cold]] = position[cold]  # events are sorted: the last assignment is the last event
        warm = ~unseen[interactions.products]
        known = interactions.take(warm & (position < last[interactions.users]))
        users, products = asked_with_history(self.spec, interactions, last[interactions.users] == position, known)
        return Split(interactions.take(warm), users, products, known, asked)
