"""Microseconds a value of every cleaning rule; with real data beside the project, what near-duplicate photos are found and missed."""

from __future__ import annotations

import io
import json
import tempfile
import timeit
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from bench.tables import read_rows
from mmsearch.catalog.categories import category_path
from mmsearch.catalog.clean import Cleaner
from mmsearch.catalog.language import detect_many
from mmsearch.catalog.near_duplicates import NearDuplicates
from mmsearch.catalog.outliers import UserDataOutliers
from mmsearch.catalog.prices import parse_price
from mmsearch.catalog.records import Product
from mmsearch.catalog.units import parse_quantity
from mmsearch.media.image import open_image
from mmsearch.store import Store

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_TITLES = [f"Acme trail running shoe model {n} red, waterproof, size {n % 12 + 35}" for n in range(2000)]
_CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 40": lambda image: _jpeg(image, 40),
    "half the size": lambda image: image.resize((max(1, image.width // 2), max(1, image.height // 2))),
    "1.7 times the size": lambda image: _jpeg(image.resize((image.width * 17 // 10, image.height * 17 // 10)), 70),
    "2 % cropped": lambda image: _crop(image, 0.02),
    "5 % cropped": lambda image: _crop(image, 0.05),
}


def measure() -> Iterator[str]:
    yield _cleaned("text, ASCII title", _TITLES)
    yield _cleaned("text, Chinese title", [f"红色跑步鞋 男士 透气 {n}" for n in range(2000)])
    yield _cleaned("text with markup, seen for the first time", [f"<p>Shoe {n} &amp; lace</p>" for n in range(2000)])
    yield _cleaned("text with full-width marks, seen for the first time", [f"收到，速度神快，{n}还没使用。" for n in range(2000)])
    yield _cleaned("text with markup, seen before", ["<p>Shoe &amp; lace</p>"] * 2000)
    yield _each("price 12.99", parse_price, [f"{n}.99" for n in range(2000)])
    yield _each("price $1,299.00", parse_price, [f"${n},299.00" for n in range(1, 900)])
    yield _each("price 99元", parse_price, [f"{n}元" for n in range(2000)])
    yield _each("quantity, a text that is none", parse_quantity, _TITLES)
    yield _each("quantity 1.5 kg", parse_quantity, [f"{n}.5 kg" for n in range(2000)])
    yield _each("category A > B > C", category_path, ["Sport > Shoes > Trail"] * 1000)
    detect_many(_TITLES[:1])  # loads the model
    yield _batch("language, Latin titles in a batch", lambda: detect_many(_TITLES), len(_TITLES))
    with tempfile.TemporaryDirectory() as folder:
        products = [Product(str(n), folder, {"title": title}) for n, title in enumerate(_TITLES)]

        def texts() -> None:
            seen = NearDuplicates(Store(f"{folder}/none"), photo=False)
            for product in products:
                seen.check(product)

        yield _batch("near-duplicate text", texts, len(products))
    rows = [str(n) for n in range(20_000)]

    def events() -> None:
        UserDataOutliers(ratings=True).add(rows, rows, rows, [float(n % 5) for n in range(20_000)], [1.7e9 + n for n in range(20_000)])

    yield _batch("outliers, an event", events, len(rows))
    if DATA.is_dir():
        yield from _photos()
        yield from _titles()


def _photos() -> Iterator[str]:
    """The limits were chosen on the first 600 photos of each; those after them are held out."""
    for name, start in (("grocery", 0), ("clothing", 0), ("fashion", 0), ("clothing", 600), ("fashion", 600)):
        paths = sorted((DATA / name / "photos").iterdir())[start : start + 600]
        with tempfile.TemporaryDirectory() as folder:
            seen = NearDuplicates(Store(f"{folder}/none"), text=False)
            repeated = sum(seen.check(Product(p.name, str(p.parent), {"images": [p.name]})) is not None for p in paths)
            yield f"photos of {name}{', held out' if start else ''}: {repeated} of {len(paths)} match an earlier one as they are"
            for change, apply in _CHANGES.items():
                right = wrong = 0
                some = paths[:: max(1, len(paths) // 100)]
                for path in some:
                    apply(open_image(path)).save(f"{folder}/copy.png")
                    match = seen.match(Product("copy", folder, {"images": ["copy.png"]}))
                    right += match is not None and match.id == path.name
                    wrong += match is not None and match.id != path.name
                yield f"  {change}: recall {right / len(some):.2f}, precision {right / max(1, right + wrong):.2f}"


def _titles() -> Iterator[str]:
    """The rules of languages and near-duplicates were chosen on electronics; scientific products and Chinese goods are held out."""
    held = [json.loads(line)["title"] for line in (DATA / "scientific" / "products.jsonl").open(encoding="utf-8")]
    yield f"languages of scientific titles, held out: {_shares(held)}"
    yield f"languages of Chinese titles, held out: {_shares([row['name'] for row in read_rows(DATA / 'chinese' / 'goods.csv')])}"
    with tempfile.TemporaryDirectory() as folder:
        seen = NearDuplicates(Store(f"{folder}/none"), photo=False)
        rows = [json.loads(line) for line in (DATA / "electronics" / "products.jsonl").open(encoding="utf-8")]
        titles = {row["id"]: row["title"] for row in rows}
        yield f"languages of electronics titles: {_shares(list(titles.values()))}"
        matches = []
        for row in rows:
            match = seen.check(Product(row["id"], "", {name: row.get(name) for name in ("title", "brand", "description")}))
            if match is not None:
                matches.append((row["title"], titles[match.id]))
        other = [pair for pair in matches if pair[0] != pair[1]]
        yield f"titles of electronics: {len(matches)} of {len(rows)} match an earlier one, {len(other)} of them not letter by letter"
        for one, another in other:
            yield f"  {one}  =  {another}"


def _shares(titles: Sequence[str]) -> str:
    found = Counter(detect_many(titles))
    return f"{len(titles):,}, " + ", ".join(f"{language or 'none'} {count / len(titles):.1%}" for language, count in found.most_common(5))


def _cleaned(name: str, values: Sequence[str]) -> str:
    def run() -> None:
        text = Cleaner().text
        for value in values:
            text(value)

    return _batch(name, run, len(values))


def _each(name: str, function: Callable[[Any], object], values: Sequence[str]) -> str:
    def run() -> None:
        for value in values:
            function(value)

    return _batch(name, run, len(values))


def _batch(name: str, run: Callable[[], object], count: int) -> str:
    return f"{name}: {min(timeit.repeat(run, number=1, repeat=7)) / count * 1e6:.2f} µs"


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return open_image(file.getvalue())


def _crop(image: Image.Image, share: float) -> Image.Image:
    x, y = int(image.width * share), int(image.height * share)
    return image.crop((x, y, image.width - x, image.height - y))


if __name__ == "__main__":
    for line in measure():
        print(line)
