"""Tuned weights of evidence: `mmsearch fuse --tune` on photos taken in shops (grocery) and on general texts (fashion).

    python -m bench.tuning grocery DATA_FOLDER     (products.csv, shelf.csv, shelf.qrels and their photos)
    python -m bench.tuning fashion DATA_FOLDER     (products.csv with title, type, colour, image)

Prints, with the weights chosen on half of the queries, each measure on the other half before and after with 95 % intervals, for
several splits. Grocery: shelf photo → product; also split by product, so that no product is asked for in both halves. Fashion:
"white flip flops" → products of that type and colour, with all photos and with half of them removed at random, and the places
of the top ten that products without a photo hold.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import mmsearch
from bench.fashion_shop import catalogue, general, halved
from bench.tables import written
from mmsearch.evaluation.trec import read_qrels
from mmsearch.evaluation.tune_fusion import MOST, Tuned, halves, tune
from mmsearch.fusion.keeping import weigh
from mmsearch.fusion.profile import default_name
from mmsearch.search.engine import Engine
from mmsearch.search.kept import Kept
from mmsearch.search.queries import read_queries
from mmsearch.search.query import Query, make_query
from mmsearch.shop import Shop

SEEDS = (0, 1, 2)
Qrels = Mapping[str, Mapping[str, int]]


def shown(label: str, found: Tuned) -> None:
    weights = ", ".join(f"{kind}={weight:g}" for kind, weight in found.weights.items())
    print(f"{label}, {found.train} queries to choose on, {found.held_out} held out: {weights}")
    for row in found.rows:
        spans = "  ".join(
            f"{name} {row[name]['mean']:.4f} [{row[name]['low']:.4f}, {row[name]['high']:.4f}]" for name in ("before", "after")
        )
        change = row["difference"]
        print(f"  {row['measure']:8} {spans}  difference {change['mean']:+.4f} [{change['low']:+.4f}, {change['high']:+.4f}]")


def splits(kept: Mapping[str, Kept], queries: Mapping[str, Query], qrels: Qrels, measures: list[str]) -> list[Tuned]:
    made = []
    for seed in SEEDS:
        train, out, split = halves(queries, qrels, seed)
        made.append(tune(kept, qrels, train, out, {}, measures=measures, seed=seed, split=split))
        shown(split, made[-1])
    return made


def grocery(data: Path, work: Path) -> None:
    shop = mmsearch.open(work / "grocery.lancedb")
    shop.ingest(data / "products.csv")
    shop.embed(no_features="all")
    print(shop.fuse().summary)
    queries, qrels = read_queries(str(data / "shelf.csv")), read_qrels(data / "shelf.qrels")
    kept = Engine(shop.store).keep(queries, 10, MOST)
    measures = ["nDCG@10", "R@1", "R@10", "RR"]
    splits(kept, queries, qrels, measures)
    products = sorted({id for judged in qrels.values() for id in judged})
    for first in (0, 1):
        chosen = set(products[first::2])
        train = [id for id in queries if chosen & set(qrels[id])]
        out = [id for id in queries if id not in set(train)]
        shown(f"other products held out ({first})", tune(kept, qrels, train, out, {}, measures=measures))


def fashion(data: Path, work: Path) -> None:
    rows = catalogue(data)
    fewer, without = halved(rows)
    kinds = general(rows)
    queries = {text: make_query([text]) for text in kinds}
    qrels = {text: dict.fromkeys(ids, 1) for text, ids in kinds.items()}
    for name in ("all photos", "half the photos"):
        shop = build(work / f"{name.split()[0]}.lancedb", rows if name == "all photos" else fewer)
        print(f"{name}: {shop.fuse().summary}")
        kept = Engine(shop.store).keep(queries, 10, MOST)
        for found in splits(kept, queries, qrels, ["P@10", "nDCG@10"]):
            if name != "all photos":
                places = {label: held(shop, queries, weights, without) for label, weights in (("before", {}), ("after", found.weights))}
                print(f"  places of the top ten without a photo: {places['before']:.1%} before, {places['after']:.1%} after")


def held(shop: Shop, queries: Mapping[str, Query], weights: Mapping[str, float], photoless: set[str]) -> float:
    weigh(shop.store, default_name(shop.store) or "", dict(weights), {})  # a query with weights of its own is not understood
    hits = [hit.id for result in shop.search_many(queries, k=10).values() for hit in result]
    return sum(id in photoless for id in hits) / len(hits)


def build(path: Path, rows: list[dict[str, str]]) -> Shop:
    file = written(path.with_suffix(".csv"), rows, ["id", "title", "type", "colour", "image"])
    shop = mmsearch.open(path)
    shop.ingest(file, allow_outside=True)
    shop.embed(no_features="all")
    return shop


def main() -> int:
    jobs = {"grocery": grocery, "fashion": fashion}
    if len(sys.argv) != 3 or sys.argv[1] not in jobs:
        print(__doc__)
        return 2
    with tempfile.TemporaryDirectory() as work:
        jobs[sys.argv[1]](Path(sys.argv[2]).resolve(), Path(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
