"""Facts of photos: photos/s of each feature beside those of an embed, and what comparing words costs."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator

from bench.data import SAMPLE
from bench.timing import seconds, shown
from mmsearch.encoders import ENCODERS
from mmsearch.features import FEATURES
from mmsearch.features.base import Medium
from mmsearch.ranking.letters import Letters

_PRODUCTS = 100_000


def measure() -> Iterator[str]:
    photos = sorted((SAMPLE / "photos").iterdir())[:64]
    media = [Medium(path.read_bytes(), path) for path in photos]
    encoder = ENCODERS.create("efficientnet")
    embed = statistics.median(seconds(lambda: encoder.encode(photos), 3)) / len(photos)
    yield f"embed (efficientnet): {1 / embed:.0f} photos/s"
    for name, some, runs in (("colours", media, 3), ("labels", media, 3), ("ocr", media[:12], 1)):
        feature = FEATURES.create(name)
        taken = statistics.median(seconds(lambda f=feature, m=some: f.extract([f.prepare(one) for one in m]), runs)) / len(some)  # type: ignore[misc]
        yield f"{name}: {1 / taken:.1f} photos/s, {taken / embed:.2f} × an embed"
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(20_000)]
    titles = [" ".join(rng.choices(words, k=8)) for _ in range(_PRODUCTS)]
    build = statistics.median(seconds(lambda: Letters(titles), 1))
    known = Letters(titles)
    ask = statistics.median(seconds(lambda: known.compare([titles[7]]), 9))
    yield f"words of {_PRODUCTS:,} products: index {shown(build)} once, a query photo's words {shown(ask)}"
