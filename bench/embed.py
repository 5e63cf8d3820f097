"""`Shop.embed` beside what decoding and encoding alone cost, and what a resume costs beside a full embed."""

from __future__ import annotations

import csv
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.data import SAMPLE
from bench.timing import shown
from mmsearch import settings
from mmsearch.encoders import ENCODERS
from mmsearch.encoders.base import Encoder
from mmsearch.encoders.report import EmbedReport
from mmsearch.encoders.sources import items
from mmsearch.shop import Shop

PHOTOS = int(os.environ.get("BENCH_PHOTOS", "2000"))
TEXTS = int(os.environ.get("BENCH_TEXTS", "12000"))
_SIDE = 600  # pixels: what a shop's photos have


def measure() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from _images(folder)
        yield from _texts(folder)
        yield from _resume(folder)


def _images(folder: Path) -> Iterator[str]:
    shop = _shop(folder, "images", [{"id": f"p{n}", "images": [path]} for n, path in enumerate(_photos(folder))])
    encoder: Encoder = ENCODERS.create("efficientnet")
    sample = [item.content for item in items(shop.store, "image")][:256]
    encoder.encode(sample[:32])
    shop.embed()  # the store's tables, the models, the machine: warm
    _forget(shop)
    decode, ready = _cpu(lambda: [encoder.prepare(path) for path in sample], len(sample))
    encode, _ = _cpu(lambda: [encoder.encode_batch(ready[i : i + encoder.batch]) for i in range(0, len(ready), encoder.batch)], len(sample))
    bound = settings.threads() / (decode + encode)
    start, used = time.perf_counter(), time.process_time()
    image = shop.embed().modalities[-1]
    spent, wall = time.process_time() - used, time.perf_counter() - start
    assert image.new == PHOTOS, image
    rate = PHOTOS / wall
    yield (
        f"image, {PHOTOS} photos of {_SIDE} × {_SIDE}: decode {shown(decode)} and encode {shown(encode)} of CPU each, "
        f"so at most {bound:.0f}/s on {settings.threads()} cores; Shop.embed {rate:.0f}/s; ratio {rate / bound:.2f}"
    )
    yield f"  CPU of the whole beside decode and encode alone: {(decode + encode) * PHOTOS / spent:.2f}; cores busy: {spent / wall:.2f}"


def _texts(folder: Path) -> Iterator[str]:
    shop = _shop(folder, "texts", [{"id": f"p{n}", "title": title} for n, title in enumerate(_titles(TEXTS))])
    texts = [str(item.content) for item in items(shop.store, "text")]
    encoder: Encoder = ENCODERS.create("usem")
    encoder.encode(texts[:2_000])
    shop.embed()
    ratios = []
    for _ in range(3):
        _forget(shop)
        start = time.perf_counter()
        encoder.encode(texts)
        bare = time.perf_counter() - start
        start = time.perf_counter()
        shop.embed()
        ours = time.perf_counter() - start
        ratios.append((bare / ours, bare, ours))
    ratio, bare, ours = sorted(ratios)[1]
    yield f"text, {TEXTS} titles: Shop.embed {TEXTS / ours:.0f}/s, bare encoder {TEXTS / bare:.0f}/s; ratio {ratio:.2f}"


def _resume(folder: Path) -> Iterator[str]:
    """Nine tenths are embedded as a kill would leave them: written, not finished."""
    rows = [{"id": f"p{n}", "title": t, "images": [p]} for n, (t, p) in enumerate(zip(_titles(PHOTOS), _photos(folder), strict=True))]
    shop = _shop(folder, "resume", rows)
    shop.embed()
    _forget(shop)
    full, full_cpu, _ = _spent(shop)
    _forget(shop, "id like '%7'")
    resumed, resumed_cpu, report = _spent(shop)
    share = sum(m.new for m in report.modalities) / sum(m.items for m in report.modalities)
    yield (
        f"resume, {PHOTOS} titles and photos: full {shown(full)}, with {1 - share:.0%} there {shown(resumed)}; "
        f"share {resumed / full:.3f} (of CPU {resumed_cpu / full_cpu:.3f}) for {share:.3f} of the vectors"
    )


def _spent(shop: Shop) -> tuple[float, float, EmbedReport]:
    """Seconds, CPU seconds and report of an embed."""
    start, used = time.perf_counter(), time.process_time()
    report = shop.embed()
    return time.perf_counter() - start, time.process_time() - used, report


def _forget(shop: Shop, where: str = "true") -> None:
    """Remove vectors, as if they had not been made."""
    for modality in ("text", "image"):
        known = shop.store.record.get(f"encoder/{modality}")
        if known and shop.store.has(known["table"]):
            if where == "true":
                shop.store.drop(known["table"])
            else:
                shop.store.delete(known["table"], where)


def _cpu(action: Callable[[], Any], items: int) -> tuple[float, Any]:
    """CPU seconds an item, over all threads, and what the action gives."""
    start = time.process_time()
    result = action()
    return (time.process_time() - start) / items, result


def _photos(folder: Path) -> list[str]:
    """Photos made of the sample shop's, each enlarged and with marks of its own, so that no two are equal."""
    from PIL import Image, ImageDraw

    made = folder / "photos"
    paths = [f"photos/{n:05}.jpg" for n in range(PHOTOS)]
    if made.exists():
        return paths
    made.mkdir()
    sources = sorted((SAMPLE / "photos").iterdir())
    rng = random.Random(0)
    for n, path in enumerate(paths):
        with Image.open(sources[n % len(sources)]) as opened:
            image = opened.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(image)
        for _ in range(8):
            x, y = rng.randrange(_SIDE), rng.randrange(_SIDE)
            draw.ellipse((x, y, x + 40, y + 40), fill=tuple(rng.randrange(256) for _ in range(3)))
        image.save(folder / path, quality=88)
    return paths


def _titles(count: int) -> list[str]:
    """Titles of the length of real ones, of the sample shop's words, no two equal."""
    with (SAMPLE / "products.csv").open(encoding="utf-8", newline="") as file:
        words = sorted({word for row in csv.DictReader(file) for word in row["title"].split()})
    rng = random.Random(0)
    return [f"{' '.join(rng.sample(words, 8))} {n}" for n in range(count)]


def _shop(folder: Path, name: str, rows: list[dict[str, object]]) -> Shop:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    shop = Shop(folder / f"{name}.lancedb")
    shop.ingest(path)
    return shop
