"""Text encoders by vectors alone: nDCG@10 of each on judged electronics and on Chinese goods and reviews.

    python examples/text_encoders.py DATA [ENCODER …]     DATA holds electronics/ and chinese/; default: those that need no download
    python examples/text_encoders.py DATA --tune [ENCODER …]     on the validation queries only; default: word2vec's parameters

electronics: the judged queries that have a relevant product, linear gain, all 19,406 products ranked.
goods: half of the words of a Chinese product's name (every second one) find that product among 575.
reviews: a Chinese review finds others of its category (ten categories) among 1,400.
Goods and reviews are halved by the hash of their text into validation and test queries.
"""

import csv
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmsearch.catalog.segment import words
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.sources import product_text
from mmsearch.evaluation.evaluate import evaluate
from mmsearch.measures import parse_measure

OFFLINE = ("usem", "minilm", "word2vec")


class Task(NamedTuple):
    """Texts to find, texts to learn from, and for each split queries with the texts that are right."""

    texts: list[str]
    teaching: list[str]
    queries: dict[str, dict[str, str]]  # split → query id → text
    qrels: dict[str, dict[str, int]]  # query id → text's number → gain
    own: Mapping[str, str] = {}  # query id → number of the text that it is itself, which is no answer


def electronics(folder: Path) -> Task:
    with (folder / "products.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    number = {row["id"]: str(i) for i, row in enumerate(rows)}
    texts = [product_text(row.get("title"), row.get("description")) for row in rows]
    teaching = [product_text(row.get("title"), row.get("description"), characters=10_000) for row in rows]
    asked = dict(line.split("\t") for line in (folder / "queries.tsv").read_text(encoding="utf-8").splitlines())
    split = dict(line.split("\t") for line in (folder / "split.tsv").read_text(encoding="utf-8").splitlines())
    qrels: dict[str, dict[str, int]] = {}
    for query, _, product, gain in map(str.split, (folder / "qrels.txt").read_text(encoding="utf-8").splitlines()):
        if product in number:
            qrels.setdefault(query, {})[number[product]] = int(gain)
    queries = {part: {q: text for q, text in asked.items() if split.get(q) == part and q in qrels} for part in ("validation", "test")}
    return Task(texts, teaching, queries, qrels)


def goods(folder: Path) -> Task:
    with (folder / "goods.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [product_text(row["name"], row["intro"]) for row in rows]
    halves = {str(i): words(row["name"])[::2] for i, row in enumerate(rows)}
    asked = {i: " ".join(half) for i, half in halves.items() if len(half) > 1}
    return Task(texts, texts, _halved(asked), {i: {i: 1} for i in asked})


def reviews(folder: Path) -> Task:
    with (folder / "reviews.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["text"].strip()]
    texts = [row["text"] for row in rows]
    asked = dict(zip(map(str, itertools.count()), texts, strict=False))
    qrels = {i: {str(j): 1 for j, row in enumerate(rows) if row["category"] == rows[int(i)]["category"] and str(j) != i} for i in asked}
    return Task(texts, texts, _halved(asked), qrels, {i: i for i in asked})


def _halved(asked: Mapping[str, str]) -> dict[str, dict[str, str]]:
    parts: dict[str, dict[str, str]] = {"validation": {}, "test": {}}
    for id, text in asked.items():
        parts["test" if hashlib.sha256(text.encode()).digest()[0] % 2 else "validation"][id] = text
    return parts


def ndcg(task: Task, spec: str, splits: Sequence[str]) -> tuple[dict[str, float], float]:
    """nDCG@10 by split, and the seconds that learning and encoding took."""
    encoder = ENCODERS.create(spec)
    started = time.perf_counter()
    if encoder.learns:
        encoder.fit(task.teaching)
    encoded = encoder.encode(task.texts)
    took = time.perf_counter() - started
    found = {}
    for split in splits:
        asked = task.queries[split]
        query = encoder.encode(list(asked.values()), query=True)
        run: dict[str, dict[str, float]] = {}
        for row, at in enumerate(query.kept):
            id = list(asked)[at]
            scores = encoded.vectors @ query.vectors[row]
            best = [i for i in np.argsort(-scores)[:11] if str(encoded.kept[i]) != task.own.get(id)][:10]
            run[id] = {str(encoded.kept[i]): float(scores[i]) for i in best}
        judged = {id: task.qrels[id] for id in asked}
        found[split] = evaluate(run, judged, [parse_measure("nDCG@10")], drop_empty=True).means["nDCG@10"]
    return found, took


def grid() -> Iterator[str]:
    """One parameter changed at a time, from the defaults (whose epochs follow from the number of words)."""
    yield "word2vec"
    yield from (f"word2vec({change})" for change in ("dim=100", "dim=300", "window=5", "window=10", "weighting=sif", "weighting=mean"))
    yield from (f"word2vec(epochs={epochs})" for epochs in (5, 20, 50))


def main(data: Path, rest: Sequence[str]) -> None:
    tuning = "--tune" in rest
    named = [spec for spec in rest if spec != "--tune"]
    specs = named or (list(grid()) if tuning else list(OFFLINE))
    splits = ["validation"] if tuning else ["validation", "test"]
    tasks = {"electronics": electronics(data / "electronics"), "goods": goods(data / "chinese"), "reviews": reviews(data / "chinese")}
    width = max(map(len, specs))
    print(f"{'encoder':<{width}}  {'task':<11}" + "".join(f"  {split:>10}" for split in splits) + "  texts/s")
    for spec in specs:
        for name, task in tasks.items():
            found, took = ndcg(task, spec, splits)
            print(
                f"{spec:<{width}}  {name:<11}" + "".join(f"  {found[s]:>10.4f}" for s in splits) + f"  {len(task.texts) / took:>7.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
