"""What a text query should be said to match: share of the best score, or the best N; for facets and sorting.

    python -m bench.matching STORE DATA_FOLDER/electronics          (STORE: products.jsonl of that folder, ingested and embedded)

Prints, for the validation and for the test queries: how many products match (median over the queries), which share of the products judged
relevant is among them, and of the ten newest that match how many are relevant (not judged counts as not relevant), as `--sort 'date desc'`
shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmsearch.evaluation.trec import read_qrels
from mmsearch.search.queries import read_queries
from mmsearch.shop import Shop

_SHARES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_BEST = (100, 300, 1_000)


def measure(store: str, folder: Path) -> Iterator[str]:
    shop = Shop(store)
    queries, qrels = read_queries(str(folder / "queries.tsv")), read_qrels(str(folder / "qrels.txt"))
    split = dict(line.split("\t") for line in (folder / "split.tsv").read_text(encoding="utf-8").splitlines())
    newest = {hit.id: hit.rank for hit in shop.search(sort="date desc", k=10**9)}
    for part in ("validation", "test"):
        wanted = {id: query for id, query in queries.items() if split.get(id) == part}
        answers = shop.search_many(wanted, k=10**9)
        for name in ["everything", *(f"{share} of the best score" for share in _SHARES), *(f"the best {n:,}" for n in _BEST)]:
            sizes, recalls, precisions = [], [], []
            for id, result in answers.items():
                scores = np.array([hit.score for hit in result])
                matched = [hit.id for hit, inside in zip(result, _matched(name, scores), strict=True) if inside]
                relevant = {product for product, gain in qrels[id].items() if gain > 0}
                first = sorted(matched, key=newest.__getitem__)[:10]
                sizes.append(len(matched))
                recalls.append(len(relevant & set(matched)) / len(relevant))
                precisions.append(len(relevant & set(first)) / 10)
            figures = f"{np.median(sizes):8,.0f} match; R {np.mean(recalls):.4f}; sorted by date P@10 {np.mean(precisions):.4f}"
            yield f"{part} ({len(wanted)}), {name}: {figures}"


def _matched(name: str, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    first, _, rest = name.partition(" ")
    if name == "everything":
        return np.ones(len(scores), dtype=bool)
    if first == "the":
        return np.arange(len(scores)) < int(rest.removeprefix("best ").replace(",", ""))
    matched: NDArray[np.bool_] = scores >= float(first) * scores.max()
    return matched


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    for line in measure(sys.argv[1], Path(sys.argv[2])):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
