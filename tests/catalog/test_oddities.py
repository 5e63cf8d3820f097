"""What is odd in user data is told; times in milliseconds are put right; values are clipped where it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_shop import IngestShop

from mmsearch.store import INTERACTIONS, REVIEWS


@pytest.fixture
def shop(tmp_path: Path) -> IngestShop:
    return IngestShop(tmp_path)


RATINGS = "user,product,text,rating,time\n" + "".join(f"u{n},p{n},fine,{n % 5 + 1},{1_600_000_000 + 1000 * n}\n" for n in range(200))


def test_a_rating_off_the_scale_is_told(shop: IngestShop) -> None:
    report = shop.bring(RATINGS + "v,p,fine,50,1600000000\n", "reviews.csv")
    (odd,) = report.outliers
    assert (odd["rule"], odd["affected"], odd["examples"]) == ("rating off the scale", 1, ["line 202"])
    assert max(shop.store.read(REVIEWS, ["rating"]).column(0).to_pylist()) == 50.0
    assert shop.bring(RATINGS, "other.csv").outliers == []


def test_and_clipped_if_asked(shop: IngestShop) -> None:
    report = shop.bring(RATINGS + "v,p,fine,50,1600000000\n", "reviews.csv", outliers="clip")
    assert report.cleaned["value clipped"] == 1
    assert max(shop.store.read(REVIEWS, ["rating"]).column(0).to_pylist()) == 5.0


def test_milliseconds(shop: IngestShop) -> None:
    report = shop.bring("user,product,time\nu,p,1600000000000\nu,q,1600000100\n", "events.csv")
    assert sorted(shop.store.read(INTERACTIONS, ["time"]).column(0).to_pylist()) == [1_600_000_000.0, 1_600_000_100.0]
    assert report.cleaned["time in milliseconds"] == 1
    assert [odd["rule"] for odd in report.outliers] == ["time in milliseconds"]
