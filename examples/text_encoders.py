"""Text encoders by vectors alone: nDCG@10 of each on judged electronics and on Chinese goods and reviews.

    python examples/text_encoders.py DATA [ENCODER …]     DATA holds electronics/ and chinese/; default: those that need no download
    python examples/text_encoders.py DATA --tune [electronics|goods|reviews …]     word2vec's parameters, on the validation queries only

electronics: the judged queries that have a relevant product, linear gain, all 19,406 products ranked.
goods: half of the words of a Chinese product's name (every second one) find that product among 575.
reviews: a Chinese review finds others of its category (ten categories) among 1,400.
Goods and reviews are halved by the hash of their text into validation and test queries.
--tune learns seven times from each, as many at once as there are cores: half an hour of one core for electronics, a few minutes for the
others. What is done is said on stderr.
"""

import csv
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmsearch import settings
from mmsearch.catalog.segment import words
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.sources import product_text
from mmsearch.encoders.word2vec import Word2Vec, usual_epochs
from mmsearch.encoders.word_vectors import WEIGHTINGS, corpus
from mmsearch.evaluation.evaluate import evaluate
from mmsearch.measures import parse_measure

OFFLINE = ("usem", "minilm", "word2vec")
#: What --tune changes, one at a time; "times" as many epochs as are usual for so many words.
CHANGES: tuple[dict[str, float], ...] = (
    {},
    *({"times": times} for times in (0.5, 2)),
    *({"dim": float(dim)} for dim in (100, 300)),
    *({"window": float(window)} for window in (10, 50)),
)


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


def ndcg(task: Task, encoder: Encoder, splits: Sequence[str]) -> dict[str, float]:
    """nDCG@10 by split."""
    encoded = encoder.encode(task.texts)
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
    return found


def compare(tasks: Mapping[str, Task], specs: Sequence[str]) -> None:
    width = max(map(len, specs))
    print(f"{'encoder':<{width}}  {'task':<11}  validation        test  texts/s")
    for spec in specs:
        for name, task in tasks.items():
            encoder, started = ENCODERS.create(spec), time.perf_counter()
            if encoder.learns:
                encoder.fit(task.teaching)
            encoder.encode(task.texts)
            speed = len(task.texts) / (time.perf_counter() - started)
            found = ndcg(task, encoder, ("validation", "test"))
            print(f"{spec:<{width}}  {name:<11}  {found['validation']:>10.4f}  {found['test']:>10.4f}  {speed:>7.0f}", flush=True)


def tune(tasks: Mapping[str, Task]) -> None:
    """One parameter of word2vec changed at a time, from its defaults."""
    found: dict[str, dict[str, float]] = {}
    jobs = [(name, change) for name in tasks for change in CHANGES]  # electronics first: it takes longest
    started = time.perf_counter()
    with ProcessPoolExecutor(settings.threads()) as pool:
        waiting = [pool.submit(learned, name, tasks[name], change) for name, change in jobs]
        for done, future in enumerate(as_completed(waiting), 1):
            name, values = future.result()
            for what, value in values.items():
                found.setdefault(what, {})[name] = value
            said = ", ".join(f"{what} {value:.4f}" for what, value in values.items())
            print(f"{done} of {len(jobs)}, {time.perf_counter() - started:.0f} s: {name}, {said}", file=sys.stderr, flush=True)
    width = max(map(len, found))
    print(f"{'validation':<{width}}" + "".join(f"  {name:>11}" for name in tasks))
    for what in sorted(found):
        print(f"{what:<{width}}" + "".join(f"  {found[what][name]:>11.4f}" for name in tasks))


def learned(name: str, task: Task, change: Mapping[str, float]) -> tuple[str, dict[str, float]]:
    """What was changed → nDCG@10 on validation. The weightings share what was learned: they differ in what becomes of it."""
    texts = corpus(task.teaching)
    times = change.get("times", 1)
    options: dict[str, Any] = {key: int(value) for key, value in change.items() if key != "times"}
    encoder = Word2Vec(**options, epochs=round(usual_epochs(texts) * times))
    encoder.fit(task.teaching)
    if change:
        what = ", ".join(f"{key}={value:g}" if key != "times" else f"epochs × {value:g}" for key, value in change.items())
        return name, {what: ndcg(task, encoder, ["validation"])["validation"]}
    values = {}
    for weighting in WEIGHTINGS:
        other = Word2Vec(weighting=weighting)
        other.weigh(list(encoder.lexicon.rows), encoder.lexicon.vectors, texts)
        what = "defaults" if weighting == encoder.weighting else f"weighting={weighting}"
        values[what] = ndcg(task, other, ["validation"])["validation"]
    return name, values


def main(data: Path, rest: Sequence[str]) -> None:
    tasks = {"electronics": electronics(data / "electronics"), "goods": goods(data / "chinese"), "reviews": reviews(data / "chinese")}
    if "--tune" in rest:
        tune({name: task for name, task in tasks.items() if name in rest or rest == ["--tune"]})
    else:
        compare(tasks, rest or OFFLINE)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
