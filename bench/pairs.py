"""From how many pairs `aligned` is better than what learns nothing from them: `conse` and `concat`, on fashion.

    python -m bench.pairs DATA_FOLDER            validation products
    python -m bench.pairs DATA_FOLDER --test     the test products, which chose nothing

Learned from 100, 500, 1,000 and 2,000 products of the train split, three random choices of each (of 2,000 there is one, in three orders),
by vectors, views and words, no categories; means over the three, in brackets the least of them. Asked among the 500 products of the other
split:

own      a title for its own photo and a photo for its own title, R@1 / R@10 / RR, mean of both directions; `concat` compares no text with
         a photo
alike    a product for those of its type and colour, by fused vectors of all it has, P@10
halves   the same where every product has either a text or a photo, in turns: P@10
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.alignment import Fashion, both, recall
from bench.tables import read_rows, shown
from mmsearch.encoders import ENCODERS
from mmsearch.fusion.base import Batch, Fuser

PAIRS, PARTS, METHODS = (100, 500, 1000, 2000), (0, 1, 2), ("aligned", "conse", "concat")
_AT = 10


def halves(batch: Batch) -> Batch:
    """Every product by one of its two modalities, in turns."""
    even = np.arange(len(batch)) % 2 == 0
    present = {"text": even, "image": ~even}
    vectors = {m: np.where(present[m][:, None], X, 0).astype(np.float32) for m, X in batch.vectors.items()}
    views = {m: np.where(present[m][:, None], V, 0) for m, V in batch.views.items()}
    return Batch(vectors, present, batch.contents, views=views)


def alike(fuser: Fuser, batch: Batch, kinds: NDArray[np.int64]) -> float:
    """P@10 of products that others share their kind with, as many at most as there are: by chance it is as seldom as the kinds are."""
    X = fuser.items(batch)
    similarity = X @ X.T
    np.fill_diagonal(similarity, -np.inf)
    right = kinds[np.argsort(-similarity, axis=1, kind="stable")[:, :_AT]] == kinds[:, None]
    others = np.bincount(kinds)[kinds] - 1
    return float((right.sum(axis=1) / np.minimum(_AT, np.maximum(1, others)))[others > 0].mean())


def measured(fashion: Fashion, kinds: NDArray[np.int64], split: str) -> Iterator[str]:
    T, G = fashion.of(split)
    batch, mine = both(T, G), kinds[fashion.rows[split]]
    for pairs in PAIRS:
        for method in METHODS:
            own, found = [], []
            for part in PARTS:
                fuser = fashion.fitted(method, pairs, part)
                if fuser.compares("text", "image"):
                    own.append(np.mean(list(recall(fuser, T, G).values()), axis=0))
                found.append([alike(fuser, batch, mine), alike(fuser, halves(batch), mine)])
            told = f"own {shown(np.mean(own, axis=0))} ({shown(np.min(own, axis=0))})" if own else "own –"
            mean, least = np.mean(found, axis=0), np.min(found, axis=0)
            for name, value, low in zip(("alike", "halves"), mean, least, strict=True):
                told += f", {name} {value:.3f} ({low:.3f})"
            yield f"fashion {split}, {pairs:,} pairs, {method}: {told}"


def main() -> int:
    data = Path(sys.argv[1]).resolve()
    encoders: dict[str, Any] = {m: ENCODERS.create(name) for m, name in (("text", "usem"), ("image", "efficientnet"))}
    fashion = Fashion(data, encoders)
    rows = read_rows(data / "fashion" / "products.csv")
    kinds = np.unique([f"{row['colour']} {row['type']}".lower() for row in rows], return_inverse=True)[1]
    for line in measured(fashion, kinds, "test" if "--test" in sys.argv[2:] else "validation"):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
