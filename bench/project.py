"""Fusing BENCH_PRODUCTS (200,000) synthetic products, and projecting all of them anew: rows a second, and memory beside that of a quarter.

Texts of 512 and photos of 1,280 numbers with the further views of `efficientnet`; `aligned` learns from 50,000 of them at most. Every
figure is of a process of its own. The store takes 15 KB a product on the disk, in the folder for temporary files.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.data import SAMPLE

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "200000"))

_MAKE = """
import sys
import numpy as np
import mmsearch
from mmsearch.encoders.recorded import load_encoder, recorded_encoder
from mmsearch.fusion.base import unit_rows
from mmsearch.store.vectors import append_vectors
folder, products = sys.argv[1], int(sys.argv[2])
shop = mmsearch.open(folder + "/shop.lancedb")
shop.ingest(folder + "/few.csv", allow_outside=True)
shop.embed(no_features="all")
shop.ingest(folder + "/products.csv")
rng = np.random.default_rng(0)
to = {}
for modality in ("text", "image"):
    encoder, known = load_encoder(shop.store, modality), recorded_encoder(shop.store, modality)
    views = sum(encoder.views.values())
    to[modality] = known["table"], views, rng.standard_normal((64, encoder.dim), np.float32)
for start in range(0, products, 10_000):
    n = min(10_000, products - start)
    Z = rng.standard_normal((n, 64), np.float32)
    for modality, (table, views, way) in to.items():
        X = Z @ way + 8 * rng.standard_normal((n, way.shape[1]), np.float32)
        X = unit_rows(np.maximum(X, 0) if modality == "image" else X)
        ids = [f"p{i}" for i in range(start, start + n)]
        parts = [""] * n if modality == "text" else [f"{id}.jpg" for id in ids]
        rows = np.hstack([X, rng.random((n, views), np.float32)])
        append_vectors(shop.store, table, ids, parts, [f"{modality} {id}" for id in ids], rows, views)
"""

_MEASURE = """
import json, resource, sys, time
import mmsearch
from mmsearch.fusion.profile import load
from mmsearch.fusion.projecting import drop_others, refresh
shop = mmsearch.open(sys.argv[1])
rss = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
if sys.argv[2] == "fuse":
    start = time.perf_counter()
    shop.fuse("aligned")
else:
    drop_others(shop.store, "aligned", None)
    start = time.perf_counter()
    refresh(shop.store)
took = time.perf_counter() - start
profile = load(shop.store, "aligned")
tables = [profile.fused_table, profile.projected_table("text"), profile.projected_table("image")]
print(json.dumps([took, rss(), sum(shop.store.count(table) for table in tables)]))
"""


def measure() -> Iterator[str]:
    for products in (PRODUCTS // 4, PRODUCTS):
        with tempfile.TemporaryDirectory() as folder:
            written(Path(folder), products)
            run(_MAKE, folder, str(products))
            for what, told in (("fuse", "fuse by aligned"), ("project", "all projected anew by what it learned")):
                took, peak, rows = json.loads(run(_MEASURE, f"{folder}/shop.lancedb", what).splitlines()[-1])
                speed = f"{rows / took:,.0f} rows a second ({rows:,} rows of three tables)"
                yield f"{products:,} products, {told}: {took:.0f} s, {speed}, {peak:,.0f} MB at most"


def run(script: str, *arguments: str) -> str:
    return subprocess.run([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def written(folder: Path, products: int) -> None:
    """A few products with real photos, by which the store gets its encoders, and the titles of the synthetic ones."""
    with (SAMPLE / "products.csv").open(encoding="utf-8", newline="") as file:
        few = [row for row in csv.DictReader(file) if row["image"]][:3]
    with (folder / "few.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title", "image"])
        out.writerows([row["id"], row["title"], SAMPLE / row["image"].split(";")[0]] for row in few)
    with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title"])
        out.writerows([f"p{i}", f"word{i % 997} thing{i % 1009} kind{i % 97} shade{i % 13}"] for i in range(products))
