"""Which profiles there are, which one is the default, and how one goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import small_shop

from mmsearch.errors import StoreError, UsageError
from mmsearch.fusion import profile as profiles
from mmsearch.fusion.keeping import Dropped
from mmsearch.shop import Shop
from mmsearch.store import Store


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    made = small_shop.make(folder, events=False)
    made.fuse("fake-fuser(ridge=2)", name="zwei", default=False)
    made.fuse("concat", name="plain")
    return folder


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Shop:
    """The default is `plain`."""
    shutil.copytree(built, tmp_path / "shop")
    return Shop(tmp_path / "shop" / "store.lancedb")


def tables(shop: Shop, name: str) -> list[str]:
    return [table for table in shop.store.tables() if table.startswith((f"fused_{name}_", f"projected_{name}_"))]


def test_the_list(shop: Shop) -> None:
    rows = {row["profile"]: row for row in shop.profiles()}
    assert list(rows) == ["fake-fuser", "plain", "zwei"]
    assert [name for name, row in rows.items() if row["default"]] == ["plain"]
    zwei = rows["zwei"]
    assert (zwei["version"], zwei["method"], zwei["state"], zwei["changes"]) == (1, "fake-fuser(ridge=2)", "fresh", [])
    assert (zwei["products"], sorted(zwei["modalities"]), zwei["scores"]) == (39, ["image", "text"], {"products": 39})


def test_everything_of_one(shop: Shop) -> None:
    found = shop.profile("zwei")
    assert json.loads(json.dumps(found)) == found
    assert (found["seed"], len(found["training_hash"]), sorted(found["encoders"])) == (0, 32, ["image", "text"])
    kinds = {row["kind"]: row for row in found["calibration"]["kinds"]}
    assert kinds["text>text"]["reliability"] == 1 > kinds["text>image"]["reliability"]
    assert kinds["text>image"]["weight"] == 1


@pytest.mark.parametrize("ask", ["profile", "make_default", "drop_profile"])
def test_a_profile_that_is_not_there(shop: Shop, ask: str) -> None:
    with pytest.raises(UsageError, match="there is no fusion profile 'zwo'") as raised:
        getattr(shop, ask)("zwo")
    assert raised.value.hint == "profiles: fake-fuser, plain, zwei"


def test_a_store_without_profiles(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    assert shop.profiles() == []
    with pytest.raises(UsageError) as raised:
        shop.drop_profile("aligned")
    assert raised.value.hint == "profiles: none; make one: mmsearch fuse"


def test_another_default(shop: Shop) -> None:
    plain = [hit.explain for hit in shop.search("red", k=1)]
    shop.make_default("zwei")
    assert profiles.default_name(Store(shop.store.path)) == "zwei"
    assert [hit.explain for hit in shop.search("red", k=1)] != plain


def test_a_stale_profile_cannot_become_the_default(shop: Shop) -> None:
    shop.embed(text="fake-text(seed=5)")
    with pytest.raises(StoreError, match="zwei was made with another text encoder"):
        shop.make_default("zwei")
    shop.fuse(name="fake-fuser")
    assert shop.drop_profile("plain") == Dropped(True, "fake-fuser"), "the others cannot be searched with"


def test_dropping_leaves_nothing_behind(shop: Shop) -> None:
    assert tables(shop, "zwei")
    assert shop.drop_profile("zwei") == Dropped(False, "plain")
    assert tables(shop, "zwei") == []
    assert [key for key in shop.store.record.keys("") if key.endswith("/zwei")] == []
    assert shop.fuse("fake-fuser", name="zwei").version == 1


def test_the_default_goes_to_one_that_compares_across_modalities(shop: Shop) -> None:
    shop.fuse("concat", name="also")
    shop.make_default("plain")
    assert shop.drop_profile("plain") == Dropped(True, "fake-fuser")
    assert shop.drop_profile("fake-fuser") == Dropped(True, "zwei")
    assert shop.drop_profile("zwei") == Dropped(True, "also")
    assert shop.drop_profile("also") == Dropped(True, None)
    assert shop.search("red shoe", k=1).hits[0].id == "red-shoe", "texts still meet texts"
    assert shop.fuse("concat", default=False).name == profiles.default_name(shop.store), "the first of all is the default in any case"


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_kill_in_the_middle_leaves_a_store_that_answers(shop: Shop, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Killed before its n-th change: the profile is whole or gone, the default is one that there is, and the next embed sweeps up."""
    done = 0

    def dying(change: str) -> None:
        original = getattr(Store, change)

        def changed(self: Store, *args: object) -> object:
            nonlocal done
            done += 1
            if done == at:
                raise KeyboardInterrupt
            return original(self, *args)

        monkeypatch.setattr(Store, change, changed)

    with monkeypatch.context() as patch:
        monkeypatch = patch
        for change in ("upsert", "delete", "drop"):
            dying(change)
        try:
            shop.drop_profile("plain")
        except KeyboardInterrupt:
            pass
        else:
            assert done < at
    fresh = Shop(shop.store.path)
    default = profiles.default_name(fresh.store)
    assert default in profiles.names(fresh.store)
    assert fresh.search("red shoe", within=default, k=1).hits
    assert fresh.search("red shoe", k=1).hits[0].id == "red-shoe"
    fresh.embed()
    assert bool(tables(fresh, "plain")) == ("plain" in profiles.names(fresh.store))
