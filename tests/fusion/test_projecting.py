"""Projections and fused vectors are brought up to date piece by piece, and no more is written than changed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import small_shop

from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.fusion import digests, profile, projecting
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.calibration import patterns
from mmsearch.shop import Shop
from mmsearch.store.vectors import read_vectors


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return small_shop.make(tmp_path, events=False)


def tables(shop: Shop) -> dict[str, dict[tuple[str, str], np.ndarray]]:
    """Table of the profile → (id, part) → vector."""
    known = profile.load(shop.store, "fake-fuser")
    found = {}
    for table in (known.fused_table, known.projected_table("text"), known.projected_table("image")):
        rows = read_vectors(shop.store, table)
        found[table] = dict(zip(zip(rows.ids.to_pylist(), rows.parts.to_pylist(), strict=True), rows.vectors, strict=True))
        assert len(found[table]) == len(rows)
    return found


def test_small_pieces_give_the_same_vectors(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tables(shop)
    projecting.drop_others(shop.store, "fake-fuser", None)
    monkeypatch.setattr(projecting, "_AT_ONCE", 4)
    monkeypatch.setattr(digests, "_ROWS", 5)
    projecting.refresh(shop.store)
    found = tables(shop)
    assert {table: set(rows) for table, rows in found.items()} == {table: set(rows) for table, rows in expected.items()}
    for table, rows in expected.items():
        for key, vector in rows.items():
            np.testing.assert_allclose(found[table][key], vector, atol=1e-6)


def test_only_what_changed_is_written_and_what_is_gone_goes(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tables(shop)
    written: list[str] = []
    for name in ("write_vectors", "append_vectors"):
        put = getattr(projecting, name)

        def watched(store, table, ids, *rest, put=put):  # type: ignore[no-untyped-def]
            written.extend(ids)
            put(store, table, ids, *rest)

        monkeypatch.setattr(projecting, name, watched)
    projecting.refresh(shop.store)
    assert not written
    with (tmp_path / "more.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("id", "title", "images"), ("red-hat", "Crimson bonnet", ""), ("fresh", "New lamp", "")])
    shop.ingest(tmp_path / "more.csv")
    shop.embed(text="fake-text", image="fake-image")
    assert set(written) == {"red-hat", "fresh"}
    after = tables(shop)
    fused = next(iter(after.values()))
    assert ("red-hat", "text") in fused and ("red-hat", "image+text") not in fused, "its photo is gone"
    assert ("fresh", "text") in fused and len(fused) == len(next(iter(before.values()))) + 1


def test_what_has_one_item_a_modality_is_fused_from_its_projections(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """And comes to what its vectors come to, whatever it lacks; only what has several photos is mapped a second time."""
    read: list[str] = []
    monkeypatch.setattr(
        projecting, "load_batch", lambda store, tables, ids, fuser: (read.extend(ids), load_batch(store, tables, ids, fuser))[1]
    )
    found = shop.fuse("aligned")
    known = profile.load(shop.store, found.name)
    assert read == [small_shop.TWO_PHOTOS]
    fuser = profile.load_fuser(shop.store, known)
    sources = {m: (recorded_encoder(shop.store, m) or {})["table"] for m in known.modalities}
    ids, batch = load_batch(shop.store, sources, fuser=fuser)
    rows = read_vectors(shop.store, known.fused_table)
    fused = dict(zip(rows.ids.to_pylist(), zip(rows.parts.to_pylist(), rows.vectors, strict=True), strict=True))
    assert set(ids) == set(fused) and {"image", "image+text", "text"} == {part for part, _ in fused.values()}
    for id, part, expected in zip(ids, patterns(batch, known.modalities), fuser.items(batch), strict=True):
        assert fused[id][0] == part
        np.testing.assert_allclose(fused[id][1], expected, atol=1e-5)


def test_a_method_that_cannot_is_asked_for_its_products(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(
        projecting, "load_batch", lambda store, tables, ids, fuser: (read.extend(ids), load_batch(store, tables, ids, fuser))[1]
    )
    shop.fuse("knowledge(base=aligned)")
    assert len(read) == len(set(read)) == 39  # all but the one that has nothing
