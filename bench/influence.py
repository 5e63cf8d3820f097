"""`concat` and `weighted` as what products are like: neighbours of the same type and colour, with all photos and with half of them.

    python -m bench.influence DATA_FOLDER [STORE]     (the fashion data: products.csv with type, colour, split, image)

P@10 of the ten nearest products by their fused vectors, asked for the products of the validation and of the test split, for several
weights of the photo beside 1 for the text; and, where half of the photos are removed at random, which share of those ten places the
products without a photo hold (half would be fair). STORE: one that was made of products.csv already.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import mmsearch
from bench.tables import read_rows
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Batch
from mmsearch.fusion.batch import load_batch
from mmsearch.fusion.fitting import vector_tables
from mmsearch.shop import Shop

WEIGHTS = (0.1, 0.3, 1.0, 3.0, 10.0)


def neighbours(batch: Batch, spec: str) -> np.ndarray:
    """The ten nearest products of each (n, 10), itself left out."""
    fuser = FUSERS.create(spec)
    fuser.fit(batch, {}, 0)
    items = fuser.items(batch)
    similarity = items @ items.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :10]


def main() -> int:
    data = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as work:
        shop = mmsearch.open(sys.argv[2]) if len(sys.argv) > 2 else build(data, Path(work))
        ids, batch = load_batch(shop.store, vector_tables(shop.store))
    rows = {row["id"]: row for row in read_rows(data / "products.csv")}
    kinds = np.array([f"{rows[id]['colour']} {rows[id]['type']}" for id in ids])
    names, counts = np.unique(kinds, return_counts=True)
    enough = np.isin(kinds, names[counts >= 11])
    asked = {part: np.flatnonzero(enough & np.array([rows[id]["split"] == part for id in ids])) for part in ("validation", "test")}
    kept = np.random.default_rng(0).random(len(ids)) < 0.5
    there = batch.present["image"] & kept
    half = Batch(
        {"text": batch.vectors["text"], "image": batch.vectors["image"] * there[:, None]}, {"text": batch.present["text"], "image": there}
    )
    both = Batch({m: batch.vectors[m] for m in half.vectors}, {m: batch.present[m] for m in half.present})
    print({part: len(rows) for part, rows in asked.items()})
    for method in ("concat", "weighted"):
        for weight in WEIGHTS:
            line = f"{method}(text=1, image={weight:g})"
            for name, what in (("all photos", both), ("half the photos", half)):
                near = neighbours(what, line)
                right = (kinds[near] == kinds[:, None]).mean(axis=1)
                found = "  ".join(f"{part} P@10 {right[some].mean():.4f}" for part, some in asked.items())
                share = "" if what is both else f"  without a photo {np.isin(near, np.flatnonzero(~there)).mean():.1%}"
                print(f"{line:28} {name:16} {found}{share}", flush=True)
    return 0


def build(data: Path, work: Path) -> Shop:
    shop = mmsearch.open(work / "fashion.lancedb")
    shop.ingest(data / "products.csv")
    shop.embed(no_features="all")
    return shop


if __name__ == "__main__":
    sys.exit(main())
