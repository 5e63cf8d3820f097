"""Reviews and titles a second through the text features, beside the bare libraries on the same texts, on one core."""

from __future__ import annotations

import os
import random

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench.labelled_titles import PAIRS as TITLES
from bench.parallel_reviews import PAIRS as REVIEWS
from bench.timing import paired

_TEXTS = 1_000
_RUNS = 5


def measure() -> Iterator[str]:
    """A thousand texts each, made of the parallel ones (three reviews a text, seed 0)."""
    from snownlp import SnowNLP
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    from mmsearch.catalog.segment import words
    from mmsearch.features.aspects import Aspects
    from mmsearch.features.emotion import Emotion
    from mmsearch.features.entities import Entities
    from mmsearch.features.entity_brands import learn_brands
    from mmsearch.features.entity_types import learn_types
    from mmsearch.features.sentiment import Sentiment

    def cut(titles: list[str]) -> None:
        for title in titles:
            words(title)

    rng = random.Random(0)
    english = [" ".join(pair.english for pair in rng.sample(REVIEWS, 3)) for _ in range(_TEXTS)]
    chinese = ["".join(pair.chinese for pair in rng.sample(REVIEWS, 3)) for _ in range(_TEXTS)]
    vader = SentimentIntensityAnalyzer()

    sentiment, emotion, aspects, entities = Sentiment(), Emotion(), Aspects(), Entities()
    aspects.fit(english + chinese, None)  # type: ignore[arg-type] # it looks at the reviews alone
    entities.learn(learn_brands((pair.en, pair.brand) for pair in TITLES), learn_types([]))
    yield line("sentiment, English", sentiment.extract, english, "VADER", lambda: [vader.polarity_scores(text) for text in english])
    few = chinese[:100]
    yield line("sentiment, Chinese", sentiment.extract, few, "snownlp", lambda: [SnowNLP(text).sentiments for text in few])
    yield line("sentiment, Chinese", sentiment.extract, chinese, "jieba's words", lambda: [words(text, "zh") for text in chinese])
    yield line("aspects, English", aspects.extract, english, "VADER", lambda: [vader.polarity_scores(text) for text in english])
    yield line("aspects, Chinese", aspects.extract, chinese, "jieba's words", lambda: [words(text, "zh") for text in chinese])
    yield line("emotion, Chinese", emotion.extract, chinese, "jieba's words", lambda: [words(text, "zh") for text in chinese])
    for name, titles in (("English", [pair.en for pair in TITLES]), ("Chinese", [pair.zh for pair in TITLES])):
        many = [rng.choice(titles) for _ in range(_TEXTS)]
        yield line(f"entities, {name}", entities.extract, many, "words of segment.py", partial(cut, many))


def line(name: str, extract: Callable[[Sequence[str]], object], texts: Sequence[str], bare: str, theirs: Callable[[], object]) -> str:
    ours, other, ratio = paired(lambda: extract(texts), theirs, _RUNS)
    return f"{name}: {len(texts) / ours:,.0f} texts/s; {bare} alone {len(texts) / other:,.0f} texts/s (time x {ratio:.2f})"
