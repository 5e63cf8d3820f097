"""Blends: the weighted sum of several recommenders' scores, on one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import History, Interactions, Products, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.interactions import histories
from mmsearch.recommend.nested import made, one_profile, packed, unpack

_SAMPLE = 1_000  # users whose highest scores give a model's scale


class Blend(Recommender):
    """R̂_ui = Σ_m w_m · R̂^m_ui / s_m, as in `blend(itemcf(directed=true)=.7, content(decay=.6)=.3)`: keys are specs of recommenders.

    s_m is the mean, over users that were learned from, of the highest score that the model gives one. It is one number a model, so that
    reasons add up and dislikes count as they do in the parts; and a model that has much to say of a user has more say there than one
    that has little. (Every user's own highest score was tried, and is worse: docs/decisions/0035.)

    A part that is not personal (`popular`) speaks only where there is a history; who has none gets what sells from `recommend` itself.

    Parameters
    ----------
    weights : spec → weight, above 0. Only their proportions count for the order.
    """

    def __init__(self, /, **weights: float):
        if not weights:
            raise ValueError("it needs recommenders with weights, as in 'blend(itemcf=.6, content=.4)'")
        for name, weight in weights.items():
            if not (math.isfinite(weight) and weight > 0):
                raise ValueError(f"the weight of {name} must be above 0, not {weight:g}")
        self._parts = [made(name) for name in weights]
        self._weights = np.array(list(weights.values()), dtype=np.float64)
        self._scales = np.ones(len(self._parts))
        self.personal = any(part.personal for part in self._parts)
        self.needs_vectors = any(part.needs_vectors for part in self._parts)
        self.profile = one_profile(self._parts)

    def fit(self, interactions: Interactions, products: Products) -> None:
        for part in self._parts:
            part.fit(interactions, products)
        self._scales = np.array([scale_of(part, interactions) for part in self._parts])

    def extended(self, products: Products, fitted: int) -> Blend:
        """See `Recommender.extended`: each part as it can."""
        self._parts = [part.extended(products, fitted) for part in self._parts]
        return self

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        said = np.array([len(history.products) > 0 for history in histories], dtype=bool)
        total: NDArray[np.float64] | None = None
        for part, factor in zip(self._parts, self._weights / self._scales, strict=True):
            scores = part.score(histories)
            scores *= factor
            if self.personal and not part.personal:
                scores[~said] = 0.0
            if total is None:
                total = scores
            else:
                total += scores
        assert total is not None  # there is one part at least
        return total

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """By the weighted sum of the parts' similarities, each divided by the highest that the product has."""
        found: list[dict[int, float]] = [{} for _ in products]
        for weight, part in zip(self._weights.tolist(), self._parts, strict=True):
            for sums, best in zip(found, part.similar(products, k), strict=True):
                for other, score in zip(best.products.tolist(), best.scores.tolist(), strict=True):
                    sums[other] = sums.get(other, 0.0) + weight * score / float(best.scores[0])
        return [_sorted(sums, k) for sums in found]

    def why(self, history: History, product: int) -> list[Reason]:
        reasons: dict[tuple[int, str], float] = {}
        for part, factor in zip(self._parts, (self._weights / self._scales).tolist(), strict=True):
            if len(history.products) or part.personal or not self.personal:
                for said in part.why(history, product):
                    key = said.product, said.relation
                    reasons[key] = reasons.get(key, 0.0) + factor * said.value
        return sorted_reasons(Reason(said_by, value, relation) for (said_by, relation), value in reasons.items())

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, values = packed(self._parts)
        return arrays | {"scales": self._scales}, values

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self._scales = np.asarray(arrays["scales"], dtype=np.float64)
        unpack(self._parts, arrays, values)


def scale_of(part: Recommender, interactions: Interactions) -> float:
    """The mean of the highest scores that a fitted model gives to users that it was fitted on; 1 where it gives none any."""
    known = [history for history in histories(interactions) if len(history.products)]
    sample = known[:: max(1, len(known) // _SAMPLE)][:_SAMPLE]
    highest = np.array([float(best.scores[0]) for best in part.recommend(sample, 1) if len(best.scores)])
    return float(highest.mean()) if len(highest) else 1.0


def _sorted(sums: Mapping[int, float], k: int) -> Recommended:
    return top(np.array(list(sums.values()), dtype=np.float64), k, np.array(list(sums), dtype=np.int64))
