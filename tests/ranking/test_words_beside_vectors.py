"""Evidence by words: beside vectors in the default combination, in the weighted sum, and in Borda's count."""

from __future__ import annotations

import numpy as np
import pytest

from mmsearch.errors import UsageError
from mmsearch.ranking import COMBINERS
from mmsearch.ranking.base import Combined, Evidence, Joint
from mmsearch.ranking.calibrated import STRAIGHT, WORDS

VECTORS = Evidence(0, 1.0, "text>text", np.array([0.4, 0.5, 0.3, np.nan]), 0.3, 0.1)
BM25 = Evidence(0, 1.0, "text>words", np.array([10.0, 0.0, 5.0, np.nan]), 1.0, 2.5, best=10.0)


def combine(spec: str, *evidence: Evidence) -> Combined:
    return COMBINERS.create(spec).combine(evidence, Joint())  # type: ignore[no-any-return]


def test_words_are_added_to_vectors_and_the_sum_keeps_its_spread() -> None:
    spread = np.sqrt(1 + (WORDS * 0.25) ** 2)
    plain = (np.array([1, 2, 0]) + WORDS * np.array([0.9, -0.1, 0.4])) / spread
    bent = np.where(plain > STRAIGHT, STRAIGHT + np.log1p(np.maximum(plain - STRAIGHT, 0)), plain)
    np.testing.assert_allclose(combine("calibrated", VECTORS, BM25).total, [*bent, np.nan])


def test_a_rare_match_is_bent_but_stays_first() -> None:
    rare = Evidence(0, 1.0, "text>words", np.array([0.0, 8.0, 4.0, 0.0]), 8e-6, 0.008, best=8.0)
    total = combine("calibrated", rare).total
    assert list(np.argsort(-total, kind="stable")[:2]) == [1, 2]
    assert STRAIGHT < total[1] < STRAIGHT + np.log1p(2000)


def test_a_photo_neither_thins_nor_thickens_what_words_say() -> None:
    """The same words and the same standing by vectors: whoever has a photo besides gets what the mix of vectors alone gives."""
    photos = Evidence(0, 1.0, "text>image", np.array([0.2, np.nan, np.nan, np.nan]), 0.1, 0.1, 0.5)
    words = Evidence(0, 1.0, "text>words", np.array([5.0, 5.0, 5.0, 5.0]), 1.0, 2.5, best=10.0)
    without = combine("calibrated", VECTORS, photos).total
    with_words = combine("calibrated", VECTORS, photos, words).total
    gained = with_words * np.sqrt(1 + (WORDS * 0.25) ** 2) - without
    np.testing.assert_allclose(gained[:3], WORDS * 0.4)


def test_what_says_nothing_in_the_script_of_a_query_stands_where_its_vectors_put_it() -> None:
    """The first two of twelve have no words in the query's script. By vectors the first is the best, the second in the middle."""
    rest = np.linspace(0.1, 0.8, 10)[::-1]
    vectors = Evidence(0, 1.0, "text>text", np.concatenate([[0.9, rest[4]], rest]), 0.5, 0.2)
    similarity = np.concatenate([[np.nan, np.nan], np.arange(9.0, -1.0, -1.0)])
    elsewhere = np.array([True, True, *([False] * 10)])
    words = Evidence(0, 1.0, "text>words", similarity, 4.0, 3.0, best=9.0, elsewhere=elsewhere)
    combined = combine("calibrated", vectors, words)
    total = combined.total
    assert total[0] == pytest.approx(total[2]), "no better than the best of the others"
    assert total[1] == pytest.approx(total[6])
    np.testing.assert_allclose(combined.contributions.sum(axis=0), total)
    matched = Evidence(0, 1.0, "text>words", np.concatenate([[9.0], similarity[1:]]), 4.0, 3.0, best=9.0, elsewhere=elsewhere)
    assert combine("calibrated", vectors, matched).total[0] >= total[0], "a code that it shares takes nothing away"


def test_few_products_with_words_say_nothing_of_the_others() -> None:
    vectors = Evidence(0, 1.0, "text>text", np.array([0.4, 0.9]), 0.5, 0.2)
    words = Evidence(0, 1.0, "text>words", np.array([np.nan, 9.0]), 4.5, 4.5, best=9.0, elsewhere=np.array([True, False]))
    assert combine("calibrated", vectors, words).total[0] == pytest.approx(-0.5)


def test_words_that_nothing_matches_change_nothing() -> None:
    none = Evidence(0, 1.0, "text>words", np.zeros(4), 0.0, 1.0, best=0.0)
    np.testing.assert_allclose(combine("calibrated", VECTORS, none).total[:3], combine("calibrated", VECTORS).total[:3])


def test_the_weighted_sum() -> None:
    total = combine("wsum", VECTORS, BM25).total
    np.testing.assert_allclose(total, [0.7 * 1 + 0.3 * 0.5, 0.3 * 1, 0.7 * 0.5, np.nan])
    total = combine("wsum(norm=zscore, words=.5)", VECTORS, BM25).total
    np.testing.assert_allclose(total[:3], 0.5 * np.array([1, 2, 0]) + 0.5 * np.array([3.6, -0.4, 1.6]))
    total = combine("wsum(norm=atan)", VECTORS).total
    np.testing.assert_allclose(total[:3], 2 / np.pi * np.arctan([0.4, 0.5, 0.3]))


def test_what_a_product_lacks_is_left_out_of_its_mean() -> None:
    photo = Evidence(1, 0.5, "image>image", np.array([0.9, np.nan, 0.1, 0.5]), 0.3, 0.1)
    half = Evidence(0, 0.5, "text>text", VECTORS.similarity, 0.3, 0.1)
    total = combine("wsum", half, photo).total
    np.testing.assert_allclose(total, [0.5 * 0.5 + 0.5 * 1, 1.0, 0.0, 0.5])


def test_borda() -> None:
    np.testing.assert_allclose(combine("borda", VECTORS).total, [0.5, 1, 0, np.nan])
    tied = Evidence(0, 1.0, "text>text", np.array([0.5, 0.5, 0.1]))
    np.testing.assert_allclose(combine("borda", tied).total, [0.75, 0.75, 0])
    np.testing.assert_allclose(combine("borda", VECTORS, BM25).total[:3], 0.2 * np.array([0.5, 1, 0]) + 0.8 * np.array([1, 0, 0.5]))


@pytest.mark.parametrize("spec", ["wsum(norm=max)", "wsum(words=2)"])
def test_wrong_parameters(spec: str) -> None:
    with pytest.raises(UsageError):
        COMBINERS.create(spec)
