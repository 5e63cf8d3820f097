"""What goes with a product: how often the next thing that a shopper takes is among the ten of `mmsearch recommend --goes-with`.

    python -m bench.complements DATA_FOLDER     (the folder that holds scientific/)

The product is a shopper's last one before the held-out one; the lists are full, nothing of the history is left out of them. Validation: the
last but one event of each shopper is held out, test: the last.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

import mmsearch
from mmsearch.evaluation.splits import SPLITS
from mmsearch.recommend import RECOMMENDERS
from mmsearch.recommend.evidence import catalogue, load_products, read_evidence
from mmsearch.recommend.interactions import history_of

_K = 10
_METHODS = (
    "itemcf(directed=false)",
    "itemcf(similarity=conditional)",
    "itemcf(directed=true, window=1)",
    "itemcf(directed=true, window=3)",
    "itemcf(directed=true)",
    "content",
)


def measure(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        shop = mmsearch.open(f"{made}/store.lancedb")
        shop.ingest(folder / "scientific" / "products.jsonl")
        shop.ingest(folder / "scientific" / "events.csv")
        shop.embed()
        ids = catalogue(shop.store)
        events, products = read_evidence(shop.store, ids).interactions, load_products(shop.store, ids)
        for part in ("validation", "test"):
            split = SPLITS.create(f"leave-last-out(part={part})").split(events)
            asked = [int(history_of(split.train, user).products[-1]) for user in split.users.tolist()]
            for method in _METHODS:
                recommender = RECOMMENDERS.create(method)
                recommender.fit(split.train, products)
                lists = dict(zip(sorted(set(asked)), recommender.similar(sorted(set(asked)), _K), strict=True))
                found = [np.flatnonzero(lists[a].products == held) for a, held in zip(asked, split.products.tolist(), strict=True)]
                gains = [1 / np.log2(place[0] + 2) if len(place) else 0.0 for place in found]
                print(f"{part:10}  {method:32}  HR@{_K} {np.mean(np.array(gains) > 0):.4f}  nDCG@{_K} {np.mean(gains):.4f}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    measure(Path(sys.argv[1]))
