"""Sparse attributes: a catalogue of thousands of names as it is kept, beside the same with a column for every name.

    python -m bench.attributes FILE.jsonl          (a wide catalogue, for example wide.jsonl of the electronics data)
    python -m bench.attributes 100000 30 5000      (made up: products, sparse values a product, names)

Prints the seconds of the ingest, the size of the store, what opening it costs a search that filters nothing, and the latency of
filters. With made-up products also the rows a second of the writer and the bytes that a known product takes (10 columns, none sparse).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from bench.timing import seconds, shown
from mmsearch.catalog.ingest import ingest
from mmsearch.catalog.product_table import ProductTable
from mmsearch.catalog.records import Product
from mmsearch.store import PRODUCTS, Store
from mmsearch.store.attributes import CORE, load_attributes
from mmsearch.store.filter import passing
from mmsearch.store.sparse import count_names
from mmsearch.store.store import ATTRIBUTES
from mmsearch.store.where import written

_OPENING = """
import sys, time, lance
from mmsearch.store import PRODUCTS, Store
start = time.perf_counter()
store = Store(sys.argv[1])
store.check()
ids = store.read(PRODUCTS, ["id"])
store.read(PRODUCTS, ["id", "title"], limit=10)
print(time.perf_counter() - start)
"""
_RUNS = 11


def made_up(path: Path, products: int, values: int, names: int) -> None:
    """Products of which each has `values` of `names` attributes: numbers, words and truth values."""
    rng = random.Random(0)
    kinds = [rng.choice("ntb") for _ in range(names)]
    with path.open("w", encoding="utf-8") as file:
        for i in range(products):
            row = {"id": f"P{i:07d}", "title": f"product number {i}", "price": i % 100}
            for j in rng.sample(range(names), values):
                row[f"{kinds[j]}_name_{j}"] = {"n": rng.randrange(1000) / 10, "t": rng.choice(["red", "green"]), "b": j % 2 == i % 2}[
                    kinds[j]
                ]
            file.write(json.dumps(row) + "\n")


def measure(path: Path, store: Store) -> list[str]:
    """Ingest a file; what that cost, and what opening the store costs."""
    start = time.perf_counter()
    ingest(store, str(path))
    lines = [f"ingest {shown(time.perf_counter() - start)}"]
    size = sum(p.stat().st_size for p in Path(store.path).rglob("*") if p.is_file())
    names = load_attributes(store)
    own = len(names.columns) - len(CORE)
    lines.append(f"{size / 2**20:.1f} MiB, {own:,} attributes with columns, {len(names.sparse):,} sparse")
    opening = [
        float(subprocess.run([sys.executable, "-c", _OPENING, store.path], check=True, capture_output=True).stdout) for _ in range(_RUNS)
    ]
    lines.append(f"opening for a search without a filter {shown(statistics.median(opening))}")
    return lines


def ask(store: Store, where: str) -> str:
    """One filter, its answer and its latency."""
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    times = seconds(lambda: passing(store, where, ids), _RUNS)
    return f"{where}: {shown(statistics.median(times))}, {passing(store, where, ids).sum():,} of {len(ids):,} products"


def questions(store: Store) -> list[str]:
    """Filters on a column, on sparse attributes (the two most frequent ones that hold numbers), on both."""
    names = load_attributes(store)
    numbers = [n for n, _ in count_names(store).most_common() if names.sparse[n] == ("number",)]
    rare, other = map(written, numbers[:2])
    frequent = next((written(n) for n, kinds in names.columns.items() if n not in CORE and "number" in kinds), "price")
    return [f"{frequent} > 50", f"{rare} > 5", f"{rare} is null", f"{frequent} > 50 and not ({rare} > 5 or {other} > 5)"]


def writer(folder: str, products: int = 200_000, chunk: int = 20_000) -> list[str]:
    """Rows a second of new products with ten columns, and what `known` takes."""
    store = Store(f"{folder}/writer.lancedb")
    store.create()
    spent = busy = 0.0
    with store.writing("bench"):
        table = ProductTable(store)
        for start in range(0, products, chunk):
            rows = [_product(i) for i in range(start, start + chunk)]
            begun, used = time.perf_counter(), time.process_time()
            table.write(rows, ())
            spent += time.perf_counter() - begun
            busy += time.process_time() - used
        table.finish()
        tracemalloc.start()
        known = table.known()
        traced = tracemalloc.get_traced_memory()[0] / len(known)
        tracemalloc.stop()
    ids, digest = list(known), b"ab" * 8
    (once,) = seconds(lambda: [known.get(id) == digest for id in ids], 1)
    lookup = f"{once / products * 1e6:.2f} µs a look-up"
    speed = f"{products / spent:,.0f} new rows/s of 10 columns, {products / busy:,.0f} a CPU-second"
    return [f"writer: {speed}", f"known products: {traced:.0f} bytes each, {lookup}"]


def _product(i: int) -> Product:
    made = Product(
        f"P{i:07d}", "/shop", {"title": f"product {i}", "brand": "b", "price": float(i), "category": "a > b", "description": "words"}
    )
    made.attributes = {"size": ("number", float(i % 50)), "colour": ("text", "red"), "new": ("bool", True), "weight": ("number", 1.5)}
    made.attributes["tags"] = ("list", ["a", "b"])
    made.row_digest = hashlib.blake2b(str(i).encode(), digest_size=16).digest()
    return made


def main() -> int:
    import lancedb  # noqa: F401 - its import is not what is measured

    with tempfile.TemporaryDirectory() as folder:
        if sys.argv[1].isdecimal():
            path = Path(folder) / "products.jsonl"
            made_up(path, *map(int, sys.argv[1:4]))
        else:
            path = Path(sys.argv[1])
        layouts: dict[str, Callable[..., list[str]] | None] = {"as it is kept": None}
        if not sys.argv[1].isdecimal():
            layouts["a column for every name"] = lambda filled, *_: [name for name in filled if name not in CORE]
        asked: list[str] = []
        for number, (layout, choose) in enumerate(layouts.items()):
            store = Store(f"{folder}/{number}.lancedb")
            store.create()
            with contextlib.ExitStack() as stack:
                if choose is not None:
                    stack.enter_context(mock.patch("mmsearch.catalog.product_table.MAX_COLUMNS", 10**6))
                    stack.enter_context(mock.patch("mmsearch.catalog.product_table.choose", choose))
                    stack.enter_context(mock.patch("mmsearch.store.layout.choose", choose))
                lines = measure(path, store)
            asked = asked or questions(store)
            for line in [*lines, *(ask(store, where) for where in asked)]:
                print(f"{layout}: {line}")
        if sys.argv[1].isdecimal():
            store.connect().open_table(ATTRIBUTES).drop_index("name_idx")
            print(f"without the index on the name: {ask(store, asked[1])}")
            print(*writer(folder), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
