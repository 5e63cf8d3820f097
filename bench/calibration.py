"""What `--rerank calibrated` costs and brings: recommendations of `itemcf` in the proportions of each user's own history.

    python -m bench.calibration DATA_FOLDER     (the folder that holds scientific/ and ml100k/)

MovieLens-100k by genres and the scientific shop by category, leave-last-out, full ranking, history excluded, 2,000 users at random (seed 0;
all 943 of MovieLens). `calibration@20` is the divergence of the first twenty from the history, in nats; 0 is the same proportions.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

import mmsearch
from mmsearch.evaluation.recommend import Asked, ask, judge
from mmsearch.evaluation.splits.leave_last_out import LeaveLastOut
from mmsearch.measures import parse_measure
from mmsearch.measures.calibration import Calibration
from mmsearch.measures.diversity import Diversity
from mmsearch.ranking.proportions import Calibrated
from mmsearch.ranking.rerank import Candidates
from mmsearch.ranking.shopper import Shopper
from mmsearch.recommend.base import Recommended
from mmsearch.recommend.evidence import catalogue, load_products, read_evidence
from mmsearch.recommend.itemcf import ItemCF
from mmsearch.search.rerank.belonging import belonging
from mmsearch.shop import Shop
from mmsearch.store.values import read_values

_USERS, _DEPTH, _K = 2_000, 100, 20
_WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9)


class _Some:
    """The candidates of one user: ids and what products belong to."""

    unit = 1.0

    def __init__(self, ids: Sequence[str], history: Sequence[str], belongs: dict[str, tuple[str, ...]]):
        self.ids, self.shopper, self._belongs = pa.array(ids, pa.string()), Shopper(session=tuple(history)), belongs

    def belonging(self, name: str, ids: Sequence[str]) -> list[tuple[str, ...]]:
        return [self._belongs[id] for id in ids]


def measure(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        lines("MovieLens-100k by genres", films(folder / "ml100k", Path(made)), "genres")
        shop = mmsearch.open(f"{made}/scientific.lancedb")
        for name in ("products.jsonl", "events.csv"):
            shop.ingest(folder / "scientific" / name)
        shop.embed(no_features="all")
        lines("scientific by category", shop, "category")


def films(data: Path, folder: Path) -> Shop:
    """MovieLens with genres as a list."""
    with (data / "ml-100k.item").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]
    path = folder / "films.jsonl"
    path.write_text("".join(json.dumps({"id": r[0], "title": r[1], "genres": r[3].split()}) + "\n" for r in rows), encoding="utf-8")
    shop = mmsearch.open(f"{folder}/films.lancedb")
    shop.ingest(path)
    shop.ingest(data / "ml-100k.inter")
    shop.embed(no_features="all")
    return shop


def lines(title: str, shop: Shop, by: str) -> None:
    ids = catalogue(shop.store)
    interactions, products = read_evidence(shop.store, ids).interactions, load_products(shop.store, ids)
    values = read_values(shop.store, by, pa.array(ids, pa.string()), option="by")
    known = belonging(values, len(ids))
    measures: list[Any] = [Calibration(_K, by=by), parse_measure("HR@20"), parse_measure("nDCG@20"), Diversity(_K)]
    for part in ("validation", "test"):
        split = LeaveLastOut(part=part)
        asked = some_of(ask(split.split(interactions)))
        recommender = ItemCF()
        recommender.fit(asked.split.train, products)
        first = recommender.recommend(asked.histories, _DEPTH, [had.tolist() for had in asked.exclude])
        print(f"\n{title}, {split.spec}, {len(asked.users)} users\nweight | " + " | ".join(map(str, measures)))
        for weight in _WEIGHTS:
            found = [calibrated(Calibrated(by, weight), best, had, ids, known) for best, had in zip(first, asked.histories, strict=True)]
            means = judge(asked, found, products, measures, split.spec, {by: known}).evaluation.means
            print(f"{weight:g} | " + " | ".join(f"{value:.4f}" for value in means.values()), flush=True)


def some_of(asked: Asked) -> Asked:
    """`_USERS` of the users at random."""
    drawn = np.sort(np.random.default_rng(0).permutation(len(asked.users))[:_USERS])
    users = asked.users[drawn]
    held = np.isin(asked.split.users, users)
    split = replace(asked.split, users=asked.split.users[held], products=asked.split.products[held])
    return Asked(split, users, [asked.histories[i] for i in drawn], [asked.exclude[i] for i in drawn])


def calibrated(step: Calibrated, best: Recommended, history: Any, ids: Sequence[str], known: Sequence[tuple[str, ...]]) -> Recommended:
    if not step.weight or not len(best.products):
        return best
    shown, had = [ids[i] for i in best.products.tolist()], [ids[i] for i in history.products.tolist()]
    belongs = {ids[i]: known[i] for i in (*best.products.tolist(), *history.products.tolist())}
    changes = step.rerank(best.scores, cast(Candidates, _Some(shown, had, belongs))).changes
    scores = best.scores + changes.get("calibrated", 0.0)
    order = np.argsort(-scores, kind="stable")
    return Recommended(best.products[order], scores[order])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    measure(Path(sys.argv[1]))
