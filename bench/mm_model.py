"""The end-to-end network: held-out answers, and what its vectors are worth in recommendation: the figures of docs/fusion.md.

    python -m bench.mm_model DATA_FOLDER                        # test parts
    python -m bench.mm_model DATA_FOLDER --choose SPEC SPEC …   # scientific, validation part: what the parameters were chosen by
    python -m bench.mm_model DATA_FOLDER --only scientific      # or shop, films; --spec SPEC: with other parameters

The shop is sample_data/ with its photos and sounds. Scientific: text alone; the profile is learned without the events that a recommender
is then asked to foresee (each user's last, or last but one). Films: MovieLens-100k, whether a rating is 4 or more, from the title, the
genres and what the user liked.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.data import SAMPLE
from bench.tables import print_table, read_rows, written
from mmsearch.encoders.recorded import recorded_encoder
from mmsearch.evaluation.recommend import evaluate_recommender
from mmsearch.evaluation.splits import LeaveLastOut
from mmsearch.fusion import FUSERS
from mmsearch.fusion.base import Fuser, Matrix
from mmsearch.fusion.batch import load_batch
from mmsearch.measures import parse_measure
from mmsearch.recommend.base import Products
from mmsearch.recommend.content import Content
from mmsearch.recommend.interactions import build
from mmsearch.settings import MODALITIES
from mmsearch.shop import Shop

MEASURES = ["HR@20", "nDCG@20"]
#: What was tried on the validation part of scientific, one change at a time.
TRIED = ("mm-model", "mm-model(layer=branches)", "mm-model(history=0)", "mm-model(popular=0)", "mm-model(forget=0.1)")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--choose", nargs="*", metavar="SPEC", help="the validation part of scientific, with what was tried")
    parser.add_argument("--only", choices=("shop", "scientific", "films"))
    parser.add_argument("--spec", action="append", metavar="SPEC", help="of the test parts, in place of the default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.choose is not None:
            scientific(given.data / "scientific", Path(folder), "validation", given.choose or TRIED)
            return 0
        if given.only in (None, "shop"):
            shop(Path(folder))
        if given.only in (None, "scientific"):
            scientific(given.data / "scientific", Path(folder), "test", given.spec or ["mm-model"])
        if given.only in (None, "films"):
            films(given.data / "ml100k", Path(folder), given.spec or ["mm-model(label=rating, at_least=4)"])
    return 0


def fitted(store: Shop, spec: str) -> tuple[Fuser, dict[str, Any], list[str], Matrix, float]:
    """A method fitted on a store: itself, its scores, and the vectors of the products; and the seconds it took."""
    tables = {m: known["table"] for m in MODALITIES if (known := recorded_encoder(store.store, m)) and store.store.count(known["table"])}
    fuser: Fuser = FUSERS.create(spec)
    ids, batch = load_batch(store.store, tables, fuser=fuser)
    started = time.perf_counter()
    report = fuser.fit(batch, {}, 0)
    seconds = time.perf_counter() - started
    return fuser, report.scores, ids, fuser.items(batch), seconds


def figures(label: str, scores: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
    """Rows of a table: the answers on held-out pairs, and on those of products that were never seen; of each what one answer gets."""
    rows = []
    for part in ("held_out", "new_products"):
        if found := scores.get(part):
            named = {name: found[name] for name in ("accuracy", "precision", "recall", "F1", "AUC")}
            constant = {f"one answer: {name}": value for name, value in found["constant"].items()}
            about = {"": f"{label}, {part.replace('_', ' ')}", "pairs": found["pairs"], "yes": found["share_yes"]}
            rows.append(about | named | constant | {"epochs": scores["epochs"], "seconds": round(seconds)})
    return rows


def shop(folder: Path) -> None:
    store = Shop(folder / "shop.lancedb")
    for name in ("products", "events", "reviews", "searches"):
        store.ingest(SAMPLE / f"{name}.csv")
    store.embed(no_features="all")
    _, scores, _, _, seconds = fitted(store, "mm-model")
    print_table("sample shop: who took what", figures(f"mm-model: {'+'.join(scores['branches'])}", scores, seconds))


def scientific(data: Path, folder: Path, part: str, specs: Sequence[str]) -> None:
    events = read_rows(data / "events.csv")
    last: dict[str, int] = {}
    for event in events:
        last[event["user"]] = max(last.get(event["user"], 0), int(event["time"]))
    hidden = 1 if part == "test" else 2  # of each user, from what the profile learns
    written(folder / "events.csv", [event for event in events if int(event["time"]) <= last[event["user"]] - hidden])
    store = Shop(folder / "scientific.lancedb")
    store.ingest(data / "products.jsonl")
    store.ingest(folder / "events.csv")
    store.embed(no_features="all")

    def recommended(ids: Sequence[str], X: Matrix) -> dict[str, float]:
        """Content-based recommendation by some vectors, of what each user took last (or last but one)."""
        times = [float(event["time"]) for event in events]
        known = build([e["user"] for e in events], [e["product"] for e in events], times=times, product_ids=ids).interactions
        measures = [parse_measure(name) for name in MEASURES]
        found = evaluate_recommender(Content(), known, Products(list(ids), X), LeaveLastOut(part), measures)
        return dict(zip(MEASURES, found.evaluation.means.values(), strict=True))

    ids, batch = load_batch(store.store, {"text": recorded_encoder(store.store, "text")["table"]})  # type: ignore[index]
    answers, worth = [], [{"": "text vectors as they are", **recommended(ids, batch.vectors["text"])}]
    for spec in specs:
        _, scores, ids, X, seconds = fitted(store, spec)
        answers += figures(spec, scores, seconds)
        worth.append({"": spec, **recommended(ids, X)})
        both = np.hstack([X, batch.vectors["text"]]) / np.sqrt(2)
        worth.append({"": f"{spec} beside the text vectors", **recommended(ids, both.astype(np.float32))})
        print_table(f"scientific, {part} part: who took what", answers)
        print_table(f"scientific, {part} part: recommended by content", worth)


def films(data: Path, folder: Path, specs: Sequence[str]) -> None:
    store = Shop(folder / "films.lancedb")
    with (data / "ml-100k.item").open(encoding="utf-8") as file, (folder / "films.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "title", "description"])
        next(file)
        writer.writerows([id, title, genres] for id, title, _, genres in (line.rstrip("\n").split("\t") for line in file))
    with (data / "ml-100k.inter").open(encoding="utf-8") as file, (folder / "ratings.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["user", "product", "event", "value", "time"])
        next(file)
        writer.writerows([user, film, "rate", value, when] for user, film, value, when in (line.split() for line in file))
    store.ingest(folder / "films.csv")
    store.ingest(folder / "ratings.csv", kind="interactions")
    store.embed(no_features="all")
    rows = []
    for spec in specs:
        _, scores, _, _, seconds = fitted(store, spec)
        rows += figures(spec, scores, seconds)
    print_table("films: is a rating 4 or more", rows)


if __name__ == "__main__":
    sys.exit(main())
