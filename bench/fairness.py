"""SPEC's test of fairness: with half the photos removed at random, who holds the top-10 places over text queries?

    python -m bench.fairness DATA_FOLDER [METHOD]     (products.csv with title, type, colour, image, split: the fashion data)

Prints the share of the top-10 places that products without a photo hold (fair: 45–55 %), and the quality with and
without all photos (relevant: same type and colour), for general queries ("white flip flops") and for titles.
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import mmsearch
from bench.fashion_shop import catalogue, general, halved
from bench.tables import written
from mmsearch.search.query import make_query
from mmsearch.shop import Shop


def build(folder: Path, rows: list[dict[str, str]], name: str, method: str | None) -> Shop:
    """A store of the rows; photos by absolute path."""
    path = written(folder / f"{name}.csv", rows, ["id", "title", "category", "type", "colour", "image"])
    shop = mmsearch.open(folder / f"{name}.lancedb")
    shop.ingest(path, allow_outside=True)
    shop.embed()
    print(f"{name}: {shop.fuse(method).summary}")
    return shop


def main() -> int:
    data = Path(sys.argv[1]).resolve()
    method = sys.argv[2] if len(sys.argv) > 2 else None
    rows = catalogue(data)  # category paths are what `gated` learns from, and words of the products
    fewer, photoless = halved(rows)
    kinds = general(rows)
    titles = random.Random(1).sample([row["title"] for row in rows], 200)
    with tempfile.TemporaryDirectory() as folder:
        shops = {"all photos": build(Path(folder), rows, "all", method), "half the photos": build(Path(folder), fewer, "half", method)}
        for name, shop in shops.items():
            for label, texts in (("general queries", list(kinds)), ("titles", titles)):
                results = shop.search_many({str(i): make_query([text]) for i, text in enumerate(texts)}, k=10)
                hits = [hit.id for result in results.values() for hit in result]
                share = sum(id in photoless for id in hits) / len(hits)
                line = f"{name}, {len(texts)} {label}: {share:.1%} of the top-10 places have no photo"
                if label == "general queries":
                    found = [sum(hit.id in kinds[text] for hit in results[str(i)]) / 10 for i, text in enumerate(texts)]
                    line += f"; P@10 {sum(found) / len(found):.4f}"
                print(line if name != "all photos" else line.replace("have no photo", "are of those that will lose their photo"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
