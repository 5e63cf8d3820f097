"""A large store to search in: titles crossed from those of real products, and vectors that lie in clusters as theirs do.

`MMSEARCH_BENCH_DATA` names a folder with `electronics/products.jsonl` and `scientific/products.jsonl`, whose titles are crossed; without
it those of the sample shop are. `MMSEARCH_BENCH_CACHE` names a folder where the stores are kept for the next run; without it they are
made in a temporary folder and deleted.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import mmsearch
from bench.data import SAMPLE
from bench.tables import read_rows
from mmsearch.encoders.recorded import Choice, choose, switch
from mmsearch.lexical.table import refresh_words
from mmsearch.shop import Shop
from mmsearch.store.vector_index import index_vectors
from mmsearch.store.vectors import append_vectors

Matrix = NDArray[np.float32]

_KNOWN = 8_000  # titles that are crossed: the encoder reads so many
_AT_ONCE = 50_000  # vectors written at a time
_CENTRES = 2_000  # of photos: so many kinds of things
_NOISE = 0.6  # length of what is random in a photo's vector, beside its centre's 1
PHOTOS = 2  # every second product has a photo


@contextlib.contextmanager
def large_shop(products: int) -> Iterator[Shop]:
    """A store of so many products with titles, words, prices from 0 to 100, vectors of texts and, of half of them, of photos (seed 0)."""
    kept = os.environ.get("MMSEARCH_BENCH_CACHE")
    if kept is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield _made(Path(temporary), products)
        return
    folder = Path(kept) / f"shop-{products}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _made(folder, products)
        (folder / "done").touch()
    yield mmsearch.open(folder / "store.lancedb")


def titles_known() -> list[str]:
    """The titles that are crossed."""
    if (data := os.environ.get("MMSEARCH_BENCH_DATA")) is None:
        return [row["title"] for row in read_rows(SAMPLE / "products.csv") if row["title"]]
    found = []
    for name in ("electronics", "scientific"):
        with (Path(data) / name / "products.jsonl").open(encoding="utf-8") as lines:
            found += [title for line in lines if (title := json.loads(line).get("title"))]
    return random.Random(0).sample(found, min(_KNOWN, len(found)))


def queries(count: int, seed: int = 1) -> list[str]:
    """So many queries: two to four words of a title, in their order. No two are the same."""
    rng, known = random.Random(seed), titles_known()
    found: dict[str, None] = {}
    while len(found) < count:
        words = [word for word in rng.choice(known).split() if any(map(str.isalpha, word))]
        chosen = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(2, 4))))
        found[" ".join(words[i].replace('"', "").replace(":", "") for i in chosen)] = None
    return list(found)


def _made(folder: Path, products: int) -> Shop:
    known = titles_known()
    rng = np.random.default_rng(0)
    pairs = rng.integers(len(known), size=(products, 2))
    with (folder / "products.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "title", "price"])
        prices = rng.uniform(0, 100, products).round(2).tolist()
        out.writerows([f"p{i}", crossed(known[a], known[b], i), prices[i]] for i, (a, b) in enumerate(pairs.tolist()))
    shop = mmsearch.open(folder / "store.lancedb")
    shop.ingest(folder / "products.csv")
    (folder / "products.csv").unlink()
    text, image = choose(shop.store, {"text": "usem", "image": "efficientnet"})
    of_titles = text.encoder.encode(known).vectors
    with shop.store.writing("bench"):
        _write(shop, text, range(products), lambda rows: of_titles[pairs[rows]].sum(axis=1), rng)
        centres = _unit(rng.standard_normal((_CENTRES, image.encoder.dim), np.float32))
        kinds = rng.integers(_CENTRES, size=products)
        _write(shop, image, range(0, products, PHOTOS), lambda rows: centres[kinds[rows]], rng)
        for choice in (text, image):
            index_vectors(shop.store, choice.table)
        refresh_words(shop.store)
    return shop


def crossed(one: str, other: str, number: int) -> str:
    """The first half of a title, the second of another, and a number of its own."""
    first, second = one.split(), other.split()
    return " ".join([*first[: (len(first) + 1) // 2], *second[len(second) // 2 :], f"M{number}"])


def _write(shop: Shop, choice: Choice, rows: Sequence[int], mean: object, rng: np.random.Generator) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        dim = choice.encoder.dim
        noise = rng.standard_normal((len(some), dim), np.float32) * np.float32(_NOISE / dim**0.5)
        vectors = _unit(mean(np.asarray(some)) + noise)  # type: ignore[operator]
        ids = [f"p{i}" for i in some]
        parts = ["" if choice.modality == "text" else f"{id}.jpg" for id in ids]
        append_vectors(shop.store, choice.table, ids, parts, ["0" * 32] * len(ids), vectors)
    switch(shop.store, choice)


def _unit(rows: Matrix) -> Matrix:
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
