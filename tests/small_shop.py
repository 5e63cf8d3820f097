"""A small shop for tests of the upper floors: 40 products whose words and photos mean the same things.

A photo is a plain colour with a grey patch; the place of the patch tells the kind. Both are what the fake encoders see.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from PIL import Image

from mmsearch.shop import Shop

COLOURS = {
    "red": (220, 20, 20),
    "green": (20, 180, 20),
    "blue": (20, 20, 220),
    "yellow": (220, 210, 20),
    "white": (240, 240, 240),
    "black": (10, 10, 10),
}
KINDS = ("shoe", "lamp", "bag", "hat", "cup", "chair")

#: Products that lack something, or have more than one of it.
TWO_PHOTOS = "red-shoe"  # the second photo shows a blue one
NO_PHOTO = "green-lamp"
NO_TEXT = "bare"  # a photo of a yellow hat
NOTHING = "empty"  # neither text nor photo
TWINS = ("twin-a", "twin-b")  # the same text, no photo: their scores are equal

COLUMNS = ("id", "title", "description", "brand", "price", "images", "colour", "stock")


def paint(path: Path, colour: str, kind: str) -> None:
    """Write the photo of a product."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (42, 42), COLOURS[colour])
    row, column = divmod(KINDS.index(kind), 3)
    image.paste((128, 128, 128), (14 * column, 14 * row, 14 * column + 14, 14 * row + 14))
    image.save(path)


def rows(folder: Path) -> list[dict[str, Any]]:
    """The catalogue; its photos are written below `folder`."""
    found: list[dict[str, Any]] = []
    for number, (colour, kind) in enumerate((c, k) for c in COLOURS for k in KINDS):
        id = f"{colour}-{kind}"
        photos = [f"photos/{id}.png"]
        paint(folder / photos[0], colour, kind)
        if id == TWO_PHOTOS:
            photos.append("photos/second.png")
            paint(folder / photos[1], "blue", kind)
        found.append(
            {
                "id": id,
                "title": f"{colour.title()} {kind}",
                "description": f"A {colour} {kind} for every day" if number % 2 else None,
                "brand": "Ulm" if number % 3 else "Kandel",
                "price": 10.0 + number,
                "images": ";".join(photos) if id != NO_PHOTO else None,
                "colour": colour,
                "stock": (number + 1) % 5,  # red-chair, which tests recommend, is there
            }
        )
    paint(folder / "photos/bare.png", "yellow", "hat")
    found.append({"id": NO_TEXT, "images": "photos/bare.png", "price": 5.0})
    found.append({"id": NOTHING, "price": 6.0, "brand": "Kandel"})
    found += [{"id": id, "title": "Twin kettle", "price": 7.0} for id in TWINS]
    return found


def write_csv(path: Path, columns: tuple[str, ...], values: list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(values)
    return path


def write_jsonl(path: Path, values: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values), encoding="utf-8")
    return path


def write_catalogue(folder: Path) -> Path:
    """products.csv and its photos in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_csv(folder / "products.csv", COLUMNS, rows(folder))


def write_events(folder: Path) -> Path:
    """events.csv: each shopper takes all of one colour, but for the last one of them, in the order of `KINDS`."""
    taken = [
        {"user": f"{colour}-fan{copy}", "product": f"{colour}-{kind}", "event": "buy", "time": 1_700_000_000 + 86_400 * step}
        for colour in COLOURS
        for copy in range(4)
        for step, kind in enumerate(KINDS[: 6 - (copy == 0)])
    ]
    return write_csv(folder / "events.csv", ("user", "product", "event", "time"), taken)


def make(folder: Path, *, fuse: bool = True, events: bool = True) -> Shop:
    """The small shop as a store in `folder`, embedded with the fake encoders and fused with `fake-fuser`."""
    shop = Shop(folder / "store.lancedb")
    shop.ingest(write_catalogue(folder))
    if events:
        shop.ingest(write_events(folder))
    shop.embed(text="fake-text", image="fake-image")
    if fuse:
        shop.fuse("fake-fuser")
    return shop
