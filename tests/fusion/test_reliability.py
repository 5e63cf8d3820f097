"""How far cross-modal evidence can be trusted, and that little is said where little was seen."""

from __future__ import annotations

import numpy as np
import pytest
from fake_fuser import FakeFuser
from hypothesis import given
from hypothesis import strategies as st
from test_calibration import fitted, shop_of

from mmsearch.fusion.base import Batch
from mmsearch.fusion.reliability import Agreement, agreements, held_out_agreements, reliabilities


def reliability_of(batch: Batch, fuser: FakeFuser) -> dict[str, float]:
    return reliabilities(agreements(batch, fuser))


def test_reliability_falls_with_noise_and_stays_within_bounds() -> None:
    found = []
    for noise in (0.0, 1.0, 3.0):
        fuser = fitted(shop_of(400, noise=noise, seed=1))
        known = reliability_of(shop_of(200, noise=noise, seed=2), fuser)
        assert set(known) == {"text>image", "image>text"}
        assert all(0.05 <= r <= 0.95 for r in known.values())
        found.append(known["text>image"])
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[2] < 0.4


def test_reliability_of_a_map_that_misleads_is_shrunk_and_not_zero() -> None:
    batch = shop_of(100, noise=0.1)
    fuser = fitted(batch)
    fuser._maps["image"] = -fuser._maps["image"]
    assert set(reliability_of(batch, fuser).values()) == {0.05}


def test_reliability_where_no_product_has_every_modality() -> None:
    """Half of the products have a photo, the others a sound: each goes with the texts, and of photo with sound nothing is known."""
    batch = shop_of(200, noise=0.1)
    photo = np.arange(200) % 2 == 0
    vectors = {
        "text": batch.vectors["text"],
        "image": batch.vectors["image"] * photo[:, None],
        "audio": batch.vectors["image"] * ~photo[:, None],
    }
    known = Batch(vectors, {"text": np.ones(200, bool), "image": photo, "audio": ~photo})
    found = reliability_of(known, fitted(known))
    assert set(found) == {"text>image", "image>text", "text>audio", "audio>text"}
    assert min(found.values()) > 0.5


@given(st.floats(-1, 1), st.integers(1, 2_000))
def test_the_fewer_products_the_nearer_to_the_least(correlation: float, products: int) -> None:
    few, more = (Agreement(correlation, n).reliability() for n in (products, 2 * products))
    assert 0.05 <= few <= more <= 0.95
    assert few <= max(0.05, correlation), "never more than was seen"
    assert Agreement(correlation, 10**9).reliability() == pytest.approx(min(0.95, max(0.05, correlation)), abs=1e-6)


def test_a_correlation_that_is_no_number_says_nothing() -> None:
    assert Agreement(float("nan"), 1_000).reliability() == 0.05


def without_most_photos(n: int, photos: int) -> Batch:
    batch = shop_of(n, noise=0.1)
    there = np.arange(n) < photos
    return Batch(
        {"text": batch.vectors["text"], "image": batch.vectors["image"] * there[:, None]}, {"text": np.ones(n, bool), "image": there}
    )


def test_the_side_of_which_there_are_fewer_products_counts() -> None:
    """Forty titles that meet seven photos are seven products that have both."""
    found = agreements(without_most_photos(40, 7), fitted(shop_of(200, noise=0.1)))
    assert {kind: one.products for kind, one in found.items()} == {"text>image": 7, "image>text": 7}
    assert reliabilities(found) == {}, "fewer than eight: nothing is known"
    assert agreements(without_most_photos(40, 2), fitted(shop_of(200, noise=0.1))) == {}


def test_folds_are_measured_together() -> None:
    """Of 24 photos a fold of five has four or five, too few alone; all of them say something, and less than 200 do."""
    few, many = (
        held_out_agreements("fake-fuser", fitted(batch), batch, {}, 0) for batch in (shop_of(24, noise=0.1), shop_of(200, noise=0.1))
    )
    assert few["text>image"].products == 24 and many["text>image"].products == 200
    assert few["text>image"].reliability() < many["text>image"].reliability()
    assert few["text>image"].correlation == pytest.approx(many["text>image"].correlation, abs=0.1)
