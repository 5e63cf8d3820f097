"""When a profile is fitted anew, and what it says has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import small_shop

from mmsearch.errors import UsageError
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.base import EVERY
from mmsearch.fusion.fitting import Fused, fuse
from mmsearch.fusion.inputs import Inputs
from mmsearch.shop import Shop
from mmsearch.store import INTERACTIONS, PRODUCTS, Store


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    made = small_shop.make(folder, events=False)
    made.fuse("fake-fuser(ridge=2)", name="other", default=False)
    return folder


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Shop:
    shutil.copytree(built, tmp_path / "shop")
    return Shop(tmp_path / "shop" / "store.lancedb")


def bring(shop: Shop, rows: list[dict[str, object]]) -> None:
    folder = Path(shop.store.path).parent
    shop.ingest(small_shop.write_jsonl(folder / "changes.jsonl", rows))
    shop.embed()


def anew(shop: Shop, name: str = "fake-fuser", **options: object) -> Fused:
    return fuse(Store(shop.store.path), name, **options)  # type: ignore[arg-type]


def test_nothing_has_changed(shop: Shop) -> None:
    before = profiles.load(shop.store, "fake-fuser")
    version = Store(shop.store.path).version("mmsearch_record")
    fused = anew(shop)
    assert (fused.fitted, fused.profile) == (False, before)
    assert fused.told() == ["fake-fuser: nothing has changed since version 1 was fitted; --force fits it anew"]
    assert Store(shop.store.path).version("mmsearch_record") == version


def test_force_fits_what_has_not_changed(shop: Shop) -> None:
    fused = anew(shop, force=True)
    assert (fused.fitted, fused.profile.version, fused.changes) == (True, 2, [])
    assert fused.profile.history == [{"version": 1, "spec": "fake-fuser", "products": 39, "summary": "fitted on 39 products"}]


def test_new_changed_and_removed_products_are_counted(shop: Shop) -> None:
    small_shop.paint(Path(shop.store.path).parent / "photos/new.png", "green", "cup")
    bring(
        shop,
        [
            {"id": "new", "title": "Green cup", "images": "photos/new.png"},
            {"id": "red-hat", "title": "Crimson bonnet"},
            {"id": "red-cup", "title": "Crimson mug"},
            {"id": "blue-cup", "title": None, "description": None, "images": None},
        ],
    )
    expected = ["text vectors: 1 new, 2 changed, 1 gone", "image vectors: 1 new, 1 gone"]
    stale = dict.fromkeys(("fake-fuser", "other"), ("stale", expected))
    assert {row["profile"]: (row["state"], row["changes"]) for row in shop.profiles()} == stale
    fused = anew(shop)
    assert (fused.fitted, fused.profile.version, fused.changes) == (True, 2, expected)
    assert fused.told() == ["fake-fuser: fitted anew, because text vectors: 1 new, 2 changed, 1 gone; image vectors: 1 new, 1 gone"]
    assert not anew(shop).fitted


def test_another_seed_and_other_parameters_are_changes(shop: Shop) -> None:
    assert anew(shop, seed=3).changes == ["the seed was 0 and is 3"]
    assert anew(shop).profile.seed == 3, "it keeps its own"
    fused = anew(shop, method="fake-fuser(ridge=3)")
    assert fused.changes == ["the method was fake-fuser and is fake-fuser(ridge=3)"]
    assert not anew(shop).fitted, "without a method its own is meant"
    assert [former["spec"] for former in fused.profile.history] == ["fake-fuser", "fake-fuser"]


@pytest.mark.parametrize("typed", ["fake-fuser(ridge=2)", "fake-fuser( ridge = 2.0 )"])
def test_the_same_method_written_in_another_way(shop: Shop, typed: str) -> None:
    assert not anew(shop, "other", method=typed).fitted


def test_a_replaced_encoder(shop: Shop) -> None:
    shop.embed(text="fake-text(seed=5)")
    row = next(row for row in shop.profiles() if row["profile"] == "other")
    assert row["changes"] == ["the text encoder was replaced (it is fake-text(seed=5))"]
    assert anew(shop, "other").changes == row["changes"]
    assert shop.search("red lamp", within="other", k=1).hits


def test_a_modality_that_came_later(shop: Shop) -> None:
    folder = Path(shop.store.path).parent
    shop.fuse("conse")
    _beep(folder / "bell.wav")
    bring(shop, [{"id": "red-hat", "audio": "bell.wav"}])
    shop.embed(audio="fake-audio")
    for name, modalities in (("fake-fuser", ["text", "image", "audio"]), ("conse", ["text", "image"])):
        fused = anew(shop, name)
        assert fused.changes[-1] == "there are audio vectors now (1)"
        assert fused.profile.modalities == modalities
    _beep(folder / "bell.wav", 880)
    bring(shop, [{"id": "red-cup", "audio": "bell.wav"}])
    assert anew(shop).changes[-1] == "audio vectors: 1 new, 1 changed"
    assert not [line for line in anew(shop, "conse").changes if "audio" in line], "it learns nothing from sounds"


def test_a_table_that_the_method_learns_from(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_fuser.FakeFuser.learns_from", {INTERACTIONS: EVERY})
    folder = Path(shop.store.path).parent
    assert anew(shop, force=True).fitted
    assert not anew(shop).fitted, "there are no events, as before"
    shop.ingest(small_shop.write_events(folder))
    events = shop.store.count(INTERACTIONS)
    assert anew(shop).changes == [f"interactions: {events} rows instead of 0"]
    shop.optimize()
    assert not anew(shop).fitted, "the files were merged, but the rows are the same"


def test_another_category_refits_what_learns_from_categories(shop: Shop) -> None:
    """What a product is filed under is a further text of its photo: no vector changes with it."""
    shop.fuse("aligned")
    shop.fuse("aligned(categories=false)", name="without")
    bring(shop, [{"id": f"{colour}-{kind}", "category": f"Home > {kind}"} for colour in small_shop.COLOURS for kind in small_shop.KINDS])
    assert not anew(shop, "without").fitted
    fused = anew(shop, "aligned")
    assert fused.told() == ["aligned: fitted anew, because products: other category"]
    assert fused.profile.scores["categories"] == len(small_shop.KINDS)
    assert not anew(shop, "aligned").fitted
    bring(shop, [{"id": "red-hat", "price": 3}])
    assert not anew(shop, "aligned").fitted, "another price is no reason"


def test_a_profile_that_was_fitted_before_columns_were_recorded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_fuser.FakeFuser.learns_from", {PRODUCTS: ("id", "brand")})
    assert anew(shop, force=True).fitted and not anew(shop).fitted
    key = "inputs/fake-fuser"
    values, blob = shop.store.record.get(key), shop.store.record.blob(key)
    values |= {"rows": {PRODUCTS: values["rows"][PRODUCTS][:2]}, "identities": {}}
    shop.store.record.put(key, values, blob)
    assert anew(shop).changes == ["products: other rows"]
    assert not anew(shop).fitted


def test_a_profile_that_was_fitted_before_inputs_were_recorded(shop: Shop) -> None:
    shop.store.record.delete("inputs/other")
    assert not anew(shop, "other").fitted
    bring(shop, [{"id": "red-hat", "title": "Crimson bonnet"}])
    assert anew(shop, "other").changes == ["the vectors are not those that it was fitted on"]
    assert Inputs.from_record(shop.store, "other") is not None


def test_a_name_taken_by_another_method(shop: Shop) -> None:
    with pytest.raises(UsageError, match="the name other is taken: that profile was made by the method fake-fuser") as raised:
        shop.fuse("concat", name="other")
    assert "--replace" in str(raised.value.hint) and "--name" in str(raised.value.hint)
    assert profiles.load(shop.store, "other").version == 1
    made = shop.fuse("concat", name="other", replace=True)
    assert (made.version, made.spec) == (2, "concat")


def test_a_name_that_is_not_there_makes_no_profile_unless_it_is_the_first(shop: Shop) -> None:
    with pytest.raises(UsageError, match=r"there is no fusion profile 'othr' to bring up to date; did you mean other\?") as raised:
        shop.fuse(name="othr")
    assert raised.value.hint == "profiles: fake-fuser, other; to make a new one: mmsearch fuse --name othr --method aligned"
    assert profiles.names(shop.store) == ["fake-fuser", "other"] and profiles.default_name(shop.store) == "fake-fuser"
    shop.drop_profile("other")
    shop.drop_profile("fake-fuser")
    told: list[str] = []
    assert shop.fuse(name="othr", told=told.append).spec == "aligned"
    assert told == ["queries are mapped by othr from now on"]


def test_another_default_is_told(shop: Shop) -> None:
    told: list[str] = []
    shop.fuse("concat", name="plain", told=told.append)
    assert told == ["queries are mapped by plain from now on, and no longer by fake-fuser; to go back: mmsearch fuse --default fake-fuser"]
    told.clear()
    shop.fuse("concat(image=2)", name="plain", told=told.append)
    shop.fuse("concat", name="more", default=False, told=told.append)
    assert told == ["plain: fitted anew, because the method was concat and is concat(image=2)"]


def test_a_refit_leaves_the_default_as_it_is(shop: Shop) -> None:
    shop.fuse(name="other", force=True)
    assert profiles.default_name(shop.store) == "fake-fuser"


def test_all_stale_profiles_are_refitted_in_one_go(shop: Shop) -> None:
    bring(shop, [{"id": "red-hat", "title": "Crimson bonnet"}])
    told: list[str] = []
    assert [(p.name, p.version) for p in shop.refit(told=told.append)] == [("fake-fuser", 2), ("other", 2)]
    assert all("1 changed" in line for line in told) and len(told) == 2
    assert [(p.name, p.version) for p in shop.refit()] == [("fake-fuser", 2), ("other", 2)]


def test_former_versions_are_remembered_up_to_ten(shop: Shop) -> None:
    for _ in range(12):
        anew(shop, "other", force=True)
    profile = profiles.load(shop.store, "other")
    assert profile.version == 13
    assert [former["version"] for former in profile.history] == list(range(3, 13))


def test_a_kill_between_the_record_and_the_old_tables_is_made_good_by_the_next_fuse(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record, inputs and default are one write; the tables of the former version go after it."""

    def die(store: Store, table: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "drop", die)
        with pytest.raises(KeyboardInterrupt):
            anew(shop, "other", force=True)
    assert profiles.load(Store(shop.store.path), "other").version == 2
    assert "fused_other_v1" in shop.store.tables()
    assert not anew(shop, "other").fitted
    assert [t for t in shop.store.tables() if "other" in t] == ["fused_other_v2", "projected_other_v2_image", "projected_other_v2_text"]


def test_digests_do_not_depend_on_the_order_in_which_vectors_were_written(shop: Shop, tmp_path: Path) -> None:
    one = Inputs.from_record(shop.store, "fake-fuser")
    again = Shop(tmp_path / "again.lancedb")
    rows = small_shop.rows(tmp_path)
    for part in (rows[20:], rows[:20]):
        again.ingest(small_shop.write_csv(tmp_path / "part.csv", small_shop.COLUMNS, part))
        again.embed(text="fake-text", image="fake-image")
    again.fuse("fake-fuser")
    other = Inputs.from_record(again.store, "fake-fuser")
    assert one is not None and other is not None and one.counts == other.counts
    for modality, digests in one.vectors.items():
        np.testing.assert_array_equal(digests, other.vectors[modality])


def _beep(path: Path, hertz: int = 440) -> None:
    import soundfile

    soundfile.write(path, 0.5 * np.sin(2 * np.pi * hertz * np.arange(8_000) / 16_000), 16_000)
