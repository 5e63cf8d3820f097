"""What the case of letters does to the bundled text encoder, and ways to fold it.

    python -m bench.case DATA_FOLDER                 validation parts (the folder holds electronics/, chinese/ and fashion/)
    python -m bench.case DATA_FOLDER --test          adds the test parts, which chose nothing
    python -m bench.case DATA_FOLDER --only=fashion  one of electronics, goods, fashion

electronics  judged queries (20), and half of the words of a title for its product (500), among 4,000 of the products, those with a
             judgment among them: nDCG@10 by vectors alone, for queries as they are, in capitals, in small letters, with a capital at the
             head of each word
goods        half of the words of a Chinese product's name for that product among 575, and its Latin words alone (brands, mostly)
fashion      a title for its own photo and back through `aligned`, learned from the 2,000 train products, among 500: R@1 / R@10 / RR;
             and titles in capitals for their photos

Texts and queries are folded alike: not at all, every letter, as the encoder does (by script), texts without a small letter.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bench.alignment import Fashion, encoded, recall
from bench.tables import shown
from examples.text_encoders import Task, electronics, goods
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder, Matrix
from mmsearch.encoders.plain_text import readable
from mmsearch.encoders.usem import MAX_CHARACTERS, Usem, folded
from mmsearch.evaluation.evaluate import evaluate
from mmsearch.measures import parse_measure

TITLES, PRODUCTS = 500, 4_000

FOLDED: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: text,
    "everything": str.casefold,
    "by script": folded,
    "texts in capitals": lambda text: text.casefold() if text.isupper() else text,
}
ASKED: dict[str, Callable[[str], str]] = {"as they are": str, "CAPITALS": str.upper, "small": str.lower, "Heads": str.title}


class Folding(Usem):
    """The bundled encoder with its texts rewritten in some way."""

    def __init__(self, fold: Callable[[str], str]):
        super().__init__()
        self._fold = fold

    def prepare(self, item: object) -> str:
        return self._fold(readable(item, MAX_CHARACTERS))


def fewer(task: Task) -> Task:
    """A task among `PRODUCTS` of its texts: those that are judged, and others in an order that their hashes give."""
    judged = {int(i) for gains in task.qrels.values() for i in gains}
    order = sorted(range(len(task.texts)), key=lambda i: (i not in judged, hashlib.sha256(task.texts[i].encode()).digest()))
    place = {str(i): str(n) for n, i in enumerate(order[: max(PRODUCTS, len(judged))])}
    qrels = {query: {place[i]: gain for i, gain in gains.items()} for query, gains in task.qrels.items()}
    return Task([task.texts[int(i)] for i in place], [], task.queries, qrels)


def halves(task: Task) -> Task:
    """Every second word of a title asks for its product; titles in an order that their hashes give, halved by it."""
    titles = {str(i): text.partition(". ")[0].split()[::2] for i, text in enumerate(task.texts)}
    order = sorted((i for i, words in titles.items() if len(words) > 2), key=lambda i: hashlib.sha256(task.texts[int(i)].encode()).digest())
    parts = {"validation": order[:TITLES], "test": order[TITLES : 2 * TITLES]}
    queries = {part: {i: " ".join(titles[i]) for i in chosen} for part, chosen in parts.items()}
    return Task(task.texts, task.teaching, queries, {i: {i: 1} for chosen in parts.values() for i in chosen})


def latin(task: Task) -> Task:
    """The Latin words of a Chinese product's name ask for it."""
    found: dict[str, dict[str, str]] = {part: {} for part in task.queries}
    for part, queries in task.queries.items():
        for i in queries:
            words = dict.fromkeys(re.findall("[A-Za-z]{2,}[A-Za-z0-9]*", task.texts[int(i)].partition(". ")[0]))
            if words:
                found[part][i] = " ".join(words)
    return Task(task.texts, [], found, {i: {i: 1} for queries in found.values() for i in queries})


class Vectors:
    """Vectors of texts that were folded, each encoded once."""

    def __init__(self) -> None:
        self._encoder, self._known = Folding(str), dict[str, Matrix]()

    def of(self, texts: Sequence[str]) -> Matrix:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known |= dict(zip(new, self._encoder.encode(new).vectors, strict=True))
        return np.stack([self._known[text] for text in texts])


def searched(tasks: dict[str, Task], parts: Sequence[str]) -> Iterator[str]:
    """Tasks with the same products."""
    vectors = Vectors()
    yield f"nDCG@10 of queries {' / '.join(ASKED)}"
    for name, fold in FOLDED.items():
        products = vectors.of([fold(text) for text in next(iter(tasks.values())).texts])
        for (label, task), part in itertools.product(tasks.items(), parts):
            ids, found = list(task.queries[part]), []
            for asked in ASKED.values():
                scores = vectors.of([fold(asked(text)) for text in task.queries[part].values()]) @ products.T
                run = {id: {str(i): float(row[i]) for i in np.argsort(-row)[:10]} for id, row in zip(ids, scores, strict=True)}
                judged = {id: task.qrels[id] for id in ids}
                found.append(evaluate(run, judged, [parse_measure("nDCG@10")], drop_empty=True).means["nDCG@10"])
            yield f"  {name:18} {' / '.join(f'{value:.4f}' for value in found)}  {label}, {part}, {len(ids)} queries"


def fashion(data: Path, parts: Sequence[str]) -> Iterator[str]:
    yield "fashion, title → photo · photo → title · TITLE → photo: R@1 / R@10 / RR"
    encoders: dict[str, Encoder] = {"text": Folding(FOLDED["nothing"]), "image": ENCODERS.create("efficientnet")}
    found = Fashion(data, encoders)
    titles = [str(title) for title in found.T.contents or ()]
    for name, fold in FOLDED.items():
        found.encoders["text"] = encoder = Folding(fold)
        found.T = encoded(encoder, titles)
        fuser = found.fitted("aligned", len(found.rows["train"]), 0)
        for part in parts:
            T, G = found.of(part)
            capitals = encoded(encoder, [titles[row].upper() for row in found.rows[part]])
            forth, back = recall(fuser, T, G).values()
            yield f"  {name:18} {shown(forth)} · {shown(back)} · {shown(next(iter(recall(fuser, capitals, G).values())))}  {part}"


def main() -> None:
    data, parts = Path(sys.argv[1]), ["validation", *(["test"] if "--test" in sys.argv else [])]
    only = [option.partition("=")[2] for option in sys.argv if option.startswith("--only=")] or ["electronics", "goods", "fashion"]
    words = Folding(FOLDED["nothing"]).encode(["red shoes", "RED SHOES", "Red Shoes"]).vectors
    print(
        f"not folded, the cosine of 'red shoes' is {words[0] @ words[1]:.2f} with 'RED SHOES', {words[0] @ words[2]:.2f} with 'Red Shoes'"
    )
    for name in only:
        if name == "fashion":
            lines = fashion(data, parts)
        elif name == "electronics":
            task = fewer(electronics(data / "electronics"))
            lines = searched({"judged queries": task, "half of a title": halves(task)}, parts)
        else:
            task = goods(data / "chinese")
            lines = searched({"half of a Chinese name": task, "its Latin words": latin(task)}, parts)
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main()
