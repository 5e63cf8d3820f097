"""Fusion profiles in a store: named, versioned, kept up to date, and told apart from what is left of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_shop
from fake_fuser import FakeFuser

from mmsearch.errors import InputError, StoreError, UsageError
from mmsearch.fusion import FUSERS
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import Side
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.contents import side_of
from mmsearch.shop import Shop
from mmsearch.store import Store
from mmsearch.store.vectors import VectorRows, read_vectors


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return small_shop.make(tmp_path, fuse=False, events=False)


def folder(shop: Shop) -> Path:
    return Path(shop.store.path).parent


def tables(store: Store) -> list[str]:
    return sorted(p.stem for p in Path(store.path).glob("*.lance") if p.stem.startswith(("fused_", "projected_")))


def fused(store: Store, name: str = "fake-fuser") -> dict[str, tuple[str, np.ndarray]]:
    """id → what the fused vector is made of, and the vector."""
    rows = read_vectors(store, profiles.load(store, name).fused_table)
    return {i: (p, v) for i, p, v in zip(rows.ids.to_pylist(), rows.parts.to_pylist(), rows.vectors, strict=True)}


def keys(rows: VectorRows) -> list[tuple[str, str]]:
    return list(zip(rows.ids.to_pylist(), rows.parts.to_pylist(), strict=True))


def assert_up_to_date(store: Store, name: str = "fake-fuser") -> None:
    """The fused and projected tables hold what the fitted method makes of the vectors that are there now, and nothing else."""
    profile = profiles.load(store, name)
    fuser = profiles.load_fuser(store, profile)
    sources = {m: (store.record.get(f"encoder/{m}") or {})["table"] for m in profile.modalities}
    ids, batch = load_batch(store, sources, fuser=fuser)
    have = fused(store, name)
    assert sorted(have) == sorted(ids)
    for id, vector in zip(ids, fuser.items(batch), strict=True):
        np.testing.assert_allclose(have[id][1], vector, atol=1e-5)
    for modality, table in sources.items():
        raw, projected = read_vectors(store, table), read_vectors(store, profile.projected_table(modality))
        assert sorted(keys(raw)) == sorted(keys(projected))
        place = {k: i for i, k in enumerate(keys(projected))}
        order = [place[k] for k in keys(raw)]
        np.testing.assert_allclose(projected.vectors[order], fuser.project(modality, side_of(store, fuser, modality, raw)), atol=1e-5)


def test_a_profile_is_recorded_with_all_that_made_it(shop: Shop) -> None:
    made = shop.fuse("fake-fuser(ridge=0.5)", name="half", seed=7)
    loaded = profiles.load(Store(shop.store.path), "half")
    assert loaded == made
    assert (made.name, made.version, made.spec, made.seed) == ("half", 1, "fake-fuser(ridge=0.5)", 7)
    assert sorted(made.modalities) == ["image", "text"]
    assert sorted(made.compares) == ["image>text", "text>image"]
    assert made.products == 39
    assert made.encoders == {m: (shop.store.record.get(f"encoder/{m}") or {})["fingerprint"] for m in ("text", "image")}
    assert len(made.training_hash) == 32
    assert made.calibration["pairs"]["text>image"][2] < 1
    assert profiles.default_name(shop.store) == "half"
    assert_up_to_date(shop.store, "half")


def test_fused_vectors_tell_what_they_are_made_of(shop: Shop) -> None:
    shop.fuse("fake-fuser")
    have = fused(shop.store)
    assert have[small_shop.TWO_PHOTOS][0] == "image+text"
    assert have[small_shop.NO_PHOTO][0] == "text"
    assert have[small_shop.NO_TEXT][0] == "image"
    assert small_shop.NOTHING not in have


def test_the_fitted_state_comes_back(shop: Shop) -> None:
    profile = shop.fuse("fake-fuser")
    _, batch = load_batch(shop.store, {m: (shop.store.record.get(f"encoder/{m}") or {})["table"] for m in ("text", "image")})
    fresh = FakeFuser()
    fresh.fit(batch, {}, 0)
    back = profiles.load_fuser(Store(shop.store.path), profile)
    photos = Side(batch.vectors["image"])
    np.testing.assert_allclose(back.project("image", photos), fresh.project("image", photos), atol=1e-6)


def test_a_taken_name_gets_a_new_version_and_the_old_tables_go(shop: Shop) -> None:
    shop.fuse("fake-fuser")
    assert tables(shop.store) == ["fused_fake-fuser_v1", "projected_fake-fuser_v1_image", "projected_fake-fuser_v1_text"]
    second = shop.fuse("fake-fuser(ridge=3)", name="fake-fuser")
    assert second.version == 2
    assert tables(shop.store) == ["fused_fake-fuser_v2", "projected_fake-fuser_v2_image", "projected_fake-fuser_v2_text"]
    assert profiles.names(shop.store) == ["fake-fuser"]
    assert profiles.load(shop.store, "fake-fuser") == second


def test_profiles_beside_each_other(shop: Shop) -> None:
    shop.fuse("fake-fuser")
    shop.fuse("fake-fuser(ridge=3)", name="other", default=False)
    assert profiles.names(shop.store) == ["fake-fuser", "other"]
    assert profiles.default_name(shop.store) == "fake-fuser"
    shop.fuse("fake-fuser(ridge=3)", name="third")
    assert profiles.default_name(shop.store) == "third"
    assert_up_to_date(shop.store, "other")


def test_the_first_profile_is_the_default_in_any_case(shop: Shop) -> None:
    shop.fuse("fake-fuser", default=False)
    assert profiles.default_name(shop.store) == "fake-fuser"


def test_new_changed_and_removed_products_join_without_a_refit(shop: Shop) -> None:
    before = shop.fuse("fake-fuser")
    old = fused(shop.store)
    small_shop.paint(folder(shop) / "photos/new.png", "green", "cup")
    changes = [
        {"id": "new", "title": "Green cup", "images": "photos/new.png"},
        {"id": "red-hat", "title": "Crimson bonnet"},
        {"id": small_shop.NO_PHOTO, "images": "photos/new.png"},
        {"id": small_shop.TWO_PHOTOS, "images": "photos/red-shoe.png"},
        {"id": "blue-cup", "title": None, "description": None, "images": None},
    ]
    shop.ingest(small_shop.write_jsonl(folder(shop) / "changes.jsonl", changes))
    shop.embed()
    assert profiles.load(shop.store, "fake-fuser") == before
    assert_up_to_date(shop.store)
    have = fused(shop.store)
    assert have["new"][0] == "image+text"
    assert have[small_shop.NO_PHOTO][0] == "image+text"
    assert "blue-cup" not in have, "neither a text nor a photo is left of it"
    assert not np.allclose(have["red-hat"][1], old["red-hat"][1])
    assert not np.allclose(have[small_shop.TWO_PHOTOS][1], old[small_shop.TWO_PHOTOS][1])
    np.testing.assert_array_equal(have["red-cup"][1], old["red-cup"][1])


def test_an_embed_that_changes_nothing_writes_nothing(shop: Shop) -> None:
    shop.fuse("fake-fuser")
    names = ["mmsearch_record", *tables(shop.store)]
    before = [Store(shop.store.path).dataset(t).version for t in names]
    Shop(shop.store.path).embed()
    assert [Store(shop.store.path).dataset(t).version for t in names] == before


def test_what_a_killed_fuse_left_is_not_mixed_in(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the vectors and before the record, another fit of the same version has to start anew."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.store.record), "put_all", die)
        with pytest.raises(KeyboardInterrupt):
            shop.fuse("fake-fuser(ridge=1000)", name="fake-fuser")
    assert tables(shop.store)
    assert profiles.names(shop.store) == []
    assert shop.fuse("fake-fuser").version == 1
    assert_up_to_date(shop.store)


def test_a_replaced_encoder_asks_for_a_refit(shop: Shop) -> None:
    shop.fuse("fake-fuser")
    shop.fuse("fake-fuser(ridge=2)", name="other")
    notes = shop.embed(text="fake-text(seed=5)").notes
    hints = ["mmsearch fuse --name fake-fuser --method 'fake-fuser'", "mmsearch fuse --name other --method 'fake-fuser(ridge=2)'"]
    assert all(any(hint in note for note in notes) for hint in hints)
    with pytest.raises(StoreError, match="the fusion profile other was made with another text encoder"):
        profiles.load(shop.store, "other")
    shop.fuse("fake-fuser(ridge=2)", name="other")
    assert_up_to_date(shop.store, "other")


@pytest.mark.parametrize("name", ["text", "image", "audio", "video", "", "Upper", "9lives", "a b", "a/b", "x" * 41])
def test_names_that_no_profile_can_have(shop: Shop, name: str) -> None:
    with pytest.raises(UsageError, match="a profile cannot be called"):
        shop.fuse("fake-fuser", name=name)
    assert tables(shop.store) == []


def test_wrong_methods(shop: Shop) -> None:
    with pytest.raises(UsageError, match="unknown fusion method 'nope'"):
        shop.fuse("nope")
    with pytest.raises(UsageError, match="ridge must be above 0"):
        shop.fuse("fake-fuser(ridge=-1)")
    with pytest.raises(UsageError, match="there is no fusion profile 'fakefuser'; did you mean fake-fuser"):
        shop.fuse("fake-fuser")
        profiles.load(shop.store, "fakefuser")


def test_a_method_that_is_not_installed_any_more(shop: Shop) -> None:
    FUSERS.register("passing", FakeFuser)
    try:
        profile = shop.fuse("passing")
    finally:
        FUSERS.unregister("passing")
    with pytest.raises(StoreError, match="was made by the method passing, which cannot be used here") as raised:
        profiles.load_fuser(shop.store, profile)
    assert "mmsearch fuse --name passing" in str(raised.value.hint)


def test_a_store_without_vectors(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_catalogue(tmp_path))
    with pytest.raises(InputError, match="no vectors to fuse") as raised:
        shop.fuse()
    assert raised.value.hint == "make them: mmsearch embed"


def test_texts_alone_are_concatenated_by_default(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(tmp_path / "p.jsonl", [{"id": str(i), "title": f"red shoe {i}"} for i in range(12)]))
    shop.embed(text="fake-text")
    profile = shop.fuse()
    assert (profile.name, profile.spec, profile.modalities, profile.compares) == ("concat", "concat", ["text"], [])
    assert tables(shop.store) == ["fused_concat_v1"]
    assert [hit.id for hit in shop.search("shoe 7", within="concat", k=1)] == ["7"]


def test_texts_and_photos_are_aligned_by_default(shop: Shop) -> None:
    profile = shop.fuse()
    assert (profile.name, profile.spec) == ("aligned", "aligned")
    assert set(profile.compares) == {"text>image", "image>text"}
    assert_up_to_date(shop.store, "aligned")


def test_reliability_is_measured_on_products_that_were_held_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted_on = []
    fit = FakeFuser.fit

    def watched(self: FakeFuser, batch: object, *rest: object) -> object:
        fitted_on.append(len(batch))  # type: ignore[arg-type]
        return fit(self, batch, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeFuser, "fit", watched)
    shop.fuse("fake-fuser")
    assert fitted_on[0] == 39
    assert len(fitted_on) > 1
    assert max(fitted_on[1:]) <= 31, "at least eight were left out"


def test_too_few_products_to_hold_any_out(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store.lancedb")
    rows = small_shop.rows(tmp_path)[:6]
    shop.ingest(small_shop.write_csv(tmp_path / "few.csv", small_shop.COLUMNS, rows))
    shop.embed(text="fake-text", image="fake-image")
    profile = shop.fuse("fake-fuser")
    assert profile.calibration["pairs"] == {}
    assert [hit.id for hit in shop.search("red lamp", k=1)] == ["red-lamp"]


def photos_alone(folder: Path, text: str | None = "fake-text") -> Shop:
    """The small shop without any text."""
    shop = Shop(folder / "store.lancedb")
    rows = [{"id": r["id"], "images": r.get("images"), "price": r.get("price")} for r in small_shop.rows(folder)]
    shop.ingest(small_shop.write_csv(folder / "photos.csv", ("id", "images", "price"), rows))
    shop.embed(text=text, image="fake-image")
    return shop


def test_photos_alone_are_found_by_text_through_the_names_of_what_they_show(tmp_path: Path) -> None:
    shop = photos_alone(tmp_path)
    profile = shop.fuse()
    assert profile.spec == "conse"
    assert all(hit.id.startswith("blue-") for hit in shop.search("navy", within="image", k=3))
    assert [hit.id for hit in shop.search("navy", k=3)] == [hit.id for hit in shop.search("navy", within="image", k=3)]
    assert all(hit.id.startswith("blue-") for hit in shop.search("navy", within="conse", k=3))
    assert fused(shop.store, "conse")["red-shoe"][0] == "image"


def test_a_profile_of_photos_takes_in_the_texts_that_come_later(tmp_path: Path) -> None:
    shop = photos_alone(tmp_path)
    shop.fuse()
    shop.ingest(small_shop.write_catalogue(tmp_path))
    shop.embed()
    assert fused(shop.store, "conse")["red-shoe"][0] == "image+text"
    assert_up_to_date(shop.store, "conse")
    assert small_shop.NO_PHOTO in [hit.id for hit in shop.search("green lamp", k=3)]


@pytest.mark.models
def test_photos_alone_are_asked_by_text_although_no_text_encoder_was_named(tmp_path: Path) -> None:
    shop = photos_alone(tmp_path, text=None)
    assert shop.store.record.get("encoder/text")["spec"] == "usem"
    assert shop.fuse().spec == "conse"
    assert len(shop.search("a red thing", k=3)) == 3


def test_of_a_large_catalogue_a_sample_teaches_and_all_are_mapped(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeFuser, "learns_most", 4)
    told: list[str] = []
    profile = shop.fuse("fake-fuser", told=told.append)
    assert "fitted on 4 products" in profile.summary and profile.products > 4
    assert any(f"learned from 4 of {profile.products} products" in line for line in told)
    assert len(fused(shop.store)) == profile.products
    assert shop.fuse("fake-fuser", seed=0, force=True).summary == profile.summary  # the same sample of one seed
