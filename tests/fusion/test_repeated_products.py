"""Products that are in the catalogue more than once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import small_shop
from PIL import Image

from mmsearch.fusion.repeated import Group, Member, near_duplicates
from mmsearch.shop import Shop


def groups(shop: Shop, passes: set[str] | None = None) -> list[set[str]]:
    ids = set(shop.store.read("products", ["id"]).column("id").to_pylist())
    found, notes = near_duplicates(shop.store, ids if passes is None else passes)
    assert notes == []
    return [{member.id for member in group.members} for group in found]


def shop_of(folder: Path, rows: list[dict[str, object]]) -> Shop:
    shop = Shop(folder / "store.lancedb")
    shop.ingest(small_shop.write_jsonl(folder / "p.jsonl", rows))
    shop.embed(text="fake-text", image="fake-image")
    return shop


def photo(path: Path, seed: int, crop: int = 0) -> str:
    """A photo of 200 × 200 that differs by its seed, the border trimmed."""
    rng = np.random.default_rng(seed)
    image = Image.fromarray(rng.integers(0, 255, (4, 4, 3), np.uint8)).resize((200, 200), Image.Resampling.BICUBIC)
    image.crop((crop, crop, 200 - crop, 200 - crop)).save(path, quality=90)
    return path.name


def test_what_is_linked_and_what_is_not(tmp_path: Path) -> None:
    for seed in range(8):
        photo(tmp_path / f"{seed}.jpg", seed)
    photo(tmp_path / "0-cropped.jpg", 0, crop=8)
    photo(tmp_path / "1-cropped.jpg", 1, crop=32)
    (tmp_path / "3-again.jpg").write_bytes((tmp_path / "3.jpg").read_bytes())
    shop = shop_of(
        tmp_path,
        [
            {"id": "a", "title": "Red canvas shoe, white sole", "images": "0.jpg"},
            {"id": "b", "title": "WHITE SOLE red canvas shoes", "images": "0-cropped.jpg"},  # the same words, the photo cropped
            {"id": "c", "title": "Red canvas shoe, white sole", "images": "2.jpg"},  # the same words, another photo
            {"id": "d", "title": "Desk lamp of brass", "images": "3.jpg"},
            {"id": "e", "title": "Tall kettle", "images": "3-again.jpg"},  # one photo for two
            {"id": "f", "title": "Wooden stool XK-200", "images": "4.jpg", "size": "40"},
            {"id": "g", "title": "Wooden stool XK-200", "images": "5.jpg", "size": "40"},  # the same words, photos that tell them apart
            {"id": "h", "title": "Wooden stool XK-300", "images": "1.jpg"},
            {"id": "i", "title": "Garden chair 200", "images": "1-cropped.jpg"},  # alike photos, other words
            {"id": "j", "title": "Pillow of feathers, soft", "images": "6.jpg"},
            {"id": "k", "title": "Pillow of feathers, soft"},  # the same words, no photo
            {"id": "l", "images": "7.jpg"},
        ],
    )
    assert {frozenset(group) for group in groups(shop)} == {frozenset("ab"), frozenset("de"), frozenset("jk")}
    assert groups(shop, {"a", "d", "j", "k"}) == [{"j", "k"}]
    (group,), _ = near_duplicates(shop.store, {"a", "b"})
    first, second = group.members
    assert (first.id, first.photo, first.image) == ("a", "0.jpg", None)
    assert second.photo == "0-cropped.jpg" and second.words
    assert second.image is not None and 0.9 < second.image < 1


def test_declared_variants_may_share_a_photo(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", 1)
    rows: list[dict[str, object]] = [
        {"id": f"v{n}", "title": "Striped shirt of cotton", "images": "a.jpg", "parent": "shirt"} for n in range(3)
    ]
    shop = shop_of(tmp_path, rows)
    assert groups(shop) == []
    shop.ingest(small_shop.write_jsonl(tmp_path / "more.jsonl", [{"id": "w", "title": "Bathing towel, blue", "images": "a.jpg"}]))
    shop.embed()
    assert groups(shop) == [{"v0", "w"}]


def test_a_picture_that_stands_in_for_thousands(tmp_path: Path) -> None:
    photo(tmp_path / "coming-soon.jpg", 1)
    rows: list[dict[str, object]] = [
        {"id": f"p{n:03}", "title": f"Thing number {n} of many", "images": "coming-soon.jpg"} for n in range(60)
    ]
    shop = shop_of(tmp_path, rows)
    (group,), _ = near_duplicates(shop.store, {str(row["id"]) for row in rows})
    assert (group.size, len(group.members), group.members[0].id) == (60, 20, "p000")
    assert group.likeness > 0.5


def test_several_photos(tmp_path: Path) -> None:
    for seed in range(3):
        photo(tmp_path / f"{seed}.jpg", seed)
    shop = shop_of(
        tmp_path,
        [
            {"id": "one", "title": "Copper kettle, three litres", "images": "0.jpg;1.jpg"},
            {"id": "two", "title": "Three litres: copper kettle", "images": "2.jpg;1.jpg"},
        ],
    )
    (group,), _ = near_duplicates(shop.store, {"one", "two"})
    assert [member.photo for member in group.members] == ["0.jpg", "1.jpg"]
    assert group.members[1].image == pytest.approx(1, abs=1e-3)


def test_the_small_shop(tmp_path: Path) -> None:
    shop = small_shop.make(tmp_path, fuse=False, events=False)
    assert {frozenset(g) for g in groups(shop)} == {
        frozenset(small_shop.TWINS),
        frozenset({"bare", "yellow-hat"}),
        frozenset({"blue-shoe", "red-shoe"}),
    }


def test_a_store_of_texts_alone(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"id": str(n), "title": title} for n, title in enumerate(["A red lamp of glass", "a lamp of red glass", "blue lamps"])
    ]
    assert groups(shop_of(tmp_path, rows)) == [{"0", "1"}]


def test_likeness() -> None:
    group = Group(2, [Member("a", "", None, None, True), Member("b", "", 0.9, 0.5, False)])
    assert group.likeness == pytest.approx(0.7)
    assert Group(2, [Member("a", "", None, None, True), Member("b", "", None, None, False)]).likeness == 0
