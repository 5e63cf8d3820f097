"""Recommenders that know a product by factors, R̂_ui = b_i + ⟨x_u, y_i⟩, where x_u is worked out from the history (fold-in)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmsearch.recommend.base import BASE, History, Reason, Recommended, Recommender, sorted_reasons, top
from mmsearch.recommend.interactions import weights_of

_SPARE = 16  # products beyond k that are looked at in 64 bits, against the rounding of 32
_RUN = 32  # products of which the highest score is kept: the best are in few runs, so that most products need not be sorted
_LEAST = float(np.finfo(np.float32).min)  # above what is excluded
_BATCH = 256  # products whose similarities to all others are held at once


class FactorItems(Recommender):
    """Y (n, f) and b (n,) are learned and stored in 32 bits; what is answered is computed in 64, so that reasons add up to scores."""

    _Y: NDArray[np.float64]  # (n, f)
    _b: NDArray[np.float64]  # (n,)

    @abstractmethod
    def _parts(self, history: History) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The different products of the history (h,), and what each adds to the user's factors (h, f)."""

    @abstractmethod
    def _users(self, histories: Sequence[History]) -> NDArray[np.float64]:
        """x_u of each history (u, f), zeros for an empty one."""

    def _hold(self, Y: NDArray[np.float32], b: NDArray[np.float32]) -> None:
        """Once `Y` and `b` are learned or loaded."""
        self._Y, self._b, self._small = Y.astype(np.float64), b.astype(np.float64), np.ascontiguousarray(Y, np.float32)
        self._rough = np.vstack((self._small.T, self._b.astype(np.float32)))  # (f + 1, n)
        lengths = np.linalg.norm(self._Y, axis=1, keepdims=True)
        self._unit = self._Y / np.where(lengths > 0, lengths, 1.0)

    def score(self, histories: Sequence[History]) -> NDArray[np.float64]:
        scores = self._users(histories) @ self._Y.T
        scores += _known(histories)[:, None] * self._b
        return np.asarray(scores, dtype=np.float64)

    def _best(self, histories: Sequence[History], k: int, exclude: Sequence[Collection[int]] | None) -> list[Recommended]:
        """Chooses in 32 bits a few more than k, and ranks these in 64."""
        n, wanted = len(self._Y), k + _SPARE
        runs = -(-n // _RUN)
        if wanted > runs:
            return super()._best(histories, k, exclude)
        X, known = self._users(histories), _known(histories)
        rough = np.full((len(histories), runs * _RUN), -np.inf, np.float32)
        np.matmul(np.column_stack((X, known)).astype(np.float32), self._rough, out=rough[:, :n])
        if exclude is not None:
            for scores, out in zip(rough, exclude, strict=True):
                scores[np.fromiter(out, np.int64, len(out))] = -np.inf
        cuts = np.partition(rough.reshape(len(rough), _RUN, runs).max(axis=1), runs - wanted, axis=1)[:, runs - wanted]
        found = []
        for row, scores in enumerate(rough):
            near = np.flatnonzero(scores >= max(cuts[row], _LEAST))
            found.append(top(self._Y[near] @ X[row] + known[row] * self._b[near], k, near))
        return found

    def similar(self, products: Sequence[int], k: int) -> list[Recommended]:
        """By the cosine of the factors."""
        found = []
        for start in range(0, len(products), _BATCH):
            asked = np.asarray(products[start : start + _BATCH], dtype=np.int64)
            scores = self._unit[asked] @ self._unit.T
            scores[np.arange(len(asked)), asked] = -np.inf
            found += [top(row, k) for row in scores]
        return found

    def why(self, history: History, product: int) -> list[Reason]:
        if not len(history.products):
            return []
        products, parts = self._parts(history)
        said = [Reason(int(j), float(value), "taken by people alike") for j, value in zip(products, parts @ self._Y[product], strict=True)]
        return sorted_reasons([*said, Reason(BASE, float(self._b[product]), "is popular")])

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"factors": self._small, "base": self._b.astype(np.float32)}, {}

    def load_state(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        self._hold(arrays["factors"], arrays["base"])


def _known(histories: Sequence[History]) -> NDArray[np.float64]:
    """1 for a history that says something, 0 for an empty one (u,): without evidence there is no base either."""
    return np.array([float(len(history.products) > 0) for history in histories])


def added_up(history: History, decay: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The different products of a history, ascending (h,), and the sum of their events' value · decay^age (h,)."""
    taken, where = np.unique(history.products, return_inverse=True)
    return taken, np.bincount(where, weights_of(history, decay), minlength=len(taken)).astype(np.float64)
