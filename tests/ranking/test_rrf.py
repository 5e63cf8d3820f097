"""Reciprocal rank fusion, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmsearch.errors import UsageError
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Evidence, Joint
from mmsearch.ranking.rrf import ReciprocalRank

NONE = Joint()


def test_shares_over_k_plus_rank() -> None:
    evidence = [
        Evidence(0, 0.75, "text>text", np.array([0.9, 0.5, 0.1])),
        Evidence(1, 0.25, "image>image", np.array([0.2, 0.8, np.nan])),
    ]
    combined = ReciprocalRank().combine(evidence, NONE)
    np.testing.assert_allclose(combined.contributions, [[0.75 / 61, 0.75 / 62, 0.75 / 63], [0.25 / 62, 0.25 / 61, 0]])
    np.testing.assert_allclose(combined.total, combined.contributions.sum(axis=0))


def test_equal_similarities_have_equal_ranks_and_the_next_one_counts_them() -> None:
    evidence = [Evidence(0, 1.0, "text>text", np.array([0.5, 0.9, 0.5, 0.1]))]
    np.testing.assert_allclose(ReciprocalRank(k=0).combine(evidence, NONE).total, [1 / 2, 1, 1 / 2, 1 / 4])


def test_a_part_that_lowers_subtracts_most_from_what_fits_it_best() -> None:
    evidence = [
        Evidence(0, 1.0, "text>text", np.array([0.9, 0.8, 0.7])),
        Evidence(1, -0.5, "text>text", np.array([0.1, 0.9, np.nan])),
    ]
    np.testing.assert_allclose(ReciprocalRank(k=10).combine(evidence, NONE).total, [1 / 11 - 0.5 / 12, 1 / 12 - 0.5 / 11, 1 / 13])


def test_only_ranks_count() -> None:
    similarity = np.array([0.9, 0.5, 0.1])
    stretched = Evidence(0, 1.0, "text>text", similarity**3, mean=5.0, std=0.1, reliability=0.2)
    plain = Evidence(0, 1.0, "text>text", similarity)
    np.testing.assert_array_equal(ReciprocalRank().combine([stretched], NONE).total, ReciprocalRank().combine([plain], NONE).total)


def test_k_is_a_parameter_of_the_spec() -> None:
    assert COMBINERS.create("rrf(k=5)").k == 5
    assert COMBINERS.create("rrf").k == 60
    with pytest.raises(UsageError, match="k must be 0 or more"):
        COMBINERS.create("rrf(k=-1)")


def test_weights_have_a_mean_of_one_in_their_part() -> None:
    one, other = Evidence(0, 1.0, "text>text", np.array([1.0, 0.5])), Evidence(0, 1.0, "text>image", np.array([0.5, 1.0]))
    plain = ReciprocalRank(k=1).combine([one, other], Joint()).total
    np.testing.assert_allclose(plain, [1 / 2 + 1 / 3] * 2)
    weighed = ReciprocalRank(k=1).combine([replace(one, weight=3.0), other], Joint()).total
    np.testing.assert_allclose(weighed, [1.5 / 2 + 0.5 / 3, 1.5 / 3 + 0.5 / 2])
