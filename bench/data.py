"""A store to measure on: the sample shop repeated with other words, so that its size is free."""

from __future__ import annotations

import contextlib
import csv
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import mmsearch
from bench.tables import read_rows
from mmsearch.shop import Shop

SAMPLE = Path(__file__).parent.parent / "sample_data"


@contextlib.contextmanager
def shop_of(products: int) -> Iterator[Shop]:
    """A store with `products` titles, each a mix of the sample shop's words (seed 0), embedded with the bundled encoder."""
    rng = random.Random(0)
    rows = read_rows(SAMPLE / "products.csv")
    words = sorted({w for row in rows for w in row["title"].split()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "products.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["id", "title", "price", "colour"])
            for i in range(products):
                out.writerow([f"p{i}", " ".join(rng.sample(words, 6)), rng.randrange(1000) / 10, rng.choice(["red", "blue", "green"])])
        shop = mmsearch.open(f"{folder}/bench.lancedb")
        shop.ingest(path)
        shop.embed()
        yield shop
