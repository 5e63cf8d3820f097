"""Temporal: learn from what was before a moment, foresee what came after."""

from __future__ import annotations

import numpy as np

from mmsearch.errors import InputError
from mmsearch.evaluation.splits.base import Split, Splitter, asked_with_history, check_part, check_share
from mmsearch.recommend.base import Interactions


class Temporal(Splitter):
    """One moment for everybody: the events from it on are held out, those before it are learned from and make the histories.

    It is the split that is nearest to what a shop lives: nothing of the future is known, of nobody (Campos, Díez and Cantador, UMUAI 24,
    2014; Ji et al., TOIS 41, 2023). It takes times that mean the same for all users, not places in a sequence. The share `test` of all
    events is at or after the test moment; the validation part asks for the share `validation` before it, and learns from what is earlier
    still. Events of one time stay together. Whoever has no event before the moment is not asked about.

    Parameters
    ----------
    test, validation : shares of the events, above 0, together below 1.
    part : test or validation.
    """

    def __init__(self, test: float = 0.1, validation: float = 0.1, part: str = "test"):
        self.test, self.validation = check_share("test", test), check_share("validation", validation)
        self.part = check_part(part)
        self.spec = f"temporal(test={test:g}, validation={validation:g}, part={part})"

    def split(self, interactions: Interactions) -> Split:
        if not len(interactions):
            raise InputError(f"{self.spec}: there are no events", hint="bring interactions: mmsearch ingest events.csv")
        times = np.sort(interactions.times)
        moments = [times[int((1 - after) * len(times))] for after in (self.test + self.validation, self.test)]
        start, end = (moments[1], np.inf) if self.part == "test" else moments
        train = interactions.take(interactions.times < start)
        held_out = (interactions.times >= start) & (interactions.times < end)
        users, products = asked_with_history(self.spec, interactions, held_out, train)
        return Split(train, users, products)
