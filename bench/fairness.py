"""SPEC's test of fairness: with half the photos removed at random, who holds the top-10 places over text queries?

    python -m bench.fairness DATA_FOLDER [METHOD]     (products.csv with title, type, colour, image, split: the fashion data)

Prints the share of the top-10 places that products without a photo hold (fair: 45–55 %), and the quality with and
without all photos (relevant: same type and colour), for general queries ("white flip flops") and for titles.
"""

from __future__ import annotations

import csv
import random
import sys
import tempfile
from pathlib import Path

import mmsearch
from mmsearch.search.query import make_query
from mmsearch.shop import Shop


def build(folder: Path, rows: list[dict[str, str]], name: str, method: str | None) -> Shop:
    """A store of the rows; photos by absolute path."""
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, ["id", "title", "category", "type", "colour", "image"], extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    shop = mmsearch.open(folder / f"{name}.lancedb")
    shop.ingest(path, allow_outside=True)
    shop.embed()
    print(f"{name}: {shop.fuse(method).summary}")
    return shop


def main() -> int:
    data = Path(sys.argv[1]).resolve()
    method = sys.argv[2] if len(sys.argv) > 2 else None
    with (data / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [dict(row, image=str(data / row["image"])) for row in csv.DictReader(file)]
    for row in rows:  # what `gated` learns from; no text, and no search looks at it
        row["category"] = " > ".join((row["category"], row["subcategory"], row["type"]))
    halved = [dict(row) for row in rows]
    without = set(random.Random(0).sample(range(len(rows)), len(rows) // 2))
    for i in without:
        halved[i]["image"] = ""
    photoless = {rows[i]["id"] for i in without}
    kinds: dict[str, set[str]] = {}
    for row in rows:
        kinds.setdefault(f"{row['colour']} {row['type']}".lower(), set()).add(row["id"])
    general = sorted(kind for kind, ids in kinds.items() if len(ids) >= 5)
    titles = random.Random(1).sample([row["title"] for row in rows], 200)
    with tempfile.TemporaryDirectory() as folder:
        shops = {"all photos": build(Path(folder), rows, "all", method), "half the photos": build(Path(folder), halved, "half", method)}
        for name, shop in shops.items():
            for label, texts in (("general queries", general), ("titles", titles)):
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
