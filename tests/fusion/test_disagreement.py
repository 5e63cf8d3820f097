"""Photos and texts that do not go together, by how else they could be paired."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmsearch.fusion import disagreement
from mmsearch.fusion.base import Matrix, unit_rows
from mmsearch.fusion.disagreement import best_text, compare_pairs


def pairs(seed: int, n: int, noise: float = 0.4) -> tuple[Matrix, Matrix]:
    """Texts and photos (n, 12) that go together."""
    rng = np.random.default_rng(seed)
    texts = unit_rows(rng.normal(size=(n, 12)))
    return texts, unit_rows(texts + noise / 12**0.5 * rng.normal(size=(n, 12)))


def plainly(texts: Matrix, photos: Matrix, own: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What `compare_pairs` finds, one number after the other."""
    S = (photos @ texts.T).astype(np.float64)
    similarity, gap, better = [], [], []
    for photo, text in enumerate(own):
        mine = S[photo, text]
        of_photo = sorted(np.delete(S[photo], text))
        of_text = sorted(S[other, text] for other in range(len(photos)) if own[other] != text)
        similarity.append(mine)
        gap.append(1.25 * np.mean(of_text[-10:]) + 0.75 * np.mean(of_photo[-10:]) - 2 * mine)
        better.append(np.mean(np.array(of_photo) > mine))
    return np.array(similarity), np.array(gap), np.array(better)


@given(seed=st.integers(0, 1000), n=st.integers(2, 30), extra=st.integers(0, 10), block=st.integers(1, 50))
def test_it_is_what_the_definition_says_whatever_the_block(seed: int, n: int, extra: int, block: int) -> None:
    texts, photos = pairs(seed, n)
    own = np.concatenate([np.arange(n), np.random.default_rng(seed).integers(n, size=extra)])
    photos = photos[own]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disagreement, "_BLOCK", block)
        found = compare_pairs(texts, photos, own)
    for mine, expected in zip((found.similarity, found.gap), plainly(texts, photos, own), strict=False):
        np.testing.assert_allclose(mine, expected, atol=1e-5)
    # A photo that two texts fit equally (copies of one product) may be decided by rounding.
    assert np.abs(found.better - plainly(texts, photos, own)[2]).max() <= 1e-9 + (extra > 0)


def test_photos_that_were_swapped_come_first_and_bland_texts_do_not() -> None:
    first = {"gap": np.zeros(2), "similarity": np.zeros(2)}  # swapped and bland ones among the first 8, over all seeds
    swapped, bland = np.arange(8), np.arange(100, 108)
    for seed in range(10):
        texts, photos = pairs(seed, 400, noise=0.8)
        photos[swapped] = photos[np.roll(swapped, 1)]
        texts, photos = (np.hstack([X, np.zeros((400, 1), np.float32)]) for X in (texts, photos))
        texts[bland] *= 0.15  # it says next to nothing of what photos show …
        texts[bland, -1] = 1  # … and something that none shows
        found = compare_pairs(unit_rows(texts), photos, np.arange(400))
        for name, values in (("gap", -found.gap), ("similarity", found.similarity)):
            chosen = np.argsort(values)[:8]
            first[name] += np.isin(chosen, swapped).sum(), np.isin(chosen, bland).sum()
        assert found.better[swapped].mean() > 0.2 > found.better[200:].mean()
    assert first["gap"][0] > first["similarity"][0] + 5
    assert first["gap"][1] < first["similarity"][1] / 2


def test_the_text_that_fits_best() -> None:
    texts, photos = pairs(1, 60, noise=0.1)
    ids = [f"p{i}" for i in range(60)]
    blocks = [(ids[:25], texts[:25]), (ids[25:], texts[25:])]
    assert best_text(blocks, photos[:5], ["p59"] * 5) == ids[:5]
    assert "p0" not in best_text(blocks, photos[:1], ["p0"])
    assert best_text([(["only"], texts[:1])], photos[:1], ["only"]) == [None]
    assert best_text([], photos[:2], ["a", "b"]) == [None, None]
