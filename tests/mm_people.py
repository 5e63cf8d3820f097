"""A tiny shop whose shoppers are known: each takes the things of one colour, says so in searches, and never in the same words twice."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from mmsearch.fusion.base import Batch
from mmsearch.shop import Shop
from mmsearch.store import Store

COLOURS = {"red": (220, 20, 20), "green": (20, 180, 20), "blue": (20, 20, 220)}
KINDS = ("shoe", "lamp", "bag", "hat", "cup", "chair", "belt", "clock", "knife", "table")
PRODUCTS = [(colour, kind) for colour in COLOURS for kind in KINDS]
IDS = [f"{colour}-{kind}" for colour, kind in PRODUCTS]
FANS = 8  # of each colour


def write(path: Path, columns: list[str], rows: list[list[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def people(folder: Path, *, searches: bool = True) -> Store:
    """A store with what shoppers did and said; every fan takes seven of the ten things of a colour."""
    rng = np.random.default_rng(0)
    events, asked = [], []
    for colour in COLOURS:
        for number in range(FANS):
            user = f"{colour}-{number}"
            kinds = [KINDS[i] for i in rng.permutation(len(KINDS))[:7]]
            events += [[user, f"{colour}-{kind}", "buy", 1_700_000_000 + at] for at, kind in enumerate(kinds)]
            asked.append([user, f"something {colour}", 1_700_000_000, ""])
    shop = Shop(folder / "people.lancedb")
    shop.ingest(write(folder / "products.csv", ["id", "title"], [[id, id.replace("-", " ")] for id in IDS]))
    shop.ingest(write(folder / "events.csv", ["user", "product", "event", "time"], events))
    if searches:
        shop.ingest(write(folder / "searches.csv", ["user", "text", "time", "clicked"], asked), kind="searches")
    return shop.store


def paint(path: Path, colour: str, kind: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (48, 48), COLOURS[colour])
    row, column = divmod(KINDS.index(kind) % 9, 3)
    image.paste((128, 128, 128), (16 * column, 16 * row, 16 * column + 16, 16 * row + 16))
    image.save(path)
    return path


def batch_of(store: Store | None, folder: Path | None, *, texts: bool = True) -> Batch:
    """The products of `IDS` with their texts, and photos in a folder; the vectors are of no use to the network, and are noise."""
    n = len(IDS)
    contents: dict[str, list[object]] = {}
    if texts:
        contents["text"] = [f"{colour} {kind}" for colour, kind in PRODUCTS]
    if folder is not None:
        contents["image"] = [paint(folder / f"{colour}-{kind}.png", colour, kind) for colour, kind in PRODUCTS]
    vectors = np.eye(n, dtype=np.float32)
    return Batch(dict.fromkeys(contents, vectors), {m: np.ones(n, bool) for m in contents}, contents, IDS, store)
