"""Knowledge over 100,000 products: time and peak memory of fusing, beside the base alone; and a hub that a tenth of the products share."""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import mmsearch
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.shop import Shop

PRODUCTS, SHOPPERS, EVENTS = 100_000, 30_000, 300_000
SPECS = ("concat", "knowledge(alpha=.5)", "knowledge")


class Noise(Encoder):
    """A random direction for each text, for speed alone."""

    modality: ClassVar[str] = "text"
    dim, space = 512, "noise"

    def fingerprint(self) -> str:
        return "noise-1"

    def encode_batch(self, prepared: Sequence[Any]) -> Matrix:
        return np.stack([np.random.default_rng(sum(text.encode()) + 7919 * len(text)).normal(size=512) for text in prepared]).astype(
            np.float32
        )


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        shop = shop_with_edges(Path(folder))
        for spec in SPECS:
            run = [sys.executable, "-m", "bench.graph", str(shop.store.path), spec]
            seconds, megabytes, told = subprocess.run(run, capture_output=True, text=True, check=True).stdout.rstrip("\n").split("\t")
            yield f"fuse {PRODUCTS:,} × 512 by {spec}: {float(seconds):.0f} s, peak {int(megabytes):,} MB: {told[:150]}"


def shop_with_edges(folder: Path) -> Shop:
    """Brands and categories of very different sizes, one category with a tenth of the products, and purchases."""
    rng = random.Random(0)
    with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title", "brand", "category", "colour"])
        for i in range(PRODUCTS):
            leaf = 0 if i % 10 == 0 else rng.randrange(1, 300)
            category = f"Top{leaf % 7} > Kind{leaf % 60} > Leaf{leaf}"
            out.writerow(
                [f"p{i}", f"thing {i} {rng.randrange(10**9)}", f"brand{int(rng.paretovariate(0.7)) % 5000}", category, f"c{i % 12}"]
            )
    with (folder / "events.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user", "product", "event", "time"])
        for t in range(EVENTS):
            out.writerow([f"u{rng.randrange(SHOPPERS)}", f"p{int(PRODUCTS * rng.random() ** 2)}", "buy", t])
    ENCODERS.register("noise", Noise)
    shop = mmsearch.open(folder / "bench.lancedb")
    shop.ingest(folder / "products.csv")
    shop.ingest(folder / "events.csv")
    shop.embed(text="noise", no_features="all")
    return shop


def main() -> None:
    """One fuse in a process of its own: seconds, peak memory, what it says."""
    ENCODERS.register("noise", Noise)
    shop = Shop(sys.argv[1])
    start = time.perf_counter()
    profile = shop.fuse(sys.argv[2], name="bench", replace=True, force=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(time.perf_counter() - start, peak, profile.summary, sep="\t")


if __name__ == "__main__":
    main()
