"""Many small writes: what merging small files as they grow, `optimize` and an index of the ids are worth."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa

from bench.timing import shown
from mmsearch.fusion.digests import of_table
from mmsearch.store import Store
from mmsearch.store.maintain import optimize
from mmsearch.store.vectors import read_vectors, write_vectors

_WRITES, _EACH, _DIM = 500, 512, 64
_CHUNKS, _ROWS = 50, 20_000


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _vectors(Path(folder))
        yield from _products(Path(folder))


def _vectors(folder: Path) -> Iterator[str]:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((_EACH, _DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for merged in (False, True):
        store = Store(folder / f"vectors-{merged}")
        store.create()
        times = []
        with mock.patch("mmsearch.store.maintain._SMALL_FILES", 64 if merged else 10**9):
            for i in range(_WRITES):
                ids = [f"P{i * _EACH + j:08}" for j in range(_EACH)]
                begun = time.perf_counter()
                write_vectors(store, "vectors", ids, [""] * _EACH, ["h"] * _EACH, vectors)
                times.append(time.perf_counter() - begun)
        what = "merging at 64 files" if merged else "merging nothing"
        ends = f"the first ten {_median(times[:10])} each, the last ten {_median(times[-10:])}"
        yield f"{_WRITES} writes of {_EACH} vectors, {what}: {shown(sum(times))} together, {ends}; reading {_reading(store)}"
        if not merged:
            begun = time.perf_counter()
            optimize(store, timedelta(0))
            yield f"then optimize {shown(time.perf_counter() - begun)}; reading {_reading(store)}"


def _reading(store: Store) -> str:
    files = sum(p.is_file() for p in Path(store.path).rglob("*"))
    times = []
    for read in (of_table, read_vectors):
        runs = []
        for _ in range(3):
            begun = time.perf_counter()
            read(Store(store.path), "vectors")
            runs.append(time.perf_counter() - begun)
        times.append(min(runs))
    return f"hashes {shown(times[0])}, vectors {shown(times[1])}, {files} files"


def _products(folder: Path) -> Iterator[str]:
    store = Store(folder / "products")
    store.create()
    schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("title", pa.string())])

    def rows(chunk: int, edition: str) -> pa.Table:
        numbers = range(chunk * _ROWS, (chunk + 1) * _ROWS)
        return pa.table({"id": [f"P{i:08}" for i in numbers], "title": [f"title {i} {edition}" for i in numbers]}, schema=schema)

    def write(chunk: int, edition: str) -> float:
        table = rows(chunk, edition)
        begun = time.perf_counter()
        store.upsert("products", table, "id")
        return time.perf_counter() - begun

    times = [write(chunk, "one") for chunk in range(_CHUNKS)]
    yield (f"{_CHUNKS} writes of {_ROWS:,} rows: {shown(sum(times))} together, the second {shown(times[1])}, the last {shown(times[-1])}")
    plain = [write(chunk, "two") for chunk in (10, 20, 30)]
    optimize(store, timedelta(0))
    merged = [write(chunk, "three") for chunk in (10, 20, 30)]
    table = store.fresh("products")
    assert table is not None
    begun = time.perf_counter()
    table.create_scalar_index("id", "BTREE")
    made = time.perf_counter() - begun
    indexed = [write(chunk, "four") for chunk in (10, 20, 30)]
    what = f"{_ROWS:,} changed rows of {_CHUNKS * _ROWS:,}"
    with_index = f"with an index of the ids ({shown(made)} to make) {_median(indexed)}"
    yield f"{what}: {_median(plain)}; after optimize {_median(merged)}; {with_index}"


def _median(times: list[float]) -> str:
    return shown(float(np.median(times)))
