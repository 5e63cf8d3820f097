"""Personal and contextual: what fits the taste of a shopper, and goes with what they took or look at."""

from __future__ import annotations

import numpy as np

from mmsearch.ranking.base import Scores
from mmsearch.ranking.boost import standardised
from mmsearch.ranking.order import best
from mmsearch.ranking.rerank import DEPTH, Candidates, Reranked, Reranker
from mmsearch.ranking.shopper import Taken

#: Chosen on validation purchases, `python -m bench.personal`: docs/decisions/0032.
WEIGHT, TASTE = 0.3, 0.4


class Fit(Reranker):
    """Adds weight · (taste · z of the taste + (1 − taste) · z of the history) to each score, z as of a boost: in standard deviations
    over the 100 best, from −3 to 3, and 0, as an average product has it, where a product has no vector or nobody has taken it yet.

    *Taste*: the cosine of a product's vector, by the default profile or else the first modality that has vectors, with the mean of those
    that were taken, the newest counting 1, the one before .6 and so on, times what the event says. *History*: how much the product goes
    with what was taken, by what others took soon after: as the `itemcf` says that `recommend train` kept, else `itemcf(directed=true)`.
    """

    def __init__(self, weight: float = WEIGHT, taste: float = TASTE, again: bool = False):
        if not np.isfinite(weight):
            raise ValueError(f"weight must be a number, not {weight:g}")
        if not 0 <= taste <= 1:
            raise ValueError(f"taste must be from 0 to 1, not {taste:g}")
        self.weight, self.taste, self.again = weight, taste, again

    def fitted(self, name: str, taken: Taken, scores: Scores, candidates: Candidates) -> Reranked:
        """The changes (n,) under two names."""
        if not taken.ids:
            return Reranked(notes=[taken.note])
        found = {"taste": candidates.taste(taken), "history": candidates.goes_with(taken)}
        if not self.again:
            for values in found.values():
                values[candidates.places(sorted(taken.owned))] = np.nan
        head = best(candidates.ids, scores, DEPTH)
        unit, changes = self.weight * candidates.unit, {}
        for (kind, values), share in zip(found.items(), (self.taste, 1 - self.taste), strict=True):
            changes[f"{name} {kind}"] = unit * share * standardised(values, values[head])
        if len(head) and all(np.isnan(values[~np.isnan(scores)]).all() for values in found.values()):
            why = "no product of the list has a vector to compare, or has been taken with others"
            return Reranked(changes, notes=[f"{name}: {why}: nothing changes (mmsearch embed, mmsearch ingest events.csv)"])
        return Reranked(changes, notes=candidates.unseen())


class Personal(Fit):
    """Raises what fits a shopper, by what they bought, rated, put into the cart and looked at: see `Fit`.

    A user without events, or that the store does not know, changes nothing, which is said.

    Parameters
    ----------
    user : as in the events; by default that of the query. weight : standard deviations of score. taste : from 0, the history alone, to 1.
    again : also raise what they have bought or rated already; else it keeps its score.

    Raises UsageError where the store has no events at all.
    """

    def __init__(self, user: str | None = None, weight: float = WEIGHT, taste: float = TASTE, again: bool = False):
        super().__init__(weight, taste, again)
        self.user = user

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        user = self.user or candidates.shopper.user
        if not user:  # a script's anonymous shopper may be ''
            return Reranked(notes=["personal: no user is named (--user): nothing is personal"])
        return self.fitted("personal", candidates.taken_by(user), scores, candidates)


class Session(Fit):
    """Raises what fits the products that someone looks at just now, whoever they are: see `Fit`.

    Parameters
    ----------
    ids : of products, the newest last; by default those of the query. weight, taste : as of `personal`.
    again : also raise these products themselves; else they keep their score.

    Raises UsageError for an id that the store does not have.
    """

    def __init__(self, ids: list[str] | None = None, weight: float = WEIGHT, taste: float = TASTE, again: bool = False):
        super().__init__(weight, taste, again)
        self.ids = tuple(ids or ())

    def rerank(self, scores: Scores, candidates: Candidates) -> Reranked:
        """See `Reranker.rerank`."""
        ids = self.ids or candidates.shopper.session
        candidates.check(ids)
        taken = Taken(ids, (1.0,) * len(ids), frozenset(ids), "session: no product is named (--session): nothing changes")
        return self.fitted("session", taken, scores, candidates)
