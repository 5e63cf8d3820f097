"""The order of a ranking, and what fits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mmsearch.ranking.order import best, fitting


def test_ties_fall_by_id_however_few_are_wanted() -> None:
    ids, scores = pa.array(list("edcba")), np.array([1.0, 2.0, 1.0, np.nan, 1.0])
    for k, places in ((1, [1]), (2, [1, 4]), (3, [1, 4, 2]), (9, [1, 4, 2, 0])):
        assert best(ids, scores, k).tolist() == places
    assert best(ids, np.full(5, np.nan), 3).tolist() == []


def test_what_rounding_tells_apart_is_a_tie() -> None:
    ids = pa.array([f"p{n:03}" for n in reversed(range(1_000))])
    scores = np.full(1_000, 0.3)
    scores[::7] = 0.1 + 0.2
    assert scores.max() > scores.min()
    assert best(ids, scores, 5).tolist() == [999, 998, 997, 996, 995]
    assert best(ids, scores[:100], 3).tolist() == [99, 98, 97]


def test_half_of_the_best_score_fits() -> None:
    assert fitting(np.array([4.0, 2.0, 1.9, np.nan])).tolist() == [True, True, False, False]
    assert fitting(np.array([-1.0, -5.0, np.nan])).tolist() == [True, True, False], "where nothing is above 0, all do"
