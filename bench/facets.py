"""Facets, sorting and a filter alone over a million products, beside the bare LanceDB reads of the same columns."""

from __future__ import annotations

import csv
import os
import random
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import lance

import mmsearch
from bench.timing import paired, seconds, shown
from mmsearch.search.facets import count_facet, parse_facet
from mmsearch.shop import Shop
from mmsearch.store import PRODUCTS
from mmsearch.store.filter import passing
from mmsearch.store.values import read_values

_PRODUCTS = int(os.environ.get("MMSEARCH_BENCH_ROWS", "1000000"))
_RUNS = 7


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        shop = mmsearch.open(f"{folder}/bench.lancedb")
        shop.ingest(made_up(Path(folder) / "products.csv", _PRODUCTS))
        yield from lines(shop)


def made_up(path: Path, products: int) -> Path:
    """Products of 1,000 brands, 200 categories in three levels, prices, dates and tags (seed 0)."""
    rng = random.Random(0)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title", "brand", "category", "price", "released", "tags"])
        for i in range(products):
            brand = f"Brand {min(int(rng.expovariate(0.02)), 999)}"
            category = f"Shop > Hall {rng.randrange(10)} > Aisle {rng.randrange(20)}"
            day = date(2005, 1, 1) + timedelta(days=rng.randrange(7_000))
            tags = f'["t{rng.randrange(50)}", "t{rng.randrange(50)}"]'
            out.writerow([f"p{i}", f"product {i}", brand, category, round(rng.lognormvariate(3.5, 1.2), 2), day.isoformat(), tags])
    return path


def lines(shop: Shop) -> Iterator[str]:
    store = shop.store
    ids = store.read(PRODUCTS, ["id"]).column("id").combine_chunks()
    version = store.version(PRODUCTS)
    table = lance.dataset(f"{store.path}/{PRODUCTS}.lance")
    few = passing(store, "price < 2.1", ids)
    for text in ("brand", "category", "price(5)", "released(5)", "tags"):
        asked = parse_facet(text)

        def facet(among: object = None, asked: object = asked) -> None:
            count_facet(asked, read_values(store, asked.name, ids, version=version, option="--facet"), among)  # type: ignore[attr-defined, arg-type]

        ours, bare, ratio = paired(facet, partial(table.to_table, columns=[asked.name]), _RUNS)
        counted = min(seconds(partial(facet, few), _RUNS))
        yield (
            f"--facet '{text}', {len(ids):,} products: {shown(ours)}, reading the column alone {shown(bare)}; ratio {ratio:.2f}; "
            f"over {few.sum():,} that pass a filter {shown(counted)}"
        )
    query = partial(shop.search, where="price < 2.1", facets="brand", sort="price desc")
    bare_read = partial(table.to_table, columns=["id", "price", "brand"], filter="price < 2.1")
    ours, bare, ratio = paired(query, bare_read, _RUNS)
    yield f"1 % by filter, a facet, sorted, 10 hits: Shop.search {shown(ours)}, the rows by LanceDB {shown(bare)}; ratio {ratio:.2f}"
    ours, bare, ratio = paired(partial(shop.search, sort="price desc"), partial(table.to_table, columns=["id", "price"]), _RUNS)
    yield f"all {len(ids):,} sorted, 10 hits: Shop.search {shown(ours)}, the columns by LanceDB {shown(bare)}; ratio {ratio:.2f}"
