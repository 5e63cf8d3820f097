"""The photos: which drawing, which camera, which file."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sample_shop.canvas import Canvas
from sample_shop.drawings import bags, clocks, kitchen, lamps, shoes, sound_gear, tops, toys
from sample_shop.drawings.look import Look
from sample_shop.goods import PRODUCTS, Product
from sample_shop.scene import HOME, STUDIO, Shot, Stance, cut_out, photograph

#: Kind of thing → how it is drawn and how it stands.
KINDS: dict[str, tuple[Callable[[Canvas, Look], None], Stance]] = {
    "running shoe": (shoes.running_shoe, "floor"),
    "sneaker": (shoes.running_shoe, "floor"),
    "hiking boot": (shoes.boot, "floor"),
    "chelsea boot": (shoes.boot, "floor"),
    "rain boot": (shoes.boot, "floor"),
    "loafer": (shoes.loafer, "floor"),
    "backpack": (bags.backpack, "floor"),
    "tote bag": (bags.tote, "floor"),
    "suitcase": (bags.suitcase, "floor"),
    "t-shirt": (tops.t_shirt, "flat"),
    "hoodie": (tops.hoodie, "flat"),
    "mug": (kitchen.mug, "floor"),
    "tumbler": (kitchen.mug, "floor"),
    "teapot": (kitchen.teapot, "floor"),
    "kettle": (kitchen.kettle, "floor"),
    "desk lamp": (lamps.desk_lamp, "floor"),
    "table lamp": (lamps.table_lamp, "floor"),
    "paper lantern": (lamps.lantern, "wall"),
    "camping lantern": (lamps.lantern, "floor"),
    "headphones": (sound_gear.headphones, "flat"),
    "speaker": (sound_gear.speaker, "floor"),
    "radio": (sound_gear.radio, "floor"),
    "alarm clock": (clocks.alarm_clock, "floor"),
    "wall clock": (clocks.wall_clock, "wall"),
    "digital clock": (clocks.digital_clock, "floor"),
    "teddy bear": (toys.teddy_bear, "floor"),
    "toy car": (toys.toy_car, "floor"),
    "toy train": (toys.toy_car, "floor"),
    "rubber duck": (toys.rubber_duck, "floor"),
    "robot": (toys.robot, "floor"),
    "xylophone": (toys.xylophone, "flat"),
}

#: Photos that a shopper might take: other builds, other angles, at home. No product looks exactly like them.
QUERY_PHOTOS: dict[str, tuple[str, Look, Shot]] = {
    "queries/red-shoe.jpg": (
        "running shoe",
        Look("red", "grey", pattern="wave"),
        Shot("planks", -17, 0.8, 2, 3, mirrored=True, squeeze=0.93, warmth=0.6),
    ),
    "queries/blue-mug.jpg": (
        "mug",
        Look("blue", "yellow", motif="star"),
        Shot("tiles", 9, 0.74, -6, 4, squeeze=0.94, warmth=0.3, dim=0.92),
    ),
    "queries/desk-lamp.jpg": (
        "desk lamp",
        Look("yellow", "black", build="cone"),
        Shot("sofa", -6, 0.8, 3, 0, mirrored=True, warmth=0.8, dim=0.9),
    ),
    "queries/teddy.jpg": ("teddy bear", Look("brown", "blue", build="bow"), Shot("lawn", 12, 0.76, 3, 2, squeeze=0.92)),
}


def seed_of(name: str) -> int:
    """A number that depends on nothing but the name."""
    return zlib.crc32(name.encode())


def drawn(kind: str, look: Look, name: str) -> Canvas:
    """The thing on a canvas, without a background; `name` decides its proportions."""
    canvas = Canvas(seed_of(name))
    KINDS[kind][0](canvas, look)
    return canvas


def product_photo(product: Product, index: int) -> Image.Image:
    """The product's photo number `index`: 0 from the front, 1 from the side, 2 in somebody's home."""
    canvas = drawn(product.kind, product.look, product.id)
    canvas.noise = np.random.RandomState(seed_of(f"{product.id} photo {index}"))
    chance = random.Random(f"{product.id} shot {index}")
    homes, studios = list(HOME), list(STUDIO)
    shot = Shot(
        backdrop=homes[int(chance.random() * len(homes))] if index == 2 else studios[int(chance.random() * len(studios))],
        turn=chance.uniform(-5, 5) if index == 0 else chance.uniform(-10, 10),
        zoom=chance.uniform(0.84, 0.95) if index < 2 else 0.76,
        dx=chance.uniform(-3, 3),
        dy=chance.uniform(-2, 2),
        mirrored=index == 1 and not product.look.motif,
        squeeze=(1.0, 0.86, 0.95)[index],
        warmth=0.5 if index == 2 else 0,
    )
    return cut_out(canvas, shot) if product.cut_out else photograph(canvas, KINDS[product.kind][1], shot)


def query_photo(name: str) -> Image.Image:
    """One of `QUERY_PHOTOS`."""
    kind, look, shot = QUERY_PHOTOS[name]
    return photograph(drawn(kind, look, name), KINDS[kind][1], shot)


def photo_files() -> list[str]:
    """Every photo's path below sample_data/."""
    return [name for product in PRODUCTS for name in product.photo_names()] + list(QUERY_PHOTOS)


def make_photo(name: str) -> Image.Image:
    """The photo with that path."""
    if name in QUERY_PHOTOS:
        return query_photo(name)
    for product in PRODUCTS:
        if name in product.photo_names():
            return product_photo(product, product.photo_names().index(name))
    raise ValueError(f"the shop has no photo {name}")


def save_photo(name: str, out: Path) -> None:
    """Draw one photo and write it below `out`."""
    target = out / name
    target.parent.mkdir(parents=True, exist_ok=True)
    image = make_photo(name)
    if target.suffix == ".png":
        image.save(target, optimize=True)
    else:
        image.save(target, quality=85, optimize=True)
