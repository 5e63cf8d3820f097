"""A method that keeps products out of its own fit is not fitted again to measure cross-modal evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import small_shop
from fake_fuser import FakeFuser
from numpy.typing import NDArray

from mmsearch.encoders.base import Encoder
from mmsearch.fusion import FUSERS, profile
from mmsearch.fusion.base import Batch, FitReport
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.reliability import agreements, reliabilities


class Keeping(FakeFuser):
    """Learns from all but every third product that has both."""

    fits: ClassVar[int] = 0
    rows: ClassVar[int | None] = None  # so many of them; None: all

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        type(self).fits += 1
        both = np.flatnonzero(batch.present["text"] & batch.present["image"])
        self.kept = both[::3][: self.rows]
        return super().fit(batch.take(np.setdiff1d(np.arange(len(batch)), self.kept)), encoders, seed)

    def held_out(self) -> NDArray[np.int64] | None:
        return self.kept


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Keeping]]:
    monkeypatch.setattr(Keeping, "fits", 0)
    FUSERS.register("keeping", Keeping)
    yield Keeping
    FUSERS.unregister("keeping")


def test_it_is_fitted_once_and_measured_on_what_it_kept_out(tmp_path: Path, keeping: type[Keeping]) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    made = shop.fuse("keeping")
    assert keeping.fits == 1
    tables = {m: shop.store.record.get(f"encoder/{m}")["table"] for m in ("text", "image")}  # type: ignore[index]
    _, batch = load_batch(shop.store, tables)
    fuser = profile.load_fuser(shop.store, profile.load(shop.store, "keeping"))
    both = np.flatnonzero(batch.present["text"] & batch.present["image"])[::3]
    expected = reliabilities(agreements(batch.take(both), fuser, made.seed))
    assert expected and {kind: made.calibration["pairs"][kind][2] for kind in expected} == pytest.approx(expected)


class Choosing(FakeFuser):
    """Remembers what it was asked for."""

    asked: ClassVar[list[str]] = []

    def fit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> FitReport:
        self.asked.append("fit")
        return super().fit(batch, encoders, seed)

    def refit(self, batch: Batch, encoders: Mapping[str, Encoder], seed: int) -> None:
        self.asked.append(f"refit of what knows {sorted(self._maps)}")
        super().fit(batch, encoders, seed)


def test_evidence_is_measured_by_refits_of_what_was_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Choosing, "asked", [])
    FUSERS.register("choosing", Choosing)
    try:
        made = small_shop.make(tmp_path, fuse=False, events=False).fuse("choosing")
    finally:
        FUSERS.unregister("choosing")
    assert Choosing.asked == ["fit", *["refit of what knows ['image', 'text']"] * (len(Choosing.asked) - 1)]
    assert len(Choosing.asked) > 1 and made.calibration["pairs"]["text>image"][2] > 0.05


@pytest.mark.parametrize("rows", [0, 3])
def test_of_too_few_nothing_is_measured(tmp_path: Path, keeping: type[Keeping], monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(keeping, "rows", rows)
    made = small_shop.make(tmp_path, fuse=False, events=False).fuse("keeping")
    assert keeping.fits == 1
    assert made.calibration["pairs"]["text>image"][2] == 0.05  # as evidence of which nothing is known
