"""`Shop.show`: everything that is known of a product, wherever it is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import small_shop
from filter_trees import Row
from product_shelf import bring, product, with_columns

from mmsearch.errors import InputError, StoreError
from mmsearch.shop import Shop

ROW: Row = {
    "title": "红色跑步鞋",
    "price": 9.5,
    "images": ["a.png", "gone.png", "https://x.org/b.png", "\x00"],
    "产地": "江西",
    "size": 42.0,
    "new": False,
    "tags": ["b", "a"],
    "released": datetime(2010, 1, 1, tzinfo=UTC),
    "Seen": datetime(2010, 1, 1, 12, 30, tzinfo=UTC),
}


@pytest.mark.parametrize("layout", [[], ["产地", "size", "new", "tags", "released", "Seen"], ["size", "released"]])
def test_the_same_wherever_it_is_kept(tmp_path: Path, layout: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with_columns(monkeypatch, layout)
    (tmp_path / "a.png").touch()
    shop = Shop(tmp_path / "store")
    shop.store.create()
    bring(shop.store, [product("1", ROW, folder=str(tmp_path)), product("2", {}), product("3", {"size": "M"})])
    known = shop.show(["3", "no such", "1", "2", "3"])
    assert list(known) == ["3", "1", "2"]
    assert known["3"] == {"id": "3", "fields": {}, "attributes": {"size": "M"}, "media": [], "facts": {}, "found": [], "vectors": []}
    assert known["2"] == {"id": "2", "fields": {}, "attributes": {}, "media": [], "facts": {}, "found": [], "vectors": []}
    assert known["1"]["fields"] == {"title": "红色跑步鞋", "price": 9.5}
    assert list(known["1"]["attributes"].items()) == [
        ("new", False),
        ("released", "2010-01-01"),
        ("Seen", "2010-01-01T12:30:00Z"),
        ("size", 42.0),
        ("tags", ["b", "a"]),
        ("产地", "江西"),
    ]
    assert [(m["field"], m["path"], m["state"]) for m in known["1"]["media"]] == [
        ("images", "a.png", "there"),
        ("images", "gone.png", "missing"),
        ("images", "https://x.org/b.png", "web address"),
        ("images", "\x00", "missing"),
    ]
    assert known["1"]["media"][0]["file"] == str(tmp_path / "a.png")


def test_vectors(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path)
    known = shop.show(["red-shoe", "empty"])
    assert known["red-shoe"]["vectors"][:3] == [
        {"modality": "image", "encoder": "fake-image", "part": "photos/red-shoe.png"},
        {"modality": "image", "encoder": "fake-image", "part": "photos/second.png"},
        {"modality": "text", "encoder": "fake-text", "part": ""},
    ]
    assert all("profile" in v for v in known["red-shoe"]["vectors"][3:])
    assert len(known["red-shoe"]["vectors"]) > 3
    assert known["empty"]["vectors"] == []


def test_unknown_ids(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store")
    with pytest.raises(StoreError):
        shop.show(["1"])
    shop.store.create()
    with pytest.raises(InputError, match="no products"):
        shop.show(["1"])
    bring(shop.store, [product(id, {}) for id in ("SHOE-01", "SHOE-02", "鞋 1")])
    assert shop.show("SHOE-1") == {}
    error = shop.unknown_product(["shoe-01", "SHOE-022", "zzz"])
    assert error.message.split("\n") == [
        "there is no product shoe-01; did you mean SHOE-01?",
        "there is no product SHOE-022; did you mean SHOE-02?",
        "there is no product zzz",
    ]
    assert shop.unknown_product([str(n) for n in range(30)]).message.endswith("\nand 20 more")


def test_info_tells_how_many_products_have_an_attribute(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "store")
    shop.store.create()
    bring(shop.store, [product(str(i), {"often": 1.0} | ({"rare": "x"} if not i else {})) for i in range(50)])
    attributes = shop.info()["attributes"]
    assert attributes["often"] == {"filled": 50, "share": 1.0, "types": ["number"], "sparse": False}
    assert attributes["rare"] == {"filled": 1, "share": 0.02, "types": ["text"], "sparse": True}
    assert list(attributes)[:2] == ["id", "often"]
    assert attributes["brand"]["filled"] == 0
