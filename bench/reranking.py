"""What reranking by `mmr` and `dedupe` costs and brings, on the fashion products.

    python -m bench.reranking DATA_FOLDER [STORE]     (the folder that holds fashion/; a store of it that there is already)

*Types*: queries of a type alone ("flip flops"), to which every product of the type is right; how many of its colours the first ten show
(subtopic recall, Zhai, Cohen & Lafferty, SIGIR 2003). *Colours*: queries of colour and type ("white flip flops"): what variety costs where
the query leaves none. Every second type, in the order of the alphabet, is for validation, the others for test.

*Copies*: 60 products that `bench.consistency` plants in one half of the catalogue, their photos cropped or saved anew, their titles written
otherwise: how many `dedupe` would find, and how many other pairs of the 3,000 it would take for one.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import mmsearch
from bench.consistency import Planted
from bench.fashion_shop import catalogue, general
from bench.tables import written
from mmsearch.search.index import Index
from mmsearch.search.query import make_query
from mmsearch.search.rerank.dedupe import same_products
from mmsearch.search.rerank.known import Known
from mmsearch.shop import Shop

_K = 10
_COLUMNS = ("id", "title", "category", "colour", "usage", "image")
_MMR = ("", *(f"mmr(lambda={share})" for share in (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3)))
_DEDUPE = ("", "dedupe", *(f"dedupe(at={at})" for at in (0.97, 0.93, 0.9)))


def measure(folder: Path, store: str | None) -> None:
    table = catalogue(folder / "fashion")
    with tempfile.TemporaryDirectory() as made:
        shop = mmsearch.open(store or f"{made}/fashion.lancedb")
        if store is None:
            shop.ingest(written(Path(made) / "products.csv", [{name: row[name] for name in _COLUMNS} for row in table]), allow_outside=True)
            shop.embed()
            shop.fuse()
        lines(shop, table)
        for part in ("validation", "test"):
            copies(folder, part, Path(made))


def lines(shop: Shop, table: Sequence[Mapping[str, str]]) -> None:
    colour = {row["id"]: row["colour"] for row in table}
    types = sorted({row["type"] for row in table if Counter(r["type"] for r in table)[row["type"]] >= 20})
    kinds = {kind: {row["id"] for row in table if row["type"] == kind} for kind in types}
    exact = {kind: set(ids) for kind, ids in general(table).items()}
    known = Known(Index(shop.store))
    for half, name in ((0, "validation"), (1, "test")):
        mine = types[half::2]
        alone = {kind.lower(): kinds[kind] for kind in mine}
        coloured = {query: ids for query, ids in exact.items() if any(query.endswith(f" {kind.lower()}") for kind in mine)}
        print(f"\n{name}: {len(alone)} types, {len(coloured)} colours of them")
        print("reranker | types: P@10 | colours shown of 10 | alike | colours: P@10 | alike")
        for spec in dict.fromkeys((*_MMR, *_DEDUPE)):
            row = [spec or "none"]
            for queries, shows in ((alone, True), (coloured, False)):
                found = answers(shop, list(queries), spec)
                row.append(f"{np.mean([np.mean([id in queries[q] for id in ids]) for q, ids in found.items()]):.3f}")
                if shows:
                    row.append(f"{np.mean([shown(ids, queries[q], colour) for q, ids in found.items()]):.3f}")
                row.append(f"{np.mean([likeness(known, ids) for ids in found.values()]):.3f}")
            print(" | ".join(row), flush=True)


def copies(data: Path, part: str, folder: Path) -> None:
    planted = Planted(data, folder / part, part)
    store = planted.shop.store
    known = Known(Index(store))
    ids = known.products
    cosines, words = known.likeness(ids.to_pylist()), known.words(ids.to_pylist())
    place = {id: i for i, id in enumerate(ids.to_pylist())}
    mine = np.array([(place[copy], place[original]) for copy, (original, _, _) in planted.copies.items()])
    print(f"\n{part}: {len(mine)} copies\nreranker | copies found | other pairs")
    for at in (None, 0.97, 0.95, 0.93, 0.9):
        same = same_products(cosines, words, at)
        found = same[mine[:, 0], mine[:, 1]]
        print(f"dedupe{'' if at is None else f'(at={at})'} | {found.mean():.3f} | {np.triu(same, 1).sum() - found.sum()}", flush=True)


def answers(shop: Shop, queries: Sequence[str], spec: str) -> dict[str, list[str]]:
    found = shop.search_many({query: make_query([query]) for query in queries}, k=_K, rerank=spec or None)
    return {query: [hit.id for hit in result] for query, result in found.items()}


def shown(ids: Sequence[str], right: set[str], colour: Mapping[str, str]) -> float:
    """The share of the colours of a type that its first products show, of as many as there is room for."""
    return len({colour[id] for id in ids if id in right}) / min(_K, len({colour[id] for id in right}))


def likeness(known: Known, ids: Sequence[str]) -> float:
    """The mean cosine of the photos of two of the list."""
    cosines = known.likeness(ids)[1]
    return float(np.nanmean(cosines[~np.eye(len(ids), dtype=bool)]))


if __name__ == "__main__":
    measure(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
