"""Intra-list diversity."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from mmsearch.errors import InputError
from mmsearch.measures.lists import ListMeasure, Lists


@dataclass(frozen=True)
class Diversity(ListMeasure):
    """How little the products of a list are alike: 1 − the mean cosine over its pairs, and of that the mean over lists with two or more.

    Smyth and McClave, "Similarity vs. diversity", ICCBR 2001; Ziegler et al., WWW 2005. Products without a vector are left out. It is as
    good as the vectors are.
    """

    name = "diversity"

    def compute(self, lists: Lists) -> float:
        if lists.vectors is None or not lists.vectors.any():
            raise InputError("diversity compares vectors, and no product has one", hint="make them: mmsearch embed")
        values = []
        for ranking in lists.top(self.k):
            X = lists.vectors[ranking].astype(np.float64)
            X = X[X.any(axis=1)]
            if (m := len(X)) > 1:  # Σ over pairs of ⟨x_i, x_j⟩ = (‖Σ x‖² − Σ ‖x‖²) / 2
                values.append(1 - (float(np.square(X.sum(axis=0)).sum()) - float(np.square(X).sum())) / (m * (m - 1)))
        return float(np.mean(values)) if values else nan
