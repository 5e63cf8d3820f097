"""What facts of photos are worth: the words on packages for finding them, and colours against those that shops name.

    python -m bench.photo_facts DATA_FOLDER [words] [labels] [colours]      (the folder that holds grocery/ and fashion/)

Words: photos taken in shops → product; validation is the first, third … photo and test the second, fourth …, as in `bench.regions`.
What is read off a photo is kept in the system's folder for temporary files, since reading all takes ten minutes. Colours: the file's
own splits.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

import mmsearch
from bench.tables import read_rows
from mmsearch.features import FEATURES
from mmsearch.features.base import Medium
from mmsearch.search.engine import Engine
from mmsearch.search.query import Part, Query, make_query
from mmsearch.store import Store

HALVES = {"validation": slice(0, None, 2), "test": slice(1, None, 2)}
ENCODERS = ("efficientnet", "efficientnet(crop=auto)")

#: How the colours of fashion/products.csv are counted. Gold, bronze, copper, metallic and multi are no colours that a pixel can have.
SAME = {
    "Navy Blue": "navy", "Silver": "grey", "Steel": "grey", "Charcoal": "grey", "Grey Melange": "grey", "Maroon": "red", "Burgundy": "red",
    "Olive": "green", "Sea Green": "green", "Teal": "turquoise", "Turquoise Blue": "turquoise", "Cream": "beige", "Off White": "white",
    "Skin": "beige", "Nude": "beige", "Tan": "brown", "Khaki": "beige", "Peach": "pink", "Rose": "pink", "Lavender": "purple",
    "Mauve": "purple", "Magenta": "pink", "Rust": "brown", "Coffee Brown": "brown", "Mushroom Brown": "brown", "Taupe": "beige",
    "Mustard": "yellow",
}  # fmt: skip
NO_COLOUR = {"Gold", "Bronze", "Copper", "Metallic", "Multi"}


#: Products of grocery/ that ImageNet has a class for.
CLASSES = {
    "Granny-Smith": "Granny Smith", "Banana": "banana", "Lemon": "lemon", "Orange": "orange", "Pineapple": "pineapple",
    "Pomegranate": "pomegranate", "Cucumber": "cucumber", "Zucchini": "zucchini", "Green-Bell-Pepper": "bell pepper",
    "Red-Bell-Pepper": "bell pepper", "Yellow-Bell-Pepper": "bell pepper", "Orange-Bell-Pepper": "bell pepper",
    "Cabbage": "head cabbage", "Brown-Cap-Mushroom": "mushroom",
}  # fmt: skip


class _Kept(Engine):
    """An engine whose readings of query photos are kept in a file."""

    def __init__(self, store: Store, file: Path):
        super().__init__(store)
        self._file = file
        self._kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        self._own = self._words.read
        self._words.read = self._read  # type: ignore[method-assign]

    def _read(self, parts: Sequence[Part]) -> tuple[dict[Part, str], list[str]]:
        new = [part for part in parts if part.content not in self._kept]
        if new:
            found, notes = self._own(new)
            if notes:
                raise SystemExit(notes[0])
            self._kept |= {part.content: found.get(part, "") for part in new}
            self._file.write_text(json.dumps(self._kept), encoding="utf-8")
        return {part: text for part in parts if (text := self._kept[part.content])}, []


def words(data: Path) -> Iterator[str]:
    """Shelf photo → product, by the photo and by the words on it."""
    products, photos = read_rows(data / "products.csv"), read_rows(data / "shelf.csv")
    packaged = {row["id"] for row in products if row["category"] == "Packages"}
    package = np.array([row["product"] in packaged for row in photos])
    with tempfile.TemporaryDirectory() as folder:
        for spec in ENCODERS:
            shop = mmsearch.open(f"{folder}/{'crop' if 'crop' in spec else 'whole'}.lancedb")
            shop.ingest(data / "products.csv")
            shop.embed(image=spec, features="ocr", no_features=[name for name in FEATURES.names() if name != "ocr"])
            engine = _Kept(shop.store, Path(tempfile.gettempdir()) / f"mmsearch-shelf-{FEATURES.create('ocr').fingerprint()[:16]}.json")
            for said, within in (("photo alone", "image"), ("photo and words", None)):
                for among, where in (("81", None), ("31 packages", "category = 'Packages'")):
                    queries = {row["id"]: make_query(image=[str(data / row["image"])], within=within, where=where) for row in photos}
                    right = np.array(list(_right(engine, queries, photos)))
                    for half, rows_of in HALVES.items():
                        if where is None:
                            shown = f"all R@1 {right[rows_of].mean():.3f}, packages {right[rows_of][package[rows_of]].mean():.3f}"
                            shown += f", fruit and vegetables {right[rows_of][~package[rows_of]].mean():.3f}"
                        else:
                            shown = f"packages R@1 {right[rows_of][package[rows_of]].mean():.3f}"
                        yield f"{spec}, {said}, {half}, among {among}: {shown}"


def _right(engine: Engine, queries: dict[str, Query], photos: Sequence[dict[str, str]]) -> Iterator[bool]:
    names = list(queries)
    for start in range(0, len(names), 32):
        found = engine.search({name: queries[name] for name in names[start : start + 32]}, 1)
        for name, row in zip(names[start : start + 32], photos[start : start + 32], strict=True):
            hits = found[name].hits
            yield bool(hits) and hits[0].id == row["product"]


def labels(data: Path) -> Iterator[str]:
    """Labels of photos taken in shops, of the products that ImageNet has a class for."""
    photos = [row for row in read_rows(data / "shelf.csv") if row["product"] in CLASSES]
    media = [Medium((data / row["image"]).read_bytes(), data / row["image"]) for row in photos]
    for least in (0.05, 0.1, 0.2, 0.3, 0.5):
        feature = FEATURES.create(f"labels(least={least})")
        found = [[fact.value for fact in facts] for facts in feature.extract([feature.prepare(medium) for medium in media])]
        right = [[label == CLASSES[row["product"]] for label in one] for one, row in zip(found, photos, strict=True)]
        for half, rows_of in HALVES.items():
            said = right[rows_of]
            precision = sum(map(sum, said)) / max(1, sum(map(len, said)))
            named = f"{sum(map(len, said)) / len(said):.2f} labels a photo, {precision:.3f} of them right"
            there = f"the right one is there on {np.mean([any(one) for one in said]):.3f}"
            yield f"labels of probability {least} and more, {half}, {len(said)} photos: {named}; {there}"


def colours(data: Path) -> Iterator[str]:
    """The colour that a shop names → the first colour of its photo, and whether it is listed."""
    feature = FEATURES.create("colours")
    table = [row for row in read_rows(data / "products.csv") if row["colour"] not in NO_COLOUR]
    known = [SAME.get(row["colour"], row["colour"].lower()) for row in table]
    media = [Medium((data / row["image"]).read_bytes(), data / row["image"]) for row in table]
    found = [
        [str(fact.value) for fact in facts if fact.name == "colours"] for facts in feature.extract([feature.prepare(m) for m in media])
    ]
    for split in ("train", "validation", "test"):
        mine = [n for n, row in enumerate(table) if row["split"] == split]
        first = float(np.mean([found[n][:1] == [known[n]] for n in mine]))
        listed = float(np.mean([known[n] in found[n] for n in mine]))
        length = float(np.mean([len(found[n]) for n in mine]))
        counts = Counter(known[n] for n in mine)
        chance = sum((count / len(mine)) ** 2 for count in counts.values())
        most = counts.most_common(1)[0]
        said = f"first {first:.3f}, listed {listed:.3f} ({length:.1f} names a photo)"
        yield f"{split}, {len(mine)} photos: {said}; always '{most[0]}' {most[1] / len(mine):.3f}, by chance {chance:.3f}"


def main() -> int:
    data, parts = Path(sys.argv[1]), sys.argv[2:] or ["words", "labels", "colours"]
    if "words" in parts:
        for line in words(data / "grocery"):
            print(line, flush=True)
    if "labels" in parts:
        for line in labels(data / "grocery"):
            print(line, flush=True)
    if "colours" in parts:
        for line in colours(data / "fashion"):
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
