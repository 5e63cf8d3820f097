"""Products that say or show the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from mmsearch.catalog.near_duplicates import Match, NearDuplicates
from mmsearch.catalog.records import Product
from mmsearch.catalog.signatures import PHOTO, TEXT, image_signature, text_signature
from mmsearch.media.image import open_image
from mmsearch.store import Store


def product(id: str, title: str | None, brand: str | None = None, description: str | None = None, **attributes: str) -> Product:
    fields = {"title": title, "brand": brand, "description": description}
    return Product(id, ".", fields, {name: ("text", value) for name, value in attributes.items()})


def same(one: Product, other: Product) -> bool:
    first, second = text_signature(one), text_signature(other)
    assert first is not None
    assert second is not None
    assert len(first) == TEXT
    return first[:8] == second[:8]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Trail Running Shoe, Red", "trail running shoes - RED"),
        ("Men Black Formal Shoes", "Men Formal Black Shoe"),
        ("The new USB Cable for printers", "USB cables printer"),
        ("Colour laser printer, grey", "Color laser printer (gray)"),
        ("【新品抢购】小米手机 骁龙 128GB 包邮", "小米手机骁龙 128GB"),
        ("T-Shirt long sleeve", "Tshirt long sleeve"),
        ("HP CE505X toner HP", "HP toner CE505X"),
    ],
)
def test_the_same_in_other_words(one: str, other: str) -> None:
    assert same(product("a", one), product("b", other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HP 301 black ink cartridge", "HP 302 black ink cartridge"),
        ("Phone X 128GB midnight", "Phone X 256GB midnight"),
        ("Cotton shirt long red", "Cotton shirt long blue"),
        ("Fiber patch cable LC/SC 2m", "Fiber patch cable LC/LC 2m"),
        ("Adapter DVI to HDMI cable", "Adapter HDMI to DVI cable"),
        ("Label tape black on white", "Label tape white on black"),
        ("Lens adjustment (+3) black", "Lens adjustment (-3) black"),
        ("Photo paper A3 glossy", "Photo paper A3+ glossy"),
        ("红色跑步鞋 男士 透气", "黑色跑步鞋 男士 透气"),
        ("PLA filament spool black", "ABS filament spool black"),
    ],
)
def test_variants_are_others(one: str, other: str) -> None:
    assert not same(product("a", one), product("b", other))


def test_plain_titles_need_the_description_and_attributes_tell_variants() -> None:
    assert not same(product("a", "Flat screen desk mount", "N", "Up to 10 kg"), product("b", "Flat screen desk mount", "N", "Up to 20 kg"))
    assert same(product("a", "Desk mount FPMA-D960", "N", "Up to 10 kg"), product("b", "Desk mount FPMA-D960", "N", "Holds a screen"))
    assert not same(product("a", "Desk mount FPMA-D960", colour="red"), product("b", "Desk mount FPMA-D960", colour="blue"))
    assert text_signature(product("a", "Shirt")) is None
    assert text_signature(product("a", None, "Brand", "A long enough description")) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_has_a_signature_that_case_and_spaces_do_not_change(title: str, description: str) -> None:
    signature = text_signature(product("a", title, None, description))
    assert signature is None or len(signature) == TEXT
    if signature is not None and title.isascii():
        assert same(product("a", title, None, description), product("b", f"  {title.upper()} ", None, description))


def test_matches_and_what_a_store_remembers(tmp_path: Path) -> None:
    store = Store(tmp_path / "shop.lancedb")
    store.create()
    seen = NearDuplicates(store, photo=False)
    titles = ["Trail running shoe red", "trail running shoe RED", "Trail running shoe red", "Trail running shoe blue", "x", "x"]
    checked = [seen.check(product(f"p{n}", title)) for n, title in enumerate(titles)]
    assert checked[0] is checked[3] is checked[4] is checked[5] is None
    assert checked[1] == Match("p0", "text", 0.9)
    assert checked[2] == Match("p0", "text", 1)
    assert seen.check(product("p3", titles[3])) is None  # itself
    seen.save()
    seen.save()
    assert store.count("signatures") == 6

    later = NearDuplicates(Store(tmp_path / "shop.lancedb"), photo=False)
    assert len(later) == 6
    assert later.match(product("new", "TRAIL running shoes blue")) == Match("p3", "text", 0.9)
    later.add(product("p3", "Another title altogether"))
    assert later.match(product("new", "TRAIL running shoes blue")) is None
    assert later.match(product("new", "another title altogether")) == Match("p3", "text", 0.9)
    later.save()
    assert len(later) == store.count("signatures") == 6
    later.forget(["p3", "unknown"])
    assert later.match(product("new", "another title altogether")) is None
    assert len(later) == store.count("signatures") == 5


def test_a_feed_with_prices_only_keeps_what_is_known(tmp_path: Path) -> None:
    photo(1).save(tmp_path / "1.png")
    seen = NearDuplicates(Store(tmp_path / "none.lancedb"))
    seen.add(Product("a", str(tmp_path), {"title": "Trail running shoe red", "images": ["1.png"]}))
    seen.add(Product("a", str(tmp_path), {"price": 5}))
    fields = {"title": "Trail running shoe red", "images": ["1.png"]}
    assert seen.match(Product("b", str(tmp_path), fields)) == Match("a", "both", 1)
    seen.add(Product("a", str(tmp_path), {"title": None, "images": None}))
    assert seen.match(Product("b", str(tmp_path), fields)) is None


def test_many_products(tmp_path: Path) -> None:
    seen = NearDuplicates(Store(tmp_path / "none.lancedb"), photo=False)
    for n in range(3000):  # the index grows several times
        assert seen.check(product(f"p{n}", f"A plain product number {n}")) is None
    for n in range(0, 3000, 100):
        assert seen.match(product("q", f"a PLAIN product, number {n}")) == Match(f"p{n}", "text", 0.9)
    for n in range(200):
        assert (seen.check(product(f"s{n}", "The same gift card again")) is None) == (n == 0)


def photo(seed: int, tint: int = 0) -> Image.Image:
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    for n in range(12):
        x, y = (seed * 37 + n * 53) % 250, (seed * 91 + n * 29) % 180
        draw.ellipse((x, y, x + 60, y + 50), fill=((seed * 50 + n * 20) % 200, (n * 60) % 200, tint))
    return image


def _jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=40)
    return open_image(file.getvalue())


def test_photos(tmp_path: Path) -> None:
    for seed in range(3):
        photo(seed).save(tmp_path / f"{seed}.png")
    _jpeg(photo(0)).resize((200, 150)).save(tmp_path / "copy.jpg", quality=60)
    photo(0, tint=200).save(tmp_path / "blue.png")
    Image.new("RGB", (50, 50), "white").save(tmp_path / "white.png")
    seen = NearDuplicates(Store(tmp_path / "none.lancedb"))

    def shown(id: str, name: str) -> Match | None:
        return seen.check(Product(id, str(tmp_path), {"images": [name]}))

    assert [shown(f"p{seed}", f"{seed}.png") for seed in range(3)] == [None] * 3
    match = shown("copy", "copy.jpg")
    assert match is not None
    assert (match.id, match.by) == ("p0", "photo")
    assert match.similarity > 0.9
    assert shown("blue", "blue.png") is None
    assert shown("w1", "white.png") is None
    assert shown("w2", "white.png") is None
    assert shown("missing", "no.png") is None
    assert shown("web", "https://example.org/0.png") is None


def test_text_and_photo_agree(tmp_path: Path) -> None:
    photo(1).save(tmp_path / "1.png")
    seen = NearDuplicates(Store(tmp_path / "none.lancedb"))
    fields = {"title": "Trail running shoe red", "images": ["1.png"]}
    assert seen.check(Product("a", str(tmp_path), fields)) is None
    assert seen.check(Product("b", str(tmp_path), dict(fields))) == Match("a", "both", 1)


@pytest.mark.data
def test_real_titles(data: Path, tmp_path: Path) -> None:
    seen = NearDuplicates(Store(tmp_path / "none.lancedb"), photo=False)
    kept: dict[str, str] = {}
    pairs = []
    for line in (data / "electronics" / "products.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        kept[row["id"]] = row["title"]
        match = seen.check(product(row["id"], row["title"], row.get("brand"), row.get("description")))
        if match is not None:
            pairs.append((row["title"], kept[match.id]))
    assert 300 < len(pairs) < 500
    for one, other in pairs:  # no pair differs in a digit
        assert sorted(c for c in one if c.isdigit()) == sorted(c for c in other if c.isdigit())


@pytest.mark.data
@pytest.mark.parametrize(
    "change", [_jpeg, lambda i: i.resize((max(1, i.width * 2 // 3), max(1, i.height * 2 // 3)))], ids=["jpeg", "smaller"]
)
def test_real_photos(data: Path, tmp_path: Path, change: Callable[[Image.Image], Image.Image]) -> None:
    seen = NearDuplicates(Store(tmp_path / "none.lancedb"))
    with (data / "grocery" / "products.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert seen.check(Product(row["id"], str(data / "grocery"), {"images": [row["image"]]})) is None
    found = 0
    for row in rows:
        change(open_image(data / "grocery" / row["image"])).save(tmp_path / "copy.png")
        match = seen.match(Product("copy", str(tmp_path), {"images": ["copy.png"]}))
        found += match is not None and match.id == row["id"]
    assert found >= 0.97 * len(rows)
    assert len(image_signature(photo(0)) or b"") == PHOTO
