"""Random: foresee events drawn from anywhere in the histories."""

from __future__ import annotations

from mmsearch.evaluation.splits.base import Split, Splitter, asked_with_history, check_part, check_share, drawn
from mmsearch.recommend.base import Interactions


class Random(Splitter):
    """A share of all events, drawn at random, is held out for the test, another one for validation.

    What is learned from then lies partly after what is asked for: figures are better than a shop will see, and order is worth less than
    it is (Meng et al., RecSys 2020). It is for comparing with papers that split so. Whoever has no event left is not asked about.

    Parameters
    ----------
    share : of the events, for each part, above 0 and below .5.
    seed : of the draw.
    part : test or validation.
    """

    def __init__(self, share: float = 0.1, seed: int = 0, part: str = "test"):
        self.share, self.seed, self.part = check_share("share", share), seed, check_part(part)
        self.spec = f"random(share={share:g}, seed={seed}, part={part})"

    def split(self, interactions: Interactions) -> Split:
        test, validation = drawn(len(interactions), self.share, self.seed)
        train = interactions.take(~test & ~validation if self.part == "validation" else ~test)
        users, products = asked_with_history(self.spec, interactions, test if self.part == "test" else validation, train)
        return Split(train, users, products)
